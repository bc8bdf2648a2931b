"""The optimizer of the estimators: Adam, the user's, or the one of the last `fit`; compiling."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import keras

from newword import _check

__all__ = ["chosen_optimizer", "compile_model"]


def chosen_optimizer(current: Any, optimizer: Any, learning_rate: Any, **options: Any) -> Any:
    """Returns the optimizer of a call of `fit`; `current` if it can be kept.

    Args:
        current: The optimizer of the last call, or None. Its learning rate may be changed.
        optimizer: The user's, or None.
        learning_rate: A number or a schedule for Adam, or None.
        **options: Other arguments of a new Adam.

    Raises:
        InvalidArgumentError: The learning rate is invalid, or there is one beside an optimizer.
    """
    if optimizer is not None:
        if learning_rate is not None:
            raise _check.invalid("learning_rate", "None if an optimizer is given", learning_rate)
        return optimizer
    if current is not None:
        if learning_rate is None:
            return current
        changeable = hasattr(current.learning_rate, "assign")
        if isinstance(learning_rate, (int, float)) and changeable:
            current.learning_rate = _rate(learning_rate)
            return current
    rate = _rate(1e-3 if learning_rate is None else learning_rate)
    return keras.optimizers.Adam(rate, **options)


def compile_model(model: Any, optimizer: Any, loss: Any, **options: Any) -> None:
    """Compiles a built model, and creates the variables of its optimizer.

    Otherwise the first training step would create them, and TensorFlow would trace it twice.
    """
    model.compile(optimizer, loss, **options)
    strategy = getattr(model, "distribute_strategy", None)
    with nullcontext() if strategy is None else strategy.scope():
        model.optimizer.build(model.trainable_variables)


def _rate(learning_rate: Any) -> Any:
    """Validates a learning rate or a schedule for Adam."""
    if isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        return learning_rate
    rate = _check.threshold("learning_rate", learning_rate)
    if rate == 0:
        raise _check.invalid("learning_rate", "greater than 0", learning_rate)
    return rate
