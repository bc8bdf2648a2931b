"""Thresholds that are best on development data."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GRID", "Thresholds", "best_thresholds"]

GRID = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The thresholds of mentions that are tried."""


class Thresholds(NamedTuple):
    """The least probabilities that a prediction takes."""

    mention: float = 0.4
    """Of the start and of the end of a mention."""
    link: float = 0.1
    """Of the best entity; below it a mention is dropped or, with NIL, has no entity."""


def best_thresholds(
    kept: NDArray[np.bool_],
    score: NDArray[np.float32],
    right: NDArray[np.bool_],
    nil: NDArray[np.bool_] | None,
    gold: int,
) -> Thresholds:
    """The thresholds with the best F1; of equal ones those nearest to the defaults.

    Args:
        kept: Which mentions each threshold of `GRID` keeps, (thresholds, mentions).
        score: The probability of the best entity of each mention; 0 if it has none.
        right: Whether the best entity is that of the gold standard.
        nil: Whether the gold standard has the mention without entity; None if mentions below the
            threshold are dropped.
        gold: The number of mentions of the gold standard.
    """
    best, found = -1.0, Thresholds()
    nearest = sorted(range(len(GRID)), key=lambda place: abs(GRID[place] - Thresholds().mention))
    for place in nearest:
        chosen = kept[place]
        f1, threshold = _best_link(
            score[chosen], right[chosen], None if nil is None else nil[chosen], gold
        )
        if f1 > best:
            best, found = f1, Thresholds(GRID[place], threshold)
    return found


def _best_link(
    score: NDArray[np.float32],
    right: NDArray[np.bool_],
    nil: NDArray[np.bool_] | None,
    gold: int,
) -> tuple[float, float]:
    """The best F1 over the thresholds of links, and the one that has it."""
    order = np.argsort(score, kind="stable")
    score, right = score[order].astype(np.float64), right[order]
    # Cut i keeps the mentions from i on; it must be between two different scores.
    correct = np.append(np.cumsum(right[::-1])[::-1], 0)
    predicted = len(score) - np.arange(len(score) + 1)
    if nil is not None:
        correct = correct + np.append(0, np.cumsum(nil[order]))
        predicted = np.full_like(predicted, len(score))
    edges = np.concatenate([[0.0], score, [1.0]])
    cuts = (edges[:-1] + edges[1:]) / 2
    cuts[0] = 0.0
    possible = np.append(True, edges[1:-1] < edges[2:])
    # A mention without an entity has a score of 0 and is below every threshold.
    without = int((score == 0).sum())
    if without:
        possible[:without] = False
        cuts[without] = edges[without + 1] / 2
    f1 = np.where(possible, 2 * correct / np.maximum(gold + predicted, 1), -1.0)
    equal = np.flatnonzero(f1 == f1.max())
    # The default itself, if it lies between the same scores as a cut.
    default = Thresholds().link
    low, high = edges[equal], edges[equal + 1]
    if ((low < default) & (default <= high)).any():
        return float(f1.max()), default
    at = equal[np.argmin(np.abs(cuts[equal] - default))]
    return float(f1[at]), float(cuts[at])
