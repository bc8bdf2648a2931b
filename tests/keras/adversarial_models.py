"""Small classifiers for adversarial training, and steps of gradient descent with them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from newword.keras import adversarial_training
from tests.support.tensors import Array, numpy

WORDS, CLASSES, STEPS, SAMPLES = 12, 3, 5, 6
EAGER = keras.backend.backend() != "jax"
"""Running step by step saves the time of tracing; JAX would compile each operation by itself."""


def data() -> tuple[Array, Array, Array]:
    """Ids with padding, labels, weights."""
    random = np.random.default_rng(0)
    ids = random.integers(1, WORDS, (SAMPLES, STEPS)).astype("int32")
    ids[0, 3:] = ids[1, 2:] = 0
    return ids, random.integers(0, CLASSES, SAMPLES), random.uniform(0.5, 2, SAMPLES)


def classifier(
    *,
    dropout: float = 0.0,
    normalization: str | None = None,
    dtype: str = "float32",
    optimizer: Any = None,
    **options: Any,
) -> Any:
    """Embedding, mean, two Dense layers; the same weights every time."""
    keras.utils.set_random_seed(0)
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(
        WORDS, 4, mask_zero=True, name="embedding", dtype=dtype, embeddings_initializer="normal"
    )(ids)
    x = keras.layers.GlobalAveragePooling1D(dtype=dtype)(x)
    if dropout:
        x = keras.layers.Dropout(dropout, seed=1, dtype=dtype)(x)
    if normalization == "batch":
        x = keras.layers.BatchNormalization(dtype=dtype)(x)
    if normalization == "layer":
        x = keras.layers.LayerNormalization(dtype=dtype)(x)
    x = keras.layers.Dense(4, activation="tanh", name="hidden", dtype=dtype)(x)
    outputs = keras.layers.Dense(CLASSES, activation="softmax", name="classes", dtype=dtype)(x)
    model = keras.Model(ids, outputs, name="classifier")
    model.layers[1].set_weights([np.random.default_rng(1).normal(size=(WORDS, 4))])
    loss = keras.losses.SparseCategoricalCrossentropy(dtype=dtype if dtype == "float64" else None)
    given = {"run_eagerly": EAGER, "metrics": ["accuracy"], **options}
    model.compile(keras.optimizers.SGD(1.0) if optimizer is None else optimizer, loss, **given)
    return model


def gradients(model: Any, *batch: Any) -> list[Array]:
    """The gradients of a step of gradient descent with rate 1; the weights are put back."""
    before = model.get_weights()
    model.train_on_batch(*batch)
    after = model.get_weights()
    model.set_weights(before)
    return [one - other for one, other in zip(before, after, strict=True)]


def adversarial_gradients(batch: Any, model: dict[str, Any] | None = None, **options: Any) -> Any:
    """The gradients of a step with a method."""
    made = classifier(**(model or {}))
    adversarial_training(made, **options)
    return gradients(made, *batch)


def total_loss(model: Any, x: Any, y: Any) -> float:
    """What a training step minimises."""
    outputs = model(x, training=True)
    return float(
        keras.ops.convert_to_numpy(model.compute_loss(x=x, y=y, y_pred=outputs, training=True))
    )


def variables(model: Any) -> list[Array]:
    """All variables but those of the optimizer."""
    return [numpy(one) for one in model.variables]
