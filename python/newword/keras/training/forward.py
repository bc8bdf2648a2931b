"""Passes of a compiled model that change nothing: no variable, no metric, no seed."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
from keras import ops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from newword.keras.training.sites import Sites

__all__ = ["Batch", "Forward", "Pass", "seed_states"]


class Batch(NamedTuple):
    """What a training step was given."""

    x: Any
    y: Any
    sample_weight: Any


class Pass(NamedTuple):
    """The results of a pass."""

    value: Any
    """The loss, or what was computed instead."""
    outputs: Any
    """The outputs of the model."""
    seeds: list[Any]
    """The states of the seeds after the pass."""


@dataclass(frozen=True)
class Forward:
    """Runs extra passes of a model within a step.

    Args:
        model: A compiled model.
        compute_loss: The function of the loss: (x, y, y_pred, sample_weight) by name.
        sites: What is perturbed; None for passes without visits.
        training: Whether the passes are those of training.
    """

    model: Any
    compute_loss: Callable[..., Any]
    sites: Sites | None = None
    training: bool = True

    def __call__(
        self,
        batch: Batch,
        visit: Any = None,
        *,
        frozen: bool = False,
        seeds: list[Any] | None = None,
        objective: Callable[[Any], Any] | None = None,
    ) -> Pass:
        """Runs a pass with the current values of all variables.

        Args:
            batch: The batch.
            visit: Called at each site with the tensor and its mask; the pass goes on with what it
                returns.
            frozen: Whether weights are constants. Otherwise the result has gradients for them.
            seeds: The states of the seeds at the beginning; by default the current ones.
            objective: Computes another value than the loss from the outputs.
        """
        values = self._values(frozen, seeds)
        if visit is not None and self.sites is not None:
            values = self.sites.replaced(values, visit)
        variables = [*self.model.variables, *self.model.metrics_variables]
        mapping = [(one, values[id(one)]) for one in variables]
        with _own_losses(self.model), keras.StatelessScope(mapping, collect_losses=True) as scope:
            outputs = self._outputs(batch.x, visit)
            if objective is None:
                value = self.compute_loss(
                    x=batch.x, y=batch.y, y_pred=outputs, sample_weight=batch.sample_weight
                )
            else:
                value = objective(outputs)
            after = [scope.get_current_value(one) for one in seed_states(self.model)]
        return Pass(value, outputs, after)

    def _values(self, frozen: bool, seeds: list[Any] | None) -> dict[int, Any]:
        """The values of all variables by id."""
        # Of all, because inside a scope the values outside of it are not the current ones.
        values = {}
        for one in [*self.model.variables, *self.model.metrics_variables]:
            value = ops.convert_to_tensor(one.value)
            values[id(one)] = ops.stop_gradient(value) if frozen and one.trainable else value
        if seeds is not None:
            states = seed_states(self.model)
            values.update((id(one), value) for one, value in zip(states, seeds, strict=True))
        return values

    def _outputs(self, x: Any, visit: Any) -> Any:
        sites = None if visit is None else self.sites
        with nullcontext() if sites is None else sites.patched(visit):
            return self.model(x, training=self.training)


def seed_states(model: Any) -> list[Any]:
    """The states of the seeds of a model, from which dropout masks are drawn."""
    return [one for one in model.variables if one.path.endswith("seed_generator_state")]


@contextmanager
def _own_losses(model: Any) -> Iterator[None]:
    """Losses that layers add in the block are read by the model instead of those before it.

    On JAX, Keras hands the added losses of the ordinary pass to the model in this list.
    """
    saved = model._losses_override
    object.__setattr__(model, "_losses_override", [])
    try:
        yield
    finally:
        object.__setattr__(model, "_losses_override", saved)
