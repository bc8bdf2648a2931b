"""Filtering and sorting of the rows of a lexicon."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword.errors import InvalidArgumentError
from newword.lexicon.columns import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from newword.lexicon.columns import Column, Columns

ENTROPY = "entropy"
NUMERIC = (
    *("count", "length", "pmi", "left_entropy", "right_entropy", ENTROPY, "score"),
    "background_count",
)
"""Columns that accept bounds; `entropy` is the smaller of the two entropies."""


def lesser_entropy(columns: Mapping[str, Column]) -> NDArray[np.float64]:
    """The smaller of left and right entropy, NaN if either is; nats, float64 of (words,)."""
    result: NDArray[np.float64] = np.minimum(columns["left_entropy"], columns["right_entropy"])
    return result


def matching_rows(
    columns: Columns,
    mask: ArrayLike | None,
    known: bool | None,
    kind: str | Sequence[str] | None,
    pattern: str | re.Pattern[str] | None,
    bounds: Mapping[str, float],
) -> NDArray[np.bool_]:
    """Returns the mask of the rows that meet every condition.

    Raises:
        InvalidArgumentError: A bound's name or value, the mask or the pattern is invalid.
    """
    rows = len(columns["word"])
    keep = np.ones(rows, np.bool_) if mask is None else _mask(mask, rows)
    for name, bound in bounds.items():
        keep &= _within(columns, name, bound)
    if known is not None:
        keep &= columns["known"] == _check.flag("known", known)
    if kind is not None:
        keep &= _of_kind(columns, kind)
    if pattern is not None:
        search = _compiled(pattern).search
        found = (search(word) is not None for word in columns["word"])
        keep &= np.fromiter(found, np.bool_, rows)
    return keep


def _of_kind(columns: Columns, kind: Any) -> NDArray[np.bool_]:
    asked = (kind,) if isinstance(kind, str) else tuple(_check.iterable("kind", kind, "str"))
    if any(not isinstance(one, str) or one not in KINDS for one in asked):
        raise _check.invalid("kind", f"among {', '.join(map(repr, KINDS))}", kind)
    kinds = set(asked)
    if "kind" not in columns:
        return np.full(len(columns["word"]), "word" in kinds)
    return np.fromiter((one in kinds for one in columns["kind"]), np.bool_, len(columns["kind"]))


def _mask(mask: ArrayLike, rows: int) -> NDArray[np.bool_]:
    array = np.asarray(mask)
    if array.dtype != np.bool_ or array.shape != (rows,):
        raise InvalidArgumentError(
            f"mask: must hold {rows} booleans, got {array.dtype} of shape {array.shape}"
        )
    return np.array(array, np.bool_)


def _within(columns: Columns, bound_name: str, bound: float) -> NDArray[np.bool_]:
    side, _, name = bound_name.partition("_")
    known_name = side in {"min", "max"} and name in NUMERIC
    if not known_name or (name == "background_count" and name not in columns):
        rule = f"must be min_ or max_ and one of {', '.join(NUMERIC)}"
        raise InvalidArgumentError(f"bounds: {rule}, got {bound_name!r}")
    if not _is_number(bound):
        raise InvalidArgumentError(f"{bound_name}: must be a number, got {bound!r}")
    column: NDArray[Any] = lesser_entropy(columns) if name == ENTROPY else columns[name]
    if column.dtype.kind in "iu" and bound < 0:
        # A negative integer cannot be converted to an unsigned type.
        return np.full(len(column), side == "min")
    with np.errstate(invalid="ignore"):
        within: NDArray[np.bool_] = column >= bound if side == "min" else column <= bound
    return within


def _is_number(value: object) -> bool:
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return number and value == value  # noqa: PLR0124


def _compiled(pattern: str | re.Pattern[str]) -> re.Pattern[str]:
    if isinstance(pattern, (bytes, bytearray)):
        raise _check.invalid("pattern", "a regular expression of str", pattern)
    try:
        return re.compile(pattern)
    except (re.error, TypeError) as error:
        message = f"pattern: must be a regular expression, got {pattern!r}: {error}"
        raise InvalidArgumentError(message) from error


def sorted_rows(columns: Columns, by: str, descending: bool) -> NDArray[np.intp]:
    """Returns the rows sorted by a column; ties by the code points of the words, NaN last.

    Raises:
        InvalidArgumentError: There is no such column.
    """
    descending = _check.flag("descending", descending)
    if not isinstance(by, str) or (by not in columns and by != ENTROPY):
        raise InvalidArgumentError(f"by: must be one of {', '.join(columns)}, entropy, got {by!r}")
    words = columns["word"].tolist()
    by_word = np.array(sorted(range(len(words)), key=words.__getitem__), dtype=np.intp)
    if by == "word":
        return by_word[::-1] if descending else by_word
    if by in {"kind", "reason"}:
        return np.array(
            sorted(by_word.tolist(), key=columns[by].tolist().__getitem__, reverse=descending),
            dtype=np.intp,
        )
    values: NDArray[Any] = lesser_entropy(columns) if by == ENTROPY else columns[by]
    values = values[by_word]
    if descending:
        # Negating the values instead of reversing the result keeps the sort stable.
        values = -values if values.dtype.kind == "f" else np.invert(values)
    return by_word[np.argsort(values, kind="stable")]
