"""Reversing, packing and cutting sequences with padding anywhere."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import newword.keras as nk
from newword.errors import InvalidArgumentError
from tests.keras.harness import input_gradient
from tests.support.tensors import Array, numpy

quick = settings(max_examples=25, deadline=None)
# Few shapes, because JAX compiles for each.
any_mask = hnp.arrays(bool, st.sampled_from([(1, 1), (3, 6)]))


def numbered(mask: Array) -> Array:
    """A different number at every place, one of two features."""
    return np.arange(mask.size * 2, dtype="float32").reshape(*mask.shape, 2) + 1


@quick
@given(mask=any_mask)
def test_reversal(mask: Array) -> None:
    x = numbered(mask)
    want = x.copy()
    for row in range(len(x)):
        want[row, mask[row]] = x[row, mask[row]][::-1]
    once = nk.reverse_by_mask(x, mask)
    np.testing.assert_array_equal(numpy(once), want)
    np.testing.assert_array_equal(numpy(nk.reverse_by_mask(once, mask)), x)


@quick
@given(mask=any_mask, reverse=st.booleans())
def test_packing(mask: Array, reverse: bool) -> None:
    x = numbered(mask)
    packed = nk.pack_by_mask(x, mask, reverse)
    for row in range(len(x)):
        valid = x[row, mask[row]][:: -1 if reverse else 1]
        want = np.concatenate([valid, x[row, ~mask[row]]])
        np.testing.assert_array_equal(numpy(packed)[row], want)
    np.testing.assert_array_equal(numpy(nk.unpack_by_mask(packed, mask, reverse)), x)


@quick
@given(mask=any_mask)
def test_last_valid_step(mask: Array) -> None:
    x = numbered(mask)
    want = [
        row[valid][-1] if valid.any() else np.zeros(2) for row, valid in zip(x, mask, strict=True)
    ]
    np.testing.assert_array_equal(numpy(nk.last_valid(x, mask)), want)


@pytest.mark.contract
def test_the_worked_example() -> None:
    x = np.array([[1, 0, 3, 4, 5, 0, 0, 0]])
    got = numpy(nk.reverse_by_mask(x, nk.mask_from_lengths([5], 8)))
    assert got.tolist() == [[5, 4, 3, 0, 1, 0, 0, 0]]


@pytest.mark.parametrize("dtype", ["int32", "bool", "float16", "bfloat16"])
def test_any_dtype_and_rank(dtype: str) -> None:
    mask = np.array([[False, True, True]])
    x = keras.ops.cast(np.arange(6).reshape(1, 3, 2, 1) % 4, dtype)
    got = nk.reverse_by_mask(x, mask)
    assert keras.backend.standardize_dtype(got.dtype) == dtype
    np.testing.assert_array_equal(numpy(got), numpy(x)[:, [0, 2, 1]])
    np.testing.assert_array_equal(numpy(nk.last_valid(x, mask)), numpy(x)[:, 2])


def test_without_a_mask() -> None:
    x = np.arange(6).reshape(2, 3)
    for function in (nk.reverse_by_mask, lambda x, m: nk.pack_by_mask(x, m, reverse=True)):
        assert numpy(function(x, None)).tolist() == x[:, ::-1].tolist()
    assert numpy(nk.pack_by_mask(x, None)).tolist() == x.tolist()
    assert numpy(nk.unpack_by_mask(x, None)).tolist() == x.tolist()
    assert numpy(nk.last_valid(x, None)).tolist() == [2, 5]


@pytest.mark.contract
def test_gradients_reach_the_source_steps() -> None:
    mask = np.array([[True, False, True, True], [False, False, False, False]])
    x = numbered(mask)

    def weighted(tensor: Any) -> Any:
        places = np.arange(4, dtype="float32")[None, :, None]
        return keras.ops.multiply(nk.reverse_by_mask(tensor, mask), places)

    # d/dx of sum((w y)^2 + w y) with y the reversal of x: each x meets the weight of its new place.
    weight = np.array([[3, 1, 2, 0], [0, 1, 2, 3]])[..., None]
    want = 2 * weight**2 * x + weight
    np.testing.assert_allclose(input_gradient(weighted, x), want, rtol=1e-6)
    gradient = input_gradient(lambda t: nk.last_valid(t, mask), x)
    assert not gradient[1].any()
    assert gradient[0, 3].all()
    assert not gradient[0, :3].any()


@pytest.mark.parametrize("shape", [(2, 4), (3,), (2, 3, 1)])
def test_a_mask_that_does_not_fit(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidArgumentError, match="mask: must be"):
        nk.reverse_by_mask(np.zeros((2, 3, 1)), np.ones(shape))
    with pytest.raises(InvalidArgumentError, match="mask: must be"):
        nk.last_valid(np.zeros((2, 3, 1)), np.ones(shape))
