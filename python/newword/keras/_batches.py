"""Batches of sequences of unlike lengths, in few shapes."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import keras
import numpy as np

from newword.keras.vocabulary import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = [
    "filled_rows",
    "padded_length",
    "put_unlike_first",
    "replaced_by_unknown",
    "stacked",
    "unknown_rate",
]

UNKNOWN_RATE = 0.25
"""In training a character seen n times is replaced by unknown with probability r / (r + n)."""


def padded_length(length: int) -> int:
    """Rounds a length up to one of few values, because a backend may compile for each.

    Multiples of 8 up to 64, then four lengths per octave: at most a quarter is padding.
    """
    step = max(8, 2 ** ((length - 1).bit_length() - 3)) if length > 1 else 8
    return -(-length // step) * step


def stacked(
    run: NDArray[np.int32],
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    shape: tuple[int, int],
    fill: int = 0,
) -> NDArray[np.int32]:
    """Stacks slices of an array as rows of a batch, padded with `fill`, as are missing rows."""
    rows, steps = shape
    batch = np.full((rows, steps), fill, np.int32)
    place = np.arange(steps)
    valid = place < lengths[:, None]
    batch[: len(starts)][valid] = run[(starts[:, None] + place)[valid]]
    return batch


def unknown_rate(ids: NDArray[np.int32]) -> NDArray[np.float64]:
    """For each id, the probability that training replaces it by unknown."""
    return np.asarray(UNKNOWN_RATE / (UNKNOWN_RATE + np.bincount(ids)), np.float64)


def replaced_by_unknown(
    ids: NDArray[np.int32], rate: NDArray[np.float64], random: np.random.Generator
) -> NDArray[np.int32]:
    """Replaces each id by unknown with its probability; padding stays."""
    rare = random.random(ids.shape) < rate[ids]
    return np.where(rare & (ids > 0), np.int32(UNKNOWN), ids)


def filled_rows(rows: int, most: int) -> int:
    """Rounds the number of rows up on JAX, which compiles for every shape."""
    if keras.backend.backend() != "jax":
        return rows
    return min(most, 1 << (rows - 1).bit_length())


def put_unlike_first(batches: list[NDArray[np.int64]], padded: Sequence[NDArray[np.int64]]) -> None:
    """Moves two batches to the front that differ in all lengths in which any two differ.

    TensorFlow infers the common shape of all batches from the first two.

    Args:
        batches: The numbers of the rows of each batch.
        padded: The padded lengths of all rows, one array for each input with steps of its own.
    """
    shapes = [tuple(int(one[batch].max()) for one in padded) for batch in batches]
    first = {shape: at for at, shape in reversed(list(enumerate(shapes)))}
    pairs = [(one, other) for one, other in combinations(first, 2) if _unlike(one, other)]
    if pairs:
        most = max(_unlike(*pair) for pair in pairs)
        found = next(pair for pair in pairs if _unlike(*pair) == most)
        for place, at in enumerate(sorted(first[shape] for shape in found)):
            batches[place], batches[at] = batches[at], batches[place]


def _unlike(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """In how many lengths two shapes differ."""
    return sum(a != b for a, b in zip(one, other, strict=True))
