"""A model made of all kinds of layers: padding makes no difference to it, trained or not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import newword.keras as nk
from tests.support.tensors import Array, numpy

VOCABULARY, TAGS = 12, 3
ROWS = [[5, 1, 7, 3, 2, 9], [4], [1, 1, 1], []]
TOLERANCE = {"float32": 1e-5, "mixed_float16": 4e-3, "mixed_bfloat16": 4e-2}
# What is quicker for a few batches; the single layers are tested both ways.
COMPILED = keras.backend.backend() == "jax"
policies = pytest.mark.parametrize("policy", TOLERANCE, indirect=True)


@pytest.fixture
def policy(request: pytest.FixtureRequest) -> Iterator[str]:
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy(usual)


def both(return_sequences: bool) -> Any:
    return nk.LengthAwareBidirectional(keras.layers.GRU(2, return_sequences=return_sequences))


def a_model() -> Any:
    """Ids to one tag for each step and one vector for each text; the same on every backend."""
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(VOCABULARY, 4, mask_zero=True)(ids)
    y = nk.DGCNN((1, 2, 1))(x)
    y = nk.MaskedConv1D(4, 3, padding="causal", activation="sigmoid")(y)
    y = both(return_sequences=True)(keras.layers.LayerNormalization()(y))
    y = nk.MergeMasks()([keras.ops.tanh(y), x])
    tags = keras.layers.Dense(TAGS, dtype="float32", name="tags")(y)
    pooled = [
        *(one()(y) for one in (nk.MaskedMeanPooling, nk.MaskedMaxPooling, nk.MaskedStdPooling)),
        *(one()(y) for one in (nk.MaskedMinPooling, nk.MaskedSumPooling)),
        nk.AttentionPooling(3)(y),
        both(return_sequences=False)(y),
    ]
    text = keras.layers.Dense(2, dtype="float32", name="text")(keras.layers.Concatenate()(pooled))
    model = keras.Model(ids, {"tags": tags, "text": text})
    random = np.random.default_rng(2)
    model.set_weights([random.normal(0, 0.5, one.shape) for one in model.get_weights()])
    return model


def padded(steps: int, rows: list[list[int]] = ROWS, where: str = "right") -> Array:
    ids = np.zeros((len(rows), steps), "int32")
    for row, one in enumerate(rows):
        start = 0 if where == "right" else steps - len(one)
        ids[row, start : start + len(one)] = one
    return ids


def results(model: Any, ids: Array) -> list[tuple[Array, Array]]:
    """The tags of the valid steps and the vector, for each row."""
    run = model.predict_on_batch if COMPILED else model
    output = {name: numpy(one) for name, one in run(ids).items()}
    assert all(np.isfinite(one).all() for one in output.values())
    pairs = zip(ids, output["tags"], output["text"], strict=True)
    return [(tags[row != 0], text) for row, tags, text in pairs]


@policies
def test_padding_makes_no_difference(policy: str, tmp_path: Path) -> None:
    model = a_model()
    model.save(tmp_path / "model.keras")
    alone = [results(model, np.array([row or [0]], "int32"))[0] for row in ROWS]
    for one in (model, keras.saving.load_model(tmp_path / "model.keras")):
        for ids in (padded(6), padded(9), padded(9, where="left")):
            for got, want in zip(results(one, ids), alone, strict=True):
                for ours, theirs in zip(got, want, strict=True):
                    np.testing.assert_allclose(ours, theirs, atol=TOLERANCE[policy])
    # It is no constant that stays the same.
    assert np.ptp([text for _, text in alone], axis=0).min() > 10 * TOLERANCE[policy]


def trained(steps: int) -> tuple[list[Array], list[Array]]:
    """The weights of a model before and after a training on batches of that many steps."""
    model = a_model()
    before = [numpy(one).copy() for one in model.weights]
    model.compile("sgd", "mse", jit_compile=COMPILED, run_eagerly=not COMPILED)
    targets = {"tags": np.ones((4, steps, TAGS)), "text": np.ones((4, 2))}
    model.fit(padded(steps), targets, verbose=0, epochs=8)
    return before, [numpy(one) for one in model.weights]


@policies
def test_padding_is_not_trained(policy: str) -> None:
    before, after = trained(9)
    used = sorted({one for row in ROWS for one in row})
    unused = sorted(set(range(VOCABULARY)) - set(used))
    assert 0 in unused
    assert all(np.isfinite(one).all() for one in after)
    # The first of the weights are the embeddings.
    assert (after[0][used] != before[0][used]).all()
    np.testing.assert_array_equal(after[0][unused], before[0][unused])
    if policy == "float32":
        for one, other in zip(after, trained(6)[1], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-5)
