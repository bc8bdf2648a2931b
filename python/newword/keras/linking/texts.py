"""Texts and descriptions of entities as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from newword.keras._batches import stacked
from newword.keras._lexicons import segmented, word_places
from newword.keras.linking.features import LONGEST_OBJECT
from newword.keras.vocabulary import (
    Vocabulary,
    code_points,
    joined_code_points,
    normal_forms,
    text_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from newword.keras.linking.options import Words

__all__ = ["Described", "EntityStore", "Reader", "Texts", "folded", "match_ends"]

MOST_ENTITIES = 50_000
"""Number of entities whose arrays are kept."""


def folded(text: str) -> str:
    """The text in lower case and NFKC, as far as that keeps the number of characters.

    A character whose form has several stays as it is, so offsets are those of the original text.
    """
    normal = text_of(normal_forms()[code_points(text)])
    lower = normal.lower()
    if len(lower) == len(text):
        return lower
    return "".join(one.lower() if len(one.lower()) == 1 else one for one in normal)


class Reader:
    """Turns characters and words into numbers, in the same way for texts and descriptions.

    Args:
        vocabulary: The known characters.
        lexicon: Something with `segment_many`, or None.
        words: Word vectors, or None.
    """

    def __init__(self, vocabulary: Vocabulary, lexicon: Any, words: Words | None) -> None:
        self.vocabulary, self.lexicon, self.words = vocabulary, lexicon, words
        self.numbers: dict[str, int] = {}
        """A number from 1 for each word that was seen."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the inputs of a text."""
        places = () if self.lexicon is None else ("places",)
        return ("characters", *places, *(() if self.words is None else ("words",)))

    def read(self, texts: Sequence[str]) -> Texts:
        """The arrays of folded texts."""
        codes, offsets = joined_code_points(texts)
        inputs = {"characters": self.vocabulary.ids_of(codes)}
        items = {"characters": codes.astype(np.int32)}
        if self.lexicon is not None:
            pieces = segmented(self.lexicon, texts)
            lengths = [len(word) for word in chain.from_iterable(pieces)]
            inputs["places"] = word_places(pieces)
            numbers = [self._number(word) for word in chain.from_iterable(pieces)]
            items["words"] = np.repeat(np.array(numbers, np.int32), lengths)
            if self.words is not None:
                rows = self.words.rows(chain.from_iterable(pieces))
                inputs["words"] = np.repeat(np.array(rows, np.int32), lengths)
        return Texts(list(texts), offsets, inputs, items)

    def _number(self, word: str) -> int:
        return self.numbers.setdefault(word, len(self.numbers) + 1)


@dataclass(frozen=True, eq=False)
class Texts:
    """Concatenated texts."""

    texts: list[str]
    """The folded texts."""
    offsets: NDArray[np.int64]
    """The offsets of the texts in the arrays."""
    inputs: dict[str, NDArray[np.int32]]
    """The inputs of the model for all characters, by name."""
    items: dict[str, NDArray[np.int32]]
    """Characters and words as numbers, for the features."""

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of characters of each text."""
        return np.diff(self.offsets)

    def batch(self, rows: NDArray[np.int64], shape: tuple[int, int]) -> dict[str, Any]:
        """The inputs of some texts, padded with 0 to a shape."""
        start, lengths = self.offsets[rows], self.lengths[rows]
        return {name: stacked(run, start, lengths, shape) for name, run in self.inputs.items()}

    def item_rows(self, name: str, rows: NDArray[np.int64], steps: int) -> NDArray[np.int32]:
        """The numbers of the characters or words of some texts, padded with 0."""
        shape = (len(rows), steps)
        return stacked(self.items[name], self.offsets[rows], self.lengths[rows], shape)


def match_ends(matches: Any, offsets: NDArray[np.int64]) -> NDArray[np.int32]:
    """Where matches start and end, 0 or 1 for all characters of texts, (characters, 2).

    Args:
        matches: The result of `KnowledgeBase.match_arrays`.
        offsets: The offsets of the texts.
    """
    found = np.zeros((int(offsets[-1]), 2), np.int32)
    text = np.repeat(offsets[:-1], np.diff(matches.offsets))
    found[text + matches.starts, 0] = 1
    found[text + matches.ends - 1, 1] = 1
    return found


class Described(NamedTuple):
    """The arrays of an entity."""

    inputs: dict[str, NDArray[np.int32]]
    """The inputs of the model, by the name of the text's input."""
    items: dict[str, NDArray[np.int32]]
    """Its distinct characters and words."""
    objects: tuple[str, ...]
    """Its short objects, folded."""


