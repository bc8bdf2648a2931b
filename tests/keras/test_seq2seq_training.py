"""Training of encoder-decoders: the loss, and remedies for exposure bias."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import newword.keras as nk
from newword.errors import InvalidArgumentError
from newword.keras.seq2seq.remedies import frozen, replaceable, sampled
from tests.keras.seq2seq_models import CHARACTERS, inputs, log_probs, small
from tests.support.tensors import Array, numpy

PAIR_POOLS = ("target", "source_target", "vocabulary")


def labels(given: dict[str, Array], model: Any) -> Array:
    """The targets with their end token."""
    found = np.zeros_like(given["target"])
    for row, target in enumerate(given["target"]):
        length = np.count_nonzero(target)
        found[row, : length - 1] = target[1:length]
        found[row, length - 1] = model.end_token
    return found


def many(rows: int = 400) -> tuple[Array, Array]:
    """Sources without 5 and 6, targets of 5 and 6 only, of unlike lengths."""
    random = np.random.default_rng(0)
    source = random.integers(2, 5, (rows, 6)).astype("int32")
    target = random.integers(5, CHARACTERS, (rows, 8)).astype("int32")
    source[1::2, 3:] = 0
    target[:, 0] = CHARACTERS
    target[1::2, 4:] = 0
    return source, target


@pytest.mark.contract
def test_the_loss_is_a_mean_over_real_tokens() -> None:
    model = small("lstm")
    given = inputs(model)
    gold = labels(given, model)
    gold[1, 2:] = 0
    found = log_probs(model, given)
    terms = [
        -found[row, step, gold[row, step]]
        for row in range(3)
        for step in range(4)
        if gold[row, step]
    ]
    logits = model(given)
    np.testing.assert_allclose(numpy(nk.TokenCrossEntropy()(gold, logits)), np.mean(terms), 1e-5)
    whole = nk.TokenCrossEntropy("sequence", reduction="sum")(gold, logits)
    np.testing.assert_allclose(numpy(whole), np.sum(terms), rtol=1e-5)
    # More padding, or a row of it, changes nothing.
    wider = np.pad(gold, ((0, 1), (0, 2)))
    logits = np.pad(numpy(logits), ((0, 1), (0, 2), (0, 0)), constant_values=9)
    np.testing.assert_allclose(numpy(nk.TokenCrossEntropy()(wider, logits)), np.mean(terms), 1e-5)
    accuracy = nk.TokenAccuracy()
    accuracy.update_state(wider, logits)
    hits = (found.argmax(-1) == gold)[gold > 0].mean()
    np.testing.assert_allclose(numpy(accuracy.result()), hits, rtol=1e-5)


def test_labels_and_weights_of_wrong_shape() -> None:
    loss = nk.TokenCrossEntropy()
    with pytest.raises(InvalidArgumentError, match="y_true: must be of 2 steps like"):
        loss(np.zeros((1, 3)), np.zeros((1, 2, 4)))
    with pytest.raises(InvalidArgumentError, match="y_true: must be ids of shape"):
        loss(np.zeros(3), np.zeros((1, 2, 4)))
    with pytest.raises(InvalidArgumentError, match="sample_weight: must be one number per row"):
        loss(np.zeros((1, 2)), np.zeros((1, 2, 4)), sample_weight=np.ones((1, 2)))


@pytest.mark.contract
@pytest.mark.parametrize("pool", PAIR_POOLS)
def test_replacements(pool: str) -> None:
    model = small("lstm")
    source, target = many()
    remedy = nk.RandomReplacement(0.5, 0.3, pool, seed=1)
    found = numpy(remedy.inputs(model, source, target))
    assert found.dtype == target.dtype
    changed = found != target
    real = target != 0
    assert not changed[~real].any()
    assert not changed[:, 0].any()
    inner = found[:, 1:][real[:, 1:]]
    allowed = {"target": {5, 6}, "source_target": {2, 3, 4, 5, 6}, "vocabulary": {2, 3, 4, 5, 6}}
    assert set(inner.tolist()) == allowed[pool]
    # Half of the rows; there 0.3 of the tokens, of which some are replaced by themselves.
    alike = {"target": 1 / 2, "source_target": 1 / 4, "vocabulary": 1 / 5}[pool]
    share = changed[:, 1:][real[:, 1:]].mean()
    np.testing.assert_allclose(share, 0.5 * 0.3 * (1 - alike), atol=0.025)
    longest = np.count_nonzero(target[0]) - 1
    touched = changed.any(1)[::2].mean()
    np.testing.assert_allclose(touched, 0.5 * (1 - (1 - 0.3 * (1 - alike)) ** longest), atol=0.1)


@pytest.mark.parametrize("pool", PAIR_POOLS)
def test_replacements_come_from_the_gold_row(pool: str) -> None:
    model = small("lstm")
    source = np.array([[2, 0, 0], [3, 3, 0]], "int32")
    target = np.array([[CHARACTERS, 4, 5, 0], [CHARACTERS, 6, 0, 0]], "int32")
    remedy = nk.RandomReplacement(1.0, 1.0, pool)
    drawn = np.stack([numpy(remedy.inputs(model, source, target)) for _ in range(60)])
    rows = {
        "target": ({4, 5}, {6}),
        "source_target": ({2, 4, 5}, {3, 6}),
        "vocabulary": ({2, 3, 4, 5, 6}, {2, 3, 4, 5, 6}),
    }[pool]
    assert set(drawn[:, 0, 1:3].ravel().tolist()) == rows[0]
    assert set(drawn[:, 1, 1].tolist()) == rows[1]
    again = nk.RandomReplacement(1.0, 1.0, pool)
    np.testing.assert_array_equal(numpy(again.inputs(model, source, target)), drawn[0])
    other = nk.RandomReplacement(1.0, 1.0, "vocabulary", seed=5)
    wide = np.full((1, 40), 3, "int32")
    assert (numpy(other.inputs(model, source[:1], wide)) != 3).any()


def test_replacements_of_the_model_itself() -> None:
    model = small("lstm")
    given = inputs(model)
    found = log_probs(model, given)
    found[..., [0, 1, model.start_token, model.end_token]] = -np.inf
    best = np.argsort(-found, axis=-1)[..., :2]
    remedy = nk.RandomReplacement(1.0, 1.0, "model", top_k=2)
    drawn = np.stack(
        [numpy(remedy.inputs(model, given["source"], given["target"])) for _ in range(30)]
    )
    assert (drawn[:, :, 0] == model.start_token).all()
    for row in range(drawn.shape[1]):
        for step in range(1, drawn.shape[2]):
            assert set(drawn[:, row, step].tolist()) == set(best[row, step - 1].tolist())


@pytest.mark.parametrize("name", ["lstm", pytest.param("transformer", marks=pytest.mark.contract)])
def test_scheduled_sampling_reads_its_own_output(name: str) -> None:
    # Sharp predictions, so that a draw is the most probable token.
    model = small(name, copy_prior=False)
    model.output_layer.kernel.assign(200 * numpy(model.output_layer.kernel))
    given = inputs(model)
    given["target"][1, 2:] = 0
    found = numpy(nk.ScheduledSampling(1.0).inputs(model, given["source"], given["target"]))
    wanted = given["target"].copy()
    for step in range(wanted.shape[1] - 1):
        scores = log_probs(model, {**given, "target": wanted})[:, step]
        scores[:, [0, 1, model.start_token, model.end_token]] = -np.inf
        real = wanted[:, step + 1] != 0
        wanted[real, step + 1] = scores.argmax(-1)[real]
    np.testing.assert_array_equal(found, wanted)
    kept = numpy(nk.ScheduledSampling(0.0).inputs(model, given["source"], given["target"]))
    np.testing.assert_array_equal(kept, given["target"])


def test_draws_follow_the_distribution() -> None:
    probabilities = np.array([0.0, 0.5, 0.2, 0.3], "float32")
    with np.errstate(divide="ignore"):
        scores = np.broadcast_to(np.log(probabilities), (1000, 4))
    uniform = (np.arange(1000, dtype="float32") / 1000)[:, None][:, 0]
    drawn = numpy(sampled(np.maximum(scores, -1e9).astype("float32"), uniform))
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 1000, probabilities, atol=2e-3)


def test_r_drop_is_half_of_both_losses_and_divergences() -> None:
    # Without dropout both passes agree; with other weights the second pass is another model.
    one, other = small("lstm"), small("lstm")
    other.set_weights([weight * 0.8 for weight in other.get_weights()])
    given = inputs(one)
    gold = labels(given, one)
    gold[2, 1:] = 0
    assert abs(float(numpy(nk.RDrop().loss(one, given, gold, one(given))))) < 1e-5
    p, q = log_probs(one, given), log_probs(other, given)
    kept = gold > 0
    both = ((np.exp(p) - np.exp(q)) * (p - q)).sum(-1)
    first, second = (-np.take_along_axis(each, gold[..., None], -1)[..., 0] for each in (p, q))
    wanted = ((second - first) / 2 + 3.0 / 4 * both)[kept].mean()
    found = numpy(nk.RDrop(3.0).loss(other, given, gold, one(given)))
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_teaforn_reads_the_outputs_of_the_last_pass() -> None:
    model = small("transformer")
    given = inputs(model)
    gold = labels(given, model)
    memory = model.encode(given["source"])
    embedded = numpy(model.embed(given["target"]))
    hidden = numpy(model.hidden(embedded, memory))
    total = 0.0
    for weight in (0.5, 0.25):
        shifted = np.concatenate([embedded[:, :1], hidden[:, :-1]], 1)
        hidden = numpy(model.hidden(shifted, memory))
        scores = numpy(keras.ops.log_softmax(model.logits(hidden, memory)))
        total -= weight * np.take_along_axis(scores, gold[..., None], -1).mean()
    found = numpy(nk.TeaForN(3, 0.5).loss(model, given, gold, None))
    np.testing.assert_allclose(found, total, rtol=1e-4)


@pytest.mark.contract
def test_remedies_in_a_compiled_training_step(tmp_path: Path) -> None:
    model = small("lstm", dropout=0.1, recurrent_initializer="glorot_uniform")
    given = inputs(model)
    gold = labels(given, model)
    remedies = [nk.RandomReplacement(1.0, 0.5, "model"), nk.ScheduledSampling(0.5)]
    training = nk.TeacherForcing(model, remedies)
    assert len(training.trainable_variables) == len(model.trainable_variables)
    before = model.get_weights()
    training.compile("adam", nk.TokenCrossEntropy(), metrics=[nk.TokenAccuracy()])
    # Otherwise TensorFlow traces the step twice.
    training.optimizer.build(training.trainable_variables)
    seeds = [numpy(one.random.state) for one in remedies]
    history = training.fit(given, gold, batch_size=3, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert all((was != now).any() for was, now in zip(before, model.get_weights(), strict=True))
    for was, remedy in zip(seeds, remedies, strict=True):
        assert (was != numpy(remedy.random.state)).any()
    # At inference it is the model.
    np.testing.assert_array_equal(numpy(training(given)), numpy(model(given)))
    training.save(tmp_path / "training.keras")
    again = keras.saving.load_model(tmp_path / "training.keras")
    assert [one.get_config() for one in again.remedies] == [one.get_config() for one in remedies]
    np.testing.assert_array_equal(numpy(again(given)), numpy(model(given)))
    assert int(again.optimizer.iterations) == 2


def test_additions_to_the_loss_in_training_only() -> None:
    model = small("lstm", copy_prior=False)
    given = inputs(model)
    gold = labels(given, model)
    remedies = [nk.RDrop(1.0), nk.TeaForN(2)]
    training = nk.TeacherForcing(model, remedies)
    training.compile(keras.optimizers.SGD(0.0), nk.TokenCrossEntropy(), run_eagerly=True)
    plain = float(numpy(nk.TokenCrossEntropy()(gold, model(given))))
    added = sum(float(numpy(one.loss(model, given, gold, model(given)))) for one in remedies)
    assert added > 1e-3
    loss = training.fit(given, gold, batch_size=3, verbose=0).history["loss"][0]
    np.testing.assert_allclose(loss, plain + added, rtol=1e-5)
    np.testing.assert_allclose(training.evaluate(given, gold, verbose=0), plain, rtol=1e-5)


def test_gradients_are_those_of_the_changed_inputs() -> None:
    """One step with plain gradient descent equals a step on inputs changed beforehand."""
    given = inputs(small("lstm"))
    weights = []
    for remedies in ([nk.RandomReplacement(1.0, 0.5, seed=4)], []):
        model = small("lstm")
        gold = labels(given, model)
        changed = dict(given)
        if not remedies:
            twin = nk.RandomReplacement(1.0, 0.5, seed=4)
            changed["target"] = numpy(twin.inputs(model, given["source"], given["target"]))
            assert (changed["target"] != given["target"]).any()
        training = nk.TeacherForcing(model, remedies)
        training.compile(keras.optimizers.SGD(0.1), nk.TokenCrossEntropy(), run_eagerly=EAGER)
        training.train_on_batch(changed, gold)
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


EAGER = keras.backend.backend() != "jax"


def test_a_frozen_model_has_no_gradient() -> None:
    model = small("lstm")
    with frozen(model):
        values = [numpy(one.value) for one in model.trainable_variables]
    for value, variable in zip(values, model.trainable_variables, strict=True):
        np.testing.assert_array_equal(value, numpy(variable))
    assert numpy(replaceable(np.array([[7, 3, 0]]))).tolist() == [[False, True, False]]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nk.RandomReplacement(p_sample=1.5), "p_sample: must be between 0 and 1"),
        (lambda: nk.RandomReplacement(p_token=-1), "p_token: must be"),
        (lambda: nk.RandomReplacement(pool="self"), "pool: must be one of 'target'"),
        (lambda: nk.RandomReplacement(top_k=0), "top_k: must be"),
        (lambda: nk.ScheduledSampling(2), "probability: must be between 0 and 1"),
        (lambda: nk.RDrop(-1), "weight: must be"),
        (lambda: nk.TeaForN(1), "steps: must be .* at least 2"),
        (lambda: nk.TeacherForcing(keras.layers.Dense(1)), "model: must be an encoder-decoder"),
        (lambda: nk.TeacherForcing(small("lstm"), [1]), r"remedies\[0\]: must be a remedy"),
        (lambda: nk.TeacherForcing(small("lstm"), "x"), "remedies: must be a list of remedies"),
    ],
)
def test_invalid_arguments(make: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        make()


def test_sample_weights_and_additions_to_the_loss_exclude_each_other() -> None:
    model = small("lstm")
    given = inputs(model)
    training = nk.TeacherForcing(model, [nk.RDrop()])
    training.compile("sgd", nk.TokenCrossEntropy(), run_eagerly=True)
    with pytest.raises(InvalidArgumentError, match="sample_weight: must be None with RDrop"):
        training.fit(given, labels(given, model), sample_weight=np.ones(3), verbose=0)
