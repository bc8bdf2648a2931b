"""What adversarial training refuses, with the remedy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from newword.errors import InvalidArgumentError  # noqa: E402
from newword.keras import AdversarialTraining, adversarial_training  # noqa: E402
from tests.keras.adversarial_models import EAGER, classifier, data  # noqa: E402

only_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="of TensorFlow only"
)
NAN = float("nan")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "fgsm"}, "method: must be one of 'fgm', 'pgd'"),
        ({"epsilon": 0}, "epsilon: must be a finite number greater than 0"),
        ({"epsilon": -1.0}, "epsilon: must be a finite"),
        ({"epsilon": NAN}, "epsilon: must be a finite"),
        ({"epsilon": "1"}, "epsilon: must be a finite"),
        ({"where": "inputs"}, "where: must be one of 'weights', 'outputs'"),
        ({"norm": "l1"}, "norm: must be one of"),
        ({"norm_over": "sample"}, "norm_over: must be 'batch' or 'token' for weights"),
        ({"steps": 2}, "steps: must be left out with method 'fgm': it is for pgd, freelb, vat"),
        ({"method": "pgd", "steps": 0}, "steps: must be"),
        ({"method": "pgd", "step_size": 0.0}, "step_size: must be greater than 0"),
        ({"method": "vat", "norm": "sign"}, "norm: must be left out with method 'vat'"),
        ({"method": "vat", "divergence": 3}, "divergence: must be None or a function"),
        ({"method": "r_drop", "layer": "embedding"}, "layer: must be left out with method"),
        ({"method": "gradient_penalty", "penalty": "published"}, "penalty: must be used with wh"),
        ({"clean_weight": -1}, "clean_weight: must be"),
        ({"dropout": "none"}, "dropout: must be one of 'same', 'new'"),
        ({"start_step": -1}, "start_step: must be"),
    ],
)
def test_invalid_options(options: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        AdversarialTraining(**options)


def test_options_can_be_changed_by_one() -> None:
    for method in ("fgm", "pgd", "freelb", "vat", "gradient_penalty", "r_drop"):
        options = AdversarialTraining(method)
        assert replace(options, seed=3) == AdversarialTraining(method, seed=3)


def layers_apart() -> Any:
    """A model with an embedding whose output does not matter, and one layer that is not used."""
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(12, 4, name="stopped")(ids)
    x = keras.layers.Lambda(keras.ops.stop_gradient)(x)
    x = keras.layers.Dense(3, activation="softmax", name="dense")(keras.ops.mean(x, axis=1))
    model = keras.Model(ids, x)
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=EAGER)
    return model


def without_dropout_or_cross_entropy() -> Any:
    model = classifier()
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (lambda: 3, {}, "model: must be a Keras model"),
        (
            lambda: keras.Sequential([keras.layers.Dense(1)]),
            {},
            "model: must be compiled: call model.compile before",
        ),
        (
            classifier,
            {"layer": "words"},
            "layer: must be one of the model's layers: 'input_.*', 'embedding', .* got 'words'",
        ),
        (classifier, {"layer": keras.layers.Dense(1)}, "layer: must be one of the model's layers"),
        (classifier, {"layer": 3}, "layer: must be the name of a layer"),
        (classifier, {"layer": []}, "layer: must be at least one layer"),
        (
            classifier,
            {"layer": "hidden"},
            "layer: must be an Embedding, or a layer with one weight",
        ),
        (classifier, {"method": "r_drop"}, "model: must be one with dropout for method 'r_drop'"),
        (without_dropout_or_cross_entropy, {"method": "vat"}, "loss: must be a cross-entropy"),
        (classifier, {"epsilon": lambda step: step - 1}, "epsilon: must be a function with a fini"),
        (classifier, {"epsilon": lambda step: step.x}, "epsilon: must be a function of the step"),
    ],
)
def test_invalid_models(make: Any, options: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        adversarial_training(make(), **options)


def test_twice_is_an_error_and_leaves_the_first() -> None:
    model = classifier()
    hook = adversarial_training(model)
    with pytest.raises(InvalidArgumentError, match=r"model: must be without .*: call remove\(\)"):
        adversarial_training(model, method="pgd")
    assert "removed" not in repr(hook)
    hook.remove()
    adversarial_training(model, method="pgd").remove()


def test_a_model_without_embeddings_needs_a_layer() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="dense")])
    model.compile("sgd", "mse", run_eagerly=EAGER)
    with pytest.raises(InvalidArgumentError, match="layer: must be given .* 'dense'"):
        adversarial_training(model)
    adversarial_training(model, "dense", where="outputs")
    assert np.isfinite(model.train_on_batch(np.ones((2, 3)), np.ones((2, 2)))).all()


@only_tensorflow
@pytest.mark.parametrize("where", ["weights", "outputs"])
def test_a_layer_without_gradient(where: str) -> None:
    x, y, _ = data()
    model = layers_apart()
    adversarial_training(model, where=where)
    with pytest.raises(InvalidArgumentError, match="layer: .* gradient for, got 'stopped'"):
        model.train_on_batch(x, y)


class OwnStep(keras.Model):  # type: ignore[misc, name-defined, unused-ignore]
    """A model whose training step may or may not compute the loss."""

    asks = False

    def train_step(self, *arguments: Any) -> Any:
        if self.asks:
            return super().train_step(*arguments)
        return {"loss": keras.ops.zeros(())}


@only_tensorflow
def test_a_training_step_without_the_loss() -> None:
    x, y, _ = data()
    inputs = keras.Input((None,), dtype="int32")
    made = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(12, 3)(inputs))
    model = OwnStep(inputs, keras.layers.Softmax()(made))
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    adversarial_training(model)
    with pytest.raises(InvalidArgumentError, match="train_step: must be one that calls compute_l"):
        model.fit(x, y, verbose=0)
    OwnStep.asks = True
    assert "adversarial_loss" in model.fit(x, y, verbose=0).history


@only_tensorflow
def test_loops_and_xla_and_second_derivatives() -> None:
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.LSTM(3, name="lstm")(keras.layers.Embedding(12, 4)(ids))
    model = keras.Model(ids, keras.layers.Dense(3, activation="softmax")(x))
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=True)
    with pytest.raises(InvalidArgumentError, match="jit_compile: must be False .* loops of lstm"):
        adversarial_training(model, method="gradient_penalty")
    adversarial_training(model, method="fgm").remove()


@only_tensorflow
def test_a_loss_without_second_derivatives() -> None:
    import tensorflow as tf

    @tf.custom_gradient
    def once(x: Any) -> Any:
        return x, lambda upstream: tf.raw_ops.PreventGradient(input=upstream * x, message="once")

    x, y, _ = data()
    model = classifier()
    model.compile("sgd", lambda _, outputs: once(outputs[:, 0]), run_eagerly=True)
    adversarial_training(model, method="gradient_penalty")
    with pytest.raises(InvalidArgumentError, match="loss: .* differentiated twice .*once"):
        model.train_on_batch(x, y)
