"""The losses of adversarial training against hand-written steps and finite differences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from newword.keras import adversarial_training  # noqa: E402
from newword.keras._backend import value_and_gradients, value_and_inner_gradients  # noqa: E402
from newword.keras.training.divergence import Divergence, divergence_of  # noqa: E402
from newword.keras.training.forward import Batch, Forward  # noqa: E402
from newword.keras.training.perturbation import inside, keepdims_norm, random_inside  # noqa: E402
from newword.keras.training.search import Search  # noqa: E402
from newword.keras.training.sites import sites_of  # noqa: E402
from tests.keras.adversarial_models import (  # noqa: E402
    CLASSES,
    adversarial_gradients,
    classifier,
    data,
    gradients,
    total_loss,
)
from tests.support.tensors import Array, numpy  # noqa: E402

EPSILON = 0.7
only_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="float64, or speed"
)


def by_hand(gradient: Array, norm: str, over: str) -> Array:
    """The direction of a step, in NumPy."""
    if norm == "sign":
        signs: Array = np.sign(gradient)
        return signs
    if norm == "raw":
        return gradient
    axis = None if over == "batch" else -1
    size = np.sqrt((gradient**2).sum(axis, keepdims=True))
    unit: Array = np.divide(gradient, size, out=np.zeros_like(gradient), where=size > 0)
    return unit


def moved(model: Any, delta: Array) -> Any:
    """The model with a perturbed matrix."""
    weights = model.get_weights()
    model.set_weights([weights[0] + delta, *weights[1:]])
    return weights


def plain_gradients_at(model: Any, delta: Array, batch: Any) -> list[Array]:
    weights = moved(model, delta)
    found = gradients(model, *batch)
    model.set_weights(weights)
    return found


@pytest.mark.parametrize(
    ("norm", "over"),
    [
        pytest.param("l2", "batch", marks=pytest.mark.contract),
        ("l2", "token"),
        ("raw", "batch"),
        ("sign", "batch"),
    ],
)
def test_fgm_is_the_hand_written_step(norm: str, over: str) -> None:
    batch = data()
    model = classifier()
    delta = EPSILON * by_hand(gradients(model, *batch)[0], norm, over)
    wanted = plain_gradients_at(model, delta, batch)
    found = adversarial_gradients(batch, epsilon=EPSILON, norm=norm, norm_over=over)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    assert np.abs(wanted[1] - gradients(model, *batch)[1]).max() > 1e-2


@pytest.mark.parametrize("method", ["pgd", "freelb"])
def test_several_steps_are_those_by_hand(method: str) -> None:
    batch, size = data()[:2], 0.5
    model = classifier()
    delta = np.zeros_like(model.get_weights()[0])
    points = []
    for _ in range(3):
        points.append(delta)
        delta = delta + size * by_hand(plain_gradients_at(model, delta, batch)[0], "l2", "batch")
        delta = delta * min(1, EPSILON / np.linalg.norm(delta))
        assert np.linalg.norm(delta) <= EPSILON + 1e-6
    places = [delta] if method == "pgd" else points
    each = [plain_gradients_at(model, one, batch) for one in places]
    options: dict[str, Any] = {"steps": 3, "step_size": size, "random_start": False}
    found = adversarial_gradients(batch, method=method, epsilon=EPSILON, **options)
    for index, one in enumerate(found):
        wanted = np.mean([many[index] for many in each], axis=0)
        np.testing.assert_allclose(one, wanted, atol=1e-5)


@pytest.mark.parametrize("norm", ["l2", "sign", "raw"])
@pytest.mark.parametrize("over", ["batch", "sample", "token"])
def test_projections_and_random_starts_are_in_the_ball(norm: str, over: str) -> None:
    random = np.random.default_rng(0)
    far = keras.ops.convert_to_tensor(random.normal(size=(3, 4, 5)).astype("float32"))
    near = 1e-3 * far
    uniform = random.uniform(-1, 1, (3, 4, 5)).astype("float32")
    for tensor in (
        inside(far, 0.5, norm, over),
        random_inside(uniform, 0.5, norm, over),
    ):
        sizes = np.abs(numpy(tensor)) if norm == "sign" else numpy(keepdims_norm(tensor, over))
        assert sizes.max() <= 0.5 + 1e-6
        assert sizes.max() > 0.2
    np.testing.assert_allclose(numpy(inside(near, 0.5, norm, over)), numpy(near), rtol=1e-6)


def test_outputs_are_perturbed_sample_by_sample() -> None:
    ids, labels, weights = data()
    model = classifier()
    embedding, rest = model.layers[1], model.layers[2:]
    mask = keras.ops.convert_to_tensor(ids != 0)

    def loss(embedded: Any) -> Any:
        x = rest[0](embedded, mask=mask)
        for layer in rest[1:]:
            x = layer(x)
        return model.loss(labels, x, sample_weight=weights)

    embedded = embedding(ids)
    _, (gradient,) = value_and_gradients(loss)(embedded)
    size = np.sqrt((numpy(gradient) ** 2).sum((1, 2), keepdims=True))
    clean = float(numpy(loss(embedded)))
    wanted = float(numpy(loss(numpy(embedded) + EPSILON * numpy(gradient) / size)))
    adversarial_training(model, epsilon=EPSILON, where="outputs")
    found = model.train_on_batch(ids, labels, weights, return_dict=True)
    assert found["adversarial_loss"] == pytest.approx(wanted, rel=1e-4)
    assert found["clean_loss"] == pytest.approx(clean, rel=1e-4)
    assert found["loss"] == found["adversarial_loss"]


@pytest.mark.parametrize("method", ["fgm", "gradient_penalty"])
def test_without_epsilon_it_is_plain_training(method: str) -> None:
    batch = data()
    found = adversarial_gradients(batch, method=method, epsilon=1e-12)
    for one, other in zip(found, gradients(classifier(), *batch), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_share_of_the_clean_loss_is_added() -> None:
    batch = data()
    clean, plain = gradients(classifier(), *batch), adversarial_gradients(batch)
    found = adversarial_gradients(batch, clean_weight=0.5)
    for one, adversarial, other in zip(found, plain, clean, strict=True):
        np.testing.assert_allclose(one, adversarial + 0.5 * other, atol=1e-5)


PENALTIES = [
    {"penalty": "squared"},
    {"penalty": "norm"},
    {"penalty": "squared", "where": "outputs"},
    {"penalty": "published", "where": "outputs"},
]


@pytest.fixture
def doubles() -> Iterator[None]:
    """All of Keras in float64: a compiled model casts outputs to its default."""
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx("float32")


@only_tensorflow
@pytest.mark.usefixtures("doubles")
@pytest.mark.parametrize(
    ("options", "normalization"),
    [*[(one, None) for one in PENALTIES], (PENALTIES[0], "batch"), (PENALTIES[2], "layer")],
    ids=str,
)
def test_gradients_of_penalties_are_finite_differences(options: Any, normalization: Any) -> None:
    x, y, _ = data()
    model = classifier(dtype="float64", normalization=normalization)
    adversarial_training(model, method="gradient_penalty", epsilon=EPSILON, **options)
    found = gradients(model, x, y)
    random, weights = np.random.default_rng(0), model.get_weights()
    trained = [one.trainable for one in model.weights]
    for _ in range(3):
        # Moving averages change without a gradient.
        along = [
            random.normal(size=one.shape) * on for one, on in zip(weights, trained, strict=True)
        ]
        sides = []
        for sign in (1, -1):
            step = [one + sign * 1e-5 * other for one, other in zip(weights, along, strict=True)]
            model.set_weights(step)
            sides.append(total_loss(model, x, y))
        slope = sum((one * other).sum() for one, other in zip(found, along, strict=True))
        assert slope == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-6)
    model.set_weights(weights)


@only_tensorflow
def test_the_published_penalty_is_that_of_samples_divided_by_their_number() -> None:
    x, y, _ = data()
    added = {}
    for penalty in ("squared", "published"):
        model = classifier()
        adversarial_training(model, method="gradient_penalty", penalty=penalty, where="outputs")
        added[penalty] = model.train_on_batch(x, y, return_dict=True)["gradient_penalty"]
    assert added["published"] == pytest.approx(added["squared"] / len(x), rel=1e-5)


@only_tensorflow
@pytest.mark.parametrize("where", ["weights", "outputs"])
def test_fgm_meets_the_penalty_to_first_order(where: str) -> None:
    batch, gaps = data()[:2], []
    for epsilon in (0.02, 0.01):
        options = {"epsilon": epsilon, "where": where}
        fast = adversarial_gradients(batch, {"dtype": "float64"}, norm="raw", **options)
        penalty = adversarial_gradients(
            batch, {"dtype": "float64"}, method="gradient_penalty", **options
        )
        gaps.append(
            max(np.abs(one - other).max() for one, other in zip(fast, penalty, strict=True))
        )
    # What is left is of second order: half of epsilon leaves a quarter.
    assert gaps[0] / gaps[1] == pytest.approx(4, rel=0.15)
    assert 0 < gaps[1] < 0.01


@only_tensorflow
def test_virtual_perturbations_need_no_labels_and_are_worse_than_random_ones() -> None:
    x, y, _ = data()
    found = []
    for labels in (y, (y + 1) % CLASSES):
        model = classifier()
        hook = adversarial_training(model, method="vat", epsilon=EPSILON, where="outputs", weight=2)
        found.append(model.train_on_batch(x, labels, return_dict=True))
    assert found[0]["divergence"] == pytest.approx(found[1]["divergence"], rel=1e-5)
    assert found[0]["loss"] == pytest.approx(
        found[0]["clean_loss"] + 2 * found[0]["divergence"], rel=1e-5
    )
    model = classifier()
    hook = adversarial_training(model, method="vat", epsilon=EPSILON, where="outputs")
    method: Any = hook._method
    search = Search(method.forward, Batch(x, y, None), new_masks=False)
    reference, apart = model(x), method.divergence
    random = np.random.default_rng(0)
    for _ in range(10):
        delta = random.normal(size=(*x.shape, 4)).astype("float32") * (x != 0)[..., None]
        delta *= EPSILON / np.sqrt((delta**2).sum((1, 2), keepdims=True))
        other = search.live([delta], objective=lambda outputs: apart(reference, outputs)).value
        assert float(numpy(other)) < found[0]["divergence"]


def test_divergences_are_those_of_the_definition() -> None:
    random = np.random.default_rng(0)
    one, other = (random.normal(size=(4, 3)) for _ in range(2))
    p, q = (np.exp(each) / np.exp(each).sum(-1, keepdims=True) for each in (one, other))
    model = classifier()
    weights = np.array([1.0, 2, 0, 1])
    each = (p * np.log(p / q)).sum(-1)
    found = divergence_of(model, None, symmetric=False)(p, q, weights)
    assert float(numpy(found)) == pytest.approx((each * weights).mean(), rel=1e-4)
    both = divergence_of(model, None, symmetric=True)(p, q)
    assert float(numpy(both)) == pytest.approx(((p - q) * np.log(p / q)).sum(-1).mean(), rel=1e-4)
    model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True))
    found = divergence_of(model, None, symmetric=False)(one, other)
    assert float(numpy(found)) == pytest.approx(each.mean(), rel=1e-4)
    model.compile("sgd", "binary_crossentropy")
    p, q = 1 / (1 + np.exp(-one)), 1 / (1 + np.exp(-other))
    each = (p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).sum(-1)
    found = divergence_of(model, None, symmetric=False)(p, q)
    assert float(numpy(found)) == pytest.approx(each.mean(), rel=1e-4)
    given = Divergence([lambda one, other: keras.ops.sum((one - other) ** 2, axis=-1)])
    assert float(numpy(given(p, q))) == pytest.approx(((p - q) ** 2).sum(-1).mean(), rel=1e-5)


@only_tensorflow
def test_r_drop_is_half_of_both_losses_and_divergences() -> None:
    x, y, _ = data()
    model = classifier(dropout=0.5)
    adversarial_training(model, method="r_drop", weight=3.0)
    (generator,) = [one for one in model.variables if "seed_generator" in one.path]
    state = numpy(generator)
    # The same two passes by hand: Keras draws the masks from the state of the seeds.
    first, second = (model(x, training=True) for _ in range(2))
    losses = [float(numpy(model.loss(y, one))) for one in (first, second)]
    p, q = numpy(first), numpy(second)
    both = ((p - q) * np.log(p / q)).sum(-1).mean()
    assert both > 1e-3
    generator.assign(state)
    found = model.train_on_batch(x, y, return_dict=True)
    assert found["divergence"] == pytest.approx(both / 2, rel=1e-4)
    assert found["loss"] == pytest.approx(sum(losses) / 2 + 3.0 / 4 * both, rel=1e-4)


def test_padding_is_not_perturbed() -> None:
    x, y, _ = data()
    model = classifier()
    model.layers[1]._embeddings.regularizer = keras.regularizers.L2(1.0)
    for where in ("weights", "outputs"):
        forward = Forward(model, model.compute_loss, sites_of(model, None, where))
        search = Search(forward, Batch(x, y, None), new_masks=False)
        (gradient,) = search.gradients(
            None, lambda _, tensor: keras.ops.ones_like(tensor)
        ).gradients
        padding = numpy(gradient)[0] if where == "weights" else numpy(gradient)[x == 0]
        assert not padding.any()
        assert numpy(gradient).any()


@only_tensorflow
def test_extra_passes_share_a_dropout_mask_or_draw_their_own() -> None:
    x, y, _ = data()
    model = classifier(dropout=0.5)
    forward = Forward(model, model.compute_loss, sites_of(model, None, "weights"))
    for new in (False, True):
        search = Search(forward, Batch(x, y, None), new_masks=new)
        first, second = (float(numpy(search.live(None).value)) for _ in range(2))
        assert (first != second) == new


class Tied(keras.layers.Embedding):  # type: ignore[misc, name-defined, unused-ignore]
    """An embedding that is also the output layer, as that of keras-hub."""

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        if reverse:
            return keras.ops.matmul(inputs, keras.ops.transpose(self.embeddings))
        return super().call(inputs)

    def compute_output_spec(self, inputs: Any, reverse: bool = False) -> Any:
        last = self.input_dim if reverse else self.output_dim
        shape = (*inputs.shape[:-1], last) if reverse else (*inputs.shape, last)
        return keras.KerasTensor(shape, dtype=self.compute_dtype)


@only_tensorflow
def test_tied_outputs_are_not_lookups() -> None:
    ids = keras.Input((None,), dtype="int32")
    tied = Tied(CLASSES, 4, name="tied")
    model = keras.Model(ids, tied(keras.layers.Dense(4)(tied(ids)), reverse=True))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    labels = data()[0] % CLASSES
    forward = Forward(model, model.compute_loss, sites_of(model, "tied", "outputs"))
    (gradient,) = (
        Search(forward, Batch(labels, labels, None), new_masks=False).gradients().gradients
    )
    assert tuple(gradient.shape) == (*labels.shape, 4)


@only_tensorflow
def test_gradients_of_lookups_remain_sparse_if_outputs_are_perturbed() -> None:
    import tensorflow as tf

    x, y, _ = data()
    model = classifier()
    adversarial_training(model, where="outputs")
    with tf.GradientTape() as tape:
        loss = model.compute_loss(x=x, y=y, y_pred=model(x, training=True), training=True)
    gradient = tape.gradient(loss, model.trainable_variables[0].value)
    assert isinstance(gradient, tf.IndexedSlices)


@pytest.mark.contract
def test_gradients_of_inner_tensors() -> None:
    x = keras.ops.convert_to_tensor(np.array([1.0, 2.0, 3.0], "float32"))

    def function(visit: Any) -> Any:
        y = visit(x**2)
        z = visit(keras.ops.sum(y**3))
        return 2.0 * z + keras.ops.sum(x), {"y": y}

    (value, aux), (by_y, by_z) = value_and_inner_gradients(function)
    squares = numpy(x) ** 2
    assert float(numpy(value)) == pytest.approx(2 * (squares**3).sum() + 6, rel=1e-6)
    np.testing.assert_allclose(numpy(aux["y"]), squares)
    np.testing.assert_allclose(numpy(by_y), 6 * squares**2, rtol=1e-6)
    assert float(numpy(by_z)) == 2.0
