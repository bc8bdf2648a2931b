"""Adversarial training within everything that Keras does with a model."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from newword.errors import InvalidArgumentError  # noqa: E402
from newword.keras import SemiSupervisedBatches, adversarial_training  # noqa: E402
from tests.keras.adversarial_models import (  # noqa: E402
    CLASSES,
    EAGER,
    STEPS,
    WORDS,
    classifier,
    data,
    variables,
)
from tests.support.tensors import numpy  # noqa: E402

# Keras itself, when it writes TensorFlow's variables to a file.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
only_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="of TensorFlow, or for the time"
)


@pytest.mark.contract
def test_training_evaluation_and_files_go_on_as_before(tmp_path: Path) -> None:
    x, y, weights = data()
    model = classifier(dropout=0.2, normalization="batch", run_eagerly=False)
    model.save(tmp_path / "plain.keras")
    assert model.evaluate(x, y, verbose=0, return_dict=True).keys() == {"loss", "accuracy"}
    with adversarial_training(model, "embedding", epsilon=0.3) as hook:
        history = model.fit(x, y, sample_weight=weights, validation_data=(x, y), verbose=0).history
        logged = {"loss", "accuracy", "clean_loss", "adversarial_loss"}
        assert history.keys() == {*logged, "val_loss", "val_accuracy"}
        assert history["loss"] == history["adversarial_loss"]
        again = model.fit(x, y, epochs=2, verbose=0).history
        assert len(again["clean_loss"]) == 2
        assert model.evaluate(x, y, verbose=0, return_dict=True).keys() == {"loss", "accuracy"}
        assert model.predict(x, verbose=0).shape == (len(x), CLASSES)
        assert "removed" not in repr(hook)
        model.save(tmp_path / "adversarial.keras")
    assert "removed" in repr(hook)
    assert model.fit(x, y, verbose=0).history.keys() == {"loss", "accuracy"}
    contents = [members(tmp_path / f"{name}.keras") for name in ("adversarial", "plain")]
    assert contents[0] == contents[1]
    loaded = keras.saving.load_model(tmp_path / "adversarial.keras")
    assert type(loaded) is type(model)
    assert loaded.fit(x, y, verbose=0).history.keys() == {"loss", "accuracy"}


def members(path: Path) -> Any:
    """The members of a file, and the configuration in it."""
    with zipfile.ZipFile(path) as file:
        return sorted(file.namelist()), file.read("config.json")


@pytest.mark.parametrize("method", ["fgm", "freelb", "vat", "gradient_penalty", "r_drop"])
def test_a_step_moves_statistics_and_seeds_once(method: str) -> None:
    """With learning rate 0 a step leaves all variables with the very bits of a plain step."""
    x, y, _ = data()
    found = []
    for chosen in (None, method):
        optimizer = keras.optimizers.SGD(0.0)
        model = classifier(dropout=0.3, normalization="batch", optimizer=optimizer)
        before = variables(model)
        if chosen:
            adversarial_training(model, method=chosen)
        model.train_on_batch(x, y)
        found.append(variables(model))
    for one, other, was in zip(*found, before, strict=True):
        np.testing.assert_array_equal(one, other)
        if len(one) == WORDS:
            np.testing.assert_array_equal(one, was)
    assert any((one != was).any() for one, was in zip(found[0], before, strict=True))


@only_tensorflow
@pytest.mark.parametrize("where", ["weights", "outputs"])
def test_an_exception_in_a_step_leaves_nothing_behind(where: str) -> None:
    x, y, _ = data()
    model = classifier(optimizer=keras.optimizers.Adam())
    calls: list[int] = []

    def loss(y_true: Any, y_pred: Any) -> Any:
        calls.append(len(calls))
        if len(calls) == 3:
            message = "in the perturbed pass"
            raise RuntimeError(message)
        return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)

    model.compile(keras.optimizers.Adam(), loss, run_eagerly=True)
    model.optimizer.build(model.trainable_variables)
    adversarial_training(model, where=where)
    before = [numpy(one) for one in (*model.variables, *model.optimizer.variables)]
    with pytest.raises(RuntimeError, match="in the perturbed pass"):
        model.train_on_batch(x, y)
    after = [numpy(one) for one in (*model.variables, *model.optimizer.variables)]
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    assert "call" not in model.layers[1].__dict__
    assert np.isfinite(model.train_on_batch(x, y)).all()


@only_tensorflow
def test_compiled_steps_in_half_precision_with_accumulated_gradients() -> None:
    x, y, _ = data()
    inner = keras.optimizers.Adam(0.01, gradient_accumulation_steps=2)
    optimizer = keras.optimizers.LossScaleOptimizer(inner)
    model = classifier(
        dtype="mixed_float16",
        dropout=0.1,
        optimizer=optimizer,
        run_eagerly=False,
        steps_per_execution=2,
    )
    adversarial_training(model, epsilon=0.5, where="outputs")
    before = model.get_weights()
    history = model.fit(x, y, batch_size=2, epochs=4, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert (np.array(history["adversarial_loss"]) > np.array(history["clean_loss"])).mean() > 0.5
    assert any((one != was).any() for one, was in zip(model.get_weights(), before, strict=True))


@only_tensorflow
def test_compilation_with_xla() -> None:
    x, y, _ = data()
    found = []
    given: list[dict[str, Any]] = [{"run_eagerly": False, "jit_compile": True}, {}]
    for options in given:
        model = classifier(**options)
        adversarial_training(model, method="pgd", steps=2)
        found.append(model.train_on_batch(x, y, return_dict=True)["loss"])
    assert found[0] == pytest.approx(found[1], rel=1e-4)


@only_tensorflow
def test_replicas_share_a_batch() -> None:
    """The penalty is a mean over samples, whatever their replica; steps are counted once."""
    import tensorflow as tf

    x, y, _ = data()
    devices = tf.config.list_logical_devices("CPU")
    if len(devices) < 2:
        pytest.skip("there is one device")
    weights = []
    for strategy in (tf.distribute.MirroredStrategy(devices[:2]), tf.distribute.get_strategy()):
        with strategy.scope():
            model = classifier(run_eagerly=False, optimizer=keras.optimizers.SGD(0.5))
        adversarial_training(
            model,
            method="gradient_penalty",
            epsilon=lambda step: 0.5 + step,
            where="outputs",
        )
        dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(len(x))
        logs = model.fit(dataset, epochs=2, shuffle=False, verbose=0).history
        assert logs["epsilon"] == [0.5, 1.5]
        weights.append(model.get_weights())
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)


@only_tensorflow
def test_schedules_and_plain_training_before() -> None:
    x, y, _ = data()
    decay = keras.optimizers.schedules.PolynomialDecay(0.0, 4, 1.0)
    model = classifier(optimizer=keras.optimizers.SGD(0.1), run_eagerly=False)
    plain = classifier(optimizer=keras.optimizers.SGD(0.1), run_eagerly=False)
    adversarial_training(model, epsilon=decay, start_step=2)
    found = model.fit(x, y, epochs=4, batch_size=len(x), shuffle=False, verbose=0).history
    wanted = plain.fit(x, y, epochs=4, batch_size=len(x), shuffle=False, verbose=0).history
    np.testing.assert_allclose(found["epsilon"], [0, 0, 0.5, 0.75], rtol=1e-6)
    np.testing.assert_allclose(found["loss"][:2], wanted["loss"][:2], rtol=1e-6)
    assert found["loss"][2] > wanted["loss"][2] + 0.01
    assert found["clean_loss"][2] == pytest.approx(wanted["loss"][2], rel=1e-5)


@only_tensorflow
def test_a_model_compiled_again_keeps_the_method() -> None:
    x, y, _ = data()
    model = classifier()
    hook = adversarial_training(model)
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=EAGER)
    assert "adversarial_loss" in model.train_on_batch(x, y, return_dict=True)
    hook.remove()
    hook.remove()
    assert "adversarial_loss" not in model.train_on_batch(x, y, return_dict=True)


def two_inputs() -> tuple[Any, Any, Any]:
    """A model with two inputs, two embeddings, one of them used twice, and two outputs."""
    keras.utils.set_random_seed(0)
    inputs = {name: keras.Input((STEPS,), dtype="int32", name=name) for name in ("a", "b")}
    shared = keras.layers.Embedding(WORDS, 4, name="shared")
    other = keras.layers.Embedding(WORDS, 4, name="other")
    x = keras.layers.Concatenate()([shared(inputs["a"]), shared(inputs["b"]), other(inputs["b"])])
    x = keras.layers.GlobalAveragePooling1D()(x)
    outputs = {
        "class": keras.layers.Dense(CLASSES, activation="softmax", name="class")(x),
        "number": keras.layers.Dense(1, name="number", activity_regularizer="l2")(x),
    }
    model = keras.Model(inputs, outputs)
    losses = {"class": "sparse_categorical_crossentropy", "number": "mse"}
    model.compile(keras.optimizers.SGD(0.1), losses, run_eagerly=EAGER)
    ids, labels, numbers = data()
    return model, {"a": ids, "b": ids[::-1].copy()}, {"class": labels, "number": numbers[:, None]}


@only_tensorflow
@pytest.mark.parametrize("where", ["weights", "outputs"])
@pytest.mark.parametrize("method", ["fgm", "gradient_penalty"])
def test_several_inputs_outputs_and_embeddings(where: str, method: str) -> None:
    model, x, y = two_inputs()
    hook = adversarial_training(model, ["shared", "other"], method, where=where)
    found = model.train_on_batch(x, y, return_dict=True)
    assert {"class_loss", "number_loss", "clean_loss"} <= found.keys()
    assert found["loss"] > found["clean_loss"]
    hook.remove()
    model, x, y = two_inputs()
    wanted = model.train_on_batch(x, y, return_dict=True)
    # What Keras reports of each output is the clean loss.
    for name in ("class_loss", "number_loss"):
        assert found[name] == pytest.approx(wanted[name], rel=1e-5)
    assert found["clean_loss"] == pytest.approx(wanted["loss"], rel=1e-5)


def test_unlabelled_samples_have_no_part_in_the_clean_loss() -> None:
    x, y, _ = data()
    model = classifier(metrics=None, weighted_metrics=["accuracy"])
    batches = SemiSupervisedBatches(x, y, x[::-1].copy(), batch_size=6, unlabelled_batch_size=3)
    assert len(batches) == 1
    inputs, labels, weights = batches[0]
    assert (len(inputs), len(labels), weights.tolist()) == (9, 9, [1.5] * 6 + [0.0] * 3)
    order = batches.order.copy()
    batches.on_epoch_end()
    assert sorted(batches.order) == sorted(order)
    wanted = classifier().test_on_batch(x, y, return_dict=True)
    adversarial_training(model, method="vat", where="outputs")
    found = model.fit(batches, verbose=0).history
    assert found["clean_loss"][0] == pytest.approx(wanted["loss"], rel=1e-5)
    assert found["accuracy"][0] == pytest.approx(wanted["accuracy"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.zeros(2)}, "y: must be of 6 rows"),
        ({"unlabelled": np.zeros((3, 7))}, "unlabelled: must be of shape"),
        ({"unlabelled": {"a": np.zeros((3, 5))}}, "unlabelled: must be of the same structure"),
        ({"unlabelled": np.zeros((0, 5))}, "unlabelled: must be arrays with at least one row"),
        ({"sample_weight": np.ones((6, 2))}, "sample_weight: must be one number per sample"),
        ({"batch_size": 0}, "batch_size: must be"),
    ],
)
def test_invalid_batches(change: Any, message: str) -> None:
    x, y, _ = data()
    with pytest.raises(InvalidArgumentError, match=message):
        SemiSupervisedBatches(**{"x": x, "y": y, "unlabelled": x, **change})
