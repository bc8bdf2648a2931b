"""Batches of pairs for both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from newword.keras._batches import replaced_by_unknown
from newword.keras.seq2seq.bidirectional import DIRECTIONS
from newword.keras.seq2seq.generator.batches import TrainingPairs, padded_sources, target_batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from newword.keras.seq2seq.generator.data import Texts

    Batch = tuple[dict[str, NDArray[np.int32]], dict[str, NDArray[np.int32]]]

__all__ = ["BidirectionalPairs", "both_ways", "directed_batch"]


def both_ways(targets: Texts) -> tuple[Texts, Texts]:
    """Targets from left to right, and reversed before any padding."""
    return targets, targets.backward()


def directed_batch(
    targets: tuple[Texts, Texts],
    rows: NDArray[np.int64],
    count: int,
    tokens: tuple[int, int],
    steps: int | None = None,
) -> Batch:
    """Inputs and labels of both directions by their names.

    Arguments are those of `target_batch`, targets the result of `both_ways`. From right to left
    `tokens` change places.
    """
    both = [
        target_batch(one, rows, count, order, steps)
        for one, order in zip(targets, (tokens, tokens[::-1]), strict=True)
    ]
    inputs, labels = (dict(zip(DIRECTIONS, one, strict=True)) for one in zip(*both, strict=True))
    return inputs, labels


class BidirectionalPairs(TrainingPairs):
    """Batches for `fit` of a bidirectional encoder-decoder; see `TrainingPairs`.

    Args:
        sources: The sources.
        targets: The targets.
        batch_size: Pairs per batch.
        tokens: The start and the end token, from left to right.
        seed: Seed of what is random.
        pseudo: What the other direction sees instead of each target, or None.
        share: The probability that a row sees it, drawn anew for each batch.
    """

    def __init__(
        self,
        sources: Texts,
        targets: Texts,
        batch_size: int,
        tokens: tuple[int, int],
        seed: tuple[int, ...],
        pseudo: Texts | None = None,
        share: float = 1.0,
    ) -> None:
        self.share = share
        self.both = both_ways(targets)
        self.pseudo = None if pseudo is None else both_ways(pseudo)
        self.steps = targets.lengths + 1
        if pseudo is not None:
            self.steps = np.maximum(self.steps, pseudo.lengths + 1)
        super().__init__(sources, targets, batch_size, tokens, seed, self.steps)

    def __getitem__(self, index: int) -> Any:
        """Inputs and labels of a batch, each by direction."""
        rows = self.batches[index]
        steps = int(self.steps[rows].max())
        inputs, labels = directed_batch(self.both, rows, self.rows, self.tokens, steps)
        random = np.random.default_rng([*self.seed, self.epoch, index])
        source = padded_sources(self.sources, rows, self.rows)
        inputs["source"] = replaced_by_unknown(source, self.unknown_rate, random)
        if self.pseudo is not None:
            others, _ = directed_batch(self.pseudo, rows, self.rows, self.tokens, steps)
            seen = random.random((self.rows, 1)) < self.share
            for name, ids in others.items():
                inputs[f"{name}_seen"] = np.where(seen, ids, inputs[name])
        return inputs, labels
