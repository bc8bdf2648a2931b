"""What the checks of every layer leave open about encoders: depth, dropout, positions."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import newword.keras as nk
from newword.errors import InvalidArgumentError
from tests.keras import harness, oracles
from tests.keras.cases import INITIALISED
from tests.support.tensors import numpy


def built(layer: Any) -> Any:
    layer.build((None, None, harness.FEATURES))
    random = np.random.default_rng(3)
    layer.set_weights([random.normal(0, 0.5, w.shape) for w in layer.get_weights()])
    return layer


DEEP = [
    (nk.BiLSTMEncoder(2, 3, dropout=0.5, **INITIALISED[keras.layers.LSTM]), oracles.bilstm_encoder),
    (nk.DGCNNEncoder(4, 5, dropout=0.5), oracles.dgcnn_encoder),
    (nk.TransformerEncoder(8, 3, num_heads=2, dropout=0.5), oracles.transformer_encoder),
]


@pytest.mark.parametrize(("layer", "oracle"), DEEP, ids=lambda one: type(one).__name__)
def test_layers_stand_one_above_the_other(layer: Any, oracle: Any) -> None:
    built(layer)
    x = harness.samples()[0]
    output = numpy(layer(x[None].astype("float32"), training=False))
    np.testing.assert_allclose(output[0], oracle(layer, x), atol=1e-5, rtol=1e-5)
    assert output.shape == layer.compute_output_shape((1, *x.shape))
    dropped = numpy(layer(x[None].astype("float32"), training=True))
    assert np.abs(dropped - output).max() > 1e-3
    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


def test_the_receptive_field_of_a_dgcnn_is_as_documented() -> None:
    for layers, reach in ((1, 1), (2, 3), (3, 7), (4, 15), (8, 30)):
        layer = built(nk.DGCNNEncoder(4, layers))
        x = np.random.default_rng(0).normal(size=(1, 81, harness.FEATURES)).astype("float32")
        changed = x.copy()
        changed[0, 40] += 1
        moved = numpy(layer(x)) != numpy(layer(changed))
        places = np.flatnonzero(moved[0].any(-1))
        assert (places[0], places[-1]) == (40 - reach, 40 + reach)


def test_positions_are_relative_and_have_a_direction() -> None:
    layer = built(nk.TransformerEncoder(8, 1, num_heads=1))
    x = np.random.default_rng(0).normal(size=(1, 6, harness.FEATURES)).astype("float32")
    there, back = numpy(layer(x)), numpy(layer(x[:, ::-1]))
    # Without positions a sequence read backwards would give the same, backwards.
    assert np.abs(there - back[:, ::-1]).max() > 1e-3
    # Steps that are masked out in front move every place by as many.
    mask = np.arange(16)[None] >= 10
    late = np.concatenate([np.full((1, 10, harness.FEATURES), 9, "float32"), x], axis=1)
    moved = numpy(layer(late, mask=keras.ops.convert_to_tensor(mask)))
    np.testing.assert_allclose(moved[:, 10:], there, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nk.BiLSTMEncoder(0), "units: must be"),
        (lambda: nk.DGCNNEncoder(4, 0), "num_layers: must be"),
        (lambda: nk.DGCNNEncoder(4, kernel_size=0), "kernel_size: must be"),
        (lambda: nk.TransformerEncoder(6, num_heads=4), "units: must be a multiple of 8"),
        (lambda: nk.TransformerEncoder(8, feedforward=0), "feedforward: must be"),
        (lambda: nk.TransformerEncoder(8, dropout=1.0), "dropout: must be"),
        (lambda: nk.DGCNNEncoder(4)(np.zeros((2, 3), "float32")), "inputs: must be of shape"),
    ],
)
def test_errors_name_the_argument(make: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        make()
