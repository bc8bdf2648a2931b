"""Batches of pairs: inputs of the encoder and the decoder, and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from newword.keras._batches import (
    padded_length,
    put_unlike_first,
    replaced_by_unknown,
    stacked,
    unknown_rate,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from newword.keras.seq2seq.generator.data import Texts

__all__ = [
    "TrainingPairs",
    "padded_sources",
    "paired_batch",
    "sorted_batches",
    "source_batch",
    "target_batch",
]


def source_batch(texts: Texts, rows: NDArray[np.int64], count: int) -> NDArray[np.int32]:
    """Sources as rows of a batch of `count` rows, padded; missing rows repeat the last one."""
    rows = np.concatenate([rows, np.full(count - len(rows), rows[-1])])
    lengths = texts.lengths[rows]
    shape = (count, padded_length(int(lengths.max())))
    return stacked(texts.ids, texts.offsets[rows], lengths, shape)


def target_batch(
    targets: Texts,
    rows: NDArray[np.int64],
    count: int,
    tokens: tuple[int, int],
    steps: int | None = None,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Inputs and labels of a decoder, in a batch of `count` rows; missing rows are padding.

    The decoder reads the start token and the target; labels are the target and the end token.

    Args:
        targets: All targets.
        rows: Those of the batch.
        count: Number of rows.
        tokens: The start and the end token.
        steps: The number of steps before padding; by default those of the longest target.
    """
    lengths = targets.lengths[rows]
    shape = (count, padded_length(int(lengths.max()) + 1 if steps is None else steps))
    labels = stacked(targets.ids, targets.offsets[rows], lengths, shape)
    inputs = np.zeros_like(labels)
    inputs[:, 1:] = labels[:, :-1]
    inputs[: len(rows), 0] = tokens[0]
    labels[np.arange(len(rows)), lengths] = tokens[1]
    return inputs, labels


def paired_batch(
    sources: Texts,
    targets: Texts,
    rows: NDArray[np.int64],
    count: int,
    tokens: tuple[int, int],
) -> tuple[dict[str, NDArray[np.int32]], NDArray[np.int32]]:
    """Inputs and labels of pairs; arguments are those of `target_batch`, and all sources."""
    inputs, labels = target_batch(targets, rows, count, tokens)
    return {"source": padded_sources(sources, rows, count), "target": inputs}, labels


def padded_sources(sources: Texts, rows: NDArray[np.int64], count: int) -> NDArray[np.int32]:
    """Sources as rows of a batch of `count` rows; missing rows are padding."""
    lengths = sources.lengths[rows]
    shape = (count, padded_length(int(lengths.max())))
    return stacked(sources.ids, sources.offsets[rows], lengths, shape)


def sorted_batches(lengths: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    """The numbers of texts in batches of similar length."""
    order = np.argsort(lengths, kind="stable")
    for at in range(0, len(order), size):
        yield order[at : at + size]


class TrainingPairs(keras.utils.PyDataset):  # type: ignore[misc, unused-ignore]
    """Batches for `fit`, in a different order each epoch, reproducible by the seed.

    Pairs of similar length are batched together. All batches have the same number of rows; missing
    rows are padding, which does not affect a loss per token. Rare characters of sources are
    sometimes replaced by unknown, as by the tagger; those of targets are not.

    Args:
        sources: The sources.
        targets: The targets.
        batch_size: Pairs per batch.
        tokens: The start and the end token.
        seed: Seed of the order and of the replacements.
        steps: The number of decoder steps of each pair; by default its target and the end.
    """

    def __init__(
        self,
        sources: Texts,
        targets: Texts,
        batch_size: int,
        tokens: tuple[int, int],
        seed: tuple[int, ...],
        steps: NDArray[np.int64] | None = None,
    ) -> None:
        super().__init__()
        self.sources, self.targets, self.tokens, self.seed = sources, targets, tokens, seed
        self.rows = min(batch_size, len(sources))
        self.unknown_rate = unknown_rate(sources.ids)
        self.padded = [
            np.array([padded_length(int(one)) for one in lengths])
            for lengths in (sources.lengths, targets.lengths + 1 if steps is None else steps)
        ]
        self.epoch = -1
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        """Shuffles the batches."""
        self.epoch += 1
        random = np.random.default_rng([*self.seed, self.epoch])
        order = random.permutation(len(self.sources))
        order = order[np.lexsort([one[order] for one in reversed(self.padded)])]
        batches = [order[at : at + self.rows] for at in range(0, len(order), self.rows)]
        random.shuffle(batches)
        put_unlike_first(batches, self.padded)
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple[Any, NDArray[np.int32]]:
        """Inputs and labels of a batch."""
        batch = self.batches[index]
        inputs, labels = paired_batch(self.sources, self.targets, batch, self.rows, self.tokens)
        random = np.random.default_rng([*self.seed, self.epoch, index])
        inputs["source"] = replaced_by_unknown(inputs["source"], self.unknown_rate, random)
        return inputs, labels
