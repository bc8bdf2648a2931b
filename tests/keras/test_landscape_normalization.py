"""Batch normalization in parts, and the second moments of what a layer reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from newword.errors import InvalidArgumentError
from newword.keras import PartialBatchNormalization, second_moment_spectrum
from tests.keras import landscapes
from tests.support.tensors import Array, numpy

X, _ = landscapes.batch()
VARIANTS: dict[str, dict[str, Any]] = {
    "both": {},
    "centre": {"divide_by": "none"},
    "scale": {"subtract_mean": False},
    "rms": {"subtract_mean": False, "divide_by": "rms"},
    "nothing": {"subtract_mean": False, "divide_by": "none"},
    "centre, rms": {"divide_by": "rms"},
}
variants = pytest.mark.parametrize(
    "options",
    [
        pytest.param(one, id=name, marks=pytest.mark.contract if name == "rms" else ())
        for name, one in VARIANTS.items()
    ],
)


def expected(x: Array, statistics: Array, options: dict[str, Any]) -> Array:
    """What the layer gives for `x`, by the statistics of rows."""
    mean = statistics.mean(axis=0) if options.get("subtract_mean", True) else 0
    divide_by = options.get("divide_by", "std")
    square = {"std": statistics.var(axis=0), "rms": (statistics**2).mean(axis=0), "none": 1}
    epsilon = 0 if divide_by == "none" else 1e-3
    return np.asarray((x - mean) / np.sqrt(square[divide_by] + epsilon))


@variants
def test_statistics_of_the_batch_and_running_ones(options: dict[str, Any]) -> None:
    layer = PartialBatchNormalization(momentum=0.5, **options)
    for _ in range(12):
        output = numpy(layer(X, training=True))
    np.testing.assert_allclose(output, expected(X, X, options), atol=1e-5)
    # Moving averages of one batch over and over become those of the batch.
    other = X[:3] + 1
    np.testing.assert_allclose(
        numpy(layer(other, training=False)), expected(other, X, options), atol=5e-3
    )


def test_both_parts_are_batch_normalization() -> None:
    ours = PartialBatchNormalization(center=True, scale=True, momentum=0.9)
    theirs = keras.layers.BatchNormalization(momentum=0.9)
    x = np.stack([X[:20], X[4:]])
    for training in (True, True, False):
        mine, wanted = (numpy(layer(x, training=training)) for layer in (ours, theirs))
        np.testing.assert_allclose(mine, wanted, atol=1e-5)
    for one, other in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(numpy(one), numpy(other), rtol=1e-5)


def test_per_input_each_element_has_statistics() -> None:
    x = np.random.default_rng(0).normal(size=(8, 3, 2)).astype("float32")
    layer = PartialBatchNormalization(per_input=True)
    np.testing.assert_allclose(numpy(layer(x, training=True)), expected(x, x, {}), atol=1e-5)
    assert layer.moving_mean.shape == (6,)
    shared = PartialBatchNormalization()(x, training=True)
    wanted = expected(x.reshape(-1, 2), x.reshape(-1, 2), {}).reshape(x.shape)
    np.testing.assert_allclose(numpy(shared), wanted, atol=1e-5)


@pytest.mark.parametrize(
    "per_input",
    [pytest.param(False, marks=pytest.mark.contract), True],
    ids=["shared", "per input"],
)
def test_padding_makes_no_difference(per_input: bool) -> None:
    x = np.random.default_rng(0).normal(size=(4, 3, 2)).astype("float32")
    mask = np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 1, 0]], bool)
    layer = PartialBatchNormalization(per_input=per_input, momentum=0.0)
    results = []
    for junk in (np.nan, 1e4):
        padded = np.where(mask[..., None], x, junk).astype("float32")
        results += [numpy(layer(padded, mask=mask, training=training)) for training in (1, 0)]
    for result in results:
        assert not result[~mask].any()
        np.testing.assert_allclose(result, results[0], atol=1e-5)
    if not per_input:
        valid = x[mask]
        np.testing.assert_allclose(results[0][mask], expected(valid, valid, {}), atol=1e-5)


@pytest.mark.parametrize(
    "policy", [pytest.param("float32", marks=pytest.mark.contract), "mixed_bfloat16"]
)
def test_it_trains_and_is_saved(tmp_path: Path, policy: str) -> None:
    layers = [
        keras.Input((4,)),
        PartialBatchNormalization(divide_by="rms", center=True, scale=True, dtype=policy),
        keras.layers.Dense(1),
    ]
    model = keras.Sequential(layers)
    model.compile("sgd", "mse")
    before = [numpy(one).copy() for one in model.weights]
    model.fit(X, np.ones(len(X)), epochs=1, verbose=0)
    after = [numpy(one) for one in model.weights]
    assert all((one != other).any() for one, other in zip(before, after, strict=True))
    assert all(np.isfinite(one).all() for one in after)
    assert layers[1](X).dtype == layers[1].compute_dtype
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy(again(X)), numpy(model(X)))
    assert again.layers[0].get_config() == layers[1].get_config()


def test_its_arguments_are_checked() -> None:
    make: Any = PartialBatchNormalization
    for arguments, message in (
        ({"divide_by": "mean"}, "divide_by: must be one of 'std', 'rms', 'none', got 'mean'"),
        ({"subtract_mean": 1}, "subtract_mean: must be True or False, got 1"),
        ({"axis": 1}, "axis: must be -1, got 1"),
        ({"synchronized": True}, "synchronized: must be False, got True"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            make(**arguments)
    with pytest.raises(InvalidArgumentError, match="per_input: must be False where a shape has"):
        make(per_input=True).build((None, None, 3))


# Second moments


def eigenvalues(rows: Array) -> Array:
    """In descending order."""
    return np.linalg.eigvalsh(rows.T @ rows / len(rows))[::-1]


@pytest.mark.contract
def test_the_spectrum_is_that_of_numpy() -> None:
    model = landscapes.classifier()
    found = second_moment_spectrum(model, "first", X)
    rows = X.astype("float64")
    centred = rows - rows.mean(axis=0)
    wanted = {
        "raw": rows,
        "centred": centred,
        "scaled": rows / np.sqrt((rows**2).mean(axis=0)),
        "standardized": centred / rows.std(axis=0),
    }
    for form, values in wanted.items():
        np.testing.assert_allclose(found[form], eigenvalues(values), rtol=1e-6, atol=1e-9)
        assert found.trace(form) == pytest.approx((values**2).sum(axis=1).mean())
        assert found.bound(form) == pytest.approx(np.sqrt(eigenvalues(values)[0]))
        assert found.bound(form, spectral=False) == pytest.approx(np.sqrt(found.trace(form)))
    assert found.trace("standardized") == pytest.approx(4)
    assert found.summary["rows"] == len(X)
    assert found.summary["mean_norm"] == pytest.approx(np.linalg.norm(rows.mean(axis=0)))


def test_the_spectrum_of_a_hidden_layer_changes_nothing() -> None:
    model = landscapes.classifier(dropout=0)
    before = landscapes.state(model)
    found = second_moment_spectrum(model, "last", X, "batch")
    landscapes.check_same(before, landscapes.state(model))
    hidden = keras.Model(model.input, model.get_layer("last").input)
    rows = numpy(hidden(X, training=True)).astype("float64")
    np.testing.assert_allclose(found["raw"], eigenvalues(rows), rtol=1e-4, atol=1e-7)
    assert "call" not in vars(model.get_layer("last"))


def test_the_bounds_hold_for_any_function_of_samples() -> None:
    rng = np.random.default_rng(0)
    found = second_moment_spectrum(landscapes.classifier(), "first", X)
    for _ in range(20):
        factor = rng.normal(size=len(X)) ** 3
        size = np.linalg.norm((factor[:, None] * X).mean(axis=0))
        spectral, trace = (found.bound("raw", spectral=one) for one in (True, False))
        assert size <= np.sqrt((factor**2).mean()) * spectral * (1 + 1e-6)
        assert spectral <= trace


def test_sequences_without_padding_and_constant_features() -> None:
    layers = [
        keras.Input((3, 2)),
        keras.layers.Masking(),
        keras.layers.LSTM(2, name="steps"),
        keras.layers.Dense(1),
    ]
    model = keras.Sequential(layers)
    x = np.random.default_rng(0).normal(size=(5, 3, 2)).astype("float32")
    x[..., 1] = 0.1
    x[2:, 1:] = 0
    rows = x[(x != 0).any(-1)].astype("float64")
    found = second_moment_spectrum(model, "steps", x)
    assert found.summary["rows"] == len(rows) == 9
    np.testing.assert_allclose(found["raw"], eigenvalues(rows), rtol=1e-6)
    np.testing.assert_allclose(found["standardized"], [1, 0], atol=1e-9)


def test_fewer_samples_than_features_and_a_plot() -> None:
    mpl = pytest.importorskip("matplotlib")
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    found = second_moment_spectrum(landscapes.classifier(), "first", X[:2])
    assert len(found) == 4
    assert (found["raw"] > 0).sum() == 2
    axes = found.plot()
    assert [line.get_label() for line in axes.lines] == list(found.columns)
    plt.close(axes.figure)
    with pytest.raises(InvalidArgumentError, match="form: must be one of 'raw', "):
        found.bound("white")
