"""The encoder and the decoder of the LSTM models."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from newword import _check
from newword.keras.layers.encoders import BiLSTMEncoder
from newword.keras.layers.masks import masked_max
from newword.keras.seq2seq.attention import CachedAttention
from newword.keras.seq2seq.modulation import SelfModulatedLayerNormalization

__all__ = ["LSTMDecoder", "LSTMEncoder"]

SLOPE = 0.2
"""The slope of the leaky ReLU for negative numbers."""


class LSTMEncoder(keras.layers.Layer):
    """Bidirectional LSTMs, each after a layer normalisation.

    Args:
        units: Features of input and output; even, half of them for each direction.
        num_layers: Number of layers.
        recurrent_initializer: Initialiser of the recurrent kernels.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(
        self, units: int, num_layers: int, recurrent_initializer: Any, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        if units % 2:
            raise _check.invalid("units", "even, half of them for each direction", units)
        policy, layers = self.dtype_policy, range(num_layers)
        self.norms = [
            keras.layers.LayerNormalization(dtype=policy, name=f"norm_{index}") for index in layers
        ]
        self.lstms = [
            BiLSTMEncoder(
                units // 2,
                recurrent_initializer=recurrent_initializer,
                dtype=policy,
                name=f"lstm_{index}",
            )
            for index in layers
        ]

    def build(self, input_shape: Any) -> None:
        """Creates the weights for (batch, steps, units)."""
        for layer in (*self.norms, *self.lstms):
            layer.build(input_shape)

    def call(self, x: Any, mask: Any = None, training: Any = None) -> Any:
        """The output for (batch, steps, units), of the same shape."""
        for norm, lstm in zip(self.norms, self.lstms, strict=True):
            x = lstm(norm(x), mask=mask, training=training)
        return x


class LSTMDecoder(keras.layers.Layer):
    """LSTMs between layer normalisations that are modulated by the source, and attention over it.

    It is used in two parts, `states` and `joined`, because bidirectional models relate the states
    of two decoders in between.

    Args:
        units: Features of input and output.
        num_layers: Number of LSTM layers.
        num_heads: Heads of the attention over the source.
        recurrent_initializer: Initialiser of the recurrent kernels.
        joined_parts: Number of tensors that `joined` joins with the attention over the source.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(
        self,
        units: int,
        num_layers: int,
        num_heads: int,
        recurrent_initializer: Any,
        joined_parts: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        policy = self.dtype_policy
        self.units, self.joined_parts = units, joined_parts
        self.norms = [
            SelfModulatedLayerNormalization(max(1, units // 4), dtype=policy, name=f"norm_{index}")
            for index in range(num_layers + 1)
        ]
        self.lstms = [
            keras.layers.LSTM(
                units,
                return_sequences=True,
                recurrent_initializer=recurrent_initializer,
                dtype=policy,
                name=f"lstm_{index}",
            )
            for index in range(num_layers)
        ]
        self.attention = CachedAttention(
            units, num_heads, rotary=False, dtype=policy, name="attention"
        )
        self.merge = keras.layers.Dense(units, dtype=policy, name="merge")

    def build(self, input_shape: Any) -> None:
        """Creates the weights for (batch, steps, units)."""
        for lstm in self.lstms:
            lstm.build(input_shape)
        for norm in self.norms:
            norm.build(input_shape, (None, self.units))
        self.attention.build(input_shape, input_shape)
        self.merge.build((None, None, (self.joined_parts + 1) * self.units))

    def memory(self, source: Any, mask: Any) -> dict[str, Any]:
        """The modulation of each norm, and keys and values of the attention.

        Args:
            source: The encoder's output, (batch, source steps, units).
            mask: The mask of the source, (batch, source steps).
        """
        pooled = masked_max(source, mask)
        return {
            "modulations": [norm.modulation(pooled) for norm in self.norms],
            "source": self.attention.keys_values(source, None),
        }

    def states(self, x: Any, memory: dict[str, Any], training: Any = None) -> Any:
        """The states after all LSTMs, for embedded tokens, both (batch, steps, units)."""
        for index, lstm in enumerate(self.lstms):
            x = lstm(self._modulated(index, x, memory), training=training)
        return self._modulated(-1, x, memory)

    def caches(self, rows: Any) -> list[Any]:
        """The states of the LSTMs, zeros."""
        # A tensor of its own for each state, because JAX reuses the memory of each.
        return [
            [ops.zeros((rows, self.units), dtype=self.compute_dtype) for _ in range(2)]
            for _ in self.lstms
        ]

    def states_step(
        self, x: Any, memory: dict[str, Any], caches: list[Any]
    ) -> tuple[Any, list[Any]]:
        """The same for one token of each hypothesis.

        Args:
            x: Embedded tokens, (sources, hypotheses, units).
            memory: The result of `memory`, of the sources.
            caches: The states of the LSTMs, those of a source's hypotheses after each other.

        Returns:
            The states, of the shape of `x`, and the new caches.
        """
        shape, kept = ops.shape(x), []
        for index, (lstm, before) in enumerate(zip(self.lstms, caches, strict=True)):
            rows = ops.reshape(self._modulated(index, x, memory), (-1, self.units))
            rows, after = lstm.cell(rows, before, training=False)
            x = ops.reshape(rows, shape)
            kept.append(list(after))
        return self._modulated(-1, x, memory), kept

    def attended(self, states: Any, memory: dict[str, Any], mask: Any) -> Any:
        """What states attend to in the source; (batch, steps, units)."""
        return self.attention.attend(states, None, memory["source"], mask[:, None])

    def joined(self, parts: list[Any]) -> Any:
        """Joins tensors of shape (..., units) to one."""
        return ops.leaky_relu(self.merge(ops.concatenate(parts, axis=-1)), SLOPE)

    def _modulated(self, index: int, x: Any, memory: dict[str, Any]) -> Any:
        return self.norms[index].modulate(x, *memory["modulations"][index])
