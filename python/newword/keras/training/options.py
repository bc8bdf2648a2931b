"""The options of adversarial training, validated before any model is touched."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newword import _check

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AdversarialTraining", "options_of"]

METHODS = ("fgm", "pgd", "freelb", "vat", "gradient_penalty", "r_drop")
PLACES = ("weights", "outputs")
NORMS = ("l2", "raw", "sign")
UNITS = ("batch", "sample", "token")
PENALTIES = ("squared", "norm", "published")
MASKS = ("same", "new")

STEPS = {"pgd": 3, "freelb": 3, "vat": 1}
"""The default number of ascent steps."""
WEIGHTS = {"vat": 1.0, "r_drop": 4.0}
"""The default weight of the divergence."""
ONLY_FOR = {
    "norm": ("fgm", "pgd", "freelb"),
    "steps": tuple(STEPS),
    "step_size": ("pgd", "freelb"),
    "random_start": ("pgd", "freelb"),
    "clean_weight": ("fgm", "pgd", "freelb"),
    "penalty": ("gradient_penalty",),
    "xi": ("vat",),
    "weight": tuple(WEIGHTS),
    "divergence": tuple(WEIGHTS),
}
"""The methods that an option belongs to; all others refuse it."""
PERTURBING = tuple(one for one in METHODS if one != "r_drop")


@dataclass(frozen=True)
class AdversarialTraining:
    """The options of adversarial training, for `adversarial_training` and the `fit` of estimators.

    Args:
        method: `"fgm"`, `"pgd"`, `"freelb"`, `"vat"`, `"gradient_penalty"` or `"r_drop"`; see
            `adversarial_training`.
        epsilon: The size of the perturbation, or the weight of the gradient penalty: a number
            greater than 0, or a function of the step, such as a Keras learning-rate schedule.
            Not used by R-Drop.
        layer: What is perturbed: the name of a layer, a layer, or several of either. None for all
            `keras.layers.Embedding` layers of the model.
        where: `"weights"`, the matrix, so that all occurrences of a token share a
            perturbation (kexue 7234); `"outputs"`, each occurrence by itself (Miyato et al.).
        norm: `"l2"`; `"raw"`, epsilon times the gradient; `"sign"`, epsilon times its signs,
            whose norm is the maximum.
        norm_over: What the norm is taken over: the whole `"batch"` of a layer (default for
            weights), each `"sample"` (default for outputs), or each `"token"`, which for weights
            is a row of the matrix.
        steps: Number of ascent steps; default 3 for PGD and FreeLB, 1 for VAT.
        step_size: The size of a step; default 2.5 epsilon / steps.
        random_start: Whether the first perturbation is random instead of zero; default only for
            FreeLB.
        clean_weight: The weight of the clean loss, which is added to the adversarial one.
        penalty: `"squared"`: epsilon / 2 times the squared norm of the gradient; `"norm"`:
            epsilon times the norm; `"published"`: the squared norm of the gradients of all
            occurrences, as in the code of kexue 7234, which is epsilon / batch size times the mean
            over the samples; it needs `where="outputs"`.
        xi: The size of the perturbation at which VAT takes the gradient; default 10 for weights
            and 1 for outputs.
        weight: The weight of the divergence of VAT (default 1) and of R-Drop (default 4).
        divergence: For VAT and R-Drop: a function of two outputs of the model, the first of them
            without gradient in VAT, that returns a divergence per sample or per token. None for the
            Kullback-Leibler divergence if the loss is a cross-entropy of Keras.
        dropout: `"same"`: all extra passes of a step have the same dropout mask, another one than
            the clean pass; `"new"`: each draws its own. Not used by R-Drop.
        start_step: The number of steps of plain training before.
        seed: Seed of random perturbations.

    Raises:
        InvalidArgumentError: An option is invalid, or does not belong to the method.

    Examples:
        >>> AdversarialTraining("pgd", epsilon=1.0, where="outputs").steps
        3
    """

    method: str = "fgm"
    epsilon: float | Callable[[Any], Any] = 0.5
    layer: Any = None
    where: str = "weights"
    norm: str = "l2"
    norm_over: str | None = None
    steps: int | None = None
    step_size: float | None = None
    random_start: bool | None = None
    clean_weight: float = 0.0
    penalty: str = "squared"
    xi: float | None = None
    weight: float | None = None
    divergence: Callable[[Any, Any], Any] | None = None
    dropout: str = "same"
    start_step: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        _check.choice("method", self.method, METHODS)
        self._refuse_options_of_other_methods()
        self._check_place()
        _check_epsilon(self.epsilon)
        _check.threshold("clean_weight", self.clean_weight)
        _check.choice("dropout", self.dropout, MASKS)
        _check.whole("start_step", self.start_step, 0)
        _check.whole("seed", self.seed, 0, 2**31 - 1)
        for name in ("step_size", "xi"):
            value = getattr(self, name)
            if value is not None and _check.threshold(name, value) == 0:
                raise _check.invalid(name, "greater than 0", value)
        if self.divergence is not None and not callable(self.divergence):
            raise _check.invalid("divergence", "None or a function of two outputs", self.divergence)
        self._set_defaults()

    def _refuse_options_of_other_methods(self) -> None:
        for name, methods in ONLY_FOR.items():
            value = getattr(self, name)
            if self.method not in methods and value != type(self).__dict__[name]:
                rule = f"left out with method {self.method!r}: it is for {', '.join(methods)}"
                raise _check.invalid(name, rule, value)
        if self.method not in PERTURBING and self.layer is not None:
            rule = f"left out with method {self.method!r}, which perturbs no layer"
            raise _check.invalid("layer", rule, self.layer)

    def _check_place(self) -> None:
        _check.choice("where", self.where, PLACES)
        _check.choice("norm", self.norm, NORMS)
        _check.choice("penalty", self.penalty, PENALTIES)
        if self.norm_over is not None:
            _check.choice("norm_over", self.norm_over, UNITS)
        if self.norm_over == "sample" and self.where == "weights":
            rule = "'batch' or 'token' for weights, which no sample has of its own"
            raise _check.invalid("norm_over", rule, self.norm_over)
        if self.norm_over == "token" and self.method == "gradient_penalty":
            raise _check.invalid("norm_over", "'batch' or 'sample' for a penalty", self.norm_over)
        if self.penalty == "published" and (
            self.where != "outputs" or self.norm_over in ("sample", "token")
        ):
            rule = "used with where='outputs', norm_over=None: it is one sum over all occurrences"
            raise _check.invalid("penalty", rule, self.penalty)

    def _set_defaults(self) -> None:
        """Replaces None by the default of the method."""
        over = self.norm_over
        if over is None:
            per_sample = self.where == "outputs" and self.penalty != "published"
            over = "sample" if per_sample else "batch"
        steps = self.steps
        if self.method in STEPS:
            steps = _check.whole("steps", STEPS[self.method] if steps is None else steps, 1)
        start = self.random_start
        if start is None and self.method in ONLY_FOR["random_start"]:
            start = self.method == "freelb"
        if start is not None:
            start = _check.flag("random_start", start)
        weight = self.weight
        if self.method in WEIGHTS:
            weight = WEIGHTS[self.method] if weight is None else weight
            weight = _check.threshold("weight", weight)
        xi = self.xi
        if self.method == "vat" and xi is None:
            xi = 10.0 if self.where == "weights" else 1.0
        found = {"norm_over": over, "steps": steps, "random_start": start, "weight": weight}
        for name, value in {**found, "xi": xi}.items():
            object.__setattr__(self, name, value)


def options_of(argument: str, value: Any) -> AdversarialTraining | None:
    """The options that a `fit` was given: None, the name of a method, or options."""
    if value is None or isinstance(value, AdversarialTraining):
        return value
    if isinstance(value, str) and value in METHODS:
        return AdversarialTraining(value)
    rule = f"None, an AdversarialTraining, or one of {', '.join(map(repr, METHODS))}"
    raise _check.invalid(argument, rule, value)


def _check_epsilon(epsilon: Any) -> None:
    rule = "a finite number greater than 0, or a function of the step"
    if callable(epsilon):
        return
    if isinstance(epsilon, (bool, str)):
        raise _check.invalid("epsilon", rule, epsilon)
    try:
        number = float(epsilon)
    except (TypeError, ValueError):
        raise _check.invalid("epsilon", rule, epsilon) from None
    if not math.isfinite(number) or number <= 0:
        raise _check.invalid("epsilon", rule, epsilon)
