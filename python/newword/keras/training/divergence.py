"""How far two outputs of a classifier are apart, whatever its loss and its number of outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import ops

from newword import _check

__all__ = ["Divergence", "divergence_of"]

SMALLEST = 1e-7
"""Probabilities below it count as this one, as in the losses of Keras."""
CATEGORICAL = (
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
    "categorical_focal_crossentropy",
)
BINARY = ("binary_crossentropy", "binary_focal_crossentropy")
REMEDY = "a cross-entropy of Keras, or `divergence` given"


class _PerPosition(keras.losses.Loss):  # type: ignore[misc, unused-ignore]
    """A divergence with the reduction, masks, weights and replicas of every Keras loss."""

    def __init__(self, function: Callable[[Any, Any], Any]) -> None:
        super().__init__(name="divergence")
        self.function = function

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The divergence at each position."""
        return self.function(y_true, y_pred)


class Divergence:
    """The divergence of two outputs of a model, the mean over samples and positions.

    Args:
        functions: A function for each output, in the order of `keras.tree.flatten`.
    """

    def __init__(self, functions: list[Callable[[Any, Any], Any]]) -> None:
        self.losses = [_PerPosition(one) for one in functions]

    def __call__(self, first: Any, second: Any, sample_weight: Any = None) -> Any:
        """The sum over the outputs, a scalar; masks are those of the second outputs."""
        firsts, seconds = keras.tree.flatten(first), keras.tree.flatten(second)
        weights = keras.tree.flatten(sample_weight)
        if len(weights) != len(seconds):
            weights = weights[:1] * len(seconds)
        total = 0.0
        for loss, one, other, weight in zip(self.losses, firsts, seconds, weights, strict=True):
            total = total + loss(one, other, sample_weight=weight)
        return total


def divergence_of(model: Any, given: Any, *, symmetric: bool) -> Divergence:
    """The divergence for a compiled model.

    Args:
        model: The model.
        given: The user's function, or None for the Kullback-Leibler divergence, which the losses
            must be cross-entropies for.
        symmetric: Whether to add the divergence in the other direction.

    Raises:
        InvalidArgumentError: A loss is no cross-entropy, and there is no function.
    """
    losses = _losses(model)
    if given is not None:
        return Divergence([given] * len(losses))
    found = []
    for loss in losses:
        name, from_logits = _cross_entropy(loss)
        log_probs = _log_softmax if name in CATEGORICAL else _log_sigmoid
        found.append(_kl(log_probs, from_logits, symmetric))
    return Divergence(found)


def _losses(model: Any) -> list[Any]:
    """The loss of each output, in the order of the flattened outputs."""
    given = model.loss
    count = len(keras.tree.flatten(getattr(model, "outputs", None) or [None]))
    if isinstance(given, Mapping):
        named = getattr(model, "output_names", None) or list(given)
        # Outputs that are a dict are flattened in the order of its sorted keys.
        given = [given.get(name) for name in named]
    if not isinstance(given, (list, tuple)):
        return [given] * count
    return list(given)


def _cross_entropy(loss: Any) -> tuple[str, bool]:
    """The name of a cross-entropy, and whether it takes logits."""
    try:
        found = keras.losses.get(loss)
    except (TypeError, ValueError):
        found = None
    if isinstance(found, keras.losses.Loss):
        config = found.get_config() if type(found).__module__.startswith("keras.") else {}
        name, from_logits = _snake(type(found).__name__), bool(config.get("from_logits", False))
    else:
        name, from_logits = getattr(found, "__name__", ""), False
    if name not in CATEGORICAL + BINARY:
        raise _check.invalid("loss", REMEDY, loss)
    return name, from_logits


def _snake(name: str) -> str:
    """The name of a function of Keras from that of its class."""
    return "".join("_" + one.lower() if one.isupper() else one for one in name).lstrip("_")


def _kl(log_probs: Any, from_logits: bool, symmetric: bool) -> Callable[[Any, Any], Any]:
    """The Kullback-Leibler divergence of each position, in one direction or both added."""

    def divergence(first: Any, second: Any) -> Any:
        one, other = log_probs(first, from_logits), log_probs(second, from_logits)
        # KL(p, q) + KL(q, p) = sum (p - q) (log p - log q).
        weight = ops.exp(one) - ops.exp(other) if symmetric else ops.exp(one)
        return ops.sum(weight * (one - other), axis=-1)

    return divergence


def _log_softmax(outputs: Any, from_logits: bool) -> Any:
    outputs = ops.cast(outputs, _precision(outputs))
    if from_logits:
        return ops.log_softmax(outputs, axis=-1)
    return ops.log(ops.clip(outputs, SMALLEST, 1.0))


def _log_sigmoid(outputs: Any, from_logits: bool) -> Any:
    """Of each unit, the log-probabilities of both its values, one after the other."""
    outputs = ops.cast(outputs, _precision(outputs))
    if from_logits:
        both = [ops.log_sigmoid(outputs), ops.log_sigmoid(-outputs)]
    else:
        both = [ops.log(ops.clip(one, SMALLEST, 1.0)) for one in (outputs, 1.0 - outputs)]
    return ops.concatenate(both, axis=-1)


def _precision(outputs: Any) -> str:
    """float32, unless the outputs have more."""
    return "float64" if keras.backend.standardize_dtype(outputs.dtype) == "float64" else "float32"
