"""From texts to mentions with the probabilities of their entities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from newword.keras.linking.decoding import Spans, decode_mentions
from newword.keras.linking.scoring import Pairs, Scorer
from newword.keras.linking.texts import folded, match_ends

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from newword.keras.linking.candidates import Candidates
    from newword.keras.linking.texts import Texts

__all__ = ["Links", "Predictor", "ScoredMention"]

BLOCK = 4096
"""Texts that are read at a time."""


@dataclass(frozen=True, slots=True)
class ScoredMention:
    """A mention and the probabilities of its entities."""

    start: int
    """The offset of its first character in the original text."""
    end: int
    """The offset after its last character."""
    text: str
    """Its characters."""
    probability: float | None
    """The smaller one of the probabilities of its start and its end; None if it was given."""
    candidates: tuple[tuple[str, float], ...]
    """Ids and their probabilities, the most probable first; independent of each other, so their
    sum is not 1."""


class Links(NamedTuple):
    """Mentions of texts in order, and their pairs with entities."""

    text: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    probability: NDArray[np.float32]
    kept: NDArray[np.bool_]
    """Which thresholds find a mention, (mentions, thresholds)."""
    first: NDArray[np.int64]
    """The first pair of each mention, and the number of pairs: the pairs of mention i are those
    from `first[i]` to `first[i + 1]`."""
    entity: NDArray[np.int64]
    """The row of the entity of each pair."""
    score: NDArray[np.float32]
    """The probability of each pair."""

    def best(self) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Row and probability of each mention's best entity; -1 and 0 if it has none.

        Of equal ones the first is the best.
        """
        many = np.diff(self.first)
        row, score = np.full(len(many), -1, np.int64), np.zeros(len(many), np.float32)
        if len(self.score):
            mention = np.repeat(np.arange(len(many)), many)
            order = np.lexsort((np.arange(len(mention)), -self.score, mention))
            top = order[self.first[:-1][many > 0]]
            row[many > 0], score[many > 0] = self.entity[top], self.score[top]
        return row, score


@dataclass(frozen=True)
class Predictor:
    """All that prediction takes."""

    kb: Any
    scorer: Scorer
    candidates: Candidates
    mode: str
    dictionary: Any
    """The names that may match; None for all."""
    match_features: bool
    """Whether the model sees where names match."""

    def links(
        self,
        texts: Sequence[str],
        given: Sequence[Sequence[tuple[int, int]]] | None,
        thresholds: Sequence[float],
        batch_size: int,
    ) -> Links:
        """Finds or takes mentions, and scores their entities.

        Args:
            texts: The original texts.
            given: The spans of the mentions of each text; None to find mentions.
            thresholds: The least probabilities of starts and ends. With several, the mentions of
                all of them are scored.
            batch_size: Texts per batch.
        """
        parts = []
        for at in range(0, len(texts), BLOCK):
            block = texts[at : at + BLOCK]
            spans = None if given is None else given[at : at + BLOCK]
            found = self._block(block, spans, thresholds, batch_size)
            parts.append(found._replace(text=found.text + at))
        return _joined(parts, len(thresholds))

    def ends(self, texts: Sequence[str], read: Texts) -> NDArray[np.int32]:
        """Where names match in texts, as the model sees it."""
        if not self.match_features:
            return np.zeros((int(read.offsets[-1]), 2), np.int32)
        found = self.kb.match_arrays(texts, mode=self.mode, dictionary=self.dictionary)
        return match_ends(found, read.offsets)

    def _block(
        self, texts: Sequence[str], given: Any, thresholds: Sequence[float], batch_size: int
    ) -> Links:
        read = self.scorer.store.reader.read([folded(one) for one in texts])
        ends = self.ends(texts, read)
        order = np.argsort(read.lengths, kind="stable")
        order = order[np.searchsorted(read.lengths[order], 1) :]
        if given is not None:
            many = np.array([len(one) for one in given], np.int64)
            order = order[many[order] > 0]
        parts = []
        for at in range(0, len(order), batch_size):
            rows = order[at : at + batch_size]
            encoded = self.scorer.encode(read, ends, rows, batch_size)
            if given is None:
                spans = decode_mentions(encoded.probabilities, thresholds)
            else:
                spans = _given([given[one] for one in rows.tolist()])
            entity, first = self._entities(texts, rows, spans)
            mention = np.repeat(np.arange(len(spans.text)), np.diff(first))
            pairs = Pairs(spans.text[mention], spans.start[mention], spans.end[mention], entity)
            score = self.scorer.links(read, encoded, pairs)
            found: list[Any] = [rows[spans.text], *spans[1:], first, entity, score]
            parts.append(Links(*found))
        return _sorted(_joined(parts, len(thresholds)))

    def _entities(
        self, texts: Sequence[str], rows: NDArray[np.int64], spans: Spans
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows of the entities of all mentions, and the first one of each."""
        places = zip(
            rows[spans.text].tolist(), spans.start.tolist(), spans.end.tolist(), strict=True
        )
        names = [texts[row][start:end] for row, start, end in places]
        rows_of = {
            name: self.scorer.store.rows(ids) for name, ids in self.candidates.of(names).items()
        }
        found = [rows_of[name] for name in names]
        first = np.append(0, np.cumsum([len(one) for one in found], dtype=np.int64))
        return np.concatenate([*found, np.zeros(0, np.int64)]), first


def _given(spans: Sequence[Sequence[tuple[int, int]]]) -> Spans:
    flat = np.array([one for each in spans for one in each], np.int64).reshape(-1, 2)
    text = np.repeat(np.arange(len(spans)), [len(one) for one in spans])
    certain = np.ones(len(text), np.float32)
    return Spans(text, flat[:, 0], flat[:, 1], certain, certain[:, None] > 0)


def _joined(parts: Sequence[Links], thresholds: int) -> Links:
    """The mentions of several batches."""
    if not parts:
        none, scores = np.zeros(0, np.int64), np.zeros(0, np.float32)
        kept = np.zeros((0, thresholds), np.bool_)
        return Links(none, none, none, scores, kept, np.zeros(1, np.int64), none, scores)
    many = np.concatenate([np.diff(one.first) for one in parts])
    columns: list[Any] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    columns[5] = np.append(0, np.cumsum(many))
    return Links(*columns)


def _sorted(links: Links) -> Links:
    """The mentions by text and position, of equal ones in the given order."""
    order = np.lexsort([links.end, links.start, links.text])
    many = np.diff(links.first)[order]
    first = np.append(0, np.cumsum(many))
    pair = np.arange(first[-1]) + np.repeat(links.first[:-1][order] - first[:-1], many)
    columns: list[Any] = [one[order] for one in links[:5]]
    columns += [first, links.entity[pair], links.score[pair]]
    return Links(*columns)
