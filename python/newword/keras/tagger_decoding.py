"""The tags of windows by a model, window after window, and of whole texts from their windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from newword.keras.decoding import decode
from newword.keras.tagger_batches import Windows, model_inputs, padded_length, stacked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["tags_by"]


def tags_by(
    model: Any,
    layout_rows: int,
    inputs: Mapping[str, NDArray[np.int32]],
    offsets: NDArray[np.int64],
    *,
    max_length: int,
    batch_size: int,
    method: str,
) -> NDArray[np.int32]:
    """The tag of every character.

    A text that has several windows is decoded as one, from the scores of their cores, so that
    nothing shows where they meet and no rule of the scheme is broken there.

    Args:
        model: The tagger's model.
        layout_rows: How many rows of parameters its output ends with.
        inputs: Ids over the run of all characters, by the names of the model's inputs.
        offsets: Where each text begins and the last ends.
        max_length: The longest window.
        batch_size: Windows a batch.
        method: As for `decode`.
    """
    windows = Windows.of(offsets, max_length)
    tags = np.zeros(int(offsets[-1]), np.int32)
    scores: NDArray[np.float32] | None = None
    rows: NDArray[np.float32] | None = None
    parted = np.diff(offsets)[windows.text] > max_length
    # Of like length together; a window of a longer text never with texts that are whole.
    order = np.lexsort((windows.lengths, parted))
    edge = len(windows) - int(parted.sum())
    for part in (order[:edge], order[edge:]):
        for at in range(0, len(part), batch_size):
            batch = part[at : at + batch_size]
            packed = _packed(model, inputs, windows, batch, batch_size)
            steps = packed.shape[1] - layout_rows
            if not parted[batch[0]]:
                _scatter(tags, decode(packed, method), windows, batch)
                continue
            if scores is None:
                scores = np.zeros((len(tags), packed.shape[2]), np.float32)
            rows = packed[0, steps:]
            for row, one in enumerate(batch):
                start, end = int(windows.core_start[one]), int(windows.core_end[one])
                first = start - int(windows.start[one])
                scores[start:end] = packed[row, first : first + end - start]
    if scores is not None and rows is not None:
        for text in np.unique(windows.text[parted]):
            start, end = int(offsets[text]), int(offsets[text + 1])
            # Padded to one of few lengths, for backends that compile.
            whole = np.zeros((1, padded_length(end - start) + len(rows), rows.shape[1]), np.float32)
            whole[0, : end - start] = scores[start:end]
            whole[0, whole.shape[1] - len(rows) :] = rows
            tags[start:end] = decode(whole, method)[0, : end - start]
    return tags


def _packed(
    model: Any,
    inputs: Mapping[str, NDArray[np.int32]],
    windows: Windows,
    batch: NDArray[np.int64],
    batch_size: int,
) -> NDArray[np.float32]:
    """What the head packs for a batch of windows, without rows that only fill it up."""
    lengths = windows.lengths[batch]
    rows = len(batch)
    if keras.backend.backend() == "jax":
        # Which compiles for every shape: powers of two are few.
        rows = min(batch_size, 1 << (rows - 1).bit_length())
    shape = (rows, padded_length(int(lengths.max())))
    ids = {name: stacked(run, windows.start[batch], lengths, shape) for name, run in inputs.items()}
    return np.asarray(model.predict_on_batch(model_inputs(ids)))[: len(batch)]


def _scatter(
    tags: NDArray[np.int32],
    found: NDArray[np.int32],
    windows: Windows,
    batch: NDArray[np.int64],
) -> None:
    """Puts the tags of a batch where they belong in the run of all characters."""
    place = np.arange(found.shape[1])
    valid = place < windows.lengths[batch, None]
    tags[(windows.start[batch, None] + place)[valid]] = found[valid]
