"""Small models and batches for the tests of loss landscapes."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tests.support.tensors import Array, numpy

ROWS = 24


def batch(rows: int = ROWS) -> tuple[Array, Array]:
    """Inputs (rows, 4) with unlike means and scales, and classes (rows,)."""
    rng = np.random.default_rng(5)
    x = (rng.normal(size=(rows, 4)) * [1, 2, 0.5, 1] + [0, 1, -1, 2]).astype("float32")
    return x, (x[:, 0] + 0.3 * x[:, 1] ** 2 > 1).astype("int32")


def classifier(dropout: float = 0.2, units: int = 3) -> Any:
    """A compiled model with batch normalization, dropout and regularization."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((4,))
    h = keras.layers.Dense(units, name="first")(inputs)
    h = keras.layers.BatchNormalization(name="norm")(h)
    h = keras.layers.Dropout(dropout, seed=1)(keras.layers.Activation("tanh")(h))
    last = keras.layers.Dense(2, name="last", kernel_regularizer=keras.regularizers.L2(0.01))
    model = keras.Model(inputs, last(h))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    return model


def linear() -> tuple[Any, Array, Array]:
    """A linear model whose mean squared error is a quadratic function of its weights."""
    x, _ = batch()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd", "mse")
    model.set_weights([np.array([[1.0], [-2.0], [0.5], [1.0]])])
    return model, x, np.zeros((len(x), 1), "float32")


def state(model: Any) -> list[Array]:
    """Copies of all variables: weights, statistics, seeds, optimizer, metrics."""
    variables = [*model.variables, *model.optimizer.variables, *model.metrics_variables]
    return [numpy(one).copy() for one in variables]


def check_same(before: list[Array], after: list[Array]) -> None:
    """Bit for bit."""
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
