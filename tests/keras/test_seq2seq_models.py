"""Encoder-decoders: in one pass and step by step, causal, indifferent to padding."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import newword.keras as nk
from newword.errors import InvalidArgumentError
from tests.keras.seq2seq_models import CHARACTERS, LENGTHS, MODELS, STEPS, inputs, log_probs, small
from tests.support.tensors import Array, numpy

names = pytest.mark.parametrize("name", MODELS)


@pytest.fixture(scope="module", params=MODELS)
def model(request: Any) -> Any:
    return small(request.param)


def stepwise(model: Any, given: dict[str, Array], order: Array | None = None) -> Array:
    """The log-probabilities step by step; after the first step rows change places."""
    run = nk.CompiledStep(model.step)
    state = model.start(given["source"], STEPS)
    rows = np.arange(len(given["source"]))
    found = []
    for step in range(STEPS):
        target = given["target"][:, step]
        tokens, parents = target, rows
        if order is not None and step:
            tokens, parents = target[order], order if step == 1 else rows
        one, state = run(tokens, parents, state)
        found.append(one)
    return np.stack(found, 1)


@pytest.mark.contract
def test_one_pass_and_single_steps_agree(model: Any) -> None:
    given = inputs(model)
    found = stepwise(model, given)
    assert found.dtype == np.float32
    assert found.shape == (len(LENGTHS), STEPS, CHARACTERS + 2)
    np.testing.assert_allclose(found, log_probs(model, given), atol=1e-5)
    np.testing.assert_allclose(np.exp(found).sum(-1), 1, atol=1e-5)


@pytest.mark.contract
def test_rows_of_the_state_are_reordered(model: Any) -> None:
    # The same source in all rows, as for the hypotheses of one source, whose memory is not moved.
    given = inputs(model)
    given["source"] = np.repeat(given["source"][:1], len(LENGTHS), axis=0)
    order = np.array([2, 0, 1])
    whole = log_probs(model, given)
    found = stepwise(model, given, order)
    np.testing.assert_allclose(found[:, 0], whole[:, 0], atol=1e-5)
    np.testing.assert_allclose(found[:, 1:], whole[order, 1:], atol=1e-5)


def test_padding_makes_no_difference(model: Any) -> None:
    given = inputs(model)
    whole = log_probs(model, given)
    wider = log_probs(model, inputs(model, source_steps=9, steps=STEPS + 3))
    np.testing.assert_allclose(wider[:, :STEPS], whole, atol=1e-5)
    left = {**given, "source": np.zeros_like(given["source"])}
    for row, length in enumerate(LENGTHS):
        left["source"][row, -length:] = given["source"][row, :length]
    np.testing.assert_allclose(log_probs(model, left), whole, atol=1e-5)


def test_it_is_causal_and_sees_everything_before(model: Any) -> None:
    given = inputs(model)
    whole = log_probs(model, given)
    for step in range(1, STEPS):
        other = {**given, "target": given["target"].copy()}
        other["target"][:, step] = 2 + (other["target"][:, step] - 1) % (CHARACTERS - 2)
        found = log_probs(model, other)
        np.testing.assert_allclose(found[:, :step], whole[:, :step], atol=1e-5)
        assert (np.abs(found - whole)[:, step:].max((0, 2)) > 1e-4).all()


def test_it_sees_the_whole_source(model: Any) -> None:
    given = inputs(model)
    whole = log_probs(model, given)
    for step in range(LENGTHS[0]):
        other = {**given, "source": given["source"].copy()}
        other["source"][0, step] = 2 + (other["source"][0, step] - 1) % (CHARACTERS - 2)
        found = log_probs(model, other)
        assert np.abs(found - whole)[0].max() > 1e-4
        np.testing.assert_allclose(found[1:], whole[1:], atol=1e-5)


def test_a_source_of_padding_only_gives_finite_numbers(model: Any) -> None:
    given = inputs(model)
    given["source"][1:] = 0
    assert np.isfinite(log_probs(model, given)).all()


@pytest.mark.contract
@names
def test_half_precision(name: str) -> None:
    exact = small(name)
    half = small(name, dtype="mixed_bfloat16")
    given = inputs(exact)
    whole = log_probs(half, given)
    assert half.compute_dtype == "bfloat16"
    assert half(given).dtype == exact(given).dtype
    np.testing.assert_allclose(whole, log_probs(exact, given), atol=0.3)
    np.testing.assert_allclose(stepwise(half, given), whole, atol=0.1)


@pytest.mark.contract
def test_saved_and_loaded(model: Any, tmp_path: Path) -> None:
    given = inputs(model)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy(again(given)), numpy(model(given)))
    assert again.get_config() == model.get_config()


@names
def test_the_prior_prefers_characters_of_the_source(name: str) -> None:
    model = MODELS[name](CHARACTERS, 8, num_layers=1, num_heads=2)
    given = inputs(model)
    model.output_layer.kernel.assign(np.zeros_like(model.output_layer.kernel))
    found = log_probs(model, given)
    for row, source in enumerate(given["source"]):
        inside = np.isin(np.arange(CHARACTERS + 2), source[source > 0])
        np.testing.assert_allclose(np.ptp(found[row, 0, inside]), 0, atol=1e-6)
        margin = found[row, 0, inside].min() - found[row, 0, ~inside].max()
        np.testing.assert_allclose(margin, 0.5, atol=1e-5)
    without = MODELS[name](CHARACTERS, 8, num_layers=1, num_heads=2, copy_prior=False)
    assert len(without.weights) == len(model.weights) - 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vocabulary_size": 2}, "vocabulary_size: must be .* at least 3"),
        ({"units": 6, "num_heads": 4}, "units: must be a multiple of"),
        ({"num_layers": 0}, "num_layers: must be"),
        ({"dropout": 1.0}, "dropout: must be"),
        ({"copy_prior": 1}, "copy_prior: must be"),
    ],
)
@names
def test_invalid_arguments(name: str, options: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        MODELS[name](**{"vocabulary_size": 7, "units": 8, "num_heads": 2, **options})


def test_an_odd_number_of_units_cannot_be_halved() -> None:
    with pytest.raises(InvalidArgumentError, match="units: must be even"):
        nk.LSTMEncoderDecoder(7, 9, num_heads=3)


def test_the_length_of_caches_is_checked(model: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="max_length: must be .* at least 1, got 0"):
        model.start(inputs(model)["source"], 0)
