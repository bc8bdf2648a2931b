"""Prediction of tags: the model scores windows, and whole texts are decoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from newword.keras._batches import filled_rows, padded_length, stacked
from newword.keras.tagging.decoding import decode_unpacked
from newword.keras.tagging.packing import Layout, unpack
from newword.keras.tagging.tagger.batches import Windows, model_inputs

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["decode_scores", "window_scores"]

MOST_STEPS = 2**16
"""Maximum number of steps per decoding batch, a compromise of call overhead and memory."""


def window_scores(
    model: Any,
    inputs: Mapping[str, NDArray[np.int32]],
    windows: Windows,
    batch_size: int,
    layout_rows: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Computes the emissions of every character, each from the core of its window.

    Args:
        model: The tagger's model.
        inputs: Ids of all characters, concatenated, by the names of the model's inputs.
        windows: The windows, at least one.
        batch_size: Windows per batch; those of similar length are batched together.
        layout_rows: Number of parameter rows at the end of the model's output.

    Returns:
        Emissions, (characters, tags), and the packed parameters, (layout_rows, tags + 1).
    """
    order = np.argsort(windows.lengths, kind="stable")
    scores = rows = np.zeros((0, 0), np.float32)
    for at in range(0, len(order), batch_size):
        batch = order[at : at + batch_size]
        lengths = windows.lengths[batch]
        shape = (filled_rows(len(batch), batch_size), padded_length(int(lengths[-1])))
        ids = {
            name: stacked(run, windows.start[batch], lengths, shape) for name, run in inputs.items()
        }
        packed = np.asarray(model.predict_on_batch(model_inputs(ids)))
        if not at:
            scores = np.zeros((len(inputs["characters"]), packed.shape[2] - 1), np.float32)
            rows = packed[0, packed.shape[1] - layout_rows :]
        place = windows.start[batch, None] + np.arange(shape[1])
        core = place >= windows.core_start[batch, None]
        core &= place < windows.core_end[batch, None]
        scores[place[core]] = packed[: len(batch), : shape[1], :-1][core]
    return scores, rows


def decode_scores(
    scores: NDArray[np.float32],
    rows: NDArray[np.float32],
    offsets: NDArray[np.int64],
    method: str,
) -> NDArray[np.int32]:
    """Decodes the tag of every character.

    A text is decoded as a whole, also if it was scored in several windows, so the tags obey the
    scheme across windows.

    Args:
        scores: The emissions of `window_scores`.
        rows: The parameters of `window_scores`.
        offsets: The offsets of the texts.
        method: As for `decode`.
    """
    tags = np.zeros(len(scores), np.int32)
    if not len(scores):
        return tags
    # A packed tensor of one step, to read the layout of the parameters.
    packed = np.concatenate([np.ones((1, scores.shape[1] + 1), np.float32), rows])[None]
    layout = Layout.read(packed)
    parameters = unpack(layout, packed)
    for group in _groups(np.diff(offsets)):
        place, counts = _places(offsets[group], offsets[group + 1], layout.second_order)
        # After a text follows the next one, or the last character again; both are masked.
        near = np.minimum(place, len(scores) - 1)
        part = parameters._replace(emissions=scores.take(near, axis=0), mask=counts)
        tags[place[counts]] = decode_unpacked(layout, part, method)[counts]
    return tags


def _places(
    begins: NDArray[np.int64], ends: NDArray[np.int64], by_backend: bool
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Returns the character indices of texts, one row per text, and their mask.

    The backend, which decodes second-order models, sees few shapes.
    """
    rows, steps = len(begins), int((ends - begins).max())
    if by_backend:
        filled = filled_rows(rows, MOST_STEPS) - rows
        begins, ends = (np.pad(one, (0, filled)) for one in (begins, ends))
        steps = padded_length(steps)
    place = begins[:, None] + np.arange(steps)
    return place, place < ends[:, None]


def _groups(lengths: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Batches texts of similar length, up to `MOST_STEPS` steps; empty texts are skipped."""
    order = np.argsort(lengths, kind="stable")
    order = order[np.searchsorted(lengths[order], 1) :]
    while len(order):
        # The longest first, because it determines the size of the batch.
        many = max(1, MOST_STEPS // padded_length(int(lengths[order[-1]])))
        yield order[-many:]
        order = order[:-many]
