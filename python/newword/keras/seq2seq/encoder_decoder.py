"""The base class of the encoder-decoders: embedding, output, and decoding in one pass or steps."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from newword import _check
from newword.keras._seeding import dropout_seed
from newword.keras.layers.gated_convolution import share
from newword.keras.layers.masks import mask_from_ids
from newword.keras.seq2seq.copying import CopyPrior

__all__ = ["EncoderDecoder"]

FIRST_TOKEN = 2
"""The first id of an ordinary token, after padding and unknown."""


class EncoderDecoder(keras.Model):  # type: ignore[misc, unused-ignore]
    """Base class of models from a source to the probabilities of the next target token.

    Ids are those of a `Vocabulary` (0 is padding, 1 is unknown), followed by a start and an end
    token. Source and target share the embedding.

    A subclass defines `encode`, `hidden`, `caches` and `hidden_step`. The same weights then
    compute a whole target in one pass (`call`), for training, and one token at a time (`start`,
    `step`), for generation, with the same probabilities up to rounding.

    Args:
        vocabulary_size: Number of ids of the vocabulary, without start and end.
        units: Features of the embedding and of the decoder.
        dropout: Dropout rate of embeddings and of the decoder's output.
        copy_prior: Whether logits are averaged with a `CopyPrior`.
        **kwargs: Arguments of `keras.Model`, such as `name` and `dtype`.
    """

    def __init__(
        self, vocabulary_size: int, units: int, dropout: float, copy_prior: bool, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = _check.whole("vocabulary_size", vocabulary_size, FIRST_TOKEN + 1)
        self.units = _check.whole("units", units, 1)
        self.dropout = share("dropout", dropout)
        self.copy_prior = _check.flag("copy_prior", copy_prior)
        policy = self.dtype_policy
        self.embedding = keras.layers.Embedding(
            self.num_tokens, self.units, dtype=policy, name="embedding"
        )
        self.input_dropout = self._dropout("input_dropout")
        self.output_dropout = self._dropout("output_dropout")
        self.output_layer = keras.layers.Dense(self.num_tokens, dtype=policy, name="output")
        self.prior = CopyPrior(self.num_tokens, name="prior") if self.copy_prior else None

    @property
    def start_token(self) -> int:
        """The first input of the decoder."""
        return int(self.vocabulary_size)

    @property
    def end_token(self) -> int:
        """The token that ends a target."""
        return int(self.vocabulary_size + 1)

    @property
    def num_tokens(self) -> int:
        """The number of ids, including start and end."""
        return int(self.vocabulary_size + 2)

    def build(self, input_shape: Any = None) -> None:  # noqa: ARG002
        """Creates the weights, which do not depend on the input; called by the constructor."""
        if self.built:
            return
        shape = (None, None, self.units)
        self.embedding.build((None, None))
        self.output_layer.build(shape)
        if self.prior is not None:
            self.prior.build()
        self.build_blocks(shape)

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Computes the logits of every next token, given all tokens before it.

        Args:
            inputs: A dict: "source", ids of shape (batch, source steps), and "target", ids of
                shape (batch, steps): the start token, then the target; both padded with 0. The
                source may be padded anywhere, the target on the right.
            training: Whether dropout is active.

        Returns:
            Logits, float32 of shape (batch, steps, num_tokens). Those at padding are meaningless.
        """
        memory = self.encode(inputs["source"], training=training)
        embedded = self.embed(inputs["target"], training=training)
        return self.logits(self.hidden(embedded, memory, training=training), memory, training)

    def encode(self, source: Any, training: Any = None) -> dict[str, Any]:
        """Computes all that the decoder needs of a source, a nest of tensors with rows first."""
        raise NotImplementedError

    def hidden(self, embedded: Any, memory: dict[str, Any], training: Any = None) -> Any:
        """The decoder's output for embedded tokens, both (batch, steps, units); it is causal."""
        raise NotImplementedError

    def caches(self, rows: Any, max_length: int) -> dict[str, Any]:
        """The decoder's state before the first token, a nest of tensors with rows first."""
        raise NotImplementedError

    def hidden_step(
        self, embedded: Any, memory: dict[str, Any], caches: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """The decoder's output for one token, (rows, 1, units), and the new state."""
        raise NotImplementedError

    def build_blocks(self, shape: Any) -> None:
        """Creates the weights of encoder and decoder for (batch, steps, units)."""
        raise NotImplementedError

    def embed(self, ids: Any, training: Any = None) -> Any:
        """Embeds ids of shape (batch, steps)."""
        return self.input_dropout(self.embedding(ids), training=training)

    def logits(self, hidden: Any, memory: dict[str, Any], training: Any = None) -> Any:
        """The logits of the decoder's output, float32 of shape (batch, steps, num_tokens)."""
        outputs = self.output_layer(self.output_dropout(hidden, training=training))
        # float32 before any softmax: half precision has three digits.
        outputs = ops.cast(outputs, "float32")
        return outputs if self.prior is None else self.prior.average(outputs, memory["prior"])

    def start(self, source: Any, max_length: int) -> dict[str, Any]:
        """Computes the state before the first token, for `generate` and `step`.

        Args:
            source: Ids of shape (rows, source steps).
            max_length: The largest number of steps.

        Raises:
            InvalidArgumentError: `max_length` is below 1.
        """
        max_length = _check.whole("max_length", max_length, 1)
        source = ops.convert_to_tensor(source, "int32")
        memory = self.encode(source, training=False)
        return {"memory": memory, "caches": self.caches(ops.shape(source)[0], max_length)}

    def step(self, tokens: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Computes the log-probabilities of the next token.

        Args:
            tokens: The last token of each row, (rows,); at first the start token.
            state: The result of `start` or of the last step.

        Returns:
            Log-probabilities, float32 of shape (rows, num_tokens), and the new state.
        """
        memory = state["memory"]
        embedded = self.embed(tokens[:, None], training=False)
        hidden, caches = self.hidden_step(embedded, memory, state["caches"])
        logits = self.logits(hidden, memory, training=False)[:, 0]
        return ops.log_softmax(logits, axis=-1), {"memory": memory, "caches": caches}

    def room(self, state: dict[str, Any]) -> int | None:  # noqa: ARG002
        """The largest number of steps of a state; None if there is no limit."""
        return None

    def source_parts(self, source: Any) -> dict[str, Any]:
        """The mask of the source and, with a copy prior, its prior."""
        parts = {"mask": mask_from_ids(source)}
        if self.prior is not None:
            parts["prior"] = self.prior.prior(source)
        return parts

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "dropout": self.dropout,
            "copy_prior": self.copy_prior,
        }

    def _dropout(self, name: str) -> Any:
        return keras.layers.Dropout(
            self.dropout, seed=dropout_seed(self.dropout), dtype=self.dtype_policy, name=name
        )
