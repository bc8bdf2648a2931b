"""Reports of perturbations, and adversarial training in the `fit` of estimators."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

keras = pytest.importorskip("keras")

from newword.errors import InvalidArgumentError  # noqa: E402
from newword.keras import (  # noqa: E402
    AdversarialTraining,
    BidirectionalSeq2Seq,
    Seq2Seq,
    adversarial_training,
    perturbation_report,
)
from tests.keras.adversarial_models import classifier, data, gradients  # noqa: E402
from tests.keras.taggers import eager, small  # noqa: E402

mpl.use("agg")
only_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="for the time")
SENTENCES = ["今天 天气 很 好", "天气 今天 很 好"] * 4
PAIRS = [("今天天气", "天气"), ("明天天气", "明天"), ("今天很好", "很好")] * 4


@pytest.mark.contract
def test_a_report_begins_with_what_evaluate_gives_and_gets_worse() -> None:
    x, y, weights = data()
    model = classifier(run_eagerly=False)
    wanted = model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)
    hook = adversarial_training(model)
    report = perturbation_report(
        model, x, y, epsilons=[0, 0.5, 1, 3], sample_weight=weights, batch_size=4
    )
    hook.remove()
    for name in ("loss", "accuracy"):
        assert report.measures[name][0] == pytest.approx(wanted[name], rel=1e-5)
    assert (np.diff(report.measures["loss"]) > 0).all()
    assert report.measures["accuracy"][-1] <= report.measures["accuracy"][0]
    assert report.gradient_norm > 0


@only_tensorflow
def test_the_norm_of_gradients_is_their_slope() -> None:
    x, y, _ = data()
    model = classifier()
    step = 1e-2
    report = perturbation_report(model, x, y, epsilons=[0, step])
    slope = (report.measures["loss"][1] - report.measures["loss"][0]) / step
    assert report.gradient_norm == pytest.approx(slope, rel=2e-2)


@only_tensorflow
def test_reports_as_tables_and_pictures() -> None:
    x, y, _ = data()
    report = perturbation_report(classifier(), x, y, epsilons=[0, 1])
    frame = report.to_pandas()
    assert list(frame.columns) == ["epsilon", "loss", "accuracy"]
    axes = report.plot(label="plain")
    axes = report.plot(["loss"], ax=axes)
    assert [one.get_label() for one in axes.lines] == ["plain: accuracy", "loss"]
    with pytest.raises(InvalidArgumentError, match="measures: must be one of"):
        report.plot("f1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epsilons": []}, "epsilons: must be at least one number"),
        ({"epsilons": [0, -1]}, r"epsilons\[1\]: must be a finite"),
        ({"norm": "l1"}, "norm: must be"),
        ({"batch_size": 0}, "batch_size: must be"),
        ({"layer": "words"}, "layer: must be one of the model's layers"),
    ],
)
def test_invalid_reports(options: Any, message: str) -> None:
    x, y, _ = data()
    with pytest.raises(InvalidArgumentError, match=message):
        perturbation_report(classifier(), x, y, **options)


@pytest.mark.contract
def test_a_tagger_with_a_crf() -> None:
    tagger = eager(small(head="crf"), ["".join(one.split()) for one in SENTENCES])
    history = tagger.fit(None, SENTENCES, epochs=1, verbose=0, adversarial="fgm").history
    assert history["adversarial_loss"][0] > history["clean_loss"][0]
    assert "adversarial_loss" not in tagger.model.metrics_names
    assert tagger.predict("今天很好")


@only_tensorflow
def test_the_options_of_a_tagger() -> None:
    texts = ["".join(one.split()) for one in SENTENCES]
    tagger = eager(small(head="softmax"), texts)
    options = AdversarialTraining("gradient_penalty", epsilon=1.0)
    history = tagger.fit(None, SENTENCES, epochs=1, verbose=0, adversarial=options).history
    assert history["gradient_penalty"][0] > 0
    with pytest.raises(InvalidArgumentError, match="adversarial: must be None, an Adv"):
        tagger.fit(None, SENTENCES, adversarial="fgsm")
    with pytest.raises(InvalidArgumentError, match="loss: must be a cross-entropy of Keras, or"):
        tagger.fit(None, SENTENCES, adversarial="r_drop")
    hook = adversarial_training(tagger.model)
    with pytest.raises(InvalidArgumentError, match="call remove"):
        tagger.fit(None, SENTENCES, adversarial="fgm")
    hook.remove()


@only_tensorflow
@pytest.mark.parametrize("kind", [Seq2Seq, BidirectionalSeq2Seq])
def test_generators(kind: Any) -> None:
    generator = kind("lstm", units=8, num_layers=1).build([one for pair in PAIRS for one in pair])
    generator._compile(None, None, *[None] * (kind is Seq2Seq))
    generator.training.run_eagerly = True
    history = generator.fit(PAIRS, epochs=1, verbose=0, adversarial="fgm").history
    assert history["adversarial_loss"][0] > history["clean_loss"][0]
    assert "adversarial_loss" not in generator.training.metrics_names
    with pytest.raises(InvalidArgumentError, match=r"adversarial: .* remedies=\[RDrop\(\)\]"):
        generator.fit(PAIRS, adversarial="r_drop")


def test_gradients_helper_restores_the_weights() -> None:
    model = classifier()
    before = model.get_weights()
    gradients(model, *data())
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
