"""Validates the scores of a linear chain and converts them for the core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# Created once, to keep the overhead of a call for a short sentence small.
SINGLE, DOUBLE, HALF = np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.float16)
TAGS, LENGTHS, FLAGS = np.dtype(np.int32), np.dtype(np.int64), np.dtype(np.bool_)
NORMALIZATIONS = ("global", "local", "bidirectional")
MOST_RESULTS = 2**29
"""Largest number of tags that a call returns, two gigabytes."""


@dataclass(frozen=True, slots=True, eq=False)
class LowRankTransitions:
    """Low-rank transitions `left @ right.T`, never materialised, for tens of thousands of tags.

    Args:
        left: Factor of the previous tag, floats of shape (tags, rank).
        right: Factor of the next tag, of the same shape.

    Source:
        Su Jianlin, kexue.fm/archives/7213, on MEMMs with large sets of labels.

    Examples:
        >>> import numpy as np, newword
        >>> factors = np.eye(3)
        >>> transitions = newword.LowRankTransitions(factors, factors)
        >>> newword.viterbi(np.zeros((1, 2, 3)), transitions).scores
        array([1.])
    """

    left: ArrayLike
    right: ArrayLike


ChainScores = tuple[Any, ...]
"""The arguments as the core takes them: see `Arguments` in its binding."""


def chain_scores(
    emissions: Any,
    transitions: Any,
    lengths: Any,
    mask: Any,
    start: Any,
    end: Any,
    allowed: Any,
    normalization: str,
) -> ChainScores:
    scores = _emissions(emissions)
    batch, steps, tags = scores.shape
    kind = scores.dtype
    right = None
    if isinstance(transitions, LowRankTransitions):
        transitions, right = _factors(transitions, kind, tags)
    elif transitions is not None:
        square = (tags, tags)
        transitions = chain_array("transitions", transitions, kind, square, (batch, *square))
    _check.choice("normalization", normalization, NORMALIZATIONS)
    return (
        scores,
        transitions,
        right,
        None if start is None else chain_array("start", start, kind, (tags,)),
        None if end is None else chain_array("end", end, kind, (tags,)),
        None if lengths is None else chain_array("lengths", lengths, LENGTHS, (batch,)),
        None if mask is None else chain_array("mask", mask, FLAGS, (batch, steps)),
        None if allowed is None else chain_array("allowed", allowed, FLAGS, scores.shape),
        normalization,
    )


def _emissions(value: Any) -> NDArray[Any]:
    """The emissions as contiguous float32 or float64."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise _check.invalid("emissions", "an array of numbers", value) from None
    if array.ndim != 3 or not array.size:
        rule = "of shape (batch, steps, tags), each at least 1"
        raise _check.invalid("emissions", rule, array.shape)
    if array.dtype not in (SINGLE, DOUBLE):
        half = array.dtype == HALF or array.dtype.name == "bfloat16"
        if not half and array.dtype.kind not in "fiu":
            raise _check.invalid("emissions", "real numbers", array.dtype.name)
        array = array.astype(SINGLE if half else DOUBLE)
    return np.ascontiguousarray(array)


def _factors(transitions: LowRankTransitions, kind: Any, tags: int) -> tuple[Any, Any]:
    """Returns both factors, left of shape (tags, rank) and right of shape (rank, tags)."""
    left = np.asarray(transitions.left)
    rank = left.shape[1] if left.ndim == 2 else 0
    left = chain_array("transitions.left", left, kind, (tags, rank))
    right = chain_array("transitions.right", transitions.right, kind, (tags, rank))
    return left, np.ascontiguousarray(right.T)


def chain_array(argument: str, value: Any, kind: Any, *shapes: tuple[int, ...]) -> NDArray[Any]:
    """Converts a value to a contiguous array of type `kind` and of one of `shapes`."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise _check.invalid(argument, "an array of numbers", value) from None
    if array.dtype != kind:
        array = _converted(argument, array, kind)
    if array.shape not in shapes:
        rule = "of shape " + " or ".join(map(str, shapes))
        raise _check.invalid(argument, rule, array.shape)
    return np.ascontiguousarray(array)


def _converted(argument: str, array: NDArray[Any], kind: Any) -> NDArray[Any]:
    """Casts without changing values: bool does not become a number, fractions are not lost."""
    given = array.dtype.kind
    if kind.kind == "b":
        raise _check.invalid(argument, "of bool", array.dtype.name)
    if kind.kind == "i":
        if given not in "iu":
            raise _check.invalid(argument, "whole numbers", array.dtype.name)
        bounds = np.iinfo(kind)
        outside = array[(array < bounds.min) | (array > bounds.max)]
        if outside.size:
            raise _check.invalid(argument, f"whole numbers up to {bounds.max}", int(outside[0]))
        return array.astype(kind)
    if given not in "fiu" and array.dtype.name != "bfloat16":
        raise _check.invalid(argument, "real numbers", array.dtype.name)
    return array.astype(kind)


def room(argument: str, value: Any, least: int, problem: ChainScores) -> int:
    """Validates the number of paths per sequence, so that the result has at most 2²⁹ tags."""
    batch, steps, _ = problem[0].shape
    return _check.whole(argument, value, least, max(MOST_RESULTS // (batch * steps), least))
