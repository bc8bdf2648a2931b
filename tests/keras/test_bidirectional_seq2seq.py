"""Generators in both directions: two stages of training, search, leakage, files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from functools import partialmethod
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np
import pytest

import newword.keras as nk
from newword import FormatError, InvalidArgumentError, evaluate_generation
from newword.keras import BidirectionalSeq2Seq, Seq2Seq, Vocabulary
from newword.keras.seq2seq.generator.bidirectional_batches import BidirectionalPairs
from newword.keras.seq2seq.generator.data import Texts
from tests.keras.generators import pairs
from tests.keras.generators import untrained as unidirectional
from tests.support.tensors import numpy

HELD_OUT = pairs(10, 1)
SOURCES = [source for source, _ in HELD_OUT]
TARGETS = [target for _, target in HELD_OUT]
NAMES = ("forward", "backward")


def small(**options: Any) -> Any:
    """A generator that is quick to compile."""
    given = {"units": 16, "num_layers": 1, "dropout": 0.0, "max_target_length": 8, **options}
    return BidirectionalSeq2Seq(**given)


def untrained(**options: Any) -> Any:
    """A generator with a vocabulary and random weights."""
    given = small(**options)
    given.build([text for pair in pairs(40, 0) for text in pair])
    random = np.random.default_rng(3)
    for weight in given.model.trainable_variables:
        weight.assign(random.normal(0, 0.5, weight.shape))
    return given


@contextmanager
def trained_stepwise() -> Iterator[None]:
    """What is compiled here for training runs step by step, which saves the time of tracing."""
    model = nk.BidirectionalLSTMEncoderDecoder
    with pytest.MonkeyPatch.context() as patch:
        if keras.backend.backend() != "jax":
            compiled = partialmethod(model.compile, run_eagerly=True)
            patch.setattr(model, "compile", compiled)
        yield


@pytest.fixture(scope="module")
def swapping() -> Any:
    """A generator that has learnt to swap words."""
    trained = small()
    options = {"batch_size": 16, "verbose": 0}
    trained.history = trained.fit(
        pairs(128, 0),
        validation=HELD_OUT[:4],
        select="rouge_l",
        epochs=2,
        learning_rate=0.02,
        **options,
    ).history
    trained.fit(pairs(128, 0), epochs=12, **options)
    return trained


@pytest.fixture(scope="module")
def guessing() -> Any:
    """A generator with random weights."""
    return untrained()


@pytest.mark.contract
def test_it_learns_to_swap_words(swapping: Any) -> None:
    assert swapping.generate(SOURCES) == TARGETS
    assert swapping.generate(SOURCES, beams=2) == TARGETS
    assert swapping.generate(SOURCES, beams=2, mode="paired") == TARGETS
    assert swapping.generate(SOURCES[0]) == TARGETS[0]
    history = swapping.history
    wanted = {"loss", "val_bleu", "val_rouge_l"}
    wanted |= {f"{name}_{what}" for name in NAMES for what in ("loss", "token_accuracy")}
    assert wanted <= set(history)
    halves = [np.array(history[f"{name}_loss"]) for name in NAMES]
    np.testing.assert_allclose(history["loss"], np.mean(halves, 0), rtol=1e-4)
    assert swapping.pseudo_targets(HELD_OUT) == TARGETS
    assert swapping.evaluate(HELD_OUT).exact == 1
    report = swapping.leakage_report(HELD_OUT)
    assert report.free_running.overall == 1
    assert report.gold_accuracy > 0.97
    assert report.gap == pytest.approx(report.gold_accuracy - 1)


def test_generated_texts(guessing: Any) -> None:
    found = guessing.generate(SOURCES, beams=3, n_best=3)
    assert guessing.generate(SOURCES, beams=3) == [one[0].text for one in found]
    for results in found:
        assert [one.score for one in results] == sorted(
            (one.score for one in results), reverse=True
        )
        assert len({one.text for one in results}) == len(results)
        assert {one.direction for one in results} <= {"left_to_right", "right_to_left"}
        assert all(len(one.text) <= 8 for one in results)
        assert all(one in guessing.vocabulary for each in results for one in each.text)
    alone = guessing.generate(SOURCES, beams=3, n_best=3, batch_size=1)
    assert [[one.text for one in row] for row in alone] == [
        [one.text for one in row] for row in found
    ]


def test_options_of_generation(guessing: Any) -> None:
    found = guessing.generate(SOURCES, min_length=2, max_length=3, beams=2)
    assert {len(text) for text in found} <= {2, 3}
    allowed = ["今天天气", "很好", "野家"]
    for mode in ("average", "paired"):
        found = guessing.generate(SOURCES, beams=2, n_best=2, mode=mode, allowed=allowed)
        assert {one.text for row in found for one in row} <= set(allowed)
    assert guessing.evaluate(HELD_OUT, beams=2, mode="paired") == evaluate_generation(
        TARGETS, guessing.generate(SOURCES, beams=2, mode="paired")
    )
    assert set(guessing.compare_beams(HELD_OUT, (1, 2), mode="paired").scores) == {1, 2}


def test_batches_have_reversed_targets_without_padding_in_front() -> None:
    known = Vocabulary("今天很好")
    sources = Texts.of(["今", "天很", "好"], known)
    targets = Texts.of(["今天很好", "天", "好很天"], known)
    pseudo = Texts.of(["", "今今今今今今今今今", "很"], known)
    start, end = tokens = (6, 7)
    batches = BidirectionalPairs(sources, targets, 3, tokens, (0,), pseudo)
    inputs, labels = batches[0]
    assert inputs["source"].shape == (3, 8)
    assert {ids.shape for name, ids in inputs.items() if name != "source"} == {(3, 16)}
    rows = {tuple(ids[ids > 1].tolist()): row for row, ids in enumerate(inputs["forward"])}
    texts = {(start, 2, 3, 4, 5): (), (start, 3): (2,) * 9, (start, 5, 4, 3): (4,)}
    assert rows.keys() == texts.keys()
    for text, other in texts.items():
        row, length = rows[text], len(text)
        expected = {
            "forward": (text, (*text[1:], end)),
            "backward": ((end, *text[:0:-1]), (*text[:0:-1], start)),
        }
        for name, (read, label) in expected.items():
            for ids, wanted in ((inputs[name], read), (labels[name], label)):
                assert tuple(ids[row, :length].tolist()) == wanted
                assert not ids[row, length:].any()
        for name, first in (("forward_seen", start), ("backward_seen", end)):
            assert inputs[name][row][inputs[name][row] > 0].tolist() == [first, *other]
            assert inputs[name][row, 0] == first


def test_a_share_of_rows_reads_pseudo_targets() -> None:
    known = Vocabulary("今天")
    texts, pseudo = Texts.of(["今"] * 500, known), Texts.of(["天"] * 500, known)
    batches = BidirectionalPairs(texts, texts, 500, (4, 5), (0,), pseudo, 0.3)
    inputs, _ = batches[0]
    assert (inputs["forward"][:, 1] == 2).all()
    other = inputs["forward_seen"][:, 1] == 3
    assert other.mean() == pytest.approx(0.3, abs=0.07)
    np.testing.assert_array_equal(other, inputs["backward_seen"][:, 1] == 3)
    batches.on_epoch_end()
    assert ((batches[0][0]["forward_seen"][:, 1] == 3) != other).any()


def test_both_stages_train_and_keep_the_optimizer() -> None:
    one, losses = untrained(), []
    before = one.model.get_weights()
    for options in (
        {"learning_rate": 1e-9},
        # Gold targets as pseudo targets are the first stage.
        {"pseudo": TARGETS[:4]},
        {"pseudo": [""] * 4, "pseudo_share": 0},
        {"pseudo": [""] * 4},
    ):
        # The same characters of sources are replaced by unknown.
        one._fits = 0
        with trained_stepwise():
            losses += one.fit(HELD_OUT[:4], epochs=1, verbose=0, **options).history["loss"]
    np.testing.assert_allclose(losses[:3], losses[0], rtol=1e-4)
    assert abs(losses[3] - losses[0]) > 1e-3
    assert int(one.model.optimizer.iterations) == 4
    assert any((was != now).any() for was, now in zip(before, one.model.get_weights(), strict=True))


def test_the_leakage_report_counts_by_hand(guessing: Any) -> None:
    other, some = unidirectional(), HELD_OUT[:4]
    sources, targets = zip(*some, strict=True)
    report = guessing.leakage_report(some, unidirectional=other, batch_size=3)
    known = guessing.vocabulary
    losses: list[list[float]] = [[], []]
    hits: dict[bool, list[bool]] = {False: [], True: []}
    for source, target in some:
        ids: list[int] = known.encode(target).tolist()
        start, end = guessing.model.start_tokens
        given = {
            "source": known.encode(source)[None],
            "forward": np.array([[start, *ids]]),
            "backward": np.array([[end, *ids[::-1]]]),
        }
        logits = guessing.model(given)
        for side, label in enumerate(([*ids, end], [*ids[::-1], start])):
            row = numpy(keras.ops.log_softmax(logits[NAMES[side]]))[0]
            losses[side] += (-row[np.arange(len(label)), label]).tolist()
            for step, token in enumerate(label[:-1]):
                read = given[NAMES[1 - side]][0, 1 : step + 1]
                # The place of the label from the other end.
                hits[len(read) > len(ids) - 1 - step].append(row[step].argmax() == token)
    assert report.forward_loss == pytest.approx(np.mean(losses[0]), rel=1e-4)
    assert report.backward_loss == pytest.approx(np.mean(losses[1]), rel=1e-4)
    assert report.unseen_accuracy == pytest.approx(np.mean(hits[False]))
    assert report.seen_accuracy == pytest.approx(np.mean(hits[True]))
    assert len(hits[True]) == sum(len(target) // 2 for target in targets) * 2
    count = sum(len(target) + 1 for target in targets)
    loss = -other.log_probs(some).sum() / count
    assert report.unidirectional_loss == pytest.approx(loss)
    assert report.below_unidirectional == (report.loss_sum < loss)
    assert report.by_tenth.shape == (2, 10)
    assert report.by_step.shape == (2, max(map(len, targets)))
    found = nk.position_accuracy(targets, guessing.generate(sources))
    np.testing.assert_equal(astuple(report.free_running), astuple(found))
    assert report.gap == pytest.approx(report.gold_accuracy - found.overall)
    assert guessing.leakage_report(some).below_unidirectional is None


def test_a_loaded_generator_generates_the_same(guessing: Any, tmp_path: Path) -> None:
    path = tmp_path / "both.newword"
    guessing.save(path)
    again = BidirectionalSeq2Seq.load(path)
    assert again.generate(SOURCES[:4], beams=2) == guessing.generate(SOURCES[:4], beams=2)
    assert again.max_target_length == 8
    assert repr(again) == repr(guessing)
    with pytest.raises(FormatError, match=r"the format is 'newword\.keras\.BidirectionalSeq2Seq'"):
        Seq2Seq.load(path)


def test_right_to_left_is_left_to_right_of_reversed_targets() -> None:
    one, other = unidirectional(), unidirectional(direction="right_to_left")
    mirrored = [(source, target[::-1]) for source, target in HELD_OUT]
    found = other.generate(SOURCES, beams=2, n_best=2)
    assert [[each.text[::-1] for each in row] for row in found] == [
        [each.text for each in row] for row in one.generate(SOURCES, beams=2, n_best=2)
    ]
    np.testing.assert_allclose(other.log_probs(HELD_OUT), one.log_probs(mirrored), rtol=1e-5)
    allowed = ["今天天气", "很好", "野家"]
    assert set(other.generate(SOURCES, beams=2, allowed=allowed)) <= set(allowed)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda one: one.generate(["今天", ""]), r"texts\[1\]: must be a non-empty str"),
        (lambda one: one.generate(["今"], beams=0), "beams: must be"),
        (lambda one: one.generate(["今"], mode="all"), "mode: must be one of 'average', 'paired'"),
        (lambda one: one.generate(["今"], max_length=0), "max_length: must be"),
        (lambda one: one.generate(["今"], allowed=["x"]), "allowed: must be texts of known"),
        (lambda one: one.fit([]), "pairs: must be at least one pair"),
        (lambda one: one.fit(HELD_OUT, pseudo=["今"]), "pseudo: must be 10 texts, one for each"),
        (lambda one: one.fit(HELD_OUT, pseudo=[5] * 10), r"pseudo\[0\]: must be a str"),
        (
            lambda one: one.fit([("今", "天")], pseudo=["今" * 9]),
            r"pseudo\[0\]: must be of at most 8",
        ),
        (lambda one: one.fit(HELD_OUT, pseudo_share=1.5), "pseudo_share: must be at most 1"),
        (lambda one: one.fit(HELD_OUT, pseudo_share=-1), "pseudo_share: must be"),
        (lambda one: one.leakage_report(HELD_OUT, unidirectional=one), "unidirectional: must be"),
        (lambda one: BidirectionalSeq2Seq("transformer"), "model: must be 'lstm', or a bidir"),
        (lambda one: BidirectionalSeq2Seq(one.model), "vocabulary: must be given with a model"),
        (
            lambda one: BidirectionalSeq2Seq(one.model, vocabulary=Vocabulary("今")),
            "vocabulary: must be of .* ids, those of the model, got 3",
        ),
        (lambda one: BidirectionalSeq2Seq(vocabulary=cast(Any, 5)), "vocabulary: must be a Voc"),
        (
            lambda one: BidirectionalSeq2Seq(vocabulary=one.vocabulary).generate("今"),
            "bidirectional: must be fitted or built before it has a model",
        ),
        (
            lambda one: Seq2Seq(vocabulary=one.vocabulary).generate("今"),
            "seq2seq: must be fitted or built before it has a model",
        ),
        (lambda one: Seq2Seq(direction="up"), "direction: must be one of 'left_to_right'"),
    ],
)
def test_invalid_arguments(guessing: Any, call: Any, message: str) -> None:
    before = guessing.model.get_weights()
    with pytest.raises(InvalidArgumentError, match=message):
        call(guessing)
    for was, now in zip(before, guessing.model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)
