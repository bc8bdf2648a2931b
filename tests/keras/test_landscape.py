"""Probes of the loss landscape against what is known: quadratic losses, explicit Hessians."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from newword.keras import LossLandscape
from newword.keras.analysis.lanczos import lanczos
from tests.keras import landscapes
from tests.support.tensors import Array, numpy


@pytest.fixture(scope="module")
def quadratic() -> tuple[LossLandscape, Array, Array]:
    """A landscape with its Hessian, and the weights."""
    model, x, y = landscapes.linear()
    hessian = 2 * (x.T.astype("float64") @ x) / len(x)
    return LossLandscape(model, x, y), hessian, numpy(model.weights[0]).ravel()


@pytest.fixture(scope="module")
def small() -> LossLandscape:
    return LossLandscape(landscapes.classifier(), *landscapes.batch())


def differences(landscape: LossLandscape, step: float = 1e-2) -> Array:
    """The Hessian by central differences of gradients."""
    functions = landscape._functions
    rows = [
        (functions.gradient(step * one)[1] - functions.gradient(-step * one)[1]) / (2 * step)
        for one in np.eye(landscape.size)
    ]
    hessian = np.array(rows)
    return np.asarray((hessian + hessian.T) / 2)


# Eigenvalues


@pytest.mark.contract
def test_eigenvalues_of_a_quadratic_loss(quadratic: Any) -> None:
    landscape, hessian, _ = quadratic
    wanted = np.linalg.eigvalsh(hessian)
    found = landscape.eigenvalues(4)
    np.testing.assert_allclose(found.values, wanted[::-1], rtol=1e-5)
    assert found.converged
    assert found.edge == pytest.approx(2 / wanted[-1], rel=1e-5)
    least = landscape.eigenvalues(which="smallest", max_products=4)
    assert least.values[0] == pytest.approx(wanted[0], rel=1e-5)
    assert least.gradient_evaluations <= 8


@pytest.mark.contract
def test_eigenvalues_are_those_of_the_whole_hessian(small: LossLandscape) -> None:
    hessian = differences(small)
    wanted = np.linalg.eigvalsh(hessian)
    # Gradients of float32, differenced: three digits.
    assert small.eigenvalues().values[0] == pytest.approx(wanted[-1], rel=5e-3)
    found = small.eigenvalues(3, tolerance=1e-4)
    np.testing.assert_allclose(found.values, wanted[:-4:-1], rtol=5e-3)
    least = small.eigenvalues(which="smallest", tolerance=1e-4)
    assert least.values[0] == pytest.approx(wanted[0], rel=5e-3)
    largest = small.eigenvalues(which="magnitude").values[0]
    assert abs(largest) == pytest.approx(abs(wanted).max(), rel=5e-3)
    start = 0
    for name, weights in (("first", 15), ("norm", 6), ("last", 8)):
        block = hessian[start : start + weights, start : start + weights]
        found = small.eigenvalues(layer=name, tolerance=1e-4)
        assert found.values[0] == pytest.approx(np.linalg.eigvalsh(block)[-1], rel=5e-3)
        start += weights


def test_products_are_columns_of_the_hessian(small: LossLandscape) -> None:
    columns = np.array([small._functions.product(one) for one in np.eye(small.size)])
    np.testing.assert_allclose(columns, columns.T, atol=1e-5)
    np.testing.assert_allclose(columns, differences(small), atol=5e-3)
    # A bias before batch normalization makes no difference; TensorFlow's own second derivatives do.
    np.testing.assert_allclose(columns[12:15], 0, atol=1e-5)


def test_a_table_has_the_eigenvalue_of_each_layer(small: LossLandscape) -> None:
    table = small.layer_eigenvalues()
    assert table["layer"].tolist() == ["first", "norm", "last"]
    assert table["parameters"].tolist() == [15, 6, 8]
    wanted = [small.eigenvalues(layer=name).values[0] for name in table["layer"]]
    assert table["top_eigenvalue"].tolist() == wanted


def test_layers_of_models_within_the_model() -> None:
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="deep")], name="inner")
    model = keras.Sequential([keras.Input((4,)), inner, keras.layers.Dense(1, name="top")])
    model.compile("sgd", "mse")
    x, _ = landscapes.batch()
    landscape = LossLandscape(model, x, np.ones(len(x)))
    assert landscape.layer_eigenvalues()["layer"].tolist() == ["inner", "inner/deep", "top"]
    whole, part = (landscape.eigenvalues(layer=name) for name in ("inner", "inner/deep"))
    assert whole.values[0] == part.values[0]


def symmetric(size: int, seed: int = 0) -> Array:
    random = np.random.default_rng(seed).normal(size=(size, size))
    return np.asarray(random + random.T)


@pytest.mark.parametrize("which", ["largest", "smallest", "magnitude"])
@pytest.mark.parametrize("size", [1, 2, 30, 80])
def test_lanczos_finds_what_a_dense_solver_finds(which: str, size: int) -> None:
    matrix = symmetric(size)
    values = np.linalg.eigvalsh(matrix)
    keys = {"largest": -values, "smallest": values, "magnitude": -abs(values)}
    count = min(size, 3)
    found = lanczos(matrix.__matmul__, size, count, which, 1e-6, size, seed=1)
    wanted = values[np.argsort(keys[which])][:count]
    np.testing.assert_allclose(found.values, wanted, rtol=1e-5)
    assert found.converged
    assert found.products <= size


def test_lanczos_stops_early_and_says_how_well_it_knows() -> None:
    # One large eigenvalue, as Hessians of trained models have.
    spectrum = np.concatenate([[10], np.linspace(-1, 1, 199)])
    basis, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(200, 200)))
    matrix = (basis * spectrum) @ basis.T
    found = lanczos(matrix.__matmul__, 200, 1, "largest", 1e-3, 200, seed=0)
    assert found.products <= 8
    assert abs(found.values[0] - 10) <= 10 * found.errors[0] + 1e-9 <= 0.1
    short = lanczos(matrix.__matmul__, 200, 5, "largest", 1e-9, 6, seed=0)
    assert not short.converged
    assert short.products == 6


@pytest.mark.parametrize(
    ("matrix", "wanted"),
    [
        (np.eye(6), [1, 1, 1]),
        (np.zeros((4, 4)), [0, 0]),
        (np.outer(np.arange(5), np.arange(5)), [30, 0]),
    ],
    ids=["identity", "zeros", "rank one"],
)
def test_lanczos_goes_on_from_invariant_subspaces(matrix: Array, wanted: list[float]) -> None:
    size = len(matrix)
    found = lanczos(matrix.__matmul__, size, len(wanted), "largest", 1e-6, size, seed=0)
    np.testing.assert_allclose(found.values, wanted, atol=1e-9)


# Variation, Lipschitz constants, stable rates


@pytest.mark.contract
def test_variation_of_a_quadratic_loss(quadratic: Any) -> None:
    landscape, hessian, weights = quadratic
    gradient = hessian @ weights
    loss = weights @ gradient / 2
    steps = np.array([0.01, 0.1, 0.5])
    table = landscape.variation(steps)
    moved = weights - steps[:, None] * gradient
    losses = (moved @ hessian * moved).sum(axis=1) / 2
    np.testing.assert_allclose(table["loss"], losses, rtol=1e-4)
    after = moved @ hessian
    distances = np.linalg.norm(after - gradient, axis=1)
    np.testing.assert_allclose(table["gradient_distance"], distances, rtol=1e-4)
    smoothness = np.linalg.norm(hessian @ gradient) / np.linalg.norm(gradient)
    np.testing.assert_allclose(table["smoothness"], smoothness, rtol=1e-4)
    assert table.effective_smoothness == pytest.approx(smoothness, rel=1e-4)
    cosines = after @ gradient / np.linalg.norm(after, axis=1) / np.linalg.norm(gradient)
    np.testing.assert_allclose(table["cosine"], cosines, rtol=1e-3, atol=1e-4)
    # The descent inequality, with the largest smoothness along the step.
    bound = loss + (smoothness * steps**2 / 2 - steps) * (gradient @ gradient)
    np.testing.assert_allclose(table["bound"], bound, rtol=1e-3)
    assert (table["loss"] <= table["bound"] + 1e-3).all()
    assert table.loss_range == (table["loss"].min(), table["loss"].max())
    assert table.summary["loss"] == pytest.approx(loss, rel=1e-5)
    assert table.summary["gradient_norm"] == pytest.approx(np.linalg.norm(gradient), rel=1e-5)
    assert table.summary["weight_norm"] == pytest.approx(np.linalg.norm(weights), rel=1e-6)


def test_the_lipschitz_constant_of_a_quadratic_loss(quadratic: Any) -> None:
    landscape, hessian, _ = quadratic
    top = np.linalg.eigvalsh(hessian)[-1]
    found = landscape.gradient_lipschitz(radius=0.1)
    assert found == pytest.approx(top, rel=1e-2)
    assert found <= top * (1 + 1e-4)
    before = landscape.gradient_evaluations
    landscape.gradient_lipschitz(directions=2, refinements=3)
    assert landscape.gradient_evaluations - before == 7


def test_the_largest_stable_rate_of_a_quadratic_loss_is_the_edge(quadratic: Any) -> None:
    landscape, hessian, _ = quadratic
    edge = 2 / np.linalg.eigvalsh(hessian)[-1]
    for start in (1e-3, 10.0):
        rate = landscape.largest_stable_rate(start, steps=60, tolerance=0.04)
        assert rate == pytest.approx(edge, rel=0.05)


def test_rates_have_a_highest(quadratic: Any) -> None:
    assert quadratic[0].largest_stable_rate(steps=3, highest=0.02, start=0.01) == 0.02


# Losses


def test_the_loss_is_that_of_evaluate() -> None:
    model = landscapes.classifier()
    x, y = landscapes.batch()
    weight = np.linspace(0, 2, len(x))
    model.fit(x, y, epochs=2, verbose=0)
    for sample_weight in (None, weight):
        wanted = model.evaluate(x, y, sample_weight=sample_weight, batch_size=len(x), verbose=0)[0]
        landscape = LossLandscape(model, x, y, "running", sample_weight=sample_weight)
        assert landscape.loss() == pytest.approx(wanted, rel=1e-5)


def test_batch_statistics_are_those_of_training(small: LossLandscape) -> None:
    model = landscapes.classifier(dropout=0)
    x, y = landscapes.batch()
    landscape = LossLandscape(model, x, y)
    output = numpy(model(x, training=True))
    entropy = np.logaddexp.reduce(output, axis=1) - output[np.arange(len(y)), y]
    penalty = 0.01 * (numpy(model.get_layer("last").kernel) ** 2).sum()
    assert landscape.loss() == pytest.approx(entropy.mean() + penalty, rel=1e-5)
    # With dropout equal calls give equal results.
    assert small.loss() == small.loss()
    assert small.loss() != pytest.approx(landscape.loss(), abs=1e-3)


def test_gradients_have_the_names_and_shapes_of_weights(small: LossLandscape) -> None:
    gradients = small.gradients()
    shapes = {one.path: tuple(one.shape) for one in small.model.trainable_variables}
    assert {name: one.shape for name, one in gradients.items()} == shapes
    assert small.size == sum(one.size for one in gradients.values()) == 29


@pytest.mark.contract
def test_several_inputs_and_outputs() -> None:
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    one = keras.layers.Dense(1, name="one")(left)
    two = keras.layers.Dense(1, name="two")(keras.layers.Concatenate()([left, right]))
    model = keras.Model({"left": left, "right": right}, {"one": one, "two": two})
    model.compile("sgd", {"one": "mse", "two": "mae"}, loss_weights={"one": 2.0, "two": 1.0})
    x, _ = landscapes.batch()
    y = np.ones((len(x), 1))
    inputs, targets = {"left": x, "right": x[::-1].copy()}, {"one": y, "two": y}
    landscape = LossLandscape(model, inputs, targets)
    output = {name: numpy(part) for name, part in model(inputs).items()}
    wanted = 2 * ((output["one"] - 1) ** 2).mean() + abs(output["two"] - 1).mean()
    assert landscape.loss() == pytest.approx(wanted, rel=1e-5)
    # The mean squared error alone has second derivatives.
    ones = np.concatenate([x, np.ones((len(x), 1))], axis=1)
    top = np.linalg.eigvalsh(4 * ones.T @ ones / len(x))[-1]
    assert landscape.eigenvalues().values[0] == pytest.approx(top, rel=1e-3)


def test_lookups_and_masks() -> None:
    layers = [
        keras.Input((None,), dtype="int32"),
        keras.layers.Embedding(5, 3, mask_zero=True),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dense(1),
    ]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse")
    x = np.array([[1, 2, 0], [3, 3, 3], [2, 0, 0]])
    landscape = LossLandscape(model, x, np.ones(3))
    gradient = landscape.gradients()[model.trainable_variables[0].path]
    assert not gradient[[0, 4]].any()
    assert gradient[1:4].any(axis=1).all()
    assert landscape.eigenvalues().converged


# Surfaces


def test_a_line_to_other_weights_passes_through_both() -> None:
    model = landscapes.classifier()
    x, y = landscapes.batch()
    here = [numpy(one).copy() for one in model.trainable_variables]
    landscape = LossLandscape(model, x, y)
    there = [one + 0.3 for one in here]
    direction = [one - other for one, other in zip(there, here, strict=True)]
    line = landscape.line(direction, points=3)
    assert line["a"].tolist() == [-1, 0, 1]
    assert line["loss"][1] == landscape.loss()
    for variable, value in zip(model.trainable_variables, there, strict=True):
        variable.assign(value)
    # Weights are read at every call.
    assert landscape.loss() == pytest.approx(line["loss"][2], rel=1e-5)


@pytest.mark.contract
def test_filter_normalization_makes_up_for_the_scale_of_weights() -> None:
    """Behind batch normalization the scale of a filter says nothing, and the surface shows none."""
    model = landscapes.classifier(dropout=0)
    model.get_layer("norm").epsilon = 1e-9
    landscape = LossLandscape(model, *landscapes.batch())
    options: Any = {"points": 3, "reach": 0.7}
    curves = {name: landscape.line(normalization=name, **options) for name in ("filter", "none")}
    surface = landscape.surface(**options)
    kernel = model.get_layer("first").kernel
    kernel.assign(kernel * np.array([0.25, 4.0, 32.0]))
    same = landscape.line(normalization="filter", **options)
    np.testing.assert_allclose(same["loss"], curves["filter"]["loss"], rtol=1e-4)
    np.testing.assert_allclose(landscape.surface(**options).grid(), surface.grid(), rtol=1e-4)
    other = landscape.line(normalization="none", **options)
    assert abs(other["loss"] - curves["none"]["loss"]).max() > 0.01


def test_directions_have_the_norms_of_filters(small: LossLandscape) -> None:
    from newword.keras.analysis.surfaces import direction_of

    functions = small._functions
    values = functions.parts(functions.values())
    for normalization, axis in (("filter", 0), ("layer", None)):
        rng = np.random.default_rng(0)
        parts = functions.parts(direction_of(functions, None, normalization, rng))
        for part, value in zip(parts, values, strict=True):
            if value.ndim < 2:
                assert not part.any()
            else:
                made, wanted = (np.linalg.norm(one, axis=axis) for one in (part, value))
                np.testing.assert_allclose(made, wanted, rtol=1e-5)
                assert abs(part - value).max() > 0.01


def test_a_filter_of_embeddings_is_a_row() -> None:
    from newword.keras.analysis.surfaces import normalized

    rng = np.random.default_rng(0)
    value, random = rng.normal(size=(2, 5, 3))
    value[2] = 0
    made = normalized(random, value, "embeddings", "filter")
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), np.linalg.norm(value, axis=1))
    assert not made[2].any()


def test_a_surface_contains_its_lines(small: LossLandscape) -> None:
    surface = small.surface(points=3, seed=4)
    assert surface.grid().shape == (3, 3)
    assert surface["b"][:3].tolist() == [-1, 0, 1]
    line = small.line(points=3, seed=4)
    np.testing.assert_allclose(surface.grid()[:, 1], line["loss"], rtol=1e-6)


# Tables


def test_results_are_tables_and_plots(small: LossLandscape) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    mpl = pytest.importorskip("matplotlib")
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    made: list[Any] = [
        small.variation([0.1, 0.2]),
        small.line(points=3),
        small.surface(points=3),
        small.layer_eigenvalues(max_products=3),
    ]
    for table in made:
        frame, arrow = table.to_pandas(), table.to_arrow()
        assert list(frame.columns) == arrow.column_names == list(table.columns)
        assert len(frame) == arrow.num_rows == len(table)
        assert repr(table).startswith(f"{type(table).__name__}({len(table)} rows: ")
        axes = table.plot()
        assert axes.get_xlabel()
        plt.close(axes.figure)
    cut = made[1].plot(highest=0.0)
    assert max(cut.lines[0].get_ydata()) == 0
    plt.close("all")


def test_models_of_subclasses() -> None:
    class Model(keras.Model):
        """A model whose call knows nothing of training."""

        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(1, name="only")

        def call(self, inputs: Any) -> Any:
            return ops.tanh(self.dense(inputs))

    model = Model()
    x, y = landscapes.batch()
    model(x)
    model.compile("sgd", "mse")
    landscape = LossLandscape(model, x, y)
    wanted = model.evaluate(x, y, verbose=0)
    assert landscape.loss() == pytest.approx(wanted, rel=1e-5)
    assert landscape.layer_eigenvalues()["layer"].tolist() == ["only"]
