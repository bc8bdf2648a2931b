"""Multi-head attention whose keys and values can be computed once and kept."""

from typing import Any

import keras
from keras import ops

from newword._check import invalid, whole
from newword.keras.layers.rotary import rotated

__all__ = ["CachedAttention"]

MASKED = -1e9
"""The score of a key that is not valid; its weight in float32 is 0 beside any that is."""


class CachedAttention(keras.layers.Layer):
    """Multi-head attention in two parts: keys and values of the memory, then the queries.

    A decoder computes keys and values of the source once, and those of each token when it is
    generated. Without biases in queries and keys, a score depends only on the content of two steps
    and, with rotary positions, on their distance.

    Args:
        units: Features of the output; a multiple of `num_heads`, with rotary positions of twice
            `num_heads`.
        num_heads: Number of heads.
        rotary: Whether queries and keys are rotated by their positions.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, units: int, num_heads: int, rotary: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_heads, self.rotary = whole("num_heads", num_heads, 1), rotary
        multiple = self.num_heads * (2 if rotary else 1)
        if units % multiple:
            raise invalid("units", f"a multiple of {multiple}", units)
        self.units, self.size = units, units // self.num_heads
        self.query = self._dense(units, "query", use_bias=False)
        self.key = self._dense(units, "key", use_bias=False)
        self.value = self._dense(units, "value")
        self.merge = self._dense(units, "merge")

    def _dense(self, units: int, name: str, **options: Any) -> Any:
        return keras.layers.Dense(units, dtype=self.dtype_policy, name=name, **options)

    def build(self, input_shape: Any, memory_shape: Any) -> None:
        """Creates the weights for the features of the queries and of the memory."""
        self.query.build(input_shape)
        self.key.build(memory_shape)
        self.value.build(memory_shape)
        self.merge.build((*input_shape[:2], self.units))

    def keys_values(self, memory: Any, place: Any) -> tuple[Any, Any]:
        """Keys and values of a memory, each (batch, steps, heads, size).

        Args:
            memory: Tensor of shape (batch, steps, features).
            place: The positions of its steps, (batch, steps); ignored without rotary positions.
        """
        key = self._heads(self.key(memory))
        return rotated(key, place) if self.rotary else key, self._heads(self.value(memory))

    def attend(self, x: Any, place: Any, keys_values: tuple[Any, Any], mask: Any) -> Any:
        """The output for queries, (batch, queries, units); zero where no key is valid.

        Args:
            x: Tensor of shape (batch, queries, features).
            place: The positions of the queries, (batch, queries).
            keys_values: The result of `keys_values`.
            mask: The keys that each query sees, bool; (batch or 1, queries or 1, keys).
        """
        query = self._heads(self.query(x))
        query = rotated(query, place) if self.rotary else query
        keys, values = keys_values
        scores = ops.einsum("bqhd,bkhd->bhqk", query / self.size**0.5, keys)
        # In float32, and in fewer passes over the scores than `masked_softmax`.
        scores = ops.where(mask[:, None], ops.cast(scores, "float32"), MASKED)
        # Keras warns of a softmax over a single key, whose weight is 1.
        alone = scores.shape[-1] == 1
        weights = ops.ones_like(scores) if alone else ops.softmax(scores, axis=-1)
        weights = ops.cast(weights, values.dtype)
        mixed = ops.einsum("bhqk,bkhd->bqhd", weights, values)
        mixed = ops.reshape(mixed, (*ops.shape(query)[:2], self.units))
        some = ops.any(mask, axis=-1)[..., None]
        mixed = ops.where(some, mixed, ops.zeros_like(mixed))
        return self.merge(mixed)

    def _heads(self, x: Any) -> Any:
        return ops.reshape(x, (*ops.shape(x)[:2], self.num_heads, self.size))
