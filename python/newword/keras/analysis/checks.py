"""Checks of what the probes are given: models, batches, step sizes, names of layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from newword import _check
from newword.errors import InvalidArgumentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "UndefinedMeasureError",
    "batch_of",
    "compiled_model",
    "finite",
    "layer_named",
    "layers_by_name",
    "positive",
    "step_sizes",
]


class UndefinedMeasureError(InvalidArgumentError):
    """There is no such number at these weights; after more training there may be one."""


def compiled_model(model: Any) -> Any:
    """A Keras model that is built, compiled and has something to train.

    Raises:
        InvalidArgumentError: It is none.
    """
    if not isinstance(model, keras.Model):
        raise _check.invalid("model", "a Keras model", model)
    if not model.built:
        raise InvalidArgumentError(
            f"model: must be built, got {model.name!r} without weights; "
            "call it on a batch first, or begin it with keras.Input"
        )
    if not model.compiled:
        raise InvalidArgumentError(
            f"model: must be compiled, got {model.name!r} without a loss; "
            "call model.compile(optimizer, loss)"
        )
    if not model.trainable_variables:
        raise InvalidArgumentError(
            f"model: must have trainable weights, got none in {model.name!r}"
        )
    return model


def batch_of(x: Any, y: Any, sample_weight: Any = None) -> tuple[Any, Any, Any]:
    """Tensors of a batch, with floating-point numbers in the dtype of `keras.config.floatx`.

    Raises:
        InvalidArgumentError: The batch is empty, or parts have different lengths.
    """
    lengths: dict[str, int] = {}
    parts = {"x": x, "y": y, "sample_weight": sample_weight}
    for name, part in parts.items():
        for number, leaf in enumerate(_leaves(part)):
            lengths[name if len(_leaves(part)) == 1 else f"{name}[{number}]"] = _length(name, leaf)
    if "x" not in {name.partition("[")[0] for name in lengths}:
        raise _check.invalid("x", "an array or a nest of arrays", x)
    first, rows = next(iter(lengths.items()))
    if not rows:
        raise _check.invalid(first, "a batch with at least one row", rows)
    for name, length in lengths.items():
        if length != rows:
            raise _check.invalid(name, f"as long as {first}, {rows} rows", length)
    made = [keras.tree.map_structure(_tensor, part) for part in parts.values()]
    return made[0], made[1], made[2]


def _leaves(part: Any) -> list[Any]:
    return [leaf for leaf in keras.tree.flatten(part) if leaf is not None]


def _length(name: str, leaf: Any) -> int:
    shape = getattr(leaf, "shape", None)
    if shape is None:
        shape = np.shape(leaf)
    if not len(shape):
        raise _check.invalid(name, "an array or a nest of arrays with a row per sample", leaf)
    return int(shape[0])


def _tensor(leaf: Any) -> Any:
    if leaf is None:
        return None
    tensor = ops.convert_to_tensor(leaf)
    floating = keras.backend.is_float_dtype(keras.backend.standardize_dtype(tensor.dtype))
    return ops.cast(tensor, keras.config.floatx()) if floating else tensor


def positive(argument: str, value: Any) -> float:
    """A finite number above 0."""
    number = _check.threshold(argument, value)
    if not number:
        raise _check.invalid(argument, "a finite number above 0", value)
    return number


def step_sizes(argument: str, value: Any) -> NDArray[np.float64]:
    """Finite positive numbers in increasing order, float64 of shape (steps,)."""
    rule = "positive numbers in increasing order"
    try:
        sizes = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        raise _check.invalid(argument, rule, value) from None
    if sizes.ndim != 1 or not len(sizes) or not np.isfinite(sizes).all():
        raise _check.invalid(argument, rule, value)
    if sizes[0] <= 0 or (np.diff(sizes) <= 0).any():
        raise _check.invalid(argument, rule, value)
    return sizes


def layer_named(model: Any, name: Any, *, trainable: bool = True) -> Any:
    """The layer of a model by its name; `"outer/inner"` in a model within the model.

    Raises:
        InvalidArgumentError: There is no such layer; the message names those there are.
    """
    layers = layers_by_name(model, trainable=trainable)
    if not isinstance(name, str) or name not in layers:
        kind = "layers with trainable weights" if trainable else "layers"
        known = ", ".join(map(repr, layers))
        raise InvalidArgumentError(f"layer: must be one of the {kind}, {known}, got {name!r}")
    return layers[name]


def layers_by_name(model: Any, prefix: str = "", *, trainable: bool = True) -> dict[str, Any]:
    """The layers of a model and of the models in it, in order."""
    found: dict[str, Any] = {}
    for layer in model.layers:
        if layer.trainable_variables or not trainable:
            found[prefix + layer.name] = layer
        if isinstance(layer, keras.Model):
            found |= layers_by_name(layer, f"{prefix}{layer.name}/", trainable=trainable)
    return found


def finite(loss: float) -> float:
    """A loss that is a number.

    Raises:
        UndefinedMeasureError: It is infinite or NaN.
    """
    if not math.isfinite(loss):
        raise UndefinedMeasureError(
            f"model: must have a finite loss on x and y at its present weights, got {loss}; "
            "check the data, or lower the learning rate that led there"
        )
    return loss
