"""Sequence encoders for tagging heads."""

from typing import Any

import keras

from newword._check import whole
from newword.keras._seeding import dropout_seed
from newword.keras.layers._shapes import feature_count, sequence_shape
from newword.keras.layers.gated_convolution import DilatedGatedConv1D, share
from newword.keras.layers.masks import apply_mask
from newword.keras.layers.recurrent import LengthAwareBidirectional

__all__ = ["BiLSTMEncoder", "DGCNNEncoder", "StackedEncoder"]

register = keras.saving.register_keras_serializable(package="newword")


class StackedEncoder(keras.layers.Layer):
    """Base class of the encoders: a stack of blocks.

    A block maps (batch, steps, features) and a mask to the same shape, with zeros at padding.

    Args:
        units: Number of features of the blocks.
        num_layers: Number of blocks.
        dropout: See the encoder.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.
    """

    projects = True
    """Whether a `Dense` layer first projects the features to `units`."""

    def __init__(self, units: int, num_layers: int, dropout: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = whole("units", units, 1)
        self.num_layers = whole("num_layers", num_layers, 1)
        self.dropout = share("dropout", dropout)
        self.supports_masking = True
        self.projection = None
        if self.projects:
            self.projection = keras.layers.Dense(units, dtype=self.dtype_policy, name="projection")

    @property
    def features(self) -> int:
        """Number of output features."""
        return self.units

    def build(self, input_shape: Any) -> None:
        """Creates the weights of all blocks."""
        features = feature_count(input_shape)
        batch, steps, _ = input_shape
        if self.projection is not None:
            self.projection.build(input_shape)
            features = self.units
        for block in self.blocks:
            block.build((batch, steps, features))
            features = self.features

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        """Applies the blocks in order."""
        sequence_shape(inputs.shape, rank=3)
        # Zero before any product: padding must not affect the gradients of the weights.
        x = apply_mask(inputs, mask)
        if self.projection is not None:
            x = self.projection(x)
        for block in self.blocks:
            x = block(x, mask=mask, training=training)
        return x

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """(batch, steps, features)."""
        batch, steps, _ = sequence_shape(input_shape, rank=3)
        return (batch, steps, self.features)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "units": self.units,
            "num_layers": self.num_layers,
            "dropout": self.dropout,
        }


@register
class BiLSTMEncoder(StackedEncoder):
    """One or several stacked bidirectional LSTMs.

    Args:
        units: Units of each direction; the output has twice as many features.
        num_layers: Number of stacked bidirectional LSTMs.
        dropout: Fraction of the features dropped between two layers, the same ones at all steps
            and in both directions.
        recurrent_initializer: Initialiser of the recurrent kernels.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Input:
        Tensor of shape (batch, steps, features), and its mask of shape (batch, steps), with padding
        anywhere. Without a mask all steps are valid.

    Output:
        Tensor of shape (batch, steps, 2 units), zero at padding, with the same mask. Takes
        O(batch · steps · units · (features + units)) per layer, in a loop of `steps` iterations.

    Raises:
        InvalidArgumentError: An argument is out of range; an input does not have three axes or
            does not fit its mask.

    Source:
        Huang, Xu and Yu, Bidirectional LSTM-CRF models for sequence tagging, 2015.

    Examples:
        >>> encoder = BiLSTMEncoder(8, num_layers=2)
        >>> encoder(keras.ops.ones((2, 5, 3)), mask=keras.ops.ones((2, 5), "bool")).shape[2]
        16
    """

    projects = False

    def __init__(
        self,
        units: int = 64,
        num_layers: int = 1,
        *,
        dropout: float = 0.0,
        recurrent_initializer: Any = "orthogonal",
        **kwargs: Any,
    ) -> None:
        super().__init__(units, num_layers, dropout, **kwargs)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.blocks = [self._block(index) for index in range(self.num_layers)]

    @property
    def features(self) -> int:
        """Number of output features."""
        return 2 * self.units

    def _block(self, index: int) -> Any:
        dropout = self.dropout if index else 0.0
        lstm = keras.layers.LSTM(
            self.units,
            return_sequences=True,
            dropout=dropout,
            seed=dropout_seed(dropout),
            recurrent_initializer=self.recurrent_initializer,
            dtype=self.dtype_policy,
            name=f"lstm_{index}",
        )
        return LengthAwareBidirectional(lstm, name=f"block_{index}")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        initializer = keras.initializers.serialize(self.recurrent_initializer)
        return {**super().get_config(), "recurrent_initializer": initializer}


@register
class DGCNNEncoder(StackedEncoder):
    """Gated residual convolutions with dilations 1, 2, 4, 8, 1, 2, ... after a `Dense` layer.

    The receptive field is 1, 3, 7 and 15 characters to each side with 1 to 4 layers, 30 with 8.

    Args:
        units: Features of every layer.
        num_layers: Number of convolutions.
        dropout: As for `DilatedGatedConv1D`.
        kernel_size: Steps in a window.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Input:
        As for `DilatedGatedConv1D`.

    Output:
        Tensor of shape (batch, steps, units), zero at padding, with the same mask. Takes
        O(batch · steps · kernel_size · units²) per layer, without a loop over the steps.

    Raises:
        InvalidArgumentError: As for `DilatedGatedConv1D`.

    Source:
        Su Jianlin, 基于CNN的阅读理解式问答模型：DGCNN, https://kexue.fm/archives/5409.

    Examples:
        >>> encoder = DGCNNEncoder(8, num_layers=2)
        >>> encoder(keras.ops.ones((2, 5, 3)), mask=keras.ops.ones((2, 5), "bool")).shape[2]
        8
    """

    def __init__(
        self,
        units: int = 64,
        num_layers: int = 4,
        *,
        dropout: float = 0.0,
        kernel_size: int = 3,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, num_layers, dropout, **kwargs)
        self.kernel_size = whole("kernel_size", kernel_size, 1)
        self.blocks = [
            DilatedGatedConv1D(
                self.kernel_size,
                2 ** (index % 4),
                dropout=self.dropout,
                dtype=self.dtype_policy,
                name=f"block_{index}",
            )
            for index in range(self.num_layers)
        ]

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "kernel_size": self.kernel_size}
