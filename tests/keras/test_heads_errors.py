"""Every mistake is a typed error that names the argument and its value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from newword import InvalidArgumentError  # noqa: E402
from newword.keras import CRF, MEMM, BidirectionalMEMM, SoftmaxTagging  # noqa: E402
from tests.support.tensors import numpy  # noqa: E402


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: CRF(0), "num_tags: must be a whole number at least 1, got 0"),
        (lambda: SoftmaxTagging(-2), "num_tags: must be a whole number at least 1, got -2"),
        (
            lambda: MEMM(2.5),  # type: ignore[arg-type]
            "num_tags: must be a whole number at least 1, got 2.5",
        ),
        (lambda: CRF(3, rank=0), "rank: must be a whole number at least 1, got 0"),
        (lambda: CRF(3, lr_multiplier=0), "lr_multiplier: must be greater than 0, got 0"),
        (lambda: CRF(3, lr_multiplier=-1.0), "lr_multiplier: must be a finite number"),
        (
            lambda: CRF(3, use_boundary=1),  # type: ignore[arg-type]
            "use_boundary: must be True or False, got 1",
        ),
        (lambda: MEMM(3, order=3), "order: must be a whole number between 1 and 2, got 3"),
        (lambda: MEMM(3, order=2, rank=1), "order: must be 1 for two directions or a rank, got 2"),
        (lambda: BidirectionalMEMM(3, order=2), "order: must be 1 for two directions or a rank"),
        (lambda: BidirectionalMEMM(3, bidirectional=False), "bidirectional: must be True here"),
        (
            lambda: CRF(3, allowed_transitions=np.ones((2, 3), bool)),
            r"allowed_transitions: must be bool of shape \(3, 3\), got 'bool of shape \(2, 3\)'",
        ),
        (
            lambda: CRF(2, allowed_start=[1, 0]),
            r"allowed_start: must be bool of shape \(2,\), got 'int64 of shape \(2,\)'",
        ),
        (lambda: CRF(3).loss("word"), "normalization: must be one of 'token', 'sequence'"),
        (lambda: CRF(3).loss(label_smoothing=0.1), "label_smoothing: must be 0 for a CRF, got 0.1"),
        (lambda: MEMM(3).loss(label_smoothing=1), "label_smoothing: must be less than 1, got 1"),
    ],
)
def test_arguments(make: Any, message: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        make()


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4, 3), (2, 3, None)])
def test_inputs_of_a_wrong_rank(shape: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="inputs: must be of shape"):
        CRF(3).build(shape)


def test_emissions_of_another_number_of_tags() -> None:
    with pytest.raises(InvalidArgumentError, match="inputs: must be emissions of 3 tags"):
        CRF(3, use_kernel=False).build((None, None, 4))


@pytest.mark.parametrize(
    ("labels", "weight", "message"),
    [
        (np.zeros((2, 4), int), None, r"y_true: must be of 3 steps like the scores, got \(2, 4\)"),
        (np.zeros((2, 3, 1), int), None, r"y_true: must be integer tags of shape \(batch, steps\)"),
        (np.full((2, 3), 4), None, "y_true: must be integer tags below 4, got 4"),
        (np.full((2, 3), 2.5), None, "y_true: must be integer tags below 4, got 2.5"),
        (np.full((2, 3), np.nan), None, "y_true: must be integer tags below 4, got nan"),
        (np.full((2, 3), -np.inf), None, "y_true: must be integer tags below 4, got -inf"),
        (np.zeros((2, 0), int), None, "y_true: must be of at least one step"),
        (np.zeros((2, 3), int), np.ones((2, 3)), "sample_weight: must be one number per sequence"),
    ],
)
def test_labels_and_weights(labels: Any, weight: Any, message: Any) -> None:
    head = CRF(4, use_kernel=False)
    packed = head(np.zeros((2, 3, 4), "float32"))
    with pytest.raises(InvalidArgumentError, match=message):
        head.loss()(labels, packed, weight)


def test_scores_of_another_head() -> None:
    packed = SoftmaxTagging(3, use_kernel=False)(np.zeros((2, 3, 3), "float32"))
    with pytest.raises(InvalidArgumentError, match="y_pred: must be the output of a tagging head"):
        CRF(4).loss()(np.zeros((2, 3), int), packed)


@pytest.mark.contract
def test_labels_under_the_mask_may_be_anything() -> None:
    head = CRF(2, use_kernel=False)
    packed = numpy(head(np.zeros((1, 3, 2), "float32"))).copy()
    packed[0, 2, -1] = 0
    for hidden in (99, 0.5, np.nan, np.inf):
        assert np.isfinite(numpy(head.loss()(np.array([[0, 1, hidden]]), packed)))


@pytest.mark.parametrize("head_class", [SoftmaxTagging, MEMM, BidirectionalMEMM, CRF])
@pytest.mark.parametrize("label", [2, 2**31 + 1, 0.5, np.nan, np.inf, -np.inf])
def test_invalid_labels_make_a_compiled_loss_nan(head_class: Any, label: float) -> None:
    head = head_class(2, use_kernel=False)
    packed = head(np.zeros((2, 3, 2), "float32"))
    labels = keras.ops.convert_to_tensor(np.array([[0, label, 1], [0, 1, 1]], "float32"))
    losses = head.loss(reduction="none")(labels, packed)
    assert np.isnan(numpy(losses)).tolist() == [True, False]


@pytest.mark.parametrize("label", [0.5, np.nan, np.inf])
def test_invalid_labels_count_as_wrong(label: float) -> None:
    head = CRF(2, use_kernel=False)
    metric = head.accuracy()
    metric.update_state(np.array([[0, label]]), head(np.array([[[1, 0], [1, 0]]], "float32")))
    assert metric.name == "emission_accuracy"
    assert numpy(metric.result()) == 0.5


def test_a_token_weight_in_fit_is_refused() -> None:
    head = CRF(2)
    model = keras.Sequential([keras.Input((None, 2)), head])
    model.compile("adam", head.loss())
    with pytest.raises(
        InvalidArgumentError, match="sample_weight: must be one number per sequence"
    ):
        model.fit(np.zeros((3, 3, 2)), np.zeros((3, 3)), sample_weight=np.ones((3, 3)), verbose=0)
