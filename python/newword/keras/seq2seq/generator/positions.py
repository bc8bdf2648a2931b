"""Accuracy of generated texts by position: first characters, last ones, and those between."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["PositionAccuracy", "position_accuracy"]


@dataclass(frozen=True)
class PositionAccuracy:
    """Shares of the characters of references that a generated text has at the same position.

    NaN where no reference has such a position.
    """

    texts: int
    """Number of texts."""
    first: float
    """Of the first characters, counted from the left."""
    middle: float
    """Of the characters between, the mean of counting from the left and from the right."""
    last: float
    """Of the last characters, counted from the right."""
    overall: float
    """Of all characters, the mean of counting from the left and from the right."""
    from_left: NDArray[np.float64] = field(repr=False, compare=False)
    """Of the first character, the second one, and so on; float64 of shape (tokens,)."""
    from_right: NDArray[np.float64] = field(repr=False, compare=False)
    """Of the last character, the one before it, and so on; float64 of shape (tokens,)."""


def position_accuracy(
    references: Iterable[Sequence[Any]], generated: Iterable[Sequence[Any]], *, tokens: int = 4
) -> PositionAccuracy:
    """Computes the accuracy of the first and the last characters of generated texts.

    A model that generates from left to right is better at the beginning of a text, because errors
    add up; one that generates from right to left is better at its end. The first n characters of a
    text are compared with those of its reference from the left, and the last n from the right.

    Characters in between are compared in both ways, and the result is the mean, so that no
    direction has an advantage if the lengths differ: reversing all texts only exchanges first and
    last. A reference with fewer than 2 n characters has some that are both first and last.

    Args:
        references: The references, each a str or another sequence of tokens.
        generated: The generated texts, in the same order.
        tokens: How many characters are first, and how many are last.

    Raises:
        InvalidArgumentError: `tokens` is below 1, the numbers of texts differ, or there are none.

    Complexity:
        O(characters).

    Source:
        The measure of Zhou et al., Synchronous bidirectional neural machine translation, 2019,
        for the first and last four tokens.

    Examples:
        >>> found = position_accuracy(["今天天气很好"], ["今天气很好"], tokens=2)
        >>> found.first, found.last, found.middle
        (1.0, 1.0, 0.5)
    """
    tokens = _check.whole("tokens", tokens, 1)
    wanted = list(_check.iterable("references", references, "an iterable of texts"))
    found = list(_check.iterable("generated", generated, "an iterable of texts"))
    if len(wanted) != len(found):
        raise _check.invalid("generated", f"{len(wanted)} texts like the references", len(found))
    if not wanted:
        raise _check.invalid("references", "at least one", wanted)
    pairs = list(zip(wanted, found, strict=True))
    left = [_hits(want, text) for want, text in pairs]
    right = [_hits(want[::-1], text[::-1]) for want, text in pairs]
    middle = [one[tokens : len(one) - tokens] for one in (*left, *right)]
    return PositionAccuracy(
        texts=len(pairs),
        first=_mean([one[:tokens] for one in left]),
        middle=_mean(middle),
        last=_mean([one[:tokens] for one in right]),
        overall=_mean([*left, *right]),
        from_left=np.array([_mean([one[at : at + 1] for one in left]) for at in range(tokens)]),
        from_right=np.array([_mean([one[at : at + 1] for one in right]) for at in range(tokens)]),
    )


def _hits(reference: Sequence[Any], generated: Sequence[Any]) -> NDArray[np.bool_]:
    """Whether each token of a reference is in the generated text, at the same position."""
    hits = np.zeros(len(reference), np.bool_)
    same = [one == other for one, other in zip(reference, generated, strict=False)]
    hits[: len(same)] = same
    return hits


def _mean(hits: list[NDArray[np.bool_]]) -> float:
    """The share of hits, NaN of none."""
    together = np.concatenate(hits)
    return float(together.mean()) if together.size else float("nan")
