"""Where a perturbation is applied: the matrix of a layer, or its outputs."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from newword import _check

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Sites", "find_layers", "sites_of"]


def find_layers(model: Any, layer: Any) -> list[Any]:
    """The layers that an option names.

    Args:
        model: The model.
        layer: A name, a layer, or several of either; None for all embeddings.

    Raises:
        InvalidArgumentError: There is no such layer, or there are several of that name.
    """
    # Layers of layers too, which `model.layers` does not have.
    every = model._flatten_layers(include_self=False)
    every = list({id(one): one for one in every}.values())
    if layer is None:
        found = [one for one in every if isinstance(one, keras.layers.Embedding)]
        if not found:
            rule = f"given for a model without an Embedding; its layers: {_names(every)}"
            raise _check.invalid("layer", rule, layer)
        return found
    asked = list(layer) if isinstance(layer, (list, tuple, set)) else [layer]
    if not asked:
        raise _check.invalid("layer", "at least one layer", layer)
    return [_find_layer(every, one) for one in asked]


def _find_layer(every: list[Any], asked: Any) -> Any:
    if isinstance(asked, keras.layers.Layer):
        found = [one for one in every if one is asked]
    elif isinstance(asked, str):
        found = [one for one in every if one.name == asked]
    else:
        raise _check.invalid("layer", "the name of a layer, a layer, or a list of them", asked)
    if not found:
        rule = f"one of the model's layers: {_names(every)}"
        raise _check.invalid("layer", rule, getattr(asked, "name", asked))
    if len(found) > 1:
        rule = f"given as a layer, because {len(found)} have that name"
        raise _check.invalid("layer", rule, asked)
    return found[0]


def _names(layers: list[Any]) -> str:
    return ", ".join(dict.fromkeys(repr(one.name) for one in layers))


@dataclass(frozen=True)
class Sites:
    """The places of a model that are perturbed.

    A pass calls `visit(tensor, mask)` for each of them and goes on with what that returns. The mask
    has the shape of the tensor except for axes of size 1; it is 0 for padding, and None if there
    is none.
    """

    layers: tuple[Any, ...]
    variables: tuple[Any, ...]
    """The matrices; empty if outputs are perturbed."""

    def replaced(self, values: dict[int, Any], visit: Any) -> dict[int, Any]:
        """The values of variables by id, with those of matrices visited."""
        visited = dict(values)
        for layer, variable in zip(self.layers, self.variables, strict=False):
            visited[id(variable)] = visit(values[id(variable)], _padding_row(layer, variable))
        return visited

    @contextmanager
    def patched(self, visit: Any) -> Iterator[None]:
        """Visits the outputs of the layers while the block runs, if outputs are perturbed."""
        if self.variables:
            yield
            return
        own = [one.__dict__.get("call") for one in self.layers]
        try:
            for layer in self.layers:
                object.__setattr__(layer, "call", _visiting(layer, layer.call, visit))
            yield
        finally:
            for layer, call in zip(self.layers, own, strict=True):
                object.__delattr__(layer, "call")
                if call is not None:
                    object.__setattr__(layer, "call", call)


def sites_of(model: Any, layer: Any, where: str) -> Sites:
    """Finds the places.

    Raises:
        InvalidArgumentError: There is no such layer, or it has no matrix.
    """
    layers = tuple(find_layers(model, layer))
    if where == "outputs":
        return Sites(layers, ())
    return Sites(layers, tuple(_matrix(one) for one in layers))


def _matrix(layer: Any) -> Any:
    """The matrix of an embedding, or the only weight of another layer."""
    if isinstance(layer, keras.layers.Embedding):
        if not layer.built:
            raise _check.invalid("model", "built: call it on a batch before", layer.name)
        found = layer.weights[:1]
    else:
        found = layer.trainable_weights
    if len(found) != 1:
        rule = "an Embedding, or a layer with one weight; otherwise use where='outputs'"
        raise _check.invalid("layer", rule, f"{layer.name} with {len(found)} weights")
    return found[0]


def _padding_row(layer: Any, variable: Any) -> Any:
    """The mask of a matrix whose row 0 is padding."""
    if not getattr(layer, "mask_zero", False):
        return None
    rows = ops.arange(variable.shape[0]) > 0
    return ops.cast(rows, "float32")[:, None]


def _visiting(layer: Any, plain: Any, visit: Any) -> Any:
    """The call of a layer, with a visit to its output."""

    def call(*args: Any, **kwargs: Any) -> Any:
        output = plain(*args, **kwargs)
        # An embedding that is also the output layer: those are logits.
        if kwargs.get("reverse"):
            return output
        if isinstance(output, (list, tuple, dict)):
            rule = "a layer with one output, for where='outputs'"
            raise _check.invalid("layer", rule, layer.name)
        if not keras.backend.is_float_dtype(keras.backend.standardize_dtype(output.dtype)):
            rule = "a layer with an output of floating-point numbers"
            raise _check.invalid("layer", rule, layer.name)
        mask = kwargs.get("mask")
        if getattr(layer, "mask_zero", False):
            mask = layer.compute_mask(*args[:1])
        if mask is not None:
            mask = ops.cast(mask, "float32")
            mask = ops.reshape(
                mask, (*ops.shape(mask), *[1] * (len(output.shape) - len(mask.shape)))
            )
        return visit(output, mask)

    return call
