"""The tags of texts by a model: scores window after window, then decoding text by text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from newword.keras.decoding import decode
from newword.keras.tagger_batches import Windows, model_inputs, padded_length, stacked

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["decode_scores", "window_scores"]

MOST_STEPS = 2**16
"""How many steps are decoded at once: a call has a price of its own, and so has memory."""


def window_scores(
    model: Any,
    inputs: Mapping[str, NDArray[np.int32]],
    windows: Windows,
    batch_size: int,
    layout_rows: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What the model says about every character, each in the core of its window.

    Args:
        model: The tagger's model.
        inputs: Ids over the run of all characters, by the names of the model's inputs.
        windows: Pieces of the run; there is at least one.
        batch_size: How many at once; those of like length are together.
        layout_rows: How many rows of parameters the model's output ends with.

    Returns:
        Emissions with a column of ones, (characters, tags + 1), and the parameters,
        (layout_rows, tags + 1), as they are packed.
    """
    order = np.argsort(windows.lengths, kind="stable")
    scores = rows = np.zeros((0, 0), np.float32)
    for at in range(0, len(order), batch_size):
        batch = order[at : at + batch_size]
        lengths = windows.lengths[batch]
        shape = (_filled(len(batch), batch_size), padded_length(int(lengths[-1])))
        ids = {
            name: stacked(run, windows.start[batch], lengths, shape) for name, run in inputs.items()
        }
        packed = np.asarray(model.predict_on_batch(model_inputs(ids)))
        if not at:
            scores = np.zeros((len(inputs["characters"]), packed.shape[2]), np.float32)
            rows = packed[0, packed.shape[1] - layout_rows :]
        place = windows.start[batch, None] + np.arange(shape[1])
        core = place >= windows.core_start[batch, None]
        core &= place < windows.core_end[batch, None]
        scores[place[core]] = packed[: len(batch), : shape[1]][core]
    return scores, rows


def decode_scores(
    scores: NDArray[np.float32],
    rows: NDArray[np.float32],
    offsets: NDArray[np.int64],
    method: str,
) -> NDArray[np.int32]:
    """The tag of every character.

    A text is decoded as a whole, however many windows it was seen through: nothing shows where they
    meet, and no rule of the scheme is broken there.

    Args:
        scores: As `window_scores` gives them, like rows.
        rows: The parameters.
        offsets: Where each text begins and the last ends.
        method: As for `decode`.
    """
    tags = np.zeros(len(scores), np.int32)
    for group in _groups(np.diff(offsets)):
        start, lengths = offsets[group], np.diff(offsets)[group]
        steps = padded_length(int(lengths.max()))
        shape = (_filled(len(group), MOST_STEPS), steps + len(rows), scores.shape[1])
        packed = np.zeros(shape, np.float32)
        packed[:, steps:] = rows
        place = np.arange(steps)
        valid = place < lengths[:, None]
        where = (start[:, None] + place)[valid]
        packed[: len(group), :steps][valid] = scores[where]
        tags[where] = decode(packed, method)[: len(group)][valid]
    return tags


def _groups(lengths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Texts of like length, as many together as make up `MOST_STEPS`; empty ones left out."""
    order = np.argsort(lengths, kind="stable")
    order = order[np.searchsorted(lengths[order], 1) :]
    while len(order):
        # The longest first, which decides how many there can be.
        many = max(1, MOST_STEPS // padded_length(int(lengths[order[-1]])))
        yield order[-many:]
        order = order[:-many]


def _filled(rows: int, most: int) -> int:
    """How many rows a batch is given: for JAX, which compiles for every shape, one of few."""
    if keras.backend.backend() != "jax":
        return rows
    return min(most, 1 << (rows - 1).bit_length())
