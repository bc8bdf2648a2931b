"""The LSTM encoder-decoder of the articles."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from newword import _check
from newword.keras.layers.encoders import BiLSTMEncoder
from newword.keras.layers.masks import masked_max
from newword.keras.seq2seq.attention import CachedAttention
from newword.keras.seq2seq.encoder_decoder import EncoderDecoder
from newword.keras.seq2seq.modulation import SelfModulatedLayerNormalization

__all__ = ["LSTMEncoderDecoder"]

SLOPE = 0.2
"""The slope of the leaky ReLU for negative numbers."""


@keras.saving.register_keras_serializable(package="newword")
class LSTMEncoderDecoder(EncoderDecoder):
    """A bidirectional LSTM encoder, and an LSTM decoder with attention over it.

    The decoder's layer normalisations are modulated by the maximum of the encoder's output over the
    steps. Its last one is joined with attention over the source.

    Args:
        vocabulary_size: Number of ids of the vocabulary, `len(vocabulary)`. Two more ids follow:
            `start_token` and `end_token`.
        units: Features of the embedding, the encoder and the decoder; even, and a multiple of
            `num_heads`.
        num_layers: LSTM layers of the encoder, each bidirectional with half the units for each
            direction, and of the decoder.
        num_heads: Heads of the attention.
        dropout: Dropout rate of embeddings and of the decoder's output.
        copy_prior: Whether logits are averaged with a prior for tokens that occur in the source;
            see `CopyPrior`.
        recurrent_initializer: Initialiser of the recurrent kernels.
        **kwargs: Arguments of `keras.Model`, such as `name` and `dtype`.

    Input:
        A dict: "source", ids of shape (batch, source steps), padded with 0 anywhere, and "target",
        ids of shape (batch, steps): the start token, then the target, padded with 0 on the right.

    Output:
        Logits of the next token at each step, float32 of shape (batch, steps, vocabulary_size + 2).
        A pass takes O(batch (source steps + steps) units²), in loops over the steps. A step of
        generation takes the same time whatever its position.

    Raises:
        InvalidArgumentError: An argument is out of range.

    Source:
        Su Jianlin, https://kexue.fm/archives/5861 and https://kexue.fm/archives/6877.

    Examples:
        >>> import numpy as np
        >>> model = LSTMEncoderDecoder(10, 8)
        >>> source = np.array([[4, 5, 6, 0]])
        >>> target = np.array([[model.start_token, 4, 5]])
        >>> tuple(model({"source": source, "target": target}).shape)
        (1, 3, 12)
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int = 128,
        num_layers: int = 2,
        *,
        num_heads: int = 8,
        dropout: float = 0.0,
        copy_prior: bool = True,
        recurrent_initializer: Any = "orthogonal",
        **kwargs: Any,
    ) -> None:
        super().__init__(vocabulary_size, units, dropout, copy_prior, **kwargs)
        self.num_layers = _check.whole("num_layers", num_layers, 1)
        self.num_heads = num_heads
        if self.units % 2:
            raise _check.invalid("units", "even, half of them for each direction", units)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        layers = range(self.num_layers)
        self.encoder_norms = [self._norm(f"encoder_norm_{index}") for index in layers]
        self.encoders = [self._encoder(f"encoder_{index}") for index in layers]
        self.decoder_norms = [
            SelfModulatedLayerNormalization(
                max(1, self.units // 4), dtype=self.dtype_policy, name=f"decoder_norm_{index}"
            )
            for index in range(self.num_layers + 1)
        ]
        self.lstms = [self._lstm(f"decoder_{index}") for index in layers]
        self.attention = CachedAttention(
            self.units, self.num_heads, rotary=False, dtype=self.dtype_policy, name="attention"
        )
        self.merge = keras.layers.Dense(self.units, dtype=self.dtype_policy, name="merge")
        self.build()

    def _norm(self, name: str) -> Any:
        return keras.layers.LayerNormalization(dtype=self.dtype_policy, name=name)

    def _encoder(self, name: str) -> Any:
        return BiLSTMEncoder(
            self.units // 2,
            recurrent_initializer=self.recurrent_initializer,
            dtype=self.dtype_policy,
            name=name,
        )

    def _lstm(self, name: str) -> Any:
        return keras.layers.LSTM(
            self.units,
            return_sequences=True,
            recurrent_initializer=self.recurrent_initializer,
            dtype=self.dtype_policy,
            name=name,
        )

    def build_blocks(self, shape: Any) -> None:
        """Creates the weights of encoder and decoder."""
        for layer in (*self.encoder_norms, *self.encoders, *self.lstms):
            layer.build(shape)
        for norm in self.decoder_norms:
            norm.build(shape, (None, self.units))
        self.attention.build(shape, shape)
        self.merge.build((None, None, 2 * self.units))

    def encode(self, source: Any, training: Any = None) -> dict[str, Any]:
        """The modulation of each norm, and keys and values of the attention."""
        parts = self.source_parts(source)
        x = self.embed(source, training=training)
        for norm, encoder in zip(self.encoder_norms, self.encoders, strict=True):
            x = encoder(norm(x), mask=parts["mask"], training=training)
        pooled = masked_max(x, parts["mask"])
        parts["modulations"] = [norm.modulation(pooled) for norm in self.decoder_norms]
        parts["source"] = self.attention.keys_values(x, None)
        return parts

    def hidden(self, embedded: Any, memory: dict[str, Any], training: Any = None) -> Any:
        """Runs the LSTMs over all steps."""
        x = embedded
        for index, lstm in enumerate(self.lstms):
            x = lstm(self._modulated(index, x, memory), training=training)
        return self._with_source(self._modulated(-1, x, memory), memory)

    def caches(self, rows: Any, max_length: int) -> dict[str, Any]:  # noqa: ARG002
        """The states of the LSTMs, zeros."""
        # A tensor of its own for each state, because JAX reuses the memory of each.
        return {
            "lstm": [
                [ops.zeros((rows, self.units), dtype=self.compute_dtype) for _ in range(2)]
                for _ in self.lstms
            ]
        }

    def hidden_step(
        self, embedded: Any, memory: dict[str, Any], caches: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Runs the cells of the LSTMs once."""
        x, states = embedded, []
        for index, lstm in enumerate(self.lstms):
            x = self._modulated(index, x, memory)[:, 0]
            x, state = lstm.cell(x, caches["lstm"][index], training=False)
            x = x[:, None]
            states.append(list(state))
        return self._with_source(self._modulated(-1, x, memory), memory), {"lstm": states}

    def _modulated(self, index: int, x: Any, memory: dict[str, Any]) -> Any:
        return self.decoder_norms[index].modulate(x, *memory["modulations"][index])

    def _with_source(self, x: Any, memory: dict[str, Any]) -> Any:
        """Joins steps with what they attend to in the source."""
        mask = memory["mask"][:, None]
        attended = self.attention.attend(x, None, memory["source"], mask)
        return ops.leaky_relu(self.merge(ops.concatenate([x, attended], axis=-1)), SLOPE)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer),
        }
