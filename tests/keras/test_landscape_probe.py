"""Probes have no side effects, in training and out of it; what they are given is checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from newword.errors import InvalidArgumentError
from newword.keras import LandscapeProbe, LossLandscape, second_moment_spectrum
from tests.keras import landscapes
from tests.support.tensors import numpy

X, Y = landscapes.batch()


@pytest.mark.contract
def test_probes_change_nothing() -> None:
    model = landscapes.classifier()
    model.fit(X, Y, batch_size=8, verbose=0)
    before = landscapes.state(model)
    landscape = LossLandscape(model, X, Y)
    found = [
        (
            landscape.loss(),
            landscape.variation([0.1]).columns["loss"][0],
            landscape.gradient_lipschitz(directions=1, refinements=1),
            landscape.eigenvalues(max_products=3).values[0],
            landscape.line(points=2)["loss"][0],
            landscape.largest_stable_rate(steps=2, highest=0.2),
        )
        for _ in range(2)
    ]
    landscapes.check_same(before, landscapes.state(model))
    assert found[0] == found[1]


@pytest.mark.contract
def test_training_with_a_probe_ends_in_equal_variables() -> None:
    states, probe = [], LandscapeProbe(X, Y, every=2, probes=("variation", "eigenvalue"))
    for callbacks in ([], [probe]):
        model = landscapes.classifier()
        model.fit(X, Y, batch_size=6, epochs=2, callbacks=callbacks, verbose=0)
        states.append(landscapes.state(model))
    landscapes.check_same(*states)
    table = probe.history()
    assert table["step"].tolist() == [2, 4, 6, 8]
    assert table["epoch"].tolist() == [0, 0, 1, 1]
    assert np.isfinite(table["top_eigenvalue"]).all()
    assert (table["loss_min"] <= table["loss_max"]).all()
    # The last probe saw the final weights.
    landscape = LossLandscape(model, X, Y)
    assert table["loss"][-1] == pytest.approx(landscape.loss(), rel=1e-6)
    assert table["smoothness"][-1] == pytest.approx(
        landscape.variation().effective_smoothness, rel=1e-4
    )


def test_probes_with_several_steps_per_execution_and_several_fits() -> None:
    model, x, y = landscapes.linear()
    model.compile("sgd", "mse", steps_per_execution=2)
    probe = LandscapeProbe(x, y, every=3, probes="lipschitz")
    assert len(probe.history()) == 0
    # Six steps an epoch, two at once: what is due within them is probed after them.
    model.fit(x, y, batch_size=4, epochs=2, callbacks=[probe], verbose=0)
    assert probe.history()["step"].tolist() == [4, 6, 10, 12]
    model.fit(x, y, batch_size=6, callbacks=[probe], verbose=0)
    table = probe.history()
    assert table["step"].tolist() == [4, 6, 10, 12, 16]
    hessian = 2 * x.T @ x / len(x)
    np.testing.assert_allclose(table["lipschitz"], np.linalg.eigvalsh(hessian)[-1], rtol=2e-2)
    assert table.summary == {"every": 3, "statistics": "batch"}


def test_the_history_is_a_table_and_a_plot() -> None:
    pytest.importorskip("pandas")
    mpl = pytest.importorskip("matplotlib")
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    model, x, y = landscapes.linear()
    probe = LandscapeProbe(x, y, every=1, steps=[0.01, 0.02])
    model.fit(x, y, batch_size=12, callbacks=[probe], verbose=0)
    table = probe.history()
    assert table.to_pandas()["step"].tolist() == [1, 2]
    axes = table.plot("loss")
    assert axes.get_ylabel() == "loss"
    assert len(axes.collections) == 1
    plt.close(axes.figure)
    with pytest.raises(InvalidArgumentError, match="measure: must be one of 'step', 'epoch', "):
        table.plot("speed")


# What is invalid


@pytest.fixture(scope="module")
def landscape() -> LossLandscape:
    return LossLandscape(*landscapes.linear())


def broken() -> Iterator[tuple[str, Any, str]]:
    model, x, y = landscapes.linear()
    fresh = keras.Sequential([keras.layers.Dense(1)])
    bare = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    frozen = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, trainable=False)])
    frozen.compile("sgd", "mse")
    make: Any = LossLandscape
    yield "no model", lambda: make("model", x, y), "model: must be a Keras model, got 'model'"
    yield "unbuilt", lambda: make(fresh, x, y), "model: must be built, .* call it on a batch"
    yield "uncompiled", lambda: make(bare, x, y), r"must be compiled, .* call model\.compile"
    yield "frozen", lambda: make(frozen, x, y), "model: must have trainable weights"
    yield "lengths", lambda: make(model, x, y[:-1]), "y: must be as long as x, 24 rows, got 23"
    yield (
        "weights",
        lambda: make(model, x, y, sample_weight=y[:3, 0]),
        "sample_weight: must be as long as x, 24 rows, got 3",
    )
    yield "empty", lambda: make(model, x[:0], y[:0]), "x: must be a batch with at least one row"
    yield "no rows", lambda: make(model, 1.0, y), "x: must be an array or a nest of arrays"
    yield "nothing", lambda: make(model, None, y), "x: must be an array or a nest of arrays"
    yield (
        "statistics",
        lambda: make(model, x, y, "moving"),
        "statistics: must be one of 'batch', 'running', got 'moving'",
    )
    yield "every", lambda: LandscapeProbe(x, y, every=0), "every: must be .* at least 1, got 0"
    yield "probes", lambda: LandscapeProbe(x, y, probes="trace"), "probes: must be one of 'variat"
    yield "no probes", lambda: LandscapeProbe(x, y, probes=()), "probes: must be at least one of"
    yield "late y", lambda: LandscapeProbe(x, y[:-1]), "y: must be as long as x"
    yield (
        "spectrum of nothing",
        lambda: second_moment_spectrum(fresh, "dense", x),
        "model: must be built",
    )
    yield (
        "spectrum of no layer",
        lambda: second_moment_spectrum(bare, "dens", x),
        "layer: must be one of the layers, 'dense.*', got 'dens'",
    )


BROKEN = list(broken())


@pytest.mark.parametrize(
    ("call", "message"), [one[1:] for one in BROKEN], ids=[one[0] for one in BROKEN]
)
def test_what_cannot_be_probed_is_an_error(call: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        call()


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        ("variation", {"steps": []}, "steps: must be positive numbers in increasing order"),
        ("variation", {"steps": [0.1, 0.1]}, "steps: must be positive numbers in increasing"),
        ("variation", {"steps": [0, 1]}, "steps: must be positive numbers in increasing"),
        ("variation", {"steps": [0.1, float("nan")]}, "steps: must be positive numbers"),
        ("variation", {"steps": "ab"}, "steps: must be positive numbers"),
        ("gradient_lipschitz", {"radius": 0}, "radius: must be a finite number above 0, got 0"),
        ("gradient_lipschitz", {"directions": -1}, "directions: must be .* at least 0, got -1"),
        ("eigenvalues", {"count": 5}, "count: must be .* between 1 and 4, got 5"),
        ("eigenvalues", {"count": 3, "max_products": 2}, "max_products: must be .* at least 3"),
        ("eigenvalues", {"which": "top"}, "which: must be one of 'largest', "),
        ("eigenvalues", {"tolerance": -1}, "tolerance: must be a finite number"),
        (
            "eigenvalues",
            {"layer": "x"},
            r"layer: must be one of the layers with trainable weights, 'dense[_0-9]*', got 'x'",
        ),
        ("line", {"reach": float("inf")}, "reach: must be a finite number"),
        ("line", {"points": 1}, "points: must be .* at least 2, got 1"),
        ("line", {"normalization": "batch"}, "normalization: must be one of 'filter', "),
        (
            "line",
            {"direction": [np.ones(3)]},
            r"direction: must be arrays of the shapes .*\[\(4, 1\)\], got \[\(3,\)\]",
        ),
        ("surface", {"directions": (None,)}, "directions: must be two directions"),
        ("largest_stable_rate", {"start": 0}, "start: must be a finite number above 0"),
        ("largest_stable_rate", {"steps": 0}, "steps: must be .* at least 1, got 0"),
    ],
)
def test_invalid_arguments_of_probes(
    landscape: LossLandscape, method: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        getattr(landscape, method)(**arguments)


@pytest.mark.contract
def test_a_loss_that_is_not_finite() -> None:
    model, x, y = landscapes.linear()
    landscape = LossLandscape(model, x, np.full_like(y, np.nan))
    for probe in (landscape.variation, landscape.eigenvalues, landscape.gradient_lipschitz):
        with pytest.raises(InvalidArgumentError, match="must have a finite loss .* got nan"):
            probe()


@pytest.mark.contract
def test_a_loss_without_second_derivatives() -> None:
    model, x, y = landscapes.linear()
    model.compile("sgd", "mae")
    landscape = LossLandscape(model, x, y)
    with pytest.raises(InvalidArgumentError, match="must have a loss with second derivatives"):
        landscape.eigenvalues()
    assert landscape.gradient_lipschitz(radius=5.0) > 0


def test_a_training_that_diverges_goes_on() -> None:
    model, x, y = landscapes.linear()
    probe = LandscapeProbe(x, y, every=2, probes=("variation", "eigenvalue"))
    model.optimizer.learning_rate = 1e30
    model.fit(x, y, batch_size=6, callbacks=[probe], verbose=0)
    table = probe.history()
    assert table["step"].tolist() == [2, 4]
    assert np.isnan(table["loss"]).all()
    assert np.isnan(table["edge"]).all()


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's own trouble")
def test_group_normalization_on_tensorflow_is_refused() -> None:
    layers = [keras.Input((4,)), keras.layers.Dense(4), keras.layers.GroupNormalization(2)]
    model = keras.Sequential([*layers, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    landscape = LossLandscape(model, X, Y)
    with pytest.raises(InvalidArgumentError, match="GroupNormalization has no right second deriv"):
        landscape.eigenvalues()
    assert landscape.gradient_lipschitz() > 0
    assert numpy(model(X)).shape == (len(X), 1)


def test_an_operation_without_second_derivatives() -> None:
    class Rough(keras.layers.Layer):
        """Its gradient cannot be differentiated."""

        def call(self, inputs: Any) -> Any:
            @ops.custom_gradient
            def twice(x: Any) -> Any:
                def gradient(*arguments: Any, upstream: Any = None) -> Any:
                    raise_if_differentiated(arguments or upstream)
                    return 2 * (arguments[0] if upstream is None else upstream)

                return 2 * x, gradient

            return twice(inputs)

    def raise_if_differentiated(_: Any) -> None:
        calls.append(1)
        if len(calls) > limit:
            raise NotImplementedError("no second derivative")

    calls: list[int] = []
    limit = 10**9
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1), Rough()])
    model.compile("sgd", "mse")
    landscape = LossLandscape(model, X, Y)
    landscape.variation([0.1])
    limit = len(calls)
    with pytest.raises(InvalidArgumentError, match=r"(?s)cannot compute them .*no second deriv"):
        landscape.eigenvalues()
