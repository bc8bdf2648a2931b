"""The losses of the tagging heads against enumeration."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from keras import ops  # noqa: E402

from newword.keras.tagging.packing import pack, unpack  # noqa: E402
from tests.support.chains import paths  # noqa: E402
from tests.support.tagging import (  # noqa: E402
    CONSTRAINTS,
    HEADS,
    SHORT,
    TAGS,
    batch,
    compile_lightly,
    gradients,
    make_head,
    random_head,
    twin,
)
from tests.support.tensors import numpy  # noqa: E402

compile_lightly()


def losses(head: Any, emissions: Any, mask: Any, labels: Any, **options: Any) -> Any:
    """The loss of each sequence."""
    options = {"normalization": "sequence", "reduction": "none", **options}
    packed = head(emissions, mask=ops.convert_to_tensor(mask))
    return numpy(head.loss(**options)(labels, packed))


def expected(head: Any, emissions: Any, mask: Any, labels: Any) -> Any:
    chain = twin(head)
    return [
        -chain.log_probability(e[m].astype(float), tuple(y[m])) if m.any() else 0.0
        for e, m, y in zip(emissions, mask, labels, strict=True)
    ]


@pytest.mark.contract
@pytest.mark.parametrize("variant", HEADS)
def test_loss_is_the_negative_log_likelihood(variant: Any) -> None:
    """Pads stand at the end, at the beginning, inside and everywhere."""
    rng = np.random.default_rng(0)
    head = random_head(variant, rng)
    emissions, mask, labels = batch(rng)
    found = losses(head, emissions, mask, labels)
    np.testing.assert_allclose(found, expected(head, emissions, mask, labels), atol=1e-4)


@pytest.mark.contract
@pytest.mark.parametrize("variant", [one for one in HEADS if "bidirectional" not in one])
def test_probabilities_sum_to_one(variant: Any) -> None:
    rng = np.random.default_rng(1)
    head = random_head(variant, rng)
    e = rng.normal(size=(4, TAGS)).astype("float32")
    every = np.array(paths(e))
    emissions = np.broadcast_to(e, (len(every), *e.shape))
    found = losses(head, emissions, np.ones(every.shape, bool), every)
    np.testing.assert_allclose(np.exp(-found).sum(), 1.0, rtol=1e-5)


def test_backward_direction_is_the_reversed_sequence_with_transposed_transitions() -> None:
    rng = np.random.default_rng(2)
    both, ahead, behind = (
        random_head(name, rng, use_boundary=True) for name in ("bidirectional", "memm", "memm")
    )
    for weight, source, turned in zip(ahead.weights, both.weights, behind.weights, strict=True):
        weight.assign(source)
        value = numpy(source)
        turned.assign(value.T if value.shape == (TAGS, TAGS) else value[::-1])
    emissions, _, _ = batch(rng)
    labels, mask = rng.integers(0, TAGS, emissions.shape[:2]), np.ones(emissions.shape[:2], bool)
    mean = losses(ahead, emissions, mask, labels) / 2
    mean += losses(behind, emissions[:, ::-1], mask, labels[:, ::-1]) / 2
    np.testing.assert_allclose(losses(both, emissions, mask, labels), mean, atol=1e-5)


def test_constraints_narrow_the_partition_of_a_crf() -> None:
    rng = np.random.default_rng(3)
    head = random_head("crf_boundary", rng, **CONSTRAINTS)
    emissions, mask, _ = batch(rng, scale=20)
    # 0 1 2 0 ... is allowed throughout; the last tag must not be 2, the first not 1.
    labels = np.array([[0, 1, 2, 0, 1], [0, 0, 1, 9, 9], [9, 9, 0, 0, 1], [2, 9, 0, 9, 1]])
    emissions, mask = emissions[:4], mask[:4]
    found = losses(head, emissions, mask, labels)
    assert found.max() < 1e3
    np.testing.assert_allclose(found, expected(head, emissions, mask, labels), rtol=1e-4, atol=1e-3)


def test_a_gold_path_that_breaks_a_constraint_is_loud_and_finite() -> None:
    head = random_head("crf", np.random.default_rng(4), **CONSTRAINTS)
    emissions, mask = np.zeros((1, 3, TAGS), "float32"), np.ones((1, 3), bool)
    found = losses(head, emissions, mask, np.array([[0, 2, 0]]))
    assert 9e3 < found[0] < 3e4


@pytest.mark.contract
@pytest.mark.parametrize("variant", ["softmax", "memm", "bidirectional_full", "crf_boundary"])
def test_padding_does_not_change_the_loss(variant: Any) -> None:
    rng = np.random.default_rng(5)
    head = random_head(variant, rng)
    emissions, mask, labels = batch(rng)
    alone = losses(head, emissions, mask, labels)
    more = np.pad(emissions, ((0, 0), (0, 3), (0, 0)), constant_values=77.0)
    more = np.where(np.pad(mask, ((0, 0), (0, 3)))[..., None], more, -55.0).astype("float32")
    longer_mask = np.pad(mask, ((0, 0), (0, 3)))
    longer = np.pad(labels, ((0, 0), (0, 3)), constant_values=-1)
    np.testing.assert_allclose(losses(head, more, longer_mask, longer), alone, atol=1e-5)
    loss = head.loss()
    (slope,) = gradients(
        lambda e: loss(labels, pack(head.layout, e, mask, head.parameter_rows())), emissions
    )
    assert np.all(slope[~mask] == 0)
    assert np.all(np.isfinite(slope))


@pytest.mark.contract
@pytest.mark.parametrize("variant", SHORT)
def test_gradients_equal_finite_differences(variant: Any) -> None:
    rng = np.random.default_rng(6)
    head = random_head(variant, rng)
    emissions, mask, labels = batch(rng, scale=1.0)
    loss = head.loss()
    packed = numpy(head(emissions, mask=ops.convert_to_tensor(mask))).copy()
    (found,) = gradients(lambda p: loss(labels, p), packed)
    moved = [(0, 1, 2), (3, 4, 1)] + ([] if variant == "softmax" else [(0, 7, 2)])
    for at in moved:
        values = []
        for step in (1e-2, -1e-2):
            near = packed.copy()
            near[at] += step
            values.append(numpy(loss(labels, near)))
        np.testing.assert_allclose(found[at], (values[0] - values[1]) / 2e-2, atol=2e-3)


@pytest.mark.parametrize("variant", SHORT)
def test_token_normalization_is_the_mean_over_tokens(variant: Any) -> None:
    rng = np.random.default_rng(7)
    head = random_head(variant, rng)
    emissions, mask, labels = batch(rng)
    weights = rng.uniform(0.5, 2, len(mask)).astype("float32")
    sums = losses(head, emissions, mask, labels)
    packed = head(emissions, mask=ops.convert_to_tensor(mask))
    found = numpy(head.loss()(labels, packed, weights))
    np.testing.assert_allclose(found, (sums * weights).sum() / mask.sum(), rtol=1e-5)
    by_sequence = numpy(head.loss("sequence")(labels, packed, weights[:, None]))
    np.testing.assert_allclose(by_sequence, (sums * weights).mean(), rtol=1e-5)


def test_softmax_equals_a_masked_cross_entropy() -> None:
    rng = np.random.default_rng(8)
    head = random_head("softmax", rng)
    emissions, mask, labels = batch(rng)
    packed = head(emissions, mask=ops.convert_to_tensor(mask))
    stock = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=-100)
    np.testing.assert_allclose(
        numpy(head.loss()(labels, packed)), numpy(stock(labels, emissions)), rtol=1e-5
    )


def test_label_smoothing_equals_the_stock_one() -> None:
    rng = np.random.default_rng(9)
    head = random_head("softmax", rng)
    emissions, _, _ = batch(rng)
    labels = rng.integers(0, TAGS, emissions.shape[:2])
    found = numpy(head.loss(label_smoothing=0.2)(labels, head(emissions)))
    stock = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)
    np.testing.assert_allclose(found, numpy(stock(np.eye(TAGS)[labels], emissions)), rtol=1e-5)
    memm = random_head("memm", rng)
    memm.set_weights([np.zeros((TAGS, TAGS))])
    same = numpy(memm.loss(label_smoothing=0.2)(labels, memm(emissions)))
    np.testing.assert_allclose(same, found, rtol=1e-5)


@pytest.mark.parametrize("variant", ["softmax", "memm_boundary", "bidirectional"])
def test_unknown_labels_are_left_out(variant: Any) -> None:
    rng = np.random.default_rng(10)
    head = random_head(variant, rng)
    emissions, mask, labels = batch(rng)
    hidden = labels.copy()
    hidden[0, 1] = hidden[2, 4] = -1
    found = losses(head, emissions, mask, hidden)
    np.testing.assert_allclose(found, losses(head, emissions, hidden >= 0, labels), atol=1e-5)


def test_a_crf_sums_over_unknown_labels() -> None:
    rng = np.random.default_rng(11)
    head = random_head("crf_boundary", rng)
    chain = twin(head)
    emissions, mask, labels = batch(rng)
    labels[0, 1] = labels[0, 4] = labels[3, 2] = -100
    found = losses(head, emissions, mask, labels)
    for row in (0, 1, 3):
        e, y = emissions[row][mask[row]].astype(float), labels[row][mask[row]]
        agreeing = [p for p in paths(e) if np.all((y < 0) | (y == np.array(p)))]
        likely = np.logaddexp.reduce([chain.log_probability(e, p) for p in agreeing])
        np.testing.assert_allclose(found[row], -likely, atol=1e-4)
    loss = head.loss()
    packed = numpy(head(emissions, mask=ops.convert_to_tensor(mask))).copy()
    (slope,) = gradients(lambda p: loss(labels, p), packed)
    assert np.all(np.isfinite(slope))


@pytest.mark.contract
def test_a_label_out_of_range_turns_a_compiled_loss_into_nan() -> None:
    head = random_head("crf", np.random.default_rng(12))
    packed = head(np.zeros((1, 2, TAGS), "float32"))
    assert np.isnan(numpy(head.loss()(ops.convert_to_tensor([[0, TAGS]]), packed)))


@pytest.mark.contract
@pytest.mark.parametrize("variant", HEADS)
def test_layouts_are_read_from_packed_tensors(variant: Any) -> None:
    rng = np.random.default_rng(13)
    for more in ({}, CONSTRAINTS):
        head = random_head(variant, rng, **more)
        emissions, mask, _ = batch(rng)
        packed = numpy(head(emissions, mask=ops.convert_to_tensor(mask)))
        assert type(head.layout).read(packed) == head.layout
        assert packed.shape == (
            *head.compute_output_spec(keras.KerasTensor(emissions.shape)).shape,
        )
        scores = unpack(head.layout, packed)
        np.testing.assert_array_equal(scores.emissions, emissions)
        np.testing.assert_array_equal(scores.mask, mask)


def test_low_rank_makes_nothing_of_tags_times_tags() -> None:
    """20,000 tags: the matrix would have 1.6 GB."""
    tags = 20_000
    head = make_head("memm", tags, rank=4)
    packed = head(np.random.default_rng(14).normal(size=(1, 3, 8)).astype("float32"))
    assert packed.shape == (1, 11, tags + 1)
    found = numpy(head.loss()(np.array([[1, 2, 3]]), packed))
    assert 5 < found < 20
