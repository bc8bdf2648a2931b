"""Attention between texts and descriptions, in parts that several pairs share."""

from typing import Any

import keras
from keras import ops

from newword.keras.layers.masks import masked_max

__all__ = ["PairAttention"]

MASKED = -3e4
"""What is added to the score of padding; finite in half precision, and its exponential is 0."""


class PairAttention(keras.layers.Layer):
    """Multi-head attention whose output is the maximum over the queries.

    Heads are an axis before the steps, as products of matrices need them. Keys have one feature
    more, by which a query, whose last feature is 1, adds `MASKED` to the scores of padding: the
    scores, the largest tensor here, are read once less.

    Args:
        units: Features of the output, a multiple of `num_heads`.
        num_heads: Number of heads.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, units: int, num_heads: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.num_heads, self.size = units, num_heads, units // num_heads
        self.query = self._dense("query", use_bias=False)
        self.key = self._dense("key", use_bias=False)
        self.value = self._dense("value")

    def _dense(self, name: str, **options: Any) -> Any:
        return keras.layers.Dense(self.units, dtype=self.dtype_policy, name=name, **options)

    def build(self, input_shape: Any, memory_shape: Any) -> None:
        """Creates the weights for the features of the queries and of the memory."""
        self.query.build(input_shape)
        self.key.build(memory_shape)
        self.value.build(memory_shape)

    def memory(self, x: Any, mask: Any) -> tuple[Any, Any]:
        """Keys and values of (batch, steps, features) with its mask of (batch, steps).

        The keys have the shape (batch, heads, size + 1, steps), the values (batch, heads, steps,
        size). The values of padding are 0, so that the output is 0 where all is padding.
        """
        values = self.value(x)
        values = ops.where(mask[..., None], values, ops.zeros_like(values))
        keys = self._heads(self.key(x))
        padding = MASKED * (1 - ops.cast(mask, keys.dtype))
        padding = padding[:, None, :, None] * ops.ones_like(keys[..., :1])
        keys = ops.concatenate([keys, padding], axis=-1)
        return ops.transpose(keys, (0, 1, 3, 2)), self._heads(values)

    def queries(self, x: Any) -> Any:
        """The queries of (batch, steps, features): (batch, heads, steps, size + 1)."""
        queries = self._heads(self.query(x) / self.size**0.5)
        return ops.concatenate([queries, ops.ones_like(queries[..., :1])], axis=-1)

    def maximum(self, queries: Any, memory: tuple[Any, Any], mask: Any) -> Any:
        """The maximum of the output over the valid queries, (batch, units); 0 if there is none.

        Args:
            queries: The result of `queries`.
            memory: The result of `memory`.
            mask: The mask of the queries, (batch, queries).
        """
        keys, values = memory
        scores = ops.cast(ops.matmul(queries, keys), "float32")
        # Keras warns of a softmax over a single key, whose weight is 1.
        alone = scores.shape[-1] == 1
        weights = ops.ones_like(scores) if alone else ops.softmax(scores, axis=-1)
        mixed = ops.matmul(ops.cast(weights, values.dtype), values)
        steps = ops.shape(mixed)[2]
        mixed = ops.reshape(mixed, (-1, steps, self.size))
        found = masked_max(mixed, ops.repeat(mask, self.num_heads, axis=0))
        return ops.reshape(found, (-1, self.units))

    def _heads(self, x: Any) -> Any:
        x = ops.reshape(x, (*ops.shape(x)[:2], self.num_heads, self.size))
        return ops.transpose(x, (0, 2, 1, 3))
