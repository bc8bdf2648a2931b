"""The base class of all encoder-decoders: ids, embedding, output."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from newword import _check
from newword.keras._seeding import dropout_seed
from newword.keras.layers.gated_convolution import share
from newword.keras.layers.masks import mask_from_ids
from newword.keras.seq2seq.copying import CopyPrior

__all__ = ["Seq2SeqModel"]

FIRST_TOKEN = 2
"""The first id of an ordinary token, after padding and unknown."""


class Seq2SeqModel(keras.Model):  # type: ignore[misc, unused-ignore]
    """Base class of models from a source to the probabilities of target tokens.

    Ids are those of a `Vocabulary` (0 is padding, 1 is unknown), followed by a start and an end
    token. Source and target share the embedding.

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

    def build_blocks(self, shape: Any) -> None:
        """Creates the weights of encoder and decoder for (batch, steps, units)."""
        raise NotImplementedError

    def encode(self, source: Any, training: Any = None) -> dict[str, Any]:
        """Computes all that the decoder needs of a source, a nest of tensors with rows first."""
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
