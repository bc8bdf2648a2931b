"""Gradients and Hessian-vector products of functions of tensors, against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from keras import ops

from newword.keras._backend import hessian_vector_product, value_and_gradients
from tests.support.tensors import numpy

pytestmark = pytest.mark.contract


def cubic(x: Any, y: Any) -> Any:
    """A function with all second derivatives."""
    return ops.sum(x**3 * y) + ops.sum(ops.tanh(x) * ops.tanh(y) ** 2)


def points() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return tuple(ops.convert_to_tensor(rng.normal(size=4).astype("float32")) for _ in range(2))


def differences(function: Any, x: Any, step: float = 1e-2) -> np.ndarray[Any, Any]:
    """Central differences of a scalar or vector function of a NumPy vector."""
    sides = [
        (function(x + step * one) - function(x - step * one)) / (2 * step)
        for one in np.eye(len(x), dtype="float32")
    ]
    return np.array(sides)


def test_gradients_are_those_of_finite_differences() -> None:
    x, y = points()
    value, gradients = value_and_gradients(cubic)(x, y)
    assert float(numpy(value)) == pytest.approx(float(numpy(cubic(x, y))), rel=1e-6)
    wanted = differences(lambda one: float(numpy(cubic(ops.convert_to_tensor(one), y))), numpy(x))
    assert numpy(gradients[0]) == pytest.approx(wanted, abs=2e-2)
    assert len(gradients) == 2


def test_what_the_scalar_does_not_depend_on_has_zeros() -> None:
    x, y = points()
    (value, aux), gradients = value_and_gradients(lambda x, y: (ops.sum(x), y), has_aux=True)(x, y)
    assert float(numpy(value)) == pytest.approx(float(numpy(x).sum()), rel=1e-6)
    assert numpy(aux) == pytest.approx(numpy(y))
    assert numpy(gradients[0]) == pytest.approx(np.ones(4))
    assert numpy(gradients[1]) == pytest.approx(np.zeros(4))


def test_gradients_of_lookups_are_dense() -> None:
    table = ops.reshape(ops.arange(12, dtype="float32"), (4, 3))
    ids = np.array([1, 1, 3])
    _, (gradient,) = value_and_gradients(lambda one: ops.sum(ops.take(one, ids, axis=0)))(table)
    assert numpy(gradient) == pytest.approx(np.array([0, 2, 0, 1])[:, None] * np.ones((1, 3)))


def test_a_gradient_can_be_differentiated() -> None:
    x, y = points()

    def length(x: Any) -> Any:
        _, gradients = value_and_gradients(cubic, differentiable=True)(x, y)
        return ops.sum(gradients[0] ** 2)

    _, (gradient,) = value_and_gradients(length)(x)
    wanted = differences(
        lambda one: float(numpy(length(ops.convert_to_tensor(one)))), numpy(x), 1e-3
    )
    assert numpy(gradient) == pytest.approx(wanted, rel=2e-2, abs=0.1)


def test_products_with_the_hessian_are_those_of_finite_differences() -> None:
    x, y = points()
    rng = np.random.default_rng(1)
    vectors = [rng.normal(size=4).astype("float32") for _ in range(2)]
    found = np.concatenate([numpy(one) for one in hessian_vector_product(cubic, (x, y), vectors)])

    def gradient(both: Any) -> Any:
        parts = [ops.convert_to_tensor(one) for one in np.split(both, 2)]
        return np.concatenate([numpy(one) for one in value_and_gradients(cubic)(*parts)[1]])

    whole = np.concatenate([numpy(x), numpy(y)])
    hessian = differences(gradient, whole, 1e-3)
    assert found == pytest.approx(hessian @ np.concatenate(vectors), rel=2e-2, abs=2e-2)
