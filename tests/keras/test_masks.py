"""The mask functions against NumPy on the unpadded sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import newword.keras as nk
from newword.errors import InvalidArgumentError
from newword.keras.layers import masks
from tests.keras.harness import input_gradient
from tests.support.tensors import Array, numpy

STEPS, FEATURES = 5, 2
quick = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

values = hnp.arrays(
    np.float32, (3, STEPS, FEATURES), elements=st.floats(-100, 100, width=16, allow_nan=False)
)
any_mask = hnp.arrays(bool, (3, STEPS))

REDUCTIONS: dict[str, tuple[Callable[..., Any], Callable[[Array], Array]]] = {
    "sum": (nk.masked_sum, lambda x: x.sum(0)),
    "mean": (nk.masked_mean, lambda x: x.mean(0)),
    "std": (nk.masked_std, lambda x: x.std(0)),
    "max": (nk.masked_max, lambda x: x.max(0)),
    "min": (nk.masked_min, lambda x: x.min(0)),
}
by_reduction = pytest.mark.parametrize("name", REDUCTIONS)


def with_junk(x: Array, mask: Array, junk: float = float("nan")) -> Array:
    return np.where(mask[..., None], x, np.float32(junk)).astype(x.dtype)


def softmax(x: Array) -> Array:
    weight = np.exp(x - x.max(0))
    return np.asarray(weight / weight.sum(0))


@by_reduction
@quick
@given(x=values, mask=any_mask)
def test_reductions_see_valid_steps_only(name: str, x: Array, mask: Array) -> None:
    reduction, plain = REDUCTIONS[name]
    got = numpy(reduction(with_junk(x, mask), mask))
    for row in range(len(x)):
        valid = x[row][mask[row]].astype("float64")
        want = plain(valid) if len(valid) else np.zeros(FEATURES)
        np.testing.assert_allclose(got[row], want, atol=2e-4, rtol=1e-6)


@quick
@given(x=values, mask=any_mask)
def test_softmax_gives_padding_nothing(x: Array, mask: Array) -> None:
    got = numpy(nk.masked_softmax(with_junk(x, mask), mask))
    assert not got[~mask].any()
    for row in range(len(x)):
        if mask[row].any():
            want = softmax(x[row][mask[row]].astype("float64"))
            np.testing.assert_allclose(got[row][mask[row]], want, atol=1e-6)


@by_reduction
@quick
@given(x=values, mask=any_mask)
def test_gradients_are_finite_and_zero_at_padding(name: str, x: Array, mask: Array) -> None:
    gradient = input_gradient(lambda t: REDUCTIONS[name][0](t, mask), with_junk(x, mask))
    assert np.isfinite(gradient).all()
    assert not gradient[~mask].any()


@quick
@given(x=values, mask=any_mask)
def test_softmax_gradients_are_finite_and_zero_at_padding(x: Array, mask: Array) -> None:
    gradient = input_gradient(lambda t: nk.masked_softmax(t, mask), with_junk(x, mask))
    assert np.isfinite(gradient).all()
    assert not gradient[~mask].any()


@pytest.mark.contract
def test_the_worked_example() -> None:
    x = np.array([[1, 0, 3, 4, 5, 0, 0, 0]], "float32")
    mask = nk.mask_from_lengths([5], 8)
    assert x.mean() == 1.625
    assert numpy(nk.masked_mean(x, mask)) == pytest.approx(2.6)
    # The zero inside is data; a mask from the values would give 3.25.
    assert numpy(nk.masked_mean(x, x != 0)) == pytest.approx(3.25)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_half_precision_is_computed_in_single(dtype: str) -> None:
    # 300 times 300 is beyond float16, and 2049 ones cannot be added up in it.
    x = keras.ops.cast(np.full((1, 3000), 300.0), dtype)
    mask = np.arange(3000)[None] < 2049
    results = [nk.masked_mean(x, mask), nk.masked_max(x, mask), nk.masked_std(x, mask)]
    assert [float(numpy(one)[0]) for one in results] == [300, 300, 0]
    assert {keras.backend.standardize_dtype(one.dtype) for one in results} == {dtype}
    assert float(numpy(nk.masked_mean(keras.ops.square(x / 30), mask))[0]) == pytest.approx(100)
    ones = keras.ops.cast(np.ones((1, 3000)), dtype)
    assert float(numpy(nk.masked_sum(ones, mask))[0]) == pytest.approx(2049, rel=4e-3)
    probabilities = numpy(nk.masked_softmax(x, mask))[0]
    assert probabilities[:2049] == pytest.approx(1 / 2049, rel=1e-2)
    assert not probabilities[2049:].any()


def test_equal_values_have_no_deviation_however_they_round() -> None:
    # Seven times 0.1 over seven is not 0.1 in single precision.
    x = np.full((1, 8, 1), 0.1, "float32")
    mask = np.arange(8)[None] < 7
    assert (x[0, :7].sum(0, dtype="float32") / np.float32(7) != x[0, 0]).all()
    assert numpy(nk.masked_std(x, mask)) == 0
    assert not input_gradient(lambda t: nk.masked_std(t, mask), x).any()


@pytest.mark.contract
def test_infinite_logits_forbid() -> None:
    x = np.array([[0, -np.inf, 0], [-np.inf, -np.inf, 0]], "float32")
    got = numpy(nk.masked_softmax(x, np.array([[1, 1, 0], [1, 1, 0]])))
    np.testing.assert_array_equal(got, [[1, 0, 0], [0, 0, 0]])
    assert numpy(nk.masked_max(x, np.array([[0, 1, 0], [1, 1, 0]])))[0] == -np.inf


def test_integers_are_taken_as_floats() -> None:
    mean = nk.masked_mean(np.array([[1, 2, 9]]), np.array([[1, 1, 0]]))
    assert keras.backend.standardize_dtype(mean.dtype) == keras.config.floatx()
    assert numpy(mean) == pytest.approx(1.5)


@by_reduction
def test_any_axis_and_full_masks(name: str) -> None:
    reduction, plain = REDUCTIONS[name]
    random = np.random.default_rng(0)
    x = random.normal(size=(2, 3, 4)).astype("float32")
    mask = random.random((2, 1, 4)) < 0.7
    got = numpy(reduction(x, mask, axis=-1, keepdims=True))
    assert got.shape == (2, 3, 1)
    want = [[plain(line[mask[b, 0]]) for line in x[b]] for b in range(2)]
    np.testing.assert_allclose(got[..., 0], want, atol=1e-6)
    np.testing.assert_allclose(
        numpy(reduction(x, None, axis=2)), [[plain(line) for line in one] for one in x], atol=1e-6
    )


def test_masks_from_ids_and_lengths() -> None:
    ids = np.array([[4, 0, 2], [1, 1, 0]])
    np.testing.assert_array_equal(numpy(nk.mask_from_ids(ids)), ids != 0)
    np.testing.assert_array_equal(numpy(nk.mask_from_ids(ids, pad=1)), ids != 1)
    by_length = numpy(nk.mask_from_lengths(np.array([0, 2, 5]), 3))
    np.testing.assert_array_equal(by_length, [[0, 0, 0], [1, 1, 0], [1, 1, 1]])
    steps = keras.ops.convert_to_tensor(3)
    np.testing.assert_array_equal(numpy(nk.mask_from_lengths([0, 2, 5], steps)), by_length)


def test_merging_masks() -> None:
    one, other = np.array([[1, 1, 0, 0]]), np.array([[1, 0, 1, 0]], bool)
    assert numpy(nk.merge_masks([one, other])).tolist() == [[True, False, False, False]]
    assert numpy(nk.merge_masks([one, other], "or")).tolist() == [[True, True, True, False]]
    assert numpy(nk.merge_masks([None, other])).tolist() == other.tolist()
    assert nk.merge_masks([None, other], "or") is None
    assert nk.merge_masks([None, None]) is None


def test_zeros_at_padding_keep_the_dtype() -> None:
    ids = np.array([[4, 5, 6]], "int32")
    cut = nk.apply_mask(ids, np.array([[True, True, False]]))
    assert numpy(cut).tolist() == [[4, 5, 0]]
    assert keras.backend.standardize_dtype(cut.dtype) == "int32"


x23 = np.zeros((2, 3), "float32")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nk.masked_mean(x23, np.ones((2, 4))), r"mask: .*\(2, 3\), got .*\(2, 4\)"),
        (lambda: nk.masked_mean(x23, np.ones((2, 3, 1))), "mask: must be a mask whose shape"),
        (lambda: nk.masked_mean(x23, np.ones((2,))), "mask: must be a mask that covers axis 1"),
        (lambda: nk.masked_max(x23, np.ones((2, 1))), "mask: must be a mask that covers axis 1"),
        (lambda: nk.masked_sum(x23, None, axis=2), "axis: must be .* between -2 and 1, got 2"),
        (lambda: nk.merge_masks([]), "masks: must be a list of at least one mask"),
        (lambda: nk.merge_masks([x23, x23[0]]), "masks: must be of equal rank"),
        (lambda: nk.merge_masks([x23], "xor"), "mode: must be one of 'and', 'or', got 'xor'"),
        (lambda: nk.mask_from_lengths([1.5], 3), "lengths: must be a vector of integers"),
        (lambda: nk.mask_from_lengths([[1]], 3), "lengths: must be a vector of integers"),
        (lambda: nk.mask_from_lengths([1], -1), "maxlen: must be a whole number at least 0"),
    ],
)
def test_errors_name_argument_rule_and_value(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        call()


def test_the_functions_work_on_symbolic_tensors() -> None:
    x, mask = keras.Input((None, 2)), keras.Input((None,), dtype="bool")
    model = keras.Model([x, mask], nk.masked_std(nk.apply_mask(x, mask), mask))
    values = np.random.default_rng(0).normal(size=(1, 4, 2)).astype("float32")
    got = numpy(model([values, np.array([[True, True, True, False]])]))
    np.testing.assert_allclose(got[0], values[0, :3].std(0), atol=1e-6)
    assert len(masks.__all__) == 10
