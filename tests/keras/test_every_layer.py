"""Every layer through the same checks: padding, gradients, dtypes, training, saving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import newword.keras as nk
from newword.errors import InvalidArgumentError
from tests.keras import harness
from tests.keras.cases import CASES
from tests.keras.harness import Case, one_batch
from tests.support.tensors import numpy

cases = pytest.mark.parametrize("case", CASES, ids=str)
HALF = {"float16": 2e-2, "mixed_float16": 2e-2, "bfloat16": 1.5e-1, "mixed_bfloat16": 1.5e-1}
# The one in use on CPUs and accelerators alike stands for the four where only contracts are run.
POLICIES = [
    pytest.param(one, marks=pytest.mark.contract if one == "mixed_bfloat16" else ()) for one in HALF
]


def every_layer(test: Any) -> Any:
    """The test for every layer, on every backend."""
    return pytest.mark.contract(cases(test))


# Each backend trains in the ways that differ there. On PyTorch compiling is not ours to test.
JIT = {"tensorflow": [False, True], "jax": [True], "torch": [False]}[keras.backend.backend()]


def built(case: Case) -> Any:
    """A fresh layer with weights that are no special values."""
    keras.utils.set_random_seed(1)
    layer = case.make()
    harness.run(layer, *one_batch(case))
    random = np.random.default_rng(3)
    layer.set_weights([random.normal(0, 0.5, w.shape) for w in layer.get_weights()])
    return layer


@every_layer
def test_padding_makes_no_difference(case: Case) -> None:
    harness.check_invariance(case, built(case))


@every_layer
def test_without_a_mask_all_steps_count(case: Case) -> None:
    layer = built(case)
    sample = harness.samples()[0]
    one = sample[:, 0] if case.reads == "scores" else sample
    output, mask = harness.run(layer, one[None].astype("float32"), None)
    assert mask is None
    np.testing.assert_allclose(numpy(output)[0], case.oracle(layer, one), atol=1e-6)


@every_layer
def test_a_layer_that_ignores_its_mask_would_be_caught(case: Case) -> None:
    layer = built(case)
    obedient = layer.call

    def deaf(inputs: Any, mask: Any = None, **others: Any) -> Any:
        return obedient(inputs, **others)

    layer.call = deaf
    with pytest.raises(AssertionError):
        harness.check_invariance(case, layer, junk=(10.0,))


@every_layer
def test_no_gradient_reaches_padding(case: Case) -> None:
    layer = built(case)
    for where in case.paddings:
        harness.check_gradient(layer, *one_batch(case, where))


@cases
@pytest.mark.parametrize("policy", POLICIES)
def test_half_precision(case: Case, policy: str) -> None:
    exact = built(case)
    x, mask = one_batch(case)
    usual = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        layer = case.make()
    finally:
        keras.config.set_dtype_policy(usual)
    layer.build(x.shape)
    layer.set_weights(exact.get_weights())
    output, output_mask = harness.run(layer, x, mask)
    assert layer.compute_dtype == policy.removeprefix("mixed_")
    assert keras.backend.standardize_dtype(output.dtype) == layer.compute_dtype
    wanted = harness.expected(case, exact)
    harness.check_output(wanted, numpy(output), output_mask, HALF[policy])
    # What "mixed" leaves in single precision are the weights; the computation is the same.
    if policy.startswith("mixed"):
        harness.check_gradient(layer, x, mask)


@every_layer
def test_shapes_and_masks_in_a_model(case: Case) -> None:
    layer = built(case)
    x, mask = one_batch(case, junk=1e4)
    eager, eager_mask = harness.run(layer, x, mask)
    model = harness.model_of(layer, x)
    symbolic = model.output.shape
    assert len(symbolic) == len(eager.shape)
    assert all(one in {None, other} for one, other in zip(symbolic, eager.shape, strict=True))
    assert tuple(layer.compute_output_shape(x.shape)) == tuple(eager.shape)
    shown = keras.Model(model.inputs, harness.MaskProbe()(model.output))
    if len(eager.shape) > 1:
        arrived = numpy(shown([x, mask]))
        want = -1 if eager_mask is None else numpy(eager_mask).astype("float32")
        np.testing.assert_array_equal(arrived, np.broadcast_to(want, arrived.shape))


@every_layer
@pytest.mark.parametrize("jit_compile", JIT)
def test_it_trains(case: Case, jit_compile: bool) -> None:
    layer = built(case)
    x, mask = one_batch(case)
    model = harness.model_of(layer, x)
    last = keras.ops.expand_dims(model.output, -1) if x.ndim == 2 else model.output
    model = keras.Model(model.inputs, keras.layers.Dense(2)(last))
    before = [w.copy() for w in model.get_weights()]
    model.compile("sgd", "mse", jit_compile=jit_compile)
    target = np.ones(model([x, mask]).shape, "float32")
    history = model.fit([x, mask], target, batch_size=len(x), verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    pairs = list(zip(before, model.get_weights(), strict=True))
    assert all(np.isfinite(after).all() for _, after in pairs)
    assert all((was != after).any() for was, after in pairs)


@every_layer
def test_shared_in_a_model_it_is_saved_once(case: Case, tmp_path: Path) -> None:
    layer = built(case)
    x, mask = one_batch(case)
    one, other = harness.model_of(layer, x), harness.model_of(layer, x)
    model = keras.Model([one.inputs, other.inputs], [one.output, other.output])
    assert len(model.weights) == len(layer.weights)
    again = saved_and_loaded(model, tmp_path)
    assert len(again.weights) == len(layer.weights)
    for output in again([[x, mask], [x, mask]]):
        np.testing.assert_array_equal(numpy(output), numpy(one([x, mask])))


@every_layer
def test_two_layers_deep_it_is_tracked_and_saved(case: Case, tmp_path: Path) -> None:
    layer = built(case)
    x, mask = one_batch(case)
    outer = harness.Wrapper(harness.Wrapper(layer))
    model = harness.model_of(outer, x)
    owned = {id(weight) for weight in layer.trainable_weights}
    assert {id(weight) for weight in outer.trainable_weights} == owned
    wanted, _ = harness.run(layer, x, mask)
    for one in (model, saved_and_loaded(model, tmp_path)):
        np.testing.assert_array_equal(numpy(one([x, mask])), numpy(wanted))


def saved_and_loaded(model: Any, folder: Path) -> Any:
    model.save(folder / "model.keras")
    return keras.saving.load_model(folder / "model.keras")


@every_layer
def test_masks_and_inputs_of_wrong_shape_raise(case: Case) -> None:
    layer = built(case)
    x, mask = one_batch(case)
    with pytest.raises(InvalidArgumentError, match=r"mask: must be .*, got "):
        harness.run(layer, x, mask[:, :-1])
    with pytest.raises(ValueError, match="shape"):
        case.make()(np.ones(3, "float32"))


@every_layer
def test_its_config_makes_the_same_layer(case: Case) -> None:
    layer = built(case)
    assert keras.saving.get_registered_name(type(layer)).startswith("newword>")
    config = layer.get_config()
    twin = type(layer).from_config(config)
    assert twin.get_config() == config
    # A wrapped layer is there as its two clones.
    others = set(config) - {"name", "dtype", "trainable", "layer"}
    assert all(hasattr(layer, name) for name in others)


def test_every_layer_is_here() -> None:
    exported = [getattr(nk, name) for name in nk.__all__]
    layers = {one for one in exported if isinstance(one, type)}
    layers -= {nk.Tagger, nk.Vocabulary, nk.CompiledStep, nk.Seq2Seq, nk.BidirectionalSeq2Seq}
    layers -= {nk.KerasHubDecoder, nk.LossLandscape, nk.LandscapeProbe, nk.EntityLinker}
    layers -= {nk.AdversarialTraining, nk.SemiSupervisedBatches}
    # They take several inputs, or make what only a tagging loss reads, and have tests of their own.
    heads = {nk.SoftmaxTagging, nk.MEMM, nk.BidirectionalMEMM, nk.CRF, nk.ViterbiDecoder}
    others = {nk.MergeMasks, nk.TaggingLoss, nk.EmissionAccuracy, *heads}
    # Parts of encoder-decoders, which take several inputs, too.
    others |= {nk.SelfModulatedLayerNormalization, nk.CopyPrior}
    others |= {nk.LSTMEncoderDecoder, nk.TransformerEncoderDecoder, nk.TeacherForcing}
    others |= {nk.BidirectionalLSTMEncoderDecoder}
    others |= {nk.RandomReplacement, nk.ScheduledSampling, nk.RDrop, nk.TeaForN}
    others |= {nk.TokenCrossEntropy, nk.TokenAccuracy}
    # Some of its weights are variances, which cannot be any numbers.
    others |= {nk.PartialBatchNormalization}
    assert layers - {type(case.make()) for case in CASES} == others
