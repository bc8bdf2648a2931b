"""One mask for several inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import newword.keras as nk
from newword.errors import InvalidArgumentError
from tests.keras.harness import MaskProbe, input_gradient
from tests.support.tensors import Array, numpy

A = np.array([[1, 1, 1, 0], [1, 0, 0, 0]], bool)
B = np.array([[1, 1, 0, 1], [0, 0, 0, 0]], bool)


def values(mask: Array, junk: float = float("nan")) -> Array:
    x = np.random.default_rng(int(mask.sum())).normal(size=(*mask.shape, 3))
    return np.where(mask[..., None], x, junk).astype("float32")


def merged(mode: str, x: Array, masks: list[Any]) -> tuple[Array, Any]:
    layer = nk.MergeMasks(mode)
    inputs = [x, *[np.zeros_like(x) for _ in masks[1:]]]
    return numpy(layer(inputs, mask=masks)), layer.compute_mask(inputs, masks)


@pytest.mark.contract
@pytest.mark.parametrize(("mode", "both"), [("and", A & B), ("or", A | B)])
def test_the_first_input_with_the_mask_of_all(mode: str, both: Array) -> None:
    x = values(A)
    output, mask = merged(mode, x, [A, B])
    np.testing.assert_array_equal(numpy(mask), both)
    # What is valid for another input alone is padding of this one: zero, whatever it holds.
    np.testing.assert_array_equal(output, np.where((both & A)[..., None], x, 0))


def test_inputs_without_a_mask() -> None:
    x = values(A, junk=5)
    for masks, want in (([None, A], x * A[..., None]), ([A, None], x * A[..., None])):
        output, mask = merged("and", x, masks)
        np.testing.assert_array_equal(output, want)
        np.testing.assert_array_equal(numpy(mask), A)
    assert merged("or", x, [None, A])[1] is None
    output, mask = merged("and", x, [None, None])
    assert mask is None
    np.testing.assert_array_equal(output, x)


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_no_gradient_reaches_padding(dtype: str) -> None:
    layer = nk.MergeMasks(dtype=dtype)
    x = values(A)
    gradient = input_gradient(lambda t: layer([t, np.zeros_like(x)], mask=[A, B]), x)
    assert np.isfinite(gradient).all()
    assert not gradient[~(A & B)].any()
    assert gradient[A & B].all()
    output = layer([x, x], mask=[A, B])
    assert keras.backend.standardize_dtype(output.dtype) == layer.compute_dtype


def test_the_sum_of_valid_steps_that_the_docstring_speaks_of(tmp_path: Path) -> None:
    inputs = [keras.Input((None, 3)) for _ in "ab"]
    masks = [keras.Input((None,), dtype="bool") for _ in "ab"]
    union = nk.MergeMasks("or")
    a = union(inputs, mask=masks)
    b = union(inputs[::-1], mask=masks[::-1])
    total = keras.layers.Add()([a, b])
    model = keras.Model([*inputs, *masks], [total, MaskProbe()(total)])
    model.save(tmp_path / "model.keras")
    for one in (model, keras.saving.load_model(tmp_path / "model.keras")):
        output, mask = (numpy(part) for part in one([values(A), values(B), A, B]))
        want = np.where(A[..., None], values(A), 0) + np.where(B[..., None], values(B), 0)
        np.testing.assert_allclose(output, want, rtol=1e-6)
        np.testing.assert_array_equal(mask, (A | B).astype("float32"))


def test_a_lost_mask_comes_back_and_nothing_else_changes() -> None:
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(5, 3, mask_zero=True)(ids)
    lost = keras.ops.relu(x)
    found = nk.MergeMasks()([lost, x])
    alike = nk.MergeMasks("or")([x, lost])
    probes = [MaskProbe()(one) for one in (lost, found, alike, x)]
    model = keras.Model(ids, probes)
    shown = [numpy(one).tolist() for one in model(np.array([[1, 2, 0]]))]
    assert shown == [[[-1, -1, -1]], [[1, 1, 0]], [[-1, -1, -1]], [[1, 1, 0]]]


def test_integers_stay_integers() -> None:
    ids = keras.Input((4,), dtype="int32")
    output = nk.MergeMasks()([ids, ids], mask=[keras.ops.not_equal(ids, 0), None])
    assert output.dtype == "int32"
    assert tuple(output.shape) == (None, 4)
    got = numpy(keras.Model(ids, output)(np.array([[3, 0, 2, 1]])))
    assert got.tolist() == [[3, 0, 2, 1]]
    assert got.dtype == np.int32


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nk.MergeMasks("xor"), "mode: must be one of 'and', 'or', got 'xor'"),
        (lambda: nk.MergeMasks()(values(A)), "inputs: must be a list of tensors"),
        (lambda: nk.MergeMasks()([values(A)] * 2, mask=[A]), "mask: must be a list of one mask"),
        (lambda: nk.MergeMasks()([values(A)] * 2, mask=A), "mask: must be a list of one mask"),
        (lambda: nk.MergeMasks()([values(A)] * 2, mask=[A, A[0]]), "masks: must be of equal rank"),
        (lambda: nk.MergeMasks()([values(A)], mask=[A[:, :2]]), "mask: must be a mask whose shape"),
    ],
)
def test_errors_name_argument_rule_and_value(call: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        call()
