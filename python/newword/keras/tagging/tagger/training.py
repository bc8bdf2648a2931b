"""Validation of a tagger at the end of each epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from newword.keras._validation import BestWeights

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Validation"]

MEASURES = ("precision", "recall", "f1")


class Validation(BestWeights):
    """Adds val_precision, val_recall and val_f1 to the logs; restores the weights of the best F1.

    Args:
        evaluate: Returns the score of the current model.
        patience: Number of epochs without a better F1 after which to stop; None never stops.
    """

    def __init__(self, evaluate: Callable[[], Any], patience: int | None) -> None:
        def measures() -> dict[str, float]:
            score = evaluate()
            return {name: getattr(score, name) for name in MEASURES}

        super().__init__(measures, "f1", patience)