class EntityStore:
    """The arrays of entities by row, read from the knowledge base when they are needed.

    Args:
        kb: The knowledge base.
        reader: What reads descriptions.
        max_length: The number of characters of a description that are read.
    """

    def __init__(self, kb: Any, reader: Reader, max_length: int) -> None:
        self.kb, self.reader, self.max_length = kb, reader, max_length
        self.ids: list[str] = []
        """The id of each row."""
        self._rows: dict[str, int] = {}
        self._kept: dict[int, Described] = {}

    def rows(self, ids: Iterable[str]) -> NDArray[np.int64]:
        """The rows of entities, new ones for those that were not asked for before."""
        found = []
        for one in ids:
            row = self._rows.setdefault(one, len(self.ids))
            if row == len(self.ids):
                self.ids.append(one)
            found.append(row)
        return np.array(found, np.int64)

    def get(self, rows: Iterable[int]) -> list[Described]:
        """The arrays of entities."""
        rows = list(rows)
        missing = [one for one in dict.fromkeys(rows) if one not in self._kept]
        if missing:
            while self._kept and len(self._kept) + len(missing) > MOST_ENTITIES:
                del self._kept[next(iter(self._kept))]
            missing = [one for one in dict.fromkeys(rows) if one not in self._kept]
            self._kept.update(zip(missing, self._read(missing), strict=True))
        return [self._kept[one] for one in rows]

    def _read(self, rows: list[int]) -> list[Described]:
        ids = [self.ids[one] for one in rows]
        texts = [folded(one)[: self.max_length] for one in self.kb.texts(ids)]
        read = self.reader.read(texts)
        bounds = list(pairwise(read.offsets.tolist()))
        return [
            Described(
                {name: run[start:end] for name, run in read.inputs.items()},
                {name: np.unique(run[start:end]) for name, run in read.items.items()},
                short_objects(self.kb[identity]),
            )
            for identity, (start, end) in zip(ids, bounds, strict=True)
        ]

    def batch(
        self, rows: NDArray[np.int64], shape: tuple[int, int]
    ) -> dict[str, NDArray[np.int32]]:
        """The inputs of descriptions by name, padded with 0 to a shape."""
        found = self.get(rows.tolist())
        lengths = np.array([len(one.inputs["characters"]) for one in found], np.int64)
        offsets = np.cumsum(lengths) - lengths
        empty = np.zeros(0, np.int32)
        batch = {}
        for name in self.reader.names:
            run = np.concatenate([*(one.inputs[name] for one in found), empty])
            batch[_input(name)] = stacked(run, offsets, lengths, shape)
        return batch

    def lengths(self, rows: Iterable[int]) -> NDArray[np.int64]:
        """The number of characters of each description that are read."""
        return np.array([len(one.inputs["characters"]) for one in self.get(rows)], np.int64)


def short_objects(entity: Any) -> tuple[str, ...]:
    """The distinct objects of an entity that may be names, folded."""
    objects = (folded(value) for _, value in entity.attributes)
    return tuple(dict.fromkeys(one for one in objects if 0 < len(one) <= LONGEST_OBJECT))


def _input(name: str) -> str:
    return "description" if name == "characters" else f"description_{name}"
