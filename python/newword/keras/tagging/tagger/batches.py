"""Batches of a tagger: windows over long texts, bucketing by length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from newword.keras._batches import padded_length, replaced_by_unknown, stacked, unknown_rate
from newword.keras.tagging.tagger.data import UNKNOWN_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["TrainingBatches", "Windows", "model_inputs"]


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows over texts, each with context around its core.

    The cores of a text's windows cover it without overlap. Positions are offsets in the
    concatenation of all characters. Empty texts have no window.
    """

    text: NDArray[np.int64]
    """The index of the text of each window."""
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    core_start: NDArray[np.int64]
    core_end: NDArray[np.int64]

    @classmethod
    def of(cls, offsets: NDArray[np.int64], max_length: int) -> Windows:
        """Windows of at most `max_length` characters; an eighth of that is context on each side."""
        lengths = np.diff(offsets)
        context = max_length // 8
        stride = max_length - 2 * context
        many = np.where(lengths > max_length, -(-(lengths - 2 * context) // stride), lengths > 0)
        text = np.repeat(np.arange(len(lengths)), many)
        number = np.arange(len(text)) - np.repeat(np.cumsum(many) - many, many)
        first, last = offsets[text], offsets[text + 1]
        start = first + number * stride
        end = np.minimum(start + max_length, last)
        core_start = np.where(number > 0, start + context, start)
        core_end = np.where(number < many[text] - 1, end - context, end)
        return cls(text, start, end, core_start, core_end)

    def __len__(self) -> int:
        return len(self.text)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The length of each window in characters."""
        return self.end - self.start


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc, unused-ignore]
    """Batches for `fit`, in a different order each epoch, reproducible by the seed.

    All batches have `batch_size` rows; missing rows are padding. Such rows do not affect a loss per
    token, and backends that compile for every shape see few shapes.

    Args:
        inputs: Ids of all characters, concatenated, by the names of the model's inputs.
        labels: The tags of all characters, `UNKNOWN_TAG` where unknown.
        windows: The windows to train on.
        batch_size: Windows per batch.
        seed: Seed of the order and of the characters replaced by unknown.
    """

    def __init__(
        self,
        inputs: Mapping[str, NDArray[np.int32]],
        labels: NDArray[np.int32],
        windows: Windows,
        batch_size: int,
        seed: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.inputs, self.windows, self.seed = dict(inputs), windows, seed
        self.labels = labels
        self.rows = min(batch_size, len(windows))
        self.unknown_rate = unknown_rate(self.inputs["characters"])
        self.epoch = -1
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        """Shuffles the batches; windows of similar length are batched together."""
        self.epoch += 1
        random = np.random.default_rng([*self.seed, self.epoch])
        order = random.permutation(len(self.windows))
        padded = np.array([padded_length(int(one)) for one in self.windows.lengths[order]])
        order = order[np.argsort(padded, kind="stable")]
        batches = [order[at : at + self.rows] for at in range(0, len(order), self.rows)]
        random.shuffle(batches)
        # TensorFlow infers the common shape of all batches from the first two.
        steps = [self._steps(batch) for batch in batches]
        other = next((at for at, one in enumerate(steps) if one != steps[0]), 0)
        if other > 1:
            batches[1], batches[other] = batches[other], batches[1]
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple[Any, NDArray[np.int32]]:
        """Inputs and labels of a batch."""
        batch = self.batches[index]
        shape = (self.rows, self._steps(batch))
        start, lengths = self.windows.start[batch], self.windows.lengths[batch]
        inputs = {name: stacked(run, start, lengths, shape) for name, run in self.inputs.items()}
        random = np.random.default_rng([*self.seed, self.epoch, index])
        inputs["characters"] = replaced_by_unknown(inputs["characters"], self.unknown_rate, random)
        labels = stacked(self.labels, start, lengths, shape, UNKNOWN_TAG)
        # Context here is the core of another window.
        place = np.arange(shape[1]) + start[:, None]
        outside = place < self.windows.core_start[batch, None]
        outside |= place >= self.windows.core_end[batch, None]
        labels[: len(batch)][outside] = UNKNOWN_TAG
        return model_inputs(inputs), labels

    def _steps(self, batch: NDArray[np.int64]) -> int:
        return padded_length(int(self.windows.lengths[batch].max()))


def model_inputs(inputs: dict[str, Any]) -> Any:
    """Returns a dict of inputs, or the input itself if there is only one."""
    return inputs if len(inputs) > 1 else inputs["characters"]
