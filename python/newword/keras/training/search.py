"""Gradients at the sites of a model, and passes with a perturbation there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from keras import ops

from newword import _check
from newword.keras._backend import replicas, value_and_inner_gradients

if TYPE_CHECKING:
    from collections.abc import Callable

    from newword.keras.training.forward import Batch, Forward, Pass

__all__ = ["Found", "Search"]

HALF_SCALE = 4096.0
"""Factor on a loss in half precision, whose gradients would underflow."""


class Found(NamedTuple):
    """The gradients at the sites."""

    value: Any
    """The loss there."""
    gradients: list[Any]
    """Of the replica's mean loss, zero at padding; not of half precision."""
    deltas: list[Any]
    """The perturbations at which they were taken."""


@dataclass
class Search:
    """The extra passes of one step."""

    forward: Forward
    batch: Batch
    new_masks: bool
    """Whether each pass draws a dropout mask of its own."""
    seeds: list[Any] | None = field(default=None)

    def gradients(
        self,
        deltas: list[Any] | None = None,
        start: Callable[[int, Any], Any] | None = None,
        *,
        objective: Callable[[Any], Any] | None = None,
        differentiable: bool = False,
    ) -> Found:
        """The gradients of the loss at a perturbation.

        Args:
            deltas: The perturbations; None for those of `start`.
            start: Makes the perturbation of a site from its index and tensor; None for zero.
            objective: As for `Forward`.
            differentiable: Whether the gradients and the value will be differentiated by the
                weights, which are constants otherwise.

        Raises:
            InvalidArgumentError: A layer has no gradient, or none was called.
        """
        scale = HALF_SCALE if _half_precision(self.forward.model) else 1.0

        def function(visit: Any) -> tuple[Any, Any]:
            kept: list[Any] = []
            masks: list[Any] = []

            def at(tensor: Any, mask: Any) -> Any:
                delta = _delta(len(kept), tensor, deltas, start)
                kept.append(delta)
                masks.append(mask)
                return visit(_moved(tensor, delta, mask))

            done = self._pass(at, objective, frozen=not differentiable)
            return scale * done.value, (done.value, kept, masks, done.seeds)

        (_, (value, kept, masks, seeds)), found = value_and_inner_gradients(
            function, differentiable=differentiable
        )
        self._after(seeds)
        self._check(found)
        factor = replicas() / scale
        gradients = [_masked(one, mask, factor) for one, mask in zip(found, masks, strict=True)]
        kept = [
            ops.zeros_like(one) if delta is None else delta
            for one, delta in zip(gradients, kept, strict=True)
        ]
        return Found(value, gradients, kept)

    def live(
        self,
        deltas: list[Any] | None,
        start: Callable[[int, Any], Any] | None = None,
        *,
        objective: Callable[[Any], Any] | None = None,
    ) -> Pass:
        """A pass at a perturbation, with gradients for the weights."""
        index = 0

        def at(tensor: Any, mask: Any) -> Any:
            nonlocal index
            delta = _delta(index, tensor, deltas, start)
            index += 1
            return _moved(tensor, delta, mask)

        done = self._pass(at, objective, frozen=False)
        self._after(done.seeds)
        return done

    def _pass(self, at: Any, objective: Any, *, frozen: bool) -> Pass:
        return self.forward(self.batch, at, frozen=frozen, seeds=self.seeds, objective=objective)

    def _after(self, seeds: list[Any]) -> None:
        """Lets the next pass draw other masks, if it should."""
        if self.new_masks:
            self.seeds = seeds

    def _check(self, gradients: list[Any]) -> None:
        sites = self.forward.sites
        assert sites is not None
        names = ", ".join(one.name for one in sites.layers)
        if not gradients:
            raise _check.invalid("layer", "called in a training step", names)
        if any(one is None for one in gradients):
            rule = "one that the loss has a gradient for"
            raise _check.invalid("layer", rule, names)


def _delta(index: int, tensor: Any, deltas: Any, start: Any) -> Any:
    """The perturbation of a site, or None."""
    if deltas is not None:
        return deltas[index]
    return None if start is None else start(index, tensor)


def _moved(tensor: Any, delta: Any, mask: Any) -> Any:
    """The tensor with its perturbation, but for padding."""
    if delta is None:
        return tensor
    if mask is not None:
        delta = delta * ops.cast(mask, delta.dtype)
    return tensor + ops.cast(delta, tensor.dtype)


def _masked(gradient: Any, mask: Any, factor: float) -> Any:
    """The gradient in at least float32, without padding."""
    if "float64" not in str(gradient.dtype):
        gradient = ops.cast(gradient, "float32")
    if mask is not None:
        gradient = gradient * ops.cast(mask, gradient.dtype)
    return gradient if factor == 1 else gradient * factor


def _half_precision(model: Any) -> bool:
    layers = model._flatten_layers()
    return any(one.compute_dtype == "float16" for one in layers)
