"""The tagging heads in everything Keras does with a model."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")


from newword.keras.tagging.viterbi import best_tags  # noqa: E402
from tests.support.tagging import compile_lightly, make_head  # noqa: E402
from tests.support.tensors import numpy  # noqa: E402

compile_lightly()

# Keras itself, when it writes TensorFlow's variables to a file.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
BACKEND = keras.backend.backend()
TAGS, VOCABULARY, STEPS, SAMPLES = 4, 12, 7, 48
only_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="of TensorFlow only")


def data(seed: Any = 0, steps: Any = STEPS) -> Any:
    """Ids with pads, the tags that follow from them, weights."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, VOCABULARY, (SAMPLES, steps)).astype("int32")
    ids[np.arange(steps)[None] >= rng.integers(1, steps + 1, SAMPLES)[:, None]] = 0
    return ids, np.where(ids > 0, ids % TAGS, -100), rng.uniform(0.5, 2, SAMPLES).astype("float32")


def model_of(variant: Any, compiled: Any = True, optimizer: Any = None, **options: Any) -> Any:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None,), dtype="int32")
    hidden = keras.layers.Embedding(VOCABULARY, 8, mask_zero=True)(inputs)
    head = make_head(variant, TAGS, name="head")
    model = keras.Model(inputs, head(hidden))
    if compiled:
        optimizer = optimizer or keras.optimizers.Adam(0.05)
        model.compile(optimizer, head.loss(), metrics=[head.accuracy()], **options)
    return model


@pytest.mark.contract
@pytest.mark.parametrize("variant", ["memm_second_order", "bidirectional_full", "crf"])
def test_training_and_saving_and_training_on(variant: Any, tmp_path: Any) -> None:
    ids, labels, weights = data()
    model = model_of(variant)
    history = model.fit(ids, labels, batch_size=16, epochs=6, sample_weight=weights, verbose=0)
    assert history.history["loss"][-1] < 0.6 * history.history["loss"][0]
    model.save(tmp_path / "tagger.keras")
    again = keras.models.load_model(tmp_path / "tagger.keras")
    before = model.predict(ids, verbose=0)
    np.testing.assert_allclose(again.predict(ids, verbose=0), before, atol=1e-6)
    scores = [one.evaluate(ids, labels, verbose=0, return_dict=True) for one in (model, again)]
    assert scores[0] == pytest.approx(scores[1], rel=1e-5)
    later = [one.fit(ids, labels, verbose=0, shuffle=False).history for one in (model, again)]
    assert later[0]["loss"] == pytest.approx(later[1]["loss"], rel=1e-4)
    layout = again.get_layer("head").layout
    tags = numpy(best_tags(layout, again.predict(ids, verbose=0)))
    assert (tags == labels)[ids > 0].mean() > 0.9


@pytest.mark.parametrize("variant", ["softmax", "crf"])
def test_a_model_reports_the_mean_over_its_tokens(variant: Any) -> None:
    ids, labels, _ = data()
    model = model_of(variant)
    reported = model.evaluate(ids, labels, batch_size=SAMPLES, verbose=0, return_dict=True)
    head = model.get_layer("head")
    sums = head.loss("sequence", reduction="sum")(labels, model.predict(ids, verbose=0))
    assert reported["loss"] == pytest.approx(numpy(sums) / (ids > 0).sum(), rel=1e-4)
    packed = model.predict(ids, verbose=0)
    hits = packed[:, :STEPS, :-1].argmax(-1) == labels
    assert reported["emission_accuracy"] == pytest.approx(hits[ids > 0].mean(), abs=1e-6)


@only_tensorflow
@pytest.mark.parametrize("variant", ["memm", "crf"])
def test_datasets_of_changing_length_and_generators(variant: Any) -> None:
    import tensorflow as tf

    batches = [data(seed, steps) for seed, steps in enumerate((7, 4, 1))]
    kinds = (tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None, None), tf.int64))
    spec = (*kinds, tf.TensorSpec((None,), tf.float32))
    dataset = tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=spec)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(batches)))
    one, other = model_of(variant), model_of(variant)
    one.fit(dataset, verbose=0, shuffle=False)
    other.fit((batch for batch in batches), steps_per_epoch=3, shuffle=False, verbose=0)
    for ours, theirs in zip(one.weights, other.weights, strict=True):
        np.testing.assert_allclose(numpy(ours), numpy(theirs), atol=1e-5)


