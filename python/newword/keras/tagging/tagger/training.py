"""Validation of a tagger at the end of each epoch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Validation"]


class Validation(keras.callbacks.Callback):  # type: ignore[misc, unused-ignore]
    """Evaluates on held-out texts after each epoch, restores the best weights, stops early.

    Args:
        evaluate: Returns the score of the current model.
        patience: Number of epochs without a better F1 after which to stop; None never stops.
    """

    def __init__(self, evaluate: Callable[[], Any], patience: int | None) -> None:
        super().__init__()
        self.evaluate, self.patience = evaluate, patience
        self.best, self.waited = -math.inf, 0
        self.weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds val_precision, val_recall and val_f1 to the logs."""
        del epoch
        model = self.model
        score = self.evaluate()
        found = {name: getattr(score, name) for name in ("precision", "recall", "f1")}
        # NaN, a share of nothing, counts as 0.
        found = {name: 0.0 if math.isnan(value) else value for name, value in found.items()}
        if logs is not None:
            logs.update({f"val_{name}": value for name, value in found.items()})
        self.waited += 1
        if found["f1"] > self.best:
            self.best, self.waited, self.weights = found["f1"], 0, model.get_weights()
        if self.patience is not None and self.waited >= self.patience:
            model.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Restores the best weights."""
        del logs
        if self.weights is not None:
            self.model.set_weights(self.weights)
