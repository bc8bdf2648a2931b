"""Scores of mentions and of their entities, for batches of texts."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from keras import ops

from newword.keras._backend import compiled
from newword.keras._batches import filled_rows, padded_length
from newword.keras.layers.masks import mask_from_ids
from newword.keras.linking.batches import indicators, padded_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from newword.keras.linking.texts import EntityStore, Texts

__all__ = ["Pairs", "Scorer"]

ENTITY_ROWS = 64
"""Descriptions per call of the model."""
PAIR_ROWS = 256
"""Pairs per call of the model."""
CACHE_BYTES = 2**28
"""Memory for the states of descriptions that are kept."""


class Pairs(NamedTuple):
    """Mentions of the texts of a batch, each with one entity."""

    text: NDArray[np.int64]
    """The place of the text in the batch."""
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    entity: NDArray[np.int64]
    """The row of the entity."""

    def take(self, chosen: NDArray[np.int64]) -> Pairs:
        """Some of the pairs."""
        return Pairs(*(one[chosen] for one in self))


class Encoded(NamedTuple):
    """The texts of a batch."""

    rows: NDArray[np.int64]
    characters: NDArray[np.int32]
    states: Any
    """The states of the encoder, (texts, steps, features)."""
    probabilities: NDArray[np.float32]
    """Those of starts and ends, (texts, steps, 2), 0 at padding."""


class Scorer:
    """Runs the parts of a model on batches; the states of descriptions are kept.

    Args:
        model: The model.
        store: The entities.
        features: The names of the features of a pair.
    """

    def __init__(self, model: Any, store: EntityStore, features: Sequence[str]) -> None:
        self.model, self.store, self.features = model, store, tuple(features)
        self._described: OrderedDict[int, NDArray[np.float32]] = OrderedDict()
        self._bytes = 0
        variables = model.variables
        self._texts = compiled(self._text_states, variables)
        self._entities = compiled(self._entity_states, variables)
        self._pairs = compiled(self._pair_logits, variables)

    def forget(self) -> None:
        """Drops the states of descriptions, after the weights have changed."""
        self._described.clear()
        self._bytes = 0

    def encode(
        self, texts: Texts, ends: NDArray[np.int32], rows: NDArray[np.int64], batch_size: int
    ) -> Encoded:
        """Encodes some texts.

        Args:
            texts: All texts.
            ends: Where matches start and end, for all characters.
            rows: The texts of the batch, none of them empty.
            batch_size: The number of rows of a full batch.
        """
        steps = padded_length(int(texts.lengths[rows].max()))
        shape = (filled_rows(len(rows), batch_size), steps)
        inputs: dict[str, Any] = texts.batch(rows, shape)
        inputs["matches"] = padded_rows(ends, texts, rows, shape)
        states, probabilities = self._texts(inputs)
        found = np.array(ops.convert_to_numpy(probabilities), np.float32)[: len(rows)]
        found[np.arange(steps) >= texts.lengths[rows, None]] = 0
        return Encoded(rows, inputs["characters"], states, found)

    def links(self, texts: Texts, encoded: Encoded, pairs: Pairs) -> NDArray[np.float32]:
        """The probability of each pair of the texts of a batch."""
        found = np.zeros(len(pairs.text), np.float32)
        if not len(found):
            return found
        steps = encoded.characters.shape[1]
        lengths = self.store.lengths(pairs.entity.tolist())
        self._describe(pairs.entity)
        # Similar lengths together, so that there is little padding, and pairs of one entity.
        order = np.lexsort((pairs.entity, lengths))
        for at in range(0, len(order), PAIR_ROWS):
            chosen = order[at : at + PAIR_ROWS]
            part = pairs.take(chosen)
            marks = indicators(texts, encoded.rows, steps, self.features, self.store, (*part,))
            found[chosen] = self._scored(encoded, part, marks, int(lengths[chosen].max()))
        return found

    def _scored(
        self, encoded: Encoded, part: Pairs, marks: NDArray[np.float32], longest: int
    ) -> NDArray[np.float32]:
        """The probabilities of one call's pairs."""
        distinct, of_pair = np.unique(part.entity, return_inverse=True)
        many = filled_rows(len(distinct), PAIR_ROWS)
        features = 2 * self.model.units
        states = np.zeros((many, padded_length(longest), features), np.float32)
        mask = np.zeros(states.shape[:2], np.bool_)
        for place, row in enumerate(distinct.tolist()):
            one = self._described[row]
            states[place, : len(one)] = one
            mask[place, : len(one)] = True
        filled = filled_rows(len(of_pair), PAIR_ROWS) - len(of_pair)
        logits = self._pairs(
            encoded.states,
            encoded.characters,
            states,
            mask,
            np.pad(part.text, (0, filled)).astype(np.int32),
            np.pad(of_pair, (0, filled)).astype(np.int32),
            np.pad(marks, ((0, filled), (0, 0), (0, 0))),
        )
        return np.asarray(ops.convert_to_numpy(logits), np.float32)[: len(of_pair), 0]

    def _describe(self, entities: NDArray[np.int64]) -> None:
        """Encodes the descriptions that are not kept."""
        distinct = np.unique(entities)
        for row in distinct.tolist():
            if row in self._described:
                self._described.move_to_end(row)
        missing = np.array(
            [one for one in distinct.tolist() if one not in self._described], np.int64
        )
        lengths = self.store.lengths(missing.tolist())
        missing, lengths = (one[np.argsort(lengths, kind="stable")] for one in (missing, lengths))
        for at in range(0, len(missing), ENTITY_ROWS):
            rows, counts = missing[at : at + ENTITY_ROWS], lengths[at : at + ENTITY_ROWS]
            shape = (filled_rows(len(rows), ENTITY_ROWS), padded_length(int(counts[-1])))
            states = ops.convert_to_numpy(self._entities(self.store.batch(rows, shape)))
            for row, count, one in zip(rows.tolist(), counts.tolist(), states, strict=False):
                self._described[row] = np.array(one[:count], np.float32)
                self._bytes += self._described[row].nbytes
        # Not those of this batch, which were used last.
        while self._bytes > CACHE_BYTES and len(self._described) > len(distinct):
            self._bytes -= self._described.popitem(last=False)[1].nbytes

    def _text_states(self, inputs: Any) -> Any:
        states = self.model.encode_texts(inputs, training=False)
        mask = mask_from_ids(inputs["characters"])
        return states, ops.sigmoid(self.model.mentions(states, inputs["matches"], mask))

    def _entity_states(self, inputs: Any) -> Any:
        return ops.cast(self.model.encode_entities(inputs, training=False), "float32")

    def _pair_logits(
        self,
        states: Any,
        characters: Any,
        described: Any,
        described_mask: Any,
        text: Any,
        entity: Any,
        marks: Any,
    ) -> Any:
        """The probabilities of pairs; texts and entities are gathered by their places."""
        described = ops.cast(described, states.dtype)
        mask = mask_from_ids(characters)
        side = self.model.entity_side(described, described_mask)
        logits = self.model.match(
            (ops.take(states, text, axis=0), ops.take(mask, text, axis=0)),
            tuple(ops.take(one, entity, axis=0) for one in side),
            marks,
            training=False,
        )
        return ops.sigmoid(logits)