@pytest.mark.parametrize(
    ("variant", "policy"),
    [
        ("bidirectional", "mixed_bfloat16"),
        ("crf_boundary", "mixed_bfloat16"),
        ("crf_boundary", "mixed_float16"),
    ],
)
def test_mixed_precision_keeps_mask_and_loss(variant: Any, policy: Any) -> None:
    ids, labels, _ = data()
    exact = model_of(variant).evaluate(ids, labels, verbose=0, return_dict=True)["loss"]
    keras.config.set_dtype_policy(policy)
    try:
        model = model_of(variant)
        rough = model.evaluate(ids, labels, verbose=0, return_dict=True)["loss"]
        packed = model.predict(ids, verbose=0)
        history = model.fit(ids, labels, epochs=3, verbose=0).history["loss"]
    finally:
        keras.config.set_dtype_policy("float32")
    assert packed.dtype == np.float32
    np.testing.assert_array_equal(packed[:, :STEPS, -1] > 0.5, ids > 0)
    assert rough == pytest.approx(exact, rel=0.02)
    assert history[-1] < history[0]


# PyTorch compiles for two minutes, and shows a warning that it means to hide.
@pytest.mark.skipif(
    BACKEND == "torch" and not any(map(shutil.which, ("c++", "g++", "clang++"))),
    reason="PyTorch needs a C++ compiler to compile",
)
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
@pytest.mark.parametrize("variant", ["crf_rank"])
def test_compiled_or_not_the_step_is_the_same(variant: Any) -> None:
    ids, labels, weights = data()
    settings = ({"jit_compile": True}, {"jit_compile": False}, {"run_eagerly": True})
    models = []
    for options in settings:
        model = model_of(variant, optimizer=keras.optimizers.SGD(0.1), **options)
        model.fit(ids, labels, sample_weight=weights, batch_size=SAMPLES, epochs=2, verbose=0)
        models.append(model)
    for other in models[1:]:
        for ours, theirs in zip(models[0].weights, other.weights, strict=True):
            np.testing.assert_allclose(numpy(ours), numpy(theirs), atol=1e-5)


def test_accumulated_gradients_are_the_mean_of_two_steps() -> None:
    ids, labels, _ = data()
    halves = [(ids[:24], labels[:24]), (ids[24:], labels[24:])]
    moved = []
    for accumulate in (None, 2):
        optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=accumulate)
        model = model_of("crf", optimizer=optimizer)
        start = [numpy(weight).copy() for weight in model.trainable_weights]
        total = [np.zeros_like(one) for one in start]
        for half in halves:
            if accumulate is None:
                for weight, value in zip(model.trainable_weights, start, strict=True):
                    weight.assign(value)
            model.train_on_batch(*half)
            if accumulate is None:
                for index, weight in enumerate(model.trainable_weights):
                    total[index] += (numpy(weight) - start[index]) / 2
        if accumulate:
            for index, weight in enumerate(model.trainable_weights):
                total[index] = numpy(weight) - start[index]
        moved.append(total)
    for plain, accumulated in zip(*moved, strict=True):
        assert np.abs(plain).max() > 0
        np.testing.assert_allclose(plain, accumulated, atol=1e-6)


@only_tensorflow
@pytest.mark.parametrize("variant", ["memm", "crf"])
def test_export_with_the_decoder_in_the_graph(variant: Any, tmp_path: Any) -> None:
    import tensorflow as tf

    ids, labels, _ = data()
    model = model_of(variant)
    model.fit(ids, labels, epochs=3, verbose=0)
    head = model.get_layer("head")
    tagger = keras.Model(model.input, head.decoder()(model.output))
    tagger.export(tmp_path / "tagger", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "tagger"))
    for part in (ids, ids[:3, :4], ids[:1, :1]):
        expected = numpy(best_tags(head.layout, model.predict(part, verbose=0)))
        np.testing.assert_array_equal(served.serve(part).numpy(), expected)
    tagger.save(tmp_path / "tagger.keras")
    again = keras.models.load_model(tmp_path / "tagger.keras")
    np.testing.assert_array_equal(again.predict(ids, verbose=0), tagger.predict(ids, verbose=0))


