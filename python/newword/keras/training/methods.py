"""The methods: what each adds to the passes of a training step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
from keras import ops

from newword import _check
from newword.keras._backend import replicas
from newword.keras._second_derivatives import exact_moments
from newword.keras.training.divergence import divergence_of
from newword.keras.training.forward import seed_states
from newword.keras.training.perturbation import (
    inside,
    keepdims_norm,
    random_inside,
    scaled_per_unit,
    unit,
)
from newword.keras.training.search import Search

if TYPE_CHECKING:
    from newword.keras.training.divergence import Divergence
    from newword.keras.training.forward import Batch, Forward
    from newword.keras.training.options import AdversarialTraining
    from newword.keras.training.schedule import Steps

__all__ = ["LOGGED", "Losses", "Step", "method_of"]

LOGGED = {
    "fgm": "adversarial_loss",
    "pgd": "adversarial_loss",
    "freelb": "adversarial_loss",
    "vat": "divergence",
    "gradient_penalty": "gradient_penalty",
    "r_drop": "divergence",
}
"""The name under which the second value of each method is logged."""


class Losses(NamedTuple):
    """The results of a step."""

    total: Any
    """What is minimised."""
    added: Any
    """The adversarial loss, the divergence or the penalty."""


class Step(NamedTuple):
    """A training step after its ordinary pass."""

    batch: Batch
    clean: Any
    """The loss of the ordinary pass, with gradients."""
    outputs: Any
    """The outputs of the ordinary pass."""
    epsilon: Any


@dataclass(frozen=True)
class Method:
    """A method for one model."""

    options: AdversarialTraining
    forward: Forward
    steps: Steps

    def __call__(self, step: Step) -> Losses:
        """The losses of a step."""
        raise NotImplementedError

    def search(self, step: Step) -> Search:
        """The search for a perturbation in this step."""
        return Search(self.forward, step.batch, self.options.dropout == "new")

    def step_size(self, epsilon: Any) -> Any:
        """The size of an ascent step: within reach of any point of the ball (Madry et al.)."""
        size = self.options.step_size
        return 2.5 * epsilon / self.options.steps if size is None else size

    def direction(self, gradient: Any) -> Any:
        """Epsilon times this is a step."""
        norm, over = self.options.norm, self.options.norm_over
        assert over is not None
        if norm == "raw":
            gradient = scaled_per_unit(gradient, over)
        return unit(gradient, norm, over)

    def ascended(self, deltas: list[Any], gradients: list[Any], epsilon: Any) -> list[Any]:
        """The perturbations after one more step, within the ball."""
        options, size = self.options, self.step_size(epsilon)
        return [
            ops.stop_gradient(
                inside(
                    delta + ops.cast(size, delta.dtype) * self.direction(gradient),
                    epsilon,
                    options.norm,
                    options.norm_over or "batch",
                )
            )
            for delta, gradient in zip(deltas, gradients, strict=True)
        ]

    def random_start(self, epsilon: Any) -> Any:
        """A function that makes the first perturbation of a site; None for zero."""
        if not self.options.random_start:
            return None
        norm, over = self.options.norm, self.options.norm_over or "batch"

        def start(index: int, tensor: Any) -> Any:
            uniform = self.steps.random(ops.shape(tensor), index)
            return random_inside(uniform, epsilon, norm, over)

        return start

    def with_clean(self, step: Step, adversarial: Any) -> Losses:
        """The adversarial loss, and a share of the clean one."""
        share = self.options.clean_weight
        total = adversarial + share * step.clean if share else adversarial
        return Losses(total, adversarial)


class FastGradient(Method):
    """FGM: one step of ascent from the unperturbed point."""

    def __call__(self, step: Step) -> Losses:
        """The loss at the perturbation."""
        search = self.search(step)
        found = search.gradients()
        deltas = [
            ops.stop_gradient(ops.cast(step.epsilon, one.dtype) * self.direction(one))
            for one in found.gradients
        ]
        return self.with_clean(step, search.live(deltas).value)


class ProjectedGradient(Method):
    """PGD: several steps of ascent, each projected on the ball; the loss at the last point."""

    def __call__(self, step: Step) -> Losses:
        """The loss at the last perturbation."""
        search, deltas = self.search(step), None
        start = self.random_start(step.epsilon)
        for _ in range(self.options.steps or 1):
            found = search.gradients(deltas, start)
            deltas = self.ascended(found.deltas, found.gradients, step.epsilon)
        return self.with_clean(step, search.live(deltas).value)


class FreeLargeBatch(Method):
    """FreeLB: the mean of the losses at all points of the ascent."""

    def __call__(self, step: Step) -> Losses:
        """The mean of the losses."""
        search, deltas = self.search(step), None
        count, start = self.options.steps or 1, self.random_start(step.epsilon)
        total = search.live(None, start).value / count
        for _ in range(count - 1):
            found = search.gradients(deltas, start)
            deltas = self.ascended(found.deltas, found.gradients, step.epsilon)
            total = total + search.live(deltas).value / count
        return self.with_clean(step, total)


@dataclass(frozen=True)
class VirtualAdversarial(Method):
    """VAT: the divergence between the outputs with and without a perturbation."""

    divergence: Divergence

    def __call__(self, step: Step) -> Losses:
        """The clean loss and the weighted divergence, which needs no labels."""
        reference = keras.tree.map_structure(ops.stop_gradient, self._reference(step))
        search, deltas = self.search(step), None
        options = self.options
        over, weight = options.norm_over or "batch", options.weight

        def apart(outputs: Any) -> Any:
            return self.divergence(reference, outputs)

        def start(index: int, tensor: Any) -> Any:
            # Any direction will do to begin with; normal numbers of a large matrix take as long
            # as a pass.
            return options.xi * unit(self.steps.random(ops.shape(tensor), index), "l2", over)

        for left in reversed(range(options.steps or 1)):
            found = search.gradients(deltas, start, objective=apart)
            size = options.xi if left else step.epsilon
            deltas = [
                ops.stop_gradient(ops.cast(size, one.dtype) * unit(one, "l2", over))
                for one in found.gradients
            ]
        divergence = search.live(deltas, objective=apart).value
        return Losses(step.clean + weight * divergence, divergence)

    def _reference(self, step: Step) -> Any:
        """The unperturbed outputs, with the dropout mask of the perturbed ones if it is shared."""
        if self.options.dropout == "new" or not seed_states(self.forward.model):
            return step.outputs
        return self.forward(step.batch, frozen=True, objective=lambda _: 0.0).outputs


class GradientPenalty(Method):
    """The loss and a penalty on the norm of its gradient with respect to the embedding."""

    def __call__(self, step: Step) -> Losses:
        """The loss and its penalty, from one pass that is differentiated twice."""
        search, options = self.search(step), self.options
        with exact_moments(self.forward.model):
            found = search.gradients(differentiable=True)
        over = options.norm_over or "batch"
        total = ops.zeros_like(found.value)
        for gradient in found.gradients:
            size = scaled_per_unit(gradient, over)
            # The mean over the units: one for the batch, or one for each sample.
            if options.penalty == "norm":
                total = total + ops.cast(ops.mean(keepdims_norm(size, over)), total.dtype)
            else:
                squares = ops.sum(ops.square(size)) / 2
                if over == "sample":
                    squares = squares / ops.cast(ops.shape(size)[0], size.dtype)
                total = total + ops.cast(squares, total.dtype)
        penalty = ops.cast(step.epsilon, total.dtype) * total / replicas()
        return Losses(found.value + penalty, penalty)


@dataclass(frozen=True)
class RegularizedDropout(Method):
    """R-Drop: two passes with different dropout masks must agree."""

    divergence: Divergence

    def __call__(self, step: Step) -> Losses:
        """The mean loss of both passes, and the weighted mean of both divergences."""
        again = self.forward(step.batch)
        apart = self.divergence(step.outputs, again.outputs, step.batch.sample_weight)
        mean = (step.clean + again.value) / 2
        divergence = apart / 2
        return Losses(mean + (self.options.weight or 0.0) / 2 * divergence, divergence)


def method_of(options: AdversarialTraining, forward: Forward, steps: Steps) -> Method:
    """The method of the options for a model.

    Raises:
        InvalidArgumentError: The model or its loss does not fit the method.
    """
    own: dict[str, Any] = {
        "fgm": FastGradient,
        "pgd": ProjectedGradient,
        "freelb": FreeLargeBatch,
        "gradient_penalty": GradientPenalty,
    }
    if options.method in own:
        made: Method = own[options.method](options, forward, steps)
        return made
    model = forward.model
    if options.method == "r_drop" and not seed_states(model):
        raise _check.invalid("model", "one with dropout for method 'r_drop'", model.name)
    divergence = divergence_of(model, options.divergence, symmetric=options.method == "r_drop")
    if options.method == "vat":
        return VirtualAdversarial(options, forward, steps, divergence)
    return RegularizedDropout(options, forward, steps, divergence)
