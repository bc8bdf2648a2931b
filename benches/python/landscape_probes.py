"""Probes of loss landscapes against their targets.

Eigenvalues are compared with a dense solver before anything is timed.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from benches.python.harness import Report
from newword.keras import LandscapeProbe, LossLandscape

Array = NDArray[Any]
ROWS, FEATURES, CLASSES = 4_096, 64, 10
BATCH, EVERY = 128, 100


def data(rows: int = ROWS) -> tuple[Array, Array]:
    """Features and classes that a noisy teacher gives."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, FEATURES)).astype("float32") + 0.5
    scores = np.tanh(x @ rng.normal(size=(FEATURES, 32)) / 8) @ rng.normal(size=(32, CLASSES))
    classes = (scores + rng.normal(size=scores.shape)).argmax(axis=1)
    return x, classes.astype("int32")


def network(units: int, layers: int, activation: str, normalization: bool) -> Any:
    """A compiled network of dense layers."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((FEATURES,))])
    for _ in range(layers):
        model.add(keras.layers.Dense(units))
        if normalization:
            model.add(keras.layers.BatchNormalization())
        model.add(keras.layers.Activation(activation))
    model.add(keras.layers.Dense(CLASSES))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.05), loss)
    return model


def recurrent() -> Any:
    """A bidirectional LSTM over the features as steps of eight."""
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((FEATURES,)),
        keras.layers.Reshape((8, 8)),
        keras.layers.Bidirectional(keras.layers.LSTM(64)),
        keras.layers.Dense(CLASSES),
    ]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(), loss)
    return model


def compare_with_dense(report: Report) -> None:
    """The largest error against all eigenvalues of the Hessian, whole and by layer."""
    worst = 0.0
    x, y = data(256)
    for normalization in (False, True):
        model = network(4, 2, "tanh", normalization)
        landscape = LossLandscape(model, x, y)
        functions = landscape._functions
        for trained in (False, True):
            if trained:
                model.fit(x, y, epochs=20, batch_size=32, verbose=0)
            hessian = np.array([functions.product(one) for one in np.eye(landscape.size)])
            blocks = {None: np.ones(landscape.size, bool)}
            names = landscape.layer_eigenvalues()["layer"] if trained else []
            blocks |= {name: functions.places(model.get_layer(name)) for name in names}
            for name, places in blocks.items():
                part = hessian[np.ix_(places, places)].astype("float64")
                wanted = np.linalg.eigvalsh((part + part.T) / 2)[-1]
                found = landscape.eigenvalues(layer=name).values[0]
                worst = max(worst, abs(found / wanted - 1))
    size = f"{landscape.size} weights"
    report.add(f"top eigenvalue to a dense solver, {size}", f"{worst:.4%}", "<= 1 %", worst <= 0.01)


def power_iteration(landscape: LossLandscape, wanted: float, most: int = 200) -> int:
    """The twin: products until the Rayleigh quotient is within 0.1 % of the eigenvalue."""
    functions = landscape._functions
    vector = np.random.default_rng(0).normal(size=landscape.size)
    for count in range(1, most + 1):
        vector /= np.linalg.norm(vector)
        image = functions.product(vector)
        if abs(vector @ image / wanted - 1) < 1e-3:
            return count
        vector = image
    return most


def eigenvalues(report: Report, quick: bool) -> None:
    """The cost for about a million weights, at the start of a training and later."""
    x, y = data()
    batch = x[:256], y[:256]
    kinds = [("relu", True)] if quick else [("tanh", False), ("relu", False), ("relu", True)]
    for activation, normalization in kinds:
        model = network(690, 3, activation, normalization)
        landscape = LossLandscape(model, *batch)
        name = f"{landscape.size:,} weights, {activation}{', BN' if normalization else ''}"
        for when in ("start", "trained"):
            if when == "trained":
                model.fit(x, y, epochs=2, batch_size=BATCH, verbose=0)
            found = landscape.eigenvalues()
            exact = landscape.eigenvalues(tolerance=1e-7, max_products=80).values[0]
            error = abs(found.values[0] / exact - 1)
            cost = found.gradient_evaluations
            ok = cost <= 60 and found.converged and error <= 0.01
            twin = 2 * power_iteration(landscape, exact)
            shown = f"{cost} gradients, error {error:.3%}"
            report.add(f"{name}, {when}", shown, "<= 60 gradients, <= 1 %", ok)
            report.add("  power iteration to 0.1 %", f"{twin} gradients")


class Timed(LandscapeProbe):
    """A probe that notes how long each of its measurements takes."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.seconds: list[float] = []

    def _probe(self, step: int) -> None:
        start = time.perf_counter()
        super()._probe(step)
        self.seconds.append(time.perf_counter() - start)


def callback(report: Report, quick: bool) -> None:
    """The share of the time of training, in turns: fits with the probe and without it."""
    x, y = data()
    makers: dict[str, Callable[[], Any]] = {
        "dense, 0.3 M weights": lambda: network(512, 2, "relu", True),
        "bidirectional LSTM": recurrent,
    }
    epochs = 4 if quick else 10
    for name, make in makers.items():
        model = make()
        probe = Timed(x[:BATCH], y[:BATCH], every=EVERY)
        shares = []
        options = {"batch_size": BATCH, "verbose": 0}
        model.fit(x, y, epochs=epochs, callbacks=[probe], **options)
        first = probe.seconds[0]
        for _ in range(3):
            probe.seconds.clear()
            start = time.perf_counter()
            model.fit(x, y, epochs=epochs, callbacks=[probe], **options)
            whole = time.perf_counter() - start
            shares.append(sum(probe.seconds) / (whole - sum(probe.seconds)))
        share = statistics.median(shares)
        shown = f"{share:.1%} of training"
        report.add(f"probe every {EVERY} steps, {name}", shown, "<= 10 %", share <= 0.1)
        report.add("  the first, which compiles", f"{first:.1f} s")


def section(report: Report, *, quick: bool) -> None:
    """Measures everything; fewer steps if it should be quick."""
    print(f"# batch {BATCH}; a Hessian-vector product counts as two gradients")
    compare_with_dense(report)
    eigenvalues(report, quick=quick)
    callback(report, quick=quick)
