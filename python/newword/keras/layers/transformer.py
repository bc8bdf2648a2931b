"""A small Transformer encoder for sequences of any length and any padding."""

from typing import Any

import keras
from keras import ops

from newword._check import invalid, whole
from newword.keras._seeding import dropout_seed
from newword.keras.layers._shapes import feature_count
from newword.keras.layers.encoders import StackedEncoder
from newword.keras.layers.masks import apply_mask, as_mask, masked_softmax
from newword.keras.layers.rotary import positions, rotated

__all__ = ["TransformerEncoder"]


@keras.saving.register_keras_serializable(package="newword")
class TransformerEncoder(StackedEncoder):
    """A pre-norm Transformer encoder with rotary positions.

    Queries and keys are rotated by angles proportional to their position among the valid steps.
    An attention score thus depends on the relative position of two steps, not on the length or the
    padding.

    Args:
        units: Features of every layer; a multiple of twice `num_heads`.
        num_layers: Number of layers.
        num_heads: Number of attention heads.
        feedforward: Hidden units of the feed-forward layers; four times `units` by default.
        dropout: Dropout rate on the outputs of attention and feed-forward layers.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Input:
        Tensor of shape (batch, steps, features), and its mask of shape (batch, steps), with padding
        anywhere. Without a mask all steps are valid.

    Output:
        Tensor of shape (batch, steps, units), zero at padding, with the same mask. Takes
        O(batch · steps · units · (steps + units)) time and O(batch · num_heads · steps²) memory.

    Raises:
        InvalidArgumentError: An argument is out of range; an input does not have three axes or
            does not fit its mask.

    Source:
        Vaswani et al., Attention is all you need, 2017; Xiong et al., On layer normalization in
        the Transformer architecture, 2020; rotary positions: Su Jianlin,
        https://kexue.fm/archives/8265.

    Examples:
        >>> encoder = TransformerEncoder(8, num_heads=2)
        >>> encoder(keras.ops.ones((2, 5, 3)), mask=keras.ops.ones((2, 5), "bool")).shape[2]
        8
    """

    def __init__(
        self,
        units: int = 64,
        num_layers: int = 2,
        *,
        num_heads: int = 4,
        feedforward: int | None = None,
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, num_layers, dropout, **kwargs)
        self.num_heads = whole("num_heads", num_heads, 1)
        if self.units % (2 * self.num_heads):
            raise invalid("units", f"a multiple of {2 * self.num_heads}, 2 num_heads", units)
        self.feedforward = (
            4 * units if feedforward is None else whole("feedforward", feedforward, 1)
        )
        self.blocks = [
            TransformerBlock(
                self.num_heads,
                self.feedforward,
                self.dropout,
                dtype=self.dtype_policy,
                name=f"block_{index}",
            )
            for index in range(self.num_layers)
        ]
        self.norm = keras.layers.LayerNormalization(dtype=self.dtype_policy, name="norm")

    def build(self, input_shape: Any) -> None:
        """Creates the weights of all blocks."""
        super().build(input_shape)
        self.norm.build((*input_shape[:2], self.units))

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        """Applies the blocks in order and normalises the result."""
        return apply_mask(self.norm(super().call(inputs, mask=mask, training=training)), mask)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        own = {"num_heads": self.num_heads, "feedforward": self.feedforward}
        return {**super().get_config(), **own}


class TransformerBlock(keras.layers.Layer):
    """x + attention(norm(x)), then the same with a feed-forward layer."""

    def __init__(self, num_heads: int, feedforward: int, dropout: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_heads, self.feedforward = num_heads, feedforward
        self.supports_masking = True
        self.drop = keras.layers.Dropout(
            dropout, seed=dropout_seed(dropout), dtype=self.dtype_policy
        )

    def build(self, input_shape: Any) -> None:
        """Creates the weights for the number of input features."""
        features = feature_count(input_shape)
        self.size = features // self.num_heads
        self.attention_norm = self._norm("attention_norm", input_shape)
        # Without biases, so that a score depends only on the content of two steps.
        self.joint = self._dense("joint", 3 * features, input_shape, use_bias=False)
        self.merge = self._dense("merge", features, input_shape)
        self.feedforward_norm = self._norm("feedforward_norm", input_shape)
        self.widen = self._dense("widen", self.feedforward, input_shape, activation="gelu")
        wide = (*input_shape[:2], self.feedforward)
        self.narrow = self._dense("narrow", features, wide)

    def _norm(self, name: str, shape: Any) -> Any:
        layer = keras.layers.LayerNormalization(dtype=self.dtype_policy, name=name)
        layer.build(shape)
        return layer

    def _dense(self, name: str, units: int, shape: Any, **options: Any) -> Any:
        layer = keras.layers.Dense(units, dtype=self.dtype_policy, name=name, **options)
        layer.build(shape)
        return layer

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        """The block's output, zero at padding."""
        attended = self.merge(self._attend(self.joint(self.attention_norm(inputs)), mask))
        x = inputs + self.drop(attended, training=training)
        fed = self.narrow(self.widen(self.feedforward_norm(x)))
        return apply_mask(x + self.drop(fed, training=training), mask)

    def _attend(self, joint: Any, mask: Any) -> Any:
        """Attention of joint queries, keys and values, (batch, steps, 3 features)."""
        batch, steps = ops.shape(joint)[0], ops.shape(joint)[1]
        heads = ops.reshape(joint, (batch, steps, 3, self.num_heads, self.size))
        query, key, value = heads[:, :, 0], heads[:, :, 1], heads[:, :, 2]
        place = positions(joint, mask)
        query, key = rotated(query, place), rotated(key, place)
        scores = ops.einsum("bqhd,bkhd->bhqk", query / self.size**0.5, key)
        keys = None if mask is None else as_mask(mask)[:, None, None, :]
        weights = masked_softmax(scores, keys, axis=-1)
        mixed = ops.einsum("bhqk,bkhd->bqhd", weights, value)
        return ops.reshape(mixed, (batch, steps, self.num_heads * self.size))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input."""
        return tuple(input_shape)
