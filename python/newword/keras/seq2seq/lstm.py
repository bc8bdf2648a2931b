"""The LSTM encoder-decoder of the articles."""

from __future__ import annotations

from typing import Any

import keras

from newword import _check
from newword.keras.seq2seq.encoder_decoder import EncoderDecoder
from newword.keras.seq2seq.lstm_blocks import LSTMDecoder, LSTMEncoder

__all__ = ["LSTMEncoderDecoder"]


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
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.encoder = LSTMEncoder(
            self.units,
            self.num_layers,
            self.recurrent_initializer,
            dtype=self.dtype_policy,
            name="encoder",
        )
        self.decoder = LSTMDecoder(
            self.units,
            self.num_layers,
            self.num_heads,
            self.recurrent_initializer,
            dtype=self.dtype_policy,
            name="decoder",
        )
        self.build()

    def build_blocks(self, shape: Any) -> None:
        """Creates the weights of encoder and decoder."""
        self.encoder.build(shape)
        self.decoder.build(shape)

    def encode(self, source: Any, training: Any = None) -> dict[str, Any]:
        """The modulation of each norm, and keys and values of the attention."""
        parts = self.source_parts(source)
        x = self.embed(source, training=training)
        x = self.encoder(x, mask=parts["mask"], training=training)
        return {**parts, **self.decoder.memory(x, parts["mask"])}

    def hidden(self, embedded: Any, memory: dict[str, Any], training: Any = None) -> Any:
        """Runs the LSTMs over all steps."""
        return self._with_source(self.decoder.states(embedded, memory, training), memory)

    def caches(self, rows: Any, max_length: int) -> dict[str, Any]:  # noqa: ARG002
        """The states of the LSTMs, zeros."""
        return {"lstm": self.decoder.caches(rows)}

    def hidden_step(
        self, embedded: Any, memory: dict[str, Any], caches: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Runs the cells of the LSTMs once."""
        states, kept = self.decoder.states_step(embedded, memory, caches["lstm"])
        return self._with_source(states, memory), {"lstm": kept}

    def _with_source(self, states: Any, memory: dict[str, Any]) -> Any:
        """Joins states with what they attend to in the source."""
        attended = self.decoder.attended(states, memory, memory["mask"])
        return self.decoder.joined([states, attended])

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer),
        }
