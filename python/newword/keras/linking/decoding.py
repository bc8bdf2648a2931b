"""From the probabilities of starts and ends to mentions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Spans", "decode_mentions"]


class Spans(NamedTuple):
    """Mentions in the texts of a batch, in order."""

    text: NDArray[np.int64]
    """The place of the text in the batch."""
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    """Exclusive."""
    probability: NDArray[np.float32]
    """The smaller one of the probabilities of start and end."""
    kept: NDArray[np.bool_]
    """Which thresholds find it, (mentions, thresholds)."""


def decode_mentions(probabilities: NDArray[np.float32], thresholds: Sequence[float]) -> Spans:
    """Pairs each start with the nearest end at it or after it.

    Mentions may be nested: two starts may share an end.

    Args:
        probabilities: Those of starts and ends, (texts, steps, 2), 0 at padding.
        thresholds: The least probability of both. With several, the mentions of each are returned.
    """
    found = [_decoded(probabilities, one) for one in thresholds]
    keys, place = np.unique(np.concatenate(found), axis=0, return_inverse=True)
    kept = np.zeros((len(keys), len(found)), np.bool_)
    kept[place.reshape(-1), np.repeat(np.arange(len(found)), [len(one) for one in found])] = True
    text, start, end = keys.T
    least = np.minimum(probabilities[text, start, 0], probabilities[text, end - 1, 1])
    return Spans(text, start, end, least, kept)


def _decoded(probabilities: NDArray[np.float32], threshold: float) -> NDArray[np.int64]:
    """Text, start and end of the mentions that one threshold finds."""
    steps = probabilities.shape[1]
    starts, ends = np.moveaxis(probabilities >= threshold, -1, 0)
    place = np.where(ends, np.arange(steps), steps)
    nearest = np.minimum.accumulate(place[:, ::-1], axis=1)[:, ::-1]
    text, start = np.nonzero(starts & (nearest < steps))
    return np.stack([text, start, nearest[text, start] + 1], -1)
