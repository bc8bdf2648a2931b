"""What convolutions, and the layers made of them, promise beyond what every layer does."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import newword.keras as nk
from newword.errors import InvalidArgumentError
from tests.keras.harness import input_gradient, run
from tests.support.tensors import Array, numpy

ONE: Any = 1


def noise(*shape: int) -> Array:
    return np.random.default_rng(5).normal(size=shape).astype("float32")


def seen_by(layer: Any, step: int, steps: int = 41) -> list[int]:
    """The input steps that an output step depends on."""
    gradient = input_gradient(lambda x: layer(x)[:, step], noise(1, steps, 2))
    return list(np.flatnonzero(np.abs(gradient[0]).sum(-1)))


@pytest.mark.parametrize(
    ("padding", "want"),
    [("same", range(20 - 7, 20 + 7 + 1)), ("causal", range(20 - 14, 20 + 1))],
)
def test_the_receptive_field_doubles_with_each_block(padding: str, want: range) -> None:
    stack = nk.DGCNN((1, 2, 4), padding=padding)
    assert seen_by(stack, 20) == list(want)


def test_closed_and_open_gates() -> None:
    block = nk.DilatedGatedConv1D()
    x = noise(2, 5, 3)
    block.build(x.shape)
    new = numpy(block.candidate(x))
    for bias, want in ((-40.0, x), (40.0, new)):
        block.gate.bias.assign(np.full(3, bias))
        np.testing.assert_allclose(numpy(block(x)), want, atol=1e-5)
    assert not np.allclose(x, new, atol=0.1)


def test_dropout_is_for_training_and_reaches_the_gates_only() -> None:
    stack = nk.DGCNN((1, 1), dropout=0.5)
    x, mask = noise(2, 6, 3), nk.mask_from_lengths([6, 2], 6)
    usual = numpy(run(stack, x, mask)[0])
    trained = numpy(stack(x, mask=mask, training=True))
    np.testing.assert_array_equal(usual, numpy(stack(x, mask=mask, training=False)))
    assert (usual != trained).any()
    assert not trained[~numpy(mask)].any()
    block = nk.DilatedGatedConv1D(dropout=0.999)
    block.build(x.shape)
    # Without its logits every gate is half open.
    half = (x + numpy(block.candidate(x))) / 2
    np.testing.assert_allclose(numpy(block(x, training=True)), half, atol=1e-5)


def test_regularisers_of_inner_layers_count() -> None:
    stack = nk.DGCNN((1, 2), kernel_regularizer="l2")
    stack.build((None, None, 3))
    assert len(stack.losses) == 4
    assert len(nk.AttentionPooling(2, kernel_regularizer="l2").losses) == 0
    pooling = nk.AttentionPooling(2, kernel_regularizer="l2")
    pooling.build((None, None, 3))
    assert len(pooling.losses) == 2
    assert len({float(numpy(one)) for one in (*stack.losses, *pooling.losses)}) == 6


def test_an_activation_that_is_not_zero_at_zero_leaves_padding_zero() -> None:
    layer = nk.MaskedConv1D(2, 3, activation="sigmoid")
    mask = nk.mask_from_lengths([2], 5)
    output = numpy(run(layer, noise(1, 5, 2), mask)[0])
    assert (output[:, :2] > 0).all()
    assert not output[:, 2:].any()


def test_other_arguments_are_those_of_keras() -> None:
    x = noise(2, 7, 4)
    for mine, theirs, options in (
        (nk.MaskedConv1D, keras.layers.Conv1D, {"groups": 2, "strides": (2,), "padding": "valid"}),
        (nk.MaskedSeparableConv1D, keras.layers.SeparableConv1D, {"use_bias": False}),
    ):
        ours, other = mine(4, 3, **options), theirs(4, 3, **{"padding": "same", **options})
        ours.build(x.shape)
        other.build(x.shape)
        other.set_weights(ours.get_weights())
        np.testing.assert_array_equal(numpy(ours(x)), numpy(other(x)))


def test_it_does_not_ask_for_the_usual_data_format() -> None:
    usual = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        layers = [nk.MaskedConv1D(2, 3), nk.MaskedSeparableConv1D(2, 3)]
    finally:
        keras.config.set_image_data_format(usual)
    assert [one.data_format for one in layers] == ["channels_last"] * 2


def test_the_softmax_takes_masks_of_keys() -> None:
    x, keys = noise(2, 3, 4), np.array([[1, 1, 0, 0], [1, 1, 1, 1]], bool)
    got = numpy(nk.MaskedSoftmax(axis=2)(x, mask=keys[:, None, :]))
    weight = np.exp(x) * keys[:, None, :]
    np.testing.assert_allclose(got, weight / weight.sum(-1, keepdims=True), atol=1e-6)
    integers = nk.MaskedSoftmax(dtype="float16")(np.array([[1, 1, 5]]), mask=[[1, 1, 0]])
    assert keras.backend.standardize_dtype(integers.dtype) == "float16"
    assert numpy(integers).tolist() == [[0.5, 0.5, 0]]


def applied(layer: Any, shape: tuple[int | None, ...]) -> Any:
    return layer(keras.Input(batch_shape=shape))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nk.MaskedConv1D(0, 3), "filters: must be a whole number at least 1, got 0"),
        (lambda: nk.MaskedConv1D(2, 0), "kernel_size: must be a whole number at least 1"),
        (lambda: nk.MaskedConv1D(2, (3, 3)), "kernel_size: must be a whole number"),
        (lambda: nk.MaskedConv1D(2, 3, strides=(1, 1)), "strides: must be a whole number"),
        (lambda: nk.MaskedConv1D(2, 3, strides=2), "strides: must be 1 with padding='same'"),
        (
            lambda: nk.MaskedConv1D(2, 3, strides=2, padding="causal", dilation_rate=2),
            "strides: must be 1 with a dilation_rate above 1, got 2",
        ),
        (lambda: nk.MaskedConv1D(2, 3, padding="full"), "padding: must be one of 'same', 'causal'"),
        (lambda: nk.MaskedSeparableConv1D(2, 3, padding="causal"), "padding: must be one of"),
        (
            lambda: nk.MaskedConv1D(2, 3, data_format="channels_first"),
            "data_format: must be 'channels_last', got 'channels_first'",
        ),
        (lambda: applied(nk.MaskedConv1D(2, 3), (2, 3, 4, 5)), "inputs: must be of shape"),
        (lambda: applied(nk.DGCNN(), (2, 3, None)), "inputs: .* known number of features"),
        (lambda: applied(nk.AttentionPooling(2), (2, 3)), "inputs: must be of shape"),
        (lambda: nk.AttentionPooling(0), "units: must be a whole number at least 1, got 0"),
        (lambda: nk.MaskedSoftmax(axis=0), "axis: must be a whole number at least 1, got 0"),
        (lambda: nk.DilatedGatedConv1D(0), "kernel_size: must be a whole number at least 1"),
        (lambda: nk.DilatedGatedConv1D(3, 0), "dilation_rate: must be a whole number at least 1"),
        (lambda: nk.DilatedGatedConv1D(dropout=1), "dropout: must be at least 0 and below 1"),
        (
            lambda: nk.DilatedGatedConv1D(padding="valid"),
            "padding: must be one of 'same', 'causal'",
        ),
        (lambda: nk.DGCNN(()), "dilations: must be a sequence of at least one whole number"),
        (lambda: nk.DGCNN((1, 0)), r"dilations\[1\]: must be a whole number at least 1, got 0"),
        (lambda: nk.MaskedMaxPooling(keepdims=ONE), "keepdims: must be True or False, got 1"),
    ],
)
def test_errors_name_argument_rule_and_value(call: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        call()
