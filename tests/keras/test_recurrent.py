"""What the bidirectional layer promises beyond what every layer does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import newword.keras as nk
from newword.errors import InvalidArgumentError
from tests.keras.cases import RECURRENT
from tests.keras.harness import MaskProbe, one_batch, run
from tests.support.tensors import Array, numpy

X, MASK = one_batch(RECURRENT[0], junk=1e4)
# Keras makes something else of a row without a valid step.
SOME = MASK.any(axis=1)


def gru(**options: Any) -> Any:
    return keras.layers.GRU(2, recurrent_initializer="glorot_uniform", **options)


def pair(return_sequences: bool) -> tuple[Any, Any]:
    """Our layer and that of Keras, with the same weights; biases move states at padding."""
    ours = nk.LengthAwareBidirectional(gru(return_sequences=return_sequences))
    theirs = keras.layers.Bidirectional(gru(return_sequences=return_sequences))
    ours.build(X.shape)
    theirs.build(X.shape)
    random = np.random.default_rng(3)
    weights = [random.normal(0, 0.5, one.shape) for one in ours.get_weights()]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    return ours, theirs


@pytest.mark.parametrize("return_sequences", [True, False])
def test_agrees_with_bidirectional_of_keras_given_a_mask(return_sequences: bool) -> None:
    ours, theirs = pair(return_sequences)
    got, want = numpy(run(ours, X, MASK)[0]), numpy(run(theirs, X, MASK)[0])
    valid = MASK if return_sequences else SOME
    np.testing.assert_allclose(got[valid], want[valid], atol=1e-6)


def test_bidirectional_of_keras_without_a_mask() -> None:
    # What the documentation says: the forward half is right, the backward half is not.
    ours, theirs = pair(return_sequences=True)
    got = numpy(run(ours, X, MASK)[0])
    unmasked = numpy(theirs(np.where(MASK[..., None], X, 0)))
    np.testing.assert_allclose(got[MASK][:, :2], unmasked[MASK][:, :2], atol=1e-6)
    assert np.abs(got[MASK][:, 2:] - unmasked[MASK][:, 2:]).max() > 0.01


@pytest.mark.parametrize("return_sequences", [True, False])
def test_both_outputs_without_a_merge_mode(return_sequences: bool, tmp_path: Path) -> None:
    ids = keras.Input((None,), dtype="int32")
    embedded = keras.layers.Embedding(5, 3, mask_zero=True)(ids)
    apart = nk.LengthAwareBidirectional(gru(return_sequences=return_sequences), merge_mode=None)
    outputs = apart(embedded)
    rank = 3 if return_sequences else 2
    assert [len(one.shape) for one in outputs] == [rank, rank]
    model = keras.Model(ids, [*outputs, *[MaskProbe()(one) for one in outputs]])
    model.save(tmp_path / "model.keras")
    batch = np.array([[1, 2, 3, 0], [4, 0, 0, 0]])
    together = nk.LengthAwareBidirectional(gru(return_sequences=return_sequences))
    x = model.layers[1](batch)
    run(together, x, batch > 0)
    together.set_weights(apart.get_weights())
    want = numpy(run(together, x, batch > 0)[0])
    for one in (model, keras.saving.load_model(tmp_path / "model.keras")):
        forward, backward, *masks = (numpy(output) for output in one(batch))
        np.testing.assert_array_equal(np.concatenate([forward, backward], -1), want)
        for mask in masks:
            np.testing.assert_array_equal(mask, batch > 0 if return_sequences else mask * 0 - 1)


def test_cells_of_any_kind(tmp_path: Path) -> None:
    cells = keras.layers.StackedRNNCells(
        [keras.layers.SimpleRNNCell(3), keras.layers.SimpleRNNCell(2)]
    )
    both = nk.LengthAwareBidirectional(keras.layers.RNN(cells, return_sequences=True))
    alone = [numpy(both(X[row : row + 1, :length])) for row, length in enumerate(MASK.sum(1)[:3])]
    padded = numpy(run(both, X, MASK)[0])
    for row, one in enumerate(alone):
        np.testing.assert_allclose(padded[row, : one.shape[1]], one[0], atol=1e-6)
    assert len(both.trainable_weights) == 2 * 2 * 3
    inputs = keras.Input((None, 3))
    keras.Model(inputs, both(inputs)).save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy(again(X[:1, :5])), numpy(both(X[:1, :5])))


def test_the_layer_given_is_left_alone() -> None:
    layer = gru(name="tagger")
    layer.build(X.shape)
    both = nk.LengthAwareBidirectional(layer)
    both.build(X.shape)
    names = both.forward_layer.name, both.backward_layer.name, layer.name
    assert names == ("forward_tagger", "backward_tagger", "tagger")
    ids = [{id(weight) for weight in one.weights} for one in (layer, *own(both))]
    assert [len(one) for one in ids] == [3, 3, 3]
    assert len(set.union(*ids)) == 9
    kernels = [numpy(one.cell.kernel) for one in own(both)]
    assert (kernels[0] != kernels[1]).any()
    assert not layer.return_sequences


def own(both: Any) -> tuple[Any, Any]:
    return both.forward_layer, both.backward_layer


def test_training_and_losses_reach_both_directions() -> None:
    both = nk.LengthAwareBidirectional(
        gru(return_sequences=True, dropout=0.5, seed=1, kernel_regularizer="l2")
    )
    usual, trained = numpy(run(both, X, MASK)[0]), numpy(both(X, mask=MASK, training=True))
    np.testing.assert_array_equal(usual, numpy(both(X, mask=MASK, training=False)))
    for half in (slice(0, 2), slice(2, 4)):
        assert (usual[MASK][:, half] != trained[MASK][:, half]).any()
    assert not trained[~MASK].any()
    assert len(both.losses) == 2


class NoSequences(keras.layers.Layer):
    """No recurrent layer."""


def with_inputs(shape: tuple[int | None, ...]) -> Any:
    return nk.LengthAwareBidirectional(gru())(keras.Input(batch_shape=shape))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nk.LengthAwareBidirectional("gru"), "layer: must be a recurrent .*, got 'gru'"),
        (lambda: nk.LengthAwareBidirectional(NoSequences()), "layer: must be a recurrent layer"),
        (
            lambda: nk.LengthAwareBidirectional(gru(stateful=True)),
            "layer: must be without stateful",
        ),
        (
            lambda: nk.LengthAwareBidirectional(gru(return_state=True)),
            "layer: must be without return_state",
        ),
        (
            lambda: nk.LengthAwareBidirectional(gru(go_backwards=True)),
            "layer: must be without go_backwards",
        ),
        (
            lambda: nk.LengthAwareBidirectional(gru(), "max"),
            "merge_mode: must be one of 'concat', 'sum', 'mul', 'ave', got 'max'",
        ),
        (lambda: with_inputs((2, 3, 4, 5)), r"inputs: must be of shape .*, got 'shape \(2, 3, 4"),
        (lambda: with_inputs((2, 3, None)), "inputs: must be .* a known number of features"),
    ],
)
def test_errors_name_argument_rule_and_value(call: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        call()


def test_a_wrong_rank_is_refused_once_built() -> None:
    both = pair(return_sequences=True)[0]
    with pytest.raises(InvalidArgumentError, match="inputs: must be of shape"):
        both(np.zeros((2, 3), "float32"))


def test_a_mask_of_the_wrong_rank_is_refused() -> None:
    full: Array = np.broadcast_to(MASK[..., None], X.shape)
    with pytest.raises(InvalidArgumentError, match="mask: must be of shape"):
        run(pair(return_sequences=True)[0], X, full)
