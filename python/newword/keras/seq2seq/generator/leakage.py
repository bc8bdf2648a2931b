"""How much of its labels a bidirectional model reads on the other side, and what that hides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from newword.keras.seq2seq.generator.bidirectional_decoding import GoldTokens
    from newword.keras.seq2seq.generator.positions import PositionAccuracy

__all__ = ["LeakageReport", "leakage_report"]

PARTS = 10


@dataclass(frozen=True)
class LeakageReport:
    """A bidirectional model with gold targets to read, and without them.

    With gold targets a step reads its label in the inputs of the other direction, once both
    together have passed the whole text: floor(n / 2) of n characters. Its loss there says nothing
    about generated texts.
    """

    forward_loss: float
    """The mean cross-entropy per token from left to right, ends included."""
    backward_loss: float
    """The same from right to left."""
    unidirectional_loss: float | None
    """The same of a unidirectional model; None if there was none."""
    unseen_accuracy: float
    """With gold targets: the share of characters predicted among those that the other direction
    has not read yet."""
    seen_accuracy: float
    """The same among those that the other direction has read."""
    by_tenth: NDArray[np.float64] = field(repr=False, compare=False)
    """The accuracy with gold targets by the tenth of the text in which a character is, in the order
    of the direction; float64 of shape (2, 10). It rises in the middle if labels are read."""
    by_step: NDArray[np.float64] = field(repr=False, compare=False)
    """The accuracy with gold targets of each character in the order of the direction; float64 of
    shape (2, longest target), NaN where there is none."""
    gold_accuracy: float
    """The accuracy of all characters with gold targets, the mean of both directions."""
    free_running: PositionAccuracy
    """The accuracy of generated texts."""

    @property
    def loss_sum(self) -> float:
        """The sum of the losses of both directions."""
        return self.forward_loss + self.backward_loss

    @property
    def gap(self) -> float:
        """The accuracy with gold targets less that of generated texts."""
        return self.gold_accuracy - self.free_running.overall

    @property
    def below_unidirectional(self) -> bool | None:
        """Whether both losses together are below that of the unidirectional model.

        This is the symptom of leakage in article 6877: without it each direction alone would cost
        about as much. None if there was no other model.
        """
        if self.unidirectional_loss is None:
            return None
        return self.loss_sum < self.unidirectional_loss


def leakage_report(
    gold: GoldTokens, free_running: PositionAccuracy, unidirectional_loss: float | None
) -> LeakageReport:
    """Builds the report; see `BidirectionalSeq2Seq.leakage_report`."""
    losses = [float(np.concatenate(side).mean()) for side in gold.losses]
    # Without ends.
    hits = [[one[:-1] for one in side] for side in gold.hits]
    together = np.concatenate([one for side in hits for one in side])
    seen = np.concatenate([_seen(len(one)) for side in hits for one in side])
    tenths = [_grouped(side, [_tenths(len(one)) for one in side], PARTS) for side in hits]
    longest = max(len(one) for one in hits[0])
    steps = [_grouped(side, [np.arange(len(one)) for one in side], longest) for side in hits]
    return LeakageReport(
        forward_loss=losses[0],
        backward_loss=losses[1],
        unidirectional_loss=unidirectional_loss,
        unseen_accuracy=_mean(together[~seen]),
        seen_accuracy=_mean(together[seen]),
        by_tenth=np.array(tenths),
        by_step=np.array(steps),
        gold_accuracy=float(together.mean()),
        free_running=free_running,
    )


def _seen(length: int) -> NDArray[np.bool_]:
    """Whether the other direction has read each character of a text when it is predicted.

    At step n (from 1) the other direction has read n - 1 characters from the other end.
    """
    step = np.arange(1, length + 1)
    seen: NDArray[np.bool_] = step - 1 > length - step
    return seen


def _tenths(length: int) -> NDArray[np.int64]:
    return np.arange(length) * PARTS // length


def _grouped(
    hits: list[NDArray[np.bool_]], groups: list[NDArray[np.int64]], count: int
) -> NDArray[np.float64]:
    """The share of hits in each group; NaN of none."""
    group = np.concatenate(groups)
    total = np.bincount(group, minlength=count)
    found = np.bincount(group, np.concatenate(hits), minlength=count)
    shares = np.full(count, np.nan)
    np.divide(found, total, out=shares, where=total > 0)
    return shares


def _mean(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean()) if hits.size else float("nan")
