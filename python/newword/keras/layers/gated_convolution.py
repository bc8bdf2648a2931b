"""Gated residual convolutions, alone and stacked with growing dilations."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from newword._check import choice, invalid, threshold, whole
from newword.keras._seeding import dropout_seed
from newword.keras.layers._shapes import feature_count, sequence_shape
from newword.keras.layers.attention import clone
from newword.keras.layers.convolution import MaskedConv1D
from newword.keras.layers.masks import apply_mask

__all__ = ["DGCNN", "DilatedGatedConv1D"]

register = keras.saving.register_keras_serializable(package="newword")

PADDINGS = ("same", "causal")


@register
class DilatedGatedConv1D(keras.layers.Layer):
    """A gated residual convolution: y = x·(1 - s) + conv1(x)·s with s = sigmoid(conv2(x)).

    A gate for each feature of each step mixes the input with the convolution, so that gradients
    pass through a deep stack.

    Args:
        kernel_size: Steps in a window.
        dilation_rate: Steps between the steps of a window.
        dropout: Fraction of the gates' logits set to zero in training, which sets those gates
            to 0.5.
        padding: "same", or "causal" to see earlier steps only.
        kernel_initializer: Initialiser of both kernels.
        kernel_regularizer: Regulariser of both kernels.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Input:
        Tensor of shape (batch, steps, features), and its mask of shape (batch, steps). Padding on
        the right or left has no effect; inside a sequence it counts as steps of zeros.
        Without a mask all steps are valid.

    Output:
        Tensor of the same shape in the layer's compute dtype, zero at padding, with the same mask.
        Takes O(batch · steps · kernel_size · features²).

    Raises:
        InvalidArgumentError: An argument is out of range; an input does not have three axes or
            does not fit its mask.

    Source:
        Su Jianlin, 基于CNN的阅读理解式问答模型：DGCNN, https://kexue.fm/archives/5409; masked as in
        https://kexue.fm/archives/6810.

    Examples:
        >>> block = DilatedGatedConv1D(kernel_size=3, dilation_rate=2)
        >>> block(keras.ops.ones((1, 5, 4)), mask=keras.ops.ones((1, 5), "bool")).shape[2]
        4
    """

    def __init__(
        self,
        kernel_size: int = 3,
        dilation_rate: int = 1,
        *,
        dropout: float = 0.0,
        padding: str = "same",
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kernel_size = whole("kernel_size", kernel_size, 1)
        self.dilation_rate = whole("dilation_rate", dilation_rate, 1)
        self.dropout = share("dropout", dropout)
        self.padding = choice("padding", padding, PADDINGS)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.supports_masking = True
        self.gate_dropout = keras.layers.Dropout(
            self.dropout, seed=dropout_seed(self.dropout), dtype=self.dtype_policy
        )

    def build(self, input_shape: Any) -> None:
        """Creates the two convolutions, with as many filters as input features."""
        features = feature_count(input_shape)
        self.candidate = self._convolution(features, "candidate")
        self.gate = self._convolution(features, "gate")
        self.candidate.build(input_shape)
        self.gate.build(input_shape)
        self.gate_dropout.build(input_shape)

    def _convolution(self, filters: Any, name: str) -> Any:
        return MaskedConv1D(
            filters,
            self.kernel_size,
            padding=self.padding,
            dilation_rate=self.dilation_rate,
            kernel_initializer=clone(self.kernel_initializer),
            kernel_regularizer=self.kernel_regularizer,
            data_format="channels_last",
            dtype=self.dtype_policy,
            name=name,
        )

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        """The gated mixture of the input and its convolution."""
        sequence_shape(inputs.shape, rank=3)
        x = apply_mask(inputs, mask)
        logits = self.gate_dropout(self.gate(x, mask=mask), training=training)
        gate = ops.sigmoid(logits)
        # The result is zero at padding, because the input and its convolution are.
        return x * (1 - gate) + self.candidate(x, mask=mask) * gate

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """The shape of the input."""
        return sequence_shape(input_shape, rank=3)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "dilation_rate": self.dilation_rate,
            "dropout": self.dropout,
            "padding": self.padding,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


@register
class DGCNN(keras.layers.Layer):
    """A stack of gated residual convolutions, one per dilation.

    With windows of three steps and dilations 1, 2, 4, ... the receptive field doubles
    with every block, at the same cost per block. Blocks of dilation 1 at the end refine
    details.

    Args:
        dilations: The dilation of each block, from first to last.
        kernel_size: Steps in a window.
        dropout: As for `DilatedGatedConv1D`.
        padding: "same", or "causal" to see earlier steps only.
        kernel_initializer: Initialiser of all kernels.
        kernel_regularizer: Regulariser of all kernels.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Input, output, errors and source:
        As for `DilatedGatedConv1D`; `dilations` must have at least one integer.

    Examples:
        >>> ids = keras.Input((None,), dtype="int32")
        >>> x = keras.layers.Embedding(100, 8, mask_zero=True)(ids)
        >>> tags = keras.layers.Dense(4)(DGCNN(dilations=(1, 2, 4, 1))(x))
    """

    def __init__(
        self,
        dilations: Sequence[int] = (1, 2, 4, 8, 1),
        *,
        kernel_size: int = 3,
        dropout: float = 0.0,
        padding: str = "same",
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(dilations, (list, tuple)) or not dilations:
            raise invalid("dilations", "a sequence of at least one whole number", dilations)
        self.dilations = tuple(
            whole(f"dilations[{index}]", one, 1) for index, one in enumerate(dilations)
        )
        self.kernel_size = whole("kernel_size", kernel_size, 1)
        self.dropout = share("dropout", dropout)
        self.padding = choice("padding", padding, PADDINGS)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.supports_masking = True
        self.blocks = [self._block(index) for index in range(len(self.dilations))]

    def _block(self, index: int) -> Any:
        return DilatedGatedConv1D(
            self.kernel_size,
            self.dilations[index],
            dropout=self.dropout,
            padding=self.padding,
            kernel_initializer=clone(self.kernel_initializer),
            kernel_regularizer=self.kernel_regularizer,
            dtype=self.dtype_policy,
            name=f"block_{index}",
        )

    def build(self, input_shape: Any) -> None:
        """Creates the weights of all blocks."""
        for block in self.blocks:
            block.build(input_shape)

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        """Applies the blocks in order."""
        x = inputs
        for block in self.blocks:
            x = block(x, mask=mask, training=training)
        return x

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """The shape of the input."""
        return sequence_shape(input_shape, rank=3)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "dilations": list(self.dilations),
            "kernel_size": self.kernel_size,
            "dropout": self.dropout,
            "padding": self.padding,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


def share(argument: str, value: Any) -> float:
    """A number of at least 0 and below 1."""
    number = threshold(argument, value)
    if number >= 1:
        raise invalid(argument, "at least 0 and below 1", value)
    return number
