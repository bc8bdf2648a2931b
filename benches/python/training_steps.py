"""The step of each method of adversarial training against a plain step."""

from __future__ import annotations

import functools
import statistics
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benches.python.bench_tagging import ratio, turns
from benches.python.harness import Report

Array = NDArray[Any]
BATCH, STEPS, WORDS, FEATURES, CLASSES = 32, 64, 20_000, 128, 10
DROPOUT = 0.1
METHODS: dict[str, tuple[dict[str, Any], float]] = {
    "FGM": ({"method": "fgm"}, 2.1),
    "FGM of outputs": ({"method": "fgm", "where": "outputs"}, 2.1),
    "PGD-2": ({"method": "pgd", "steps": 2}, 3.1),
    "PGD-3 of outputs": ({"method": "pgd", "steps": 3, "where": "outputs"}, 4.1),
    "gradient penalty": ({"method": "gradient_penalty"}, 3.0),
    "gradient penalty of outputs": ({"method": "gradient_penalty", "where": "outputs"}, 3.0),
    "FreeLB-2, 3 passes": ({"method": "freelb", "steps": 2}, 3.3),
    "VAT, 3 passes and a forward one": ({"method": "vat"}, 3.85),
    "VAT of outputs, new masks, 3 passes": (
        {"method": "vat", "where": "outputs", "dropout": "new"},
        3.3,
    ),
    "R-Drop, 2 passes": ({"method": "r_drop"}, 2.2),
}
"""The options of each method, and its target as a multiple of a plain step.

Where no other is given, it is the number of passes and a tenth; a forward pass is half of one.
"""
SHORT = ("FGM", "PGD-2", "gradient penalty", "R-Drop, 2 passes")
"""What is measured where time is short."""


def section(report: Report, *, quick: bool) -> None:
    """Convolutions, and an LSTM, whose loops TensorFlow takes long to trace."""
    check_fgm()
    if quick:
        steps(report, "convolutions", convolutions, 15, SHORT)
        return
    steps(report, "convolutions", convolutions, 60, tuple(METHODS))
    steps(report, "BiLSTM", lstm, 30, SHORT)


def steps(report: Report, trunk_name: str, trunk: Any, count: int, names: tuple[str, ...]) -> None:
    """Steps of all methods in turns, each with a model of its own."""
    from newword.keras import adversarial_training

    x, y = data()
    works = [functools.partial(model_of(trunk).train_on_batch, x, y)]
    for name in names:
        model = model_of(trunk)
        adversarial_training(model, **METHODS[name][0])
        works.append(functools.partial(model.train_on_batch, x, y))
    plain, *times = turns(count, *works)
    report.add(f"{trunk_name}: plain step", f"{statistics.median(plain) * 1e3:.1f} ms")
    for name, each in zip(names, times, strict=True):
        most, found = METHODS[name][1], ratio(each, plain)
        measured = f"{found:.2f} x ({statistics.median(each) * 1e3:.1f} ms)"
        report.add(f"  {name}", measured, f"<= {most} x", found <= most)


def data() -> tuple[Any, Any]:
    """Ids and labels of a batch, as tensors."""
    from keras import ops

    random = np.random.default_rng(0)
    x = random.integers(1, WORDS, (BATCH, STEPS)).astype("int32")
    y = random.integers(0, CLASSES, BATCH).astype("int32")
    return ops.convert_to_tensor(x), ops.convert_to_tensor(y)


def model_of(trunk: Any, dropout: float = DROPOUT) -> Any:
    """A compiled classifier with the same weights every time."""
    import keras

    keras.utils.set_random_seed(0)
    ids = keras.Input((STEPS,), dtype="int32")
    hidden = keras.layers.Embedding(WORDS, FEATURES, name="embedding")(ids)
    hidden = keras.layers.Dropout(dropout, seed=0)(trunk(hidden))
    outputs = keras.layers.Dense(CLASSES, activation="softmax")(hidden)
    model = keras.Model(ids, outputs)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def convolutions(hidden: Any) -> Any:
    """Three convolutions and their mean."""
    import keras

    for _ in range(3):
        hidden = keras.layers.Conv1D(128, 3, padding="same", activation="relu")(hidden)
    return keras.layers.GlobalAveragePooling1D()(hidden)


def lstm(hidden: Any) -> Any:
    """A bidirectional LSTM of 64 units."""
    import keras

    return keras.layers.Bidirectional(keras.layers.LSTM(64))(hidden)


def check_fgm() -> None:
    """The loss of a step of FGM is that of a model with the perturbation added by hand."""
    from newword.keras import adversarial_training

    x, y = data()
    plain, model = (model_of(convolutions, dropout=0.0) for _ in range(2))
    plain.compile("sgd", plain.loss)
    model.compile("sgd", model.loss)
    before = plain.get_weights()
    plain.train_on_batch(x, y)
    gradient = before[0] - plain.get_weights()[0]
    delta = 0.5 * gradient / np.linalg.norm(gradient)
    plain.set_weights([before[0] + delta, *before[1:]])
    wanted = plain.test_on_batch(x, y, return_dict=True)["loss"]
    adversarial_training(model, epsilon=0.5)
    found = model.train_on_batch(x, y, return_dict=True)["adversarial_loss"]
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
