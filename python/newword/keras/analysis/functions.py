"""The loss of a model as a function of its weights: values, gradients, Hessian products.

Weights are one vector here. Nothing is assigned: variables, statistics of batch normalization,
states of random generators and metrics are what they were.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from newword.errors import InvalidArgumentError
from newword.keras._backend import (
    compiled,
    hessian_vector_product,
    keeping_random_state,
    value_and_gradients,
)
from newword.keras._second_derivatives import exact_moments

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["PRODUCT_COST", "LossFunctions"]

PRODUCT_COST = 2
"""A Hessian-vector product differentiates a gradient: it counts as two gradients."""


class LossFunctions:
    """Loss, gradient and Hessian-vector product of a model on one batch, compiled.

    Each is a function of an offset, a vector that is added to the trainable weights.

    Args:
        model: A compiled model.
        data: The tensors `(x, y, sample_weight)`.
        training: Whether the model runs as in training.
    """

    def __init__(self, model: Any, data: tuple[Any, Any, Any], training: bool) -> None:
        self.model, self.data, self.training = model, data, training
        self.weights = list(model.trainable_variables)
        self.sizes = [int(np.prod(one.shape)) for one in self.weights]
        double = any(keras.backend.standardize_dtype(w.dtype) == "float64" for w in self.weights)
        self.dtype = "float64" if double else "float32"
        self.gradient_evaluations = 0
        takes = inspect.signature(model.compute_loss).parameters
        # What changes the loss in training, such as adversarial training, is not probed.
        self._options = {"training": False} if "training" in takes else {}
        self.others: list[Any] = []
        self._make_metrics()
        known = {id(one) for one in self.weights}
        states = {id(one): one for one in (*model.variables, *model.metrics_variables)}
        self.others = [one for key, one in states.items() if key not in known]
        read = [*self.weights, *self.others]
        self._compiled_loss = compiled(self._loss, read)
        self._compiled_gradient = compiled(self._gradient, read)
        self._compiled_product = compiled(self._product, read)

    @property
    def size(self) -> int:
        """The number of trainable weights."""
        return sum(self.sizes)

    def loss(self, offset: NDArray[Any] | None = None) -> float:
        """The loss at the weights plus an offset of shape (size,)."""
        return float(ops.convert_to_numpy(self._run(self._compiled_loss, offset)))

    def gradient(self, offset: NDArray[Any] | None = None) -> tuple[float, NDArray[Any]]:
        """The loss and its gradient, of shape (size,), at the weights plus an offset."""
        self.gradient_evaluations += 1
        loss, gradient = self._run(self._compiled_gradient, offset)
        return float(ops.convert_to_numpy(loss)), np.array(ops.convert_to_numpy(gradient))

    def product(self, vector: NDArray[Any]) -> NDArray[Any]:
        """The Hessian at the weights times a vector of shape (size,).

        Raises:
            InvalidArgumentError: The loss has no second derivatives.
        """
        self.gradient_evaluations += PRODUCT_COST
        try:
            product = np.array(ops.convert_to_numpy(self._run(self._compiled_product, vector)))
        except (LookupError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
            raise _no_second_derivatives(f"the backend cannot compute them ({error!s:.200})") from (
                error
            )
        if not np.isfinite(product).all():
            raise _no_second_derivatives("values that are not finite")
        return product

    def values(self) -> NDArray[Any]:
        """The trainable weights as one vector of shape (size,)."""
        parts = [ops.convert_to_numpy(ops.cast(one, self.dtype)).ravel() for one in self.weights]
        return np.concatenate(parts)

    def parts(self, vector: NDArray[Any]) -> list[NDArray[Any]]:
        """A vector in parts of the shapes of the weights."""
        pieces = np.split(vector, np.cumsum(self.sizes)[:-1])
        return [
            piece.reshape(weight.shape) for piece, weight in zip(pieces, self.weights, strict=True)
        ]

    def places(self, layer: Any) -> NDArray[np.bool_]:
        """Which entries of the vector are weights of a layer, of shape (size,)."""
        own = {id(one) for one in layer.trainable_variables}
        return np.repeat([id(one) in own for one in self.weights], self.sizes)

    def _make_metrics(self) -> None:
        """Computes the loss once, in which Keras makes its metrics if there was no training yet."""
        with keeping_random_state():
            self._loss(self.data, ops.zeros((self.size,), self.dtype))

    def _run(self, function: Any, offset: NDArray[Any] | None) -> Any:
        if offset is None:
            offset = np.zeros(self.size, self.dtype)
        vector = ops.convert_to_tensor(np.asarray(offset, self.dtype))
        with keeping_random_state():
            return function(self.data, vector)

    def _loss(self, data: Any, offset: Any) -> Any:
        x, y, sample_weight = data
        mapping = [(one, ops.convert_to_tensor(one)) for one in self.others]
        for weight, part in zip(self.weights, self._split(offset), strict=True):
            value = ops.convert_to_tensor(weight)
            mapping.append((weight, value + ops.cast(part, value.dtype)))
        with keras.StatelessScope(state_mapping=mapping, collect_losses=True):
            output = self.model(x, training=self.training)
            loss = self.model.compute_loss(
                x=x, y=y, y_pred=output, sample_weight=sample_weight, **self._options
            )
        return ops.cast(loss, self.dtype)

    def _split(self, vector: Any) -> list[Any]:
        # The gradient of a split is one concatenation; slices would each have one of full size.
        ends = np.cumsum(self.sizes)[:-1].tolist()
        pieces = ops.split(vector, ends) if ends else [vector]
        return [
            ops.reshape(piece, weight.shape)
            for piece, weight in zip(pieces, self.weights, strict=True)
        ]

    def _gradient(self, data: Any, offset: Any) -> tuple[Any, Any]:
        value, (gradient,) = value_and_gradients(functools.partial(self._loss, data))(offset)
        return value, gradient

    def _product(self, data: Any, vector: Any) -> Any:
        def loss(offset: Any) -> Any:
            with exact_moments(self.model):
                return self._loss(data, offset)

        return hessian_vector_product(loss, [ops.zeros_like(vector)], [vector])[0]


def _no_second_derivatives(found: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"model: must have a loss with second derivatives, got {found}; "
        "gradient_lipschitz needs none"
    )
