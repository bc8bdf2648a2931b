"""The joint model of mentions and links."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from newword import _check
from newword.keras._lexicons import NUM_PLACES
from newword.keras._seeding import dropout_seed
from newword.keras.layers.convolution import MaskedConv1D
from newword.keras.layers.encoders import BiLSTMEncoder, DGCNNEncoder
from newword.keras.layers.gated_convolution import share
from newword.keras.layers.masks import mask_from_ids, masked_mean
from newword.keras.layers.transformer import TransformerEncoder
from newword.keras.linking.attention import PairAttention
from newword.keras.linking.options import ENCODERS

__all__ = ["EntityLinkingModel"]

ARGUMENTS = (
    *("vocabulary_size", "indicators", "embedding_dim", "units", "filters", "num_heads"),
    *("encoder", "num_layers", "dropout", "dictionary_only", "places", "word_vectors"),
)
PLACE_FEATURES = 16
"""Number of features of the embedding of lexicon positions."""
IMPOSSIBLE = -1e4
"""The logit of an end of a mention where the dictionary allows none; finite in half precision."""


@keras.saving.register_keras_serializable(package="newword")
class EntityLinkingModel(keras.Model):  # type: ignore[misc, unused-ignore]
    """Finds mentions in texts, and decides whether a mention means an entity.

    An encoder reads the embedded text and the matches of names. From its states, a convolution and
    two sigmoids mark starts and ends of mentions. To match a mention with an entity, another
    encoder reads these states with indicators of the mention and of what text and description have
    in common, a third one reads the description, and each attends to the other.

    Args:
        vocabulary_size: Number of ids of the vocabulary.
        indicators: Number of indicators of a pair: that of the span, and one for each feature.
        encoder: The kind of encoder: "bilstm", "dgcnn" or "transformer".
        num_layers: Layers of each encoder; None for its default.
        embedding_dim: Features of a character embedding.
        units: Half of the features of the encoders: the units of each direction of an LSTM.
        filters: Features of the convolution, and of the last hidden layer.
        num_heads: Heads of the attention, of `units` / 4 features each.
        dropout: Dropout rate of embeddings and of the vector of a pair.
        dictionary_only: Whether mentions may start and end only where matches do.
        places: Whether there are positions in lexicon words.
        word_vectors: Number and length of frozen word vectors, or None.
        **kwargs: Arguments of `keras.Model`, such as `name` and `dtype`.

    Input:
        A dict: "characters", ids (batch, steps), padded with 0; "matches", (batch, steps, 2), 1
        where a name starts and where one ends; "indicators", (batch, steps, indicators);
        "description", ids (batch, description steps), padded with 0. With a lexicon also "places"
        and "description_places", with word vectors "words" and "description_words".

    Output:
        A dict of float32 logits: "mentions", (batch, steps, 2), of starts and ends; "link",
        (batch, 1). Takes O((steps + description steps) units² + steps · description steps · units)
        per row.

    Raises:
        InvalidArgumentError: An argument is out of range.

    Source:
        Su Jianlin, https://kexue.fm/archives/6919, and its code.
    """

    def __init__(
        self,
        vocabulary_size: int,
        indicators: int,
        *,
        encoder: str = "bilstm",
        num_layers: int | None = None,
        embedding_dim: int = 128,
        units: int = 64,
        filters: int = 128,
        num_heads: int = 8,
        dropout: float = 0.2,
        dictionary_only: bool = True,
        places: bool = False,
        word_vectors: tuple[int, int] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = _check.whole("vocabulary_size", vocabulary_size, 2)
        self.indicators = _check.whole("indicators", indicators, 1)
        self.encoder = _check.choice("encoder", encoder, ENCODERS)
        self.num_layers = None if num_layers is None else _check.whole("num_layers", num_layers, 1)
        self.embedding_dim = _check.whole("embedding_dim", embedding_dim, 1)
        self.units = _check.whole("units", units, 1)
        self.filters = _check.whole("filters", filters, 1)
        self.num_heads = _check.whole("num_heads", num_heads, 1)
        if 2 * self.units % self.num_heads:
            rule = f"a divisor of {2 * self.units}, twice the units"
            raise _check.invalid("num_heads", rule, num_heads)
        self.dropout = share("dropout", dropout)
        self.dictionary_only = _check.flag("dictionary_only", dictionary_only)
        self.places = _check.flag("places", places)
        self.word_vectors = None if word_vectors is None else tuple(word_vectors)
        self._make_embeddings()
        self._make_blocks()
        self.build()

    def _make_embeddings(self) -> None:
        policy, layers = self.dtype_policy, keras.layers
        self.embedding = layers.Embedding(
            self.vocabulary_size, self.embedding_dim, dtype=policy, name="embedding"
        )
        self.place_embedding = self.word_embedding = self.word_projection = None
        if self.places:
            self.place_embedding = layers.Embedding(
                NUM_PLACES, PLACE_FEATURES, dtype=policy, name="place_embedding"
            )
        if self.word_vectors is not None:
            self.word_embedding = layers.Embedding(
                *self.word_vectors, trainable=False, dtype=policy, name="word_embedding"
            )
            self.word_projection = layers.Dense(
                self.embedding_dim, use_bias=False, dtype=policy, name="word_projection"
            )
        self.embedding_dropout = self._dropout("embedding_dropout")

    def _make_blocks(self) -> None:
        policy, layers = self.dtype_policy, keras.layers
        self.text_encoder = self._encoder("text_encoder")
        self.mention_encoder = self._encoder("mention_encoder")
        self.entity_encoder = self._encoder("entity_encoder")
        self.convolution = MaskedConv1D(
            self.filters, 3, activation="relu", dtype=policy, name="convolution"
        )
        self.ends = layers.Dense(2, dtype=policy, name="ends")
        attentions = [
            PairAttention(2 * self.units, self.num_heads, dtype=policy, name=name)
            for name in ("text_to_entity", "entity_to_text")
        ]
        self.text_to_entity, self.entity_to_text = attentions
        self.pair_dropout = self._dropout("pair_dropout")
        self.hidden = layers.Dense(self.filters, activation="relu", dtype=policy, name="hidden")
        self.link = layers.Dense(1, dtype=policy, name="link")

    def _encoder(self, name: str) -> Any:
        layers = {} if self.num_layers is None else {"num_layers": self.num_layers}
        options = {**layers, "dtype": self.dtype_policy, "name": name}
        if self.encoder == "bilstm":
            return BiLSTMEncoder(self.units, **options)
        if self.encoder == "dgcnn":
            return DGCNNEncoder(2 * self.units, **options)
        heads = {"num_heads": self.num_heads}
        return TransformerEncoder(2 * self.units, **heads, **options)

    def _dropout(self, name: str) -> Any:
        return keras.layers.Dropout(
            self.dropout, seed=dropout_seed(self.dropout), dtype=self.dtype_policy, name=name
        )

    def build(self, input_shape: Any = None) -> None:  # noqa: ARG002
        """Creates the weights, which do not depend on the input; called by the constructor."""
        if self.embedding.built:
            return

        def steps(features: int) -> tuple[None, None, int]:
            return (None, None, features)

        states = 2 * self.units
        embedded = self.embedding_dim + PLACE_FEATURES * self.places
        self.embedding.build((None, None))
        if self.place_embedding is not None:
            self.place_embedding.build((None, None))
        if self.word_embedding is not None and self.word_projection is not None:
            self.word_embedding.build((None, None))
            self.word_projection.build(steps(self.word_embedding.output_dim))
        self.text_encoder.build(steps(embedded + 2))
        self.mention_encoder.build(steps(states + self.indicators))
        self.entity_encoder.build(steps(embedded))
        self.convolution.build(steps(states))
        self.ends.build(steps(self.filters))
        self.text_to_entity.build(steps(states), steps(states))
        self.entity_to_text.build(steps(states), steps(states))
        self.hidden.build((None, 3 * states))
        self.link.build((None, self.filters))

    def call(self, inputs: Any, training: Any = None) -> dict[str, Any]:
        """The logits of mentions, and of one pair for each text; see the class."""
        mask = mask_from_ids(inputs["characters"])
        encoded = self.encode_texts(inputs, training=training)
        described = self.encode_entities(inputs, training=training)
        pairs = self.match(
            (encoded, mask),
            self.entity_side(described, mask_from_ids(inputs["description"])),
            inputs["indicators"],
            training=training,
        )
        return {"mentions": self.mentions(encoded, inputs["matches"], mask), "link": pairs}

    def encode_texts(self, inputs: Any, training: Any = None) -> Any:
        """The states of texts, (batch, steps, 2 units), zero at padding."""
        embedded = self._embedded(inputs, "characters", "", training)
        matches = ops.cast(inputs["matches"], embedded.dtype)
        mask = mask_from_ids(inputs["characters"])
        return self.text_encoder(
            ops.concatenate([embedded, matches], axis=-1), mask=mask, training=training
        )

    def encode_entities(self, inputs: Any, training: Any = None) -> Any:
        """The states of descriptions, (entities, description steps, 2 units)."""
        embedded = self._embedded(inputs, "description", "description_", training)
        mask = mask_from_ids(inputs["description"])
        return self.entity_encoder(embedded, mask=mask, training=training)

    def _embedded(self, inputs: Any, characters: str, prefix: str, training: Any) -> Any:
        embedded = self.embedding(inputs[characters])
        if self.word_embedding is not None and self.word_projection is not None:
            words = self.word_embedding(inputs[f"{prefix}words"])
            embedded = embedded + self.word_projection(words)
        if self.place_embedding is not None:
            places = self.place_embedding(inputs[f"{prefix}places"])
            embedded = ops.concatenate([embedded, places], axis=-1)
        return self.embedding_dropout(embedded, training=training)

    def mentions(self, encoded: Any, matches: Any, mask: Any) -> Any:
        """The logits of starts and ends, float32 of shape (batch, steps, 2)."""
        logits = ops.cast(self.ends(self.convolution(encoded, mask=mask)), "float32")
        allowed = ops.broadcast_to(mask[..., None], ops.shape(logits))
        if self.dictionary_only:
            allowed = ops.logical_and(allowed, ops.cast(matches, "bool"))
        return ops.where(allowed, logits, IMPOSSIBLE)

    def entity_side(self, described: Any, mask: Any) -> tuple[Any, ...]:
        """What all pairs of an entity share: keys, values and queries of attention, the mask."""
        memory = self.text_to_entity.memory(described, mask)
        return *memory, self.entity_to_text.queries(described), mask

    def match(
        self, texts: tuple[Any, Any], entities: tuple[Any, ...], indicators: Any, training: Any
    ) -> Any:
        """The logits of pairs, float32 of shape (pairs, 1).

        Args:
            texts: States of the text and mask, for each pair.
            entities: The result of `entity_side`, for each pair.
            indicators: The indicators of each pair, (pairs, steps, indicators): first that of
                the span, without which the vector of the span is zero.
            training: Whether dropout is active.
        """
        encoded, mask = texts
        keys, values, queries, entity_mask = entities
        indicators = ops.cast(indicators, encoded.dtype)
        mixed = ops.concatenate([encoded, indicators], axis=-1)
        states = self.mention_encoder(mixed, mask=mask, training=training)
        here = self.text_to_entity.queries(states)
        there = self.entity_to_text.memory(states, mask)
        vectors = [
            self.text_to_entity.maximum(here, (keys, values), mask),
            self.entity_to_text.maximum(queries, there, entity_mask),
            masked_mean(states, ops.logical_and(indicators[..., 0] > 0, mask)),
        ]
        pair = self.pair_dropout(ops.concatenate(vectors, axis=-1), training=training)
        return ops.cast(self.link(self.hidden(pair)), "float32")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), **{name: getattr(self, name) for name in ARGUMENTS}}
