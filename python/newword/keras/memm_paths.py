"""The log-probability of a first-order MEMM as a sum along a path, in NumPy.

What `newword.keras.best_path` does inside a graph, for the compiled decoder: there a normaliser
takes a sum over tags for each tag and step, here all of them are one product of matrices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from newword.keras.packing import Layout

__all__ = ["memm_paths"]

LEAST = np.float32(1e-30)
"""A product below this may have lost terms that matter: single precision ends at 1e-38."""


def memm_paths(
    layout: Layout, emissions: NDArray[np.float32], matrix: NDArray[np.float32], lengths: Any
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Unary scores and a matrix whose sum along a path is its log-probability.

    Args:
        layout: What the head packs: one direction or the mean of two, histories halved or not.
        emissions: (batch, steps, tags), the steps that count first, boundary scores added.
        matrix: (tags, tags).
        lengths: How many steps of each sequence count, (batch,).
    """
    share = np.float32(0.5 if layout.halve_history else 1.0)
    # Tags first: NumPy is fast along the last axis, and there are few tags.
    by_tag = np.ascontiguousarray(np.moveaxis(emissions, -1, 0))
    given = share * by_tag
    peak = given.max(0)
    weights = np.exp(given - peak).reshape(len(given), -1)
    unary = np.zeros_like(given)
    backward = (False, True) if layout.model == "bidirectional_memm" else (False,)
    for backwards in backward:
        rows = share * (matrix.T if backwards else matrix)
        normaliser = _normalisers(given, peak, weights, rows)
        unary += _directed(by_tag, given, normaliser, lengths, backwards)
    unary *= np.float32(1 / len(backward))
    return np.ascontiguousarray(np.moveaxis(unary, 0, -1)), share * matrix


def _directed(
    emissions: NDArray[np.float32],
    given: NDArray[np.float32],
    normaliser: NDArray[np.float32],
    lengths: Any,
    backwards: bool,
) -> NDArray[np.float32]:
    """The unary scores of one direction, (tags, batch, steps) like all but lengths."""
    unary: NDArray[np.float32] = given.copy()
    # The first factor has no neighbour: it is a softmax of its own.
    row = np.flatnonzero(lengths)
    first = lengths[row] - 1 if backwards else np.zeros_like(row)
    alone = emissions[:, row, first]
    unary[:, row, first] = alone - np.logaddexp.reduce(alone, axis=0)
    # A normaliser is that of the neighbour before, or behind: it is taken off that one's score.
    place = np.arange(emissions.shape[2])
    inside = place < lengths[:, None]
    if backwards:
        unary[..., 1:] -= normaliser[..., :-1] * inside[:, 1:]
    else:
        unary[..., :-1] -= normaliser[..., 1:] * inside[:, 1:]
    return unary


def _normalisers(
    emissions: NDArray[np.float32],
    peak: NDArray[np.float32],
    weights: NDArray[np.float32],
    rows: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Of all steps and all rows k, log sum_j exp(e(j) + g(k, j)): (rows, batch, steps)."""
    most = rows.max(1)
    product = np.exp(rows - most[:, None]) @ weights
    lost = product < LEAST
    product[lost] = 1
    found: NDArray[np.float32] = np.log(product, out=product).reshape(-1, *peak.shape)
    found += peak
    found += most[:, None, None]
    if lost.any():
        row, step = np.nonzero(lost)
        scores = emissions.reshape(len(emissions), -1)[:, step] + rows[row].T
        found.reshape(len(rows), -1)[lost] = np.logaddexp.reduce(scores, axis=0)
    return found
