"""Every layer of `newword.keras` with its oracle: the same in plain NumPy, for one sequence."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import keras
import numpy as np

import newword.keras as nk
from tests.keras import oracles
from tests.keras.harness import Case
from tests.support.tensors import Array

OUTSIDE = ("right", "left")
"""Convolutions see steps inside a sequence that are padding: as zeros."""


@keras.saving.register_keras_serializable(package="newword-tests")
class MasklessRNN(keras.layers.Layer):
    """A recurrent layer that knows no mask, like fused kernels: tanh(h), h = h + xW + b."""

    def __init__(self, units: int, return_sequences: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.return_sequences = units, return_sequences
        self.step = keras.layers.Dense(units, dtype=self.dtype_policy)

    def build(self, input_shape: Any) -> None:
        self.step.build(input_shape)

    def call(self, inputs: Any) -> Any:
        states = keras.ops.tanh(keras.ops.cumsum(self.step(inputs), axis=1))
        return states if self.return_sequences else states[:, -1]

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        batch, steps, _ = input_shape
        return (batch, steps, self.units) if self.return_sequences else (batch, self.units)

    def get_config(self) -> dict[str, Any]:
        own = {"units": self.units, "return_sequences": self.return_sequences}
        return {**super().get_config(), **own}


def maskless_rnn(layer: Any, x: Array) -> Array:
    kernel, bias = layer.get_weights()
    return np.asarray(np.tanh(np.cumsum(x @ kernel + bias, axis=0)))


POOLINGS = [
    Case("MaskedMeanPooling", nk.MaskedMeanPooling, lambda _, x: x.mean(0)),
    Case("MaskedSumPooling", nk.MaskedSumPooling, lambda _, x: x.sum(0)),
    Case("MaskedMaxPooling", nk.MaskedMaxPooling, lambda _, x: x.max(0)),
    Case("MaskedMinPooling", nk.MaskedMinPooling, lambda _, x: x.min(0)),
    Case("MaskedStdPooling", nk.MaskedStdPooling, lambda _, x: x.std(0)),
    Case(
        "keepdims",
        lambda: nk.MaskedMeanPooling(keepdims=True),
        lambda _, x: x.mean(0, keepdims=True),
    ),
    Case("AttentionPooling", lambda: nk.AttentionPooling(4), oracles.attention_pooling),
]

SOFTMAXES = [
    Case("MaskedSoftmax", nk.MaskedSoftmax, lambda _, x: oracles.softmax(x)),
    Case("scores", nk.MaskedSoftmax, lambda _, x: oracles.softmax(x), reads="scores"),
]


def conv(name: str, *paddings: str, **options: Any) -> Case:
    make = partial(nk.MaskedConv1D, 4, **options)
    return Case(f"MaskedConv1D-{name}", make, oracles.convolution, paddings or OUTSIDE)


CONVOLUTIONS = [
    conv("same", kernel_size=3, activation="relu"),
    conv("even", kernel_size=2),
    conv("causal", kernel_size=3, padding="causal", dilation_rate=2),
    conv("strides", "right", kernel_size=3, padding="causal", strides=2),
    conv("valid", kernel_size=2, padding="valid", dilation_rate=2),
    conv("valid-strides", "right", kernel_size=2, padding="valid", strides=2),
    conv("one", "right", "left", "inner", kernel_size=1),
    Case(
        "MaskedSeparableConv1D",
        lambda: nk.MaskedSeparableConv1D(4, 3, depth_multiplier=2),
        oracles.separable_convolution,
        OUTSIDE,
    ),
    Case(
        "DilatedGatedConv1D",
        lambda: nk.DilatedGatedConv1D(dilation_rate=2),
        oracles.gated_convolution,
        OUTSIDE,
    ),
    Case("DGCNN", lambda: nk.DGCNN((1, 2), padding="causal", dropout=0.1), oracles.dgcnn, OUTSIDE),
]

MERGES: dict[str, Callable[[Array, Array], Array]] = {
    "concat": lambda f, b: np.concatenate([f, b], -1),
    "sum": lambda f, b: f + b,
    "mul": lambda f, b: f * b,
    "ave": lambda f, b: (f + b) / 2,
}


def both(layer: Any, oracle: Any, merge_mode: str, return_sequences: bool) -> Case:
    return Case(
        f"{layer.__name__}-{merge_mode}-{'steps' if return_sequences else 'end'}",
        lambda: nk.LengthAwareBidirectional(
            layer(2, return_sequences=return_sequences, **INITIALISED.get(layer, {})), merge_mode
        ),
        lambda made, x: MERGES[merge_mode](*oracles.bidirectional(oracle, made, x)),
    )


# Their usual initialiser takes a QR decomposition, which no backend has in all half precisions.
INITIALISED = {
    layer: {"recurrent_initializer": "glorot_uniform"}
    for layer in (keras.layers.LSTM, keras.layers.SimpleRNN)
}


RECURRENT = [
    both(keras.layers.LSTM, oracles.lstm, "concat", True),
    both(keras.layers.LSTM, oracles.lstm, "ave", False),
    both(keras.layers.SimpleRNN, oracles.simple_rnn, "sum", True),
    both(MasklessRNN, maskless_rnn, "mul", True),
    both(MasklessRNN, maskless_rnn, "concat", False),
]

ENCODERS = [
    Case(
        "BiLSTMEncoder",
        lambda: nk.BiLSTMEncoder(2, recurrent_initializer="glorot_uniform"),
        oracles.bilstm_encoder,
    ),
    Case("DGCNNEncoder", lambda: nk.DGCNNEncoder(4, 2), oracles.dgcnn_encoder, OUTSIDE),
    Case(
        "TransformerEncoder",
        lambda: nk.TransformerEncoder(4, 1, num_heads=2, feedforward=5, dropout=0.1),
        oracles.transformer_encoder,
    ),
]

CASES = [*POOLINGS, *SOFTMAXES, *CONVOLUTIONS, *RECURRENT, *ENCODERS]
