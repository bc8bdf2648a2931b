"""Validation by decoding at the end of each epoch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["BestWeights"]


class BestWeights(keras.callbacks.Callback):  # type: ignore[misc, unused-ignore]
    """Evaluates on held-out texts after each epoch, restores the best weights, stops early.

    Args:
        evaluate: Returns the measures of the current model by name.
        select: The name of the measure that determines the best weights; larger is better.
        patience: Number of epochs without a better one after which to stop; None never stops.
    """

    def __init__(
        self, evaluate: Callable[[], Mapping[str, float]], select: str, patience: int | None
    ) -> None:
        super().__init__()
        self.evaluate, self.select, self.patience = evaluate, select, patience
        self.best, self.waited = -math.inf, 0
        self.weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Adds the measures to the logs, with the prefix val_."""
        del epoch
        # On JAX this gives the variables their values, so it comes first.
        model = self.model
        # NaN, a share of nothing, counts as 0.
        found = {
            name: 0.0 if math.isnan(value) else value for name, value in self.evaluate().items()
        }
        if logs is not None:
            logs.update({f"val_{name}": value for name, value in found.items()})
        self.waited += 1
        if found[self.select] > self.best:
            self.best, self.waited, self.weights = found[self.select], 0, model.get_weights()
        if self.patience is not None and self.waited >= self.patience:
            model.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Restores the best weights."""
        del logs
        if self.weights is not None:
            self.model.set_weights(self.weights)