@only_tensorflow
def test_two_replicas_take_the_step_of_one() -> None:
    import tensorflow as tf

    assert len(tf.config.list_logical_devices("CPU")) == 2
    ids, labels, _ = data()
    # Full rows: the mean over a replica's tokens is then the mean over those of the batch.
    ids = np.where(ids > 0, ids, 1)
    labels = ids % TAGS
    alone = model_of("crf", optimizer=keras.optimizers.SGD(0.1))
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        shared = model_of("crf", optimizer=keras.optimizers.SGD(0.1))
    for model in (alone, shared):
        model.fit(ids, labels, batch_size=SAMPLES, epochs=2, shuffle=False, verbose=0)
    for ours, theirs in zip(alone.weights, shared.weights, strict=True):
        np.testing.assert_allclose(numpy(ours), numpy(theirs), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SGD", {}),
        ("SGD", {"momentum": 0.9}),
        ("SGD", {"momentum": 0.9, "nesterov": True}),
        ("Adam", {}),
        ("RMSprop", {}),
        ("Adagrad", {}),
        ("Lion", {}),
        ("AdamW", {"weight_decay": 0.0}),
    ],
)
def test_the_multiplier_is_the_rate_under_any_optimizer(name: Any, options: Any) -> None:
    """Three steps of the head equal three steps of a plain weight under a hand-set rate."""
    rate, times = 1e-3, 30.0
    packed_loss, moved = None, []
    rng = np.random.default_rng(0)
    emissions = rng.normal(size=(6, 5, TAGS)).astype("float32")
    labels = rng.integers(0, TAGS, (6, 5))
    for multiplier, learning_rate in ((times, rate), (1.0, rate * times)):
        head = make_head("memm", TAGS, use_kernel=False, lr_multiplier=multiplier)
        model = keras.Sequential([keras.Input((None, TAGS)), head])
        head.stored_transitions.assign(np.eye(TAGS, dtype="float32") / multiplier)
        optimizer = getattr(keras.optimizers, name)(learning_rate, **options)
        packed_loss = head.loss()
        model.compile(optimizer, packed_loss)
        for _ in range(3):
            model.train_on_batch(emissions, labels)
        moved.append(numpy(head.transitions) - np.eye(TAGS))
    assert np.abs(moved[1]).max() > 1e-4
    np.testing.assert_allclose(moved[0], moved[1], rtol=2e-3, atol=1e-6)


def test_decoupled_weight_decay_keeps_its_own_rate() -> None:
    head = make_head("crf", TAGS, use_kernel=False, lr_multiplier=20.0)
    model = keras.Sequential([keras.Input((None, TAGS)), head])
    head.stored_transitions.assign(np.ones((TAGS, TAGS), "float32") / 20)
    model.compile(keras.optimizers.SGD(0.1, weight_decay=0.5), head.loss())
    # One step a sequence: no gradient reaches the transitions, only the decay.
    model.train_on_batch(np.zeros((2, 1, TAGS), "float32"), np.zeros((2, 1), "int32"))
    np.testing.assert_allclose(numpy(head.transitions), 1 - 0.1 * 0.5, rtol=1e-5)


@pytest.mark.contract
def test_configurations_come_back() -> None:
    allowed = np.tri(TAGS, dtype=bool)
    head = make_head(
        "memm", TAGS, halve_history=True, allowed_transitions=allowed, lr_multiplier=5.0
    )
    again = type(head).from_config(head.get_config())
    assert again.get_config() == head.get_config()
    assert again.layout == head.layout
    np.testing.assert_array_equal(again.allowed_transitions, allowed)
    loss = head.loss(label_smoothing=0.1)
    assert type(loss).from_config(loss.get_config()).get_config() == loss.get_config()
