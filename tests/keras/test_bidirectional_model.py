"""The encoder-decoder with two directions: causal, symmetric, the same in steps as in one pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import newword.keras as nk
from newword.errors import InvalidArgumentError
from tests.keras.bidirectional_models import (
    CHARACTERS,
    FUSIONS,
    LENGTHS,
    NAMES,
    STEPS,
    inputs,
    log_probs,
    other_token,
    small,
)
from tests.support.tensors import Array, numpy


@pytest.fixture(scope="module", params=FUSIONS)
def either(request: Any) -> Any:
    """A model of each kind of fusion, for what depends on it."""
    return small(request.param)


@pytest.fixture(scope="module")
def model() -> Any:
    return small()


@pytest.mark.parametrize("changed", [0, 1])
def test_a_step_sees_both_directions_up_to_its_number(either: Any, changed: int) -> None:
    given = inputs(either)
    whole = log_probs(either, given)
    for step in range(1, STEPS):
        ids = given[NAMES[changed]].copy()
        ids[:, step:] = other_token(ids[:, step:])
        found = log_probs(either, {**given, NAMES[changed]: ids})
        for was, now in zip(whole, found, strict=True):
            np.testing.assert_allclose(now[:, :step], was[:, :step], atol=1e-5)
            assert (np.abs(now - was)[:, step:].max((0, 2)) > 1e-4).all()


def test_the_directions_are_symmetric(model: Any) -> None:
    given = inputs(model)
    swapped = small()
    for name in ("decoders", "crosses"):
        for one, other in zip(getattr(model, name), getattr(swapped, name)[::-1], strict=True):
            other.set_weights(one.get_weights())
    # Start and end change places.
    order = np.arange(model.num_tokens)
    order[[model.start_token, model.end_token]] = [model.end_token, model.start_token]
    for weight in (
        swapped.embedding.embeddings,
        swapped.prior.scale,
        swapped.prior.shift,
        swapped.output_layer.bias,
    ):
        weight.assign(numpy(weight)[order])
    swapped.output_layer.kernel.assign(numpy(swapped.output_layer.kernel)[:, order])
    mirrored = {
        "source": given["source"],
        "forward": order[given["backward"]].astype("int32"),
        "backward": order[given["forward"]].astype("int32"),
    }
    found = log_probs(swapped, mirrored)
    for was, now in zip(log_probs(model, given), found[::-1], strict=True):
        np.testing.assert_allclose(now[..., order], was, atol=1e-5)


def test_padding_makes_no_difference(model: Any) -> None:
    given = inputs(model)
    wider = inputs(model, source_steps=9, steps=STEPS + 3)
    for was, now in zip(log_probs(model, given), log_probs(model, wider), strict=True):
        np.testing.assert_allclose(now[:, :STEPS], was, atol=1e-5)
    # A text from right to left that ends early, as the other direction sees it.
    short = {**given, "backward": given["backward"].copy()}
    short["backward"][:, 2:] = 0
    cut = {**short, "backward": short["backward"][:, :2]}
    seen = {**given, "forward_seen": given["forward"], "backward_seen": cut["backward"]}
    forward = log_probs(model, short)[0]
    np.testing.assert_allclose(log_probs(model, seen)[0], forward, atol=1e-5)


def test_other_texts_can_be_seen(model: Any) -> None:
    given = inputs(model)
    seen = {f"{name}_seen": given[name] for name in NAMES}
    for was, now in zip(log_probs(model, given), log_probs(model, {**given, **seen}), strict=True):
        np.testing.assert_allclose(now, was, atol=1e-5)
    other = {name: other_token(ids) for name, ids in seen.items()}
    for name in NAMES:
        other[f"{name}_seen"][:, 0] = given[name][:, 0]
    with_own = log_probs(model, {**given, **other})
    for side, partner in enumerate(NAMES[::-1]):
        # A direction reads its own gold text, and sees the other text of its partner.
        mixed = {**given, partner: other[f"{partner}_seen"]}
        np.testing.assert_allclose(with_own[side], log_probs(model, mixed)[side], atol=1e-5)


def stepwise(model: Any, given: dict[str, Array], order: Array | None = None) -> list[Array]:
    """The log-probabilities step by step with the partner of equal rank; rows change places."""
    run = nk.CompiledStep(model.paired_step)
    rows = len(given["source"])
    parents = np.arange(2 * rows)
    state, found = model.start(given["source"], STEPS), []
    for step in range(STEPS):
        tokens = np.concatenate([given[name][:, step] for name in NAMES])
        if order is not None and step:
            tokens = tokens[order]
        one, state = run(tokens, order if order is not None and step == 1 else parents, state)
        found.append(one)
    return np.split(np.stack(found, 1), 2)


@pytest.mark.contract
def test_one_pass_and_single_steps_agree(either: Any) -> None:
    given = inputs(either)
    for one, whole in zip(stepwise(either, given), log_probs(either, given), strict=True):
        assert one.dtype == np.float32
        assert one.shape == (len(LENGTHS), STEPS, CHARACTERS + 2)
        np.testing.assert_allclose(one, whole, atol=1e-5)


def test_every_pair_of_hypotheses_is_scored(either: Any) -> None:
    many = 3
    given = inputs(either)
    ids = [np.repeat(given[name][:2], many, 0) for name in NAMES]
    for side, one in enumerate(ids):
        one[:, 1:] = np.random.default_rng(side).integers(2, CHARACTERS, one[:, 1:].shape)
    state = either.start(given["source"][:2], STEPS)
    state["caches"] = keras.tree.map_structure(
        lambda one: np.repeat(numpy(one), many, 0), state["caches"]
    )
    run, parents = nk.CompiledStep(either.step), np.arange(4 * many)
    for step in range(3):
        found, state = run(np.concatenate([one[:, step] for one in ids]), parents, state)
    # All pairs in one pass.
    source, own, other = (one.ravel() for one in np.indices((2, many, many)))
    wanted = []
    for side in (0, 1):
        pair = {
            NAMES[side]: ids[side][source * many + own, :3],
            NAMES[1 - side]: ids[1 - side][source * many + other, :3],
        }
        wanted.append(log_probs(either, {"source": given["source"][source], **pair})[side][:, -1])
    np.testing.assert_allclose(found, np.concatenate(wanted), atol=1e-5)


def test_rows_of_both_directions_are_reordered_and_padding_changes_none(model: Any) -> None:
    given = inputs(model)
    given["source"] = np.repeat(given["source"][:1], len(LENGTHS), axis=0)
    order = np.array([2, 0, 1, 4, 5, 3])
    whole = log_probs(
        model,
        {
            "source": given["source"],
            "forward": given["forward"][order[:3]],
            "backward": given["backward"][order[3:] - 3],
        },
    )
    for one, wanted in zip(stepwise(model, given, order), whole, strict=True):
        np.testing.assert_allclose(one[:, 1:], wanted[:, 1:], atol=1e-5)
    # A direction that has ended keeps its state: the other one sees what it had.
    given["backward"][:, 2:] = 0
    forward = stepwise(model, given)[0]
    np.testing.assert_allclose(forward, log_probs(model, given)[0], atol=1e-5)


def test_half_precision() -> None:
    exact, half = small(), small(dtype="mixed_bfloat16")
    given = inputs(exact)
    assert half.compute_dtype == "bfloat16"
    assert half(given)["forward"].dtype == exact(given)["forward"].dtype
    whole = log_probs(half, given)
    for one, wanted, steps in zip(
        whole, log_probs(exact, given), stepwise(half, given), strict=True
    ):
        np.testing.assert_allclose(one, wanted, atol=0.3)
        np.testing.assert_allclose(steps, one, atol=0.1)


@pytest.mark.contract
def test_saved_and_loaded(either: Any, tmp_path: Path) -> None:
    given = inputs(either)
    either.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for one, was in zip(log_probs(again, given), log_probs(either, given), strict=True):
        np.testing.assert_array_equal(one, was)
    assert again.get_config() == either.get_config()
    assert again.fusion == either.fusion


def test_the_loss_is_the_mean_of_both_directions() -> None:
    model = small()
    random = np.random.default_rng(1)
    labels = {name: random.integers(2, CHARACTERS, (3, STEPS)) for name in NAMES}
    for ids in labels.values():
        ids[1, 3:] = 0
    losses = {name: nk.TokenCrossEntropy() for name in NAMES}
    # TensorFlow would take longer to trace it.
    eager = keras.backend.backend() != "jax"
    model.compile("sgd", losses, dict.fromkeys(NAMES, 0.5), run_eagerly=eager)
    given = inputs(model)
    found = model.evaluate(given, labels, verbose=0, return_dict=True)
    wanted = []
    for name, predicted in zip(NAMES, log_probs(model, given), strict=True):
        real = labels[name] > 0
        gold = np.take_along_axis(predicted, labels[name][..., None], -1)[..., 0]
        wanted.append(-gold[real].mean())
    np.testing.assert_allclose(found["loss"], np.mean(wanted), rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vocabulary_size": 2}, "vocabulary_size: must be .* at least 3"),
        ({"units": 6, "num_heads": 4}, "units: must be a multiple of"),
        ({"units": 9, "num_heads": 3}, "units: must be even"),
        ({"num_layers": 0}, "num_layers: must be"),
        ({"dropout": 1.0}, "dropout: must be"),
        ({"fusion": "mean"}, "fusion: must be one of 'concatenate', 'sbnmt', got 'mean'"),
    ],
)
def test_invalid_arguments(options: Any, message: str) -> None:
    given = {"vocabulary_size": 7, "units": 8, "num_heads": 2, **options}
    with pytest.raises(InvalidArgumentError, match=message):
        nk.BidirectionalLSTMEncoderDecoder(**given)


def test_missing_inputs() -> None:
    model = small()
    given = inputs(model)
    with pytest.raises(InvalidArgumentError, match="inputs: must be a dict with .*'backward'"):
        model({name: given[name] for name in ("source", "forward")})
    with pytest.raises(InvalidArgumentError, match="inputs: must be .*'backward_seen'"):
        model({**given, "forward_seen": given["forward"]})
    with pytest.raises(InvalidArgumentError, match="max_length: must be .* at least 1, got 0"):
        model.start(given["source"], 0)
