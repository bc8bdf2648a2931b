"""The columns of a lexicon: their names, types, order and checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from newword import _check
from newword._core import core
from newword.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from newword._newword import Words

__all__ = ["Column", "Columns", "LexiconRow", "PackedColumns", "frozen_columns", "packed_words"]

Column: TypeAlias = "NDArray[Any]"
Columns: TypeAlias = "Mapping[str, Column]"

REQUIRED: dict[str, Any] = {
    "word": np.dtype(object),
    "count": np.dtype(np.uint64),
    "length": np.dtype(np.int32),
    "pmi": np.dtype(np.float64),
    "left_entropy": np.dtype(np.float64),
    "right_entropy": np.dtype(np.float64),
    "score": np.dtype(np.float64),
    "known": np.dtype(np.bool_),
}
"""The columns of every lexicon, in order."""

OPTIONAL: dict[str, Any] = {
    "kind": np.dtype(object),
    "background_count": np.dtype(np.uint64),
    "reason": np.dtype(object),
}
"""Columns only some lexicons have: discovered ones, contrasts, tables of rejected candidates."""

KINDS = ("word", "number", "quantity", "phrase")
"""The values of the column `kind`."""

ALL: dict[str, Any] = {**REQUIRED, **OPTIONAL}


@dataclass(frozen=True, slots=True)
class LexiconRow:
    """One word of a lexicon. Scores and entropies are in nats, NaN if undefined."""

    word: str
    count: int
    length: int
    pmi: float
    left_entropy: float
    right_entropy: float
    score: float
    known: bool
    kind: str | None = None
    background_count: int | None = None
    reason: str | None = None


def frozen_columns(given: Mapping[str, ArrayLike]) -> Columns:
    """Checks columns, fills in those that are missing, and makes them read-only.

    Raises:
        InvalidArgumentError: A column is unknown, of another length, of values that do not fit
            its type; a word is empty, not a string, or there twice.
    """
    if not isinstance(given, Mapping):
        raise _check.invalid("columns", "a mapping of names to columns", given)
    if unknown := [name for name in given if name not in ALL]:
        raise InvalidArgumentError(
            f"columns: must be among {', '.join(ALL)}, got {', '.join(map(repr, unknown))}"
        )
    if "word" not in given:
        raise InvalidArgumentError("columns: must include 'word', got none of that name")
    if isinstance(given, PackedColumns):
        return given
    words = _words(given["word"])
    columns: dict[str, Column] = {"word": words}
    undefined = _undefined(len(words))
    for name, dtype in ALL.items():
        if name in given and name != "word":
            columns[name] = _converted(name, given[name], dtype, len(words))
        elif name in REQUIRED and name != "word":
            columns[name] = _default(name, words, undefined)
    if "kind" in columns:
        _check_kinds(columns["kind"])
    for column in columns.values():
        column.setflags(write=False)
    return columns


class PackedColumns(Mapping[str, "Column"]):
    """The required columns of words that the core holds in one buffer.

    Python strings would take several times the memory and most of the time of reading the file.
    They are created when the column `word` is accessed; segmentation does not need them.

    Args:
        packed: Distinct non-empty words.
        counts: uint64 (words,).
        lengths: Their characters, int32 (words,).
    """

    __slots__ = ("_columns", "packed")

    def __init__(self, packed: Words, counts: Column, lengths: Column) -> None:
        self.packed = packed
        undefined = _undefined(len(packed))
        given = {"count": counts, "length": lengths, "known": np.zeros(len(packed), np.bool_)}
        self._columns = {name: given.get(name, undefined) for name in REQUIRED if name != "word"}
        for column in self._columns.values():
            column.setflags(write=False)

    def __getitem__(self, name: str) -> Column:
        if name == "word" and name not in self._columns:
            column = object_column(self.packed.strings())
            column.setflags(write=False)
            self._columns[name] = column
        return self._columns[name]

    def __contains__(self, name: object) -> bool:
        return name in REQUIRED

    def __iter__(self) -> Iterator[str]:
        return iter(REQUIRED)

    def __len__(self) -> int:
        return len(REQUIRED)


def packed_words(columns: Columns) -> Words:
    """The words end to end, for the core.

    Raises:
        InvalidArgumentError: A word has a lone surrogate, which is no text.
    """
    if isinstance(columns, PackedColumns):
        return columns.packed
    words: list[str] = columns["word"].tolist()
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    try:
        packed: Words = core().Words("".join(words), lengths)
    except UnicodeEncodeError as error:
        wrong = words[int(np.searchsorted(np.cumsum(lengths), error.start, side="right"))]
        raise _check.invalid("word", "valid Unicode to segment with", wrong) from None
    return packed


def _words(given: ArrayLike) -> Column:
    items: list[Any] = list(_check.iterable("word", given, "a sequence of str"))
    if not all(isinstance(word, str) for word in items) or "" in (distinct := set(items)):
        index = next(i for i, word in enumerate(items) if not isinstance(word, str) or not word)
        raise InvalidArgumentError(
            f"word: must be non-empty str, got {items[index]!r:.60} at row {index}"
        )
    if len(distinct) < len(items):
        twice = next(word for word, count in Counter(items).items() if count > 1)
        raise InvalidArgumentError(f"word: must be distinct, got {twice!r:.60} twice")
    # NumPy's own strings become Python's.
    return object_column([str(word) for word in items])


def _check_kinds(column: Column) -> None:
    if wrong := set(column.tolist()).difference(KINDS):
        raise _check.invalid("kind", f"one of {', '.join(map(repr, KINDS))}", min(wrong))


def object_column(items: Sequence[str]) -> Column:
    """A one-dimensional array of Python strings; never of fixed-width NumPy strings."""
    column = np.empty(len(items), dtype=object)
    column[:] = items
    return column


def _converted(name: str, given: ArrayLike, dtype: np.dtype[Any], rows: int) -> Column:
    if dtype == np.dtype(object):
        column = object_column([str(item) for item in cast("Iterable[Any]", given)])
    else:
        column = _number_column(name, given, dtype)
    if column.shape != (rows,):
        raise InvalidArgumentError(
            f"{name}: must have one value a word ({rows}), got shape {column.shape}"
        )
    return column


def _number_column(name: str, given: ArrayLike, dtype: np.dtype[Any]) -> Column:
    raw = np.asarray(given)
    if raw.size == 0:
        return np.zeros(raw.shape, dtype)
    if dtype.kind in "iu" and raw.dtype.kind in "fO":
        # A list of Python's integers may become floats where some exceed int64.
        exact = np.asarray(given, dtype=object)
        if all(type(number) is int for number in exact.flat):
            return _integers(name, exact, dtype)
    accepted = {"f": "fiu", "b": "b"}.get(dtype.kind, "iu")
    if raw.dtype.kind not in accepted:
        raise InvalidArgumentError(f"{name}: must hold {dtype.name} values, got {raw.dtype.name}")
    return _integers(name, raw, dtype) if dtype.kind in "iu" else np.array(raw, dtype=dtype)


def _integers(name: str, raw: Column, dtype: np.dtype[Any]) -> Column:
    low, high, limits = int(raw.min()), int(raw.max()), np.iinfo(dtype)
    if low < limits.min or high > limits.max:
        # NumPy would wrap values out of range.
        rule = f"must lie in {limits.min}..{limits.max}"
        raise InvalidArgumentError(f"{name}: {rule}, got {low}..{high}")
    return np.array(raw, dtype=dtype)


def _undefined(rows: int) -> Column:
    """The values of undefined scores, one column for all of them."""
    return np.full(rows, np.nan)


def _default(name: str, words: Column, undefined: Column) -> Column:
    if name == "count":
        return np.ones(len(words), np.uint64)
    if name == "length":
        return np.fromiter(map(len, words), np.int32, len(words))
    if name == "known":
        return np.zeros(len(words), np.bool_)
    return undefined
