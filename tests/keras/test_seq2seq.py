"""Generators from pairs of texts to generated texts."""

from __future__ import annotations

import random
from itertools import product
from typing import Any, cast

import keras
import numpy as np
import pytest

import newword.keras as nk
from newword import InvalidArgumentError, Lexicon, evaluate_generation
from newword.keras import Seq2Seq, Vocabulary
from newword.keras.seq2seq.generator.batches import TrainingPairs
from newword.keras.seq2seq.generator.data import Texts
from newword.keras.seq2seq.generator.diagnostics import penalised
from tests.keras.generators import WORDS, pairs, small, trained_stepwise, untrained

HELD_OUT = pairs(10, 1)
SOURCES = [source for source, _ in HELD_OUT]


@pytest.fixture(scope="module")
def swapping() -> Any:
    """A generator that has learnt to swap words."""
    trained = small()
    trained.history = trained.fit(
        pairs(160, 0),
        validation=HELD_OUT[:6],
        select="rouge_l",
        epochs=25,
        batch_size=16,
        learning_rate=0.02,
        verbose=0,
    ).history
    return trained


@pytest.fixture(scope="module")
def guessing() -> Any:
    """A generator with random weights."""
    return untrained()


@pytest.mark.contract
def test_it_learns_to_swap_words(swapping: Any) -> None:
    wanted = [target for _, target in HELD_OUT]
    assert swapping.generate(SOURCES) == wanted
    assert swapping.generate(SOURCES, beams=3) == wanted
    assert swapping.generate(SOURCES[0]) == wanted[0]
    assert swapping.generate([]) == []
    history = swapping.history
    assert {"loss", "token_accuracy", "val_bleu", "val_rouge_1", "val_exact"} <= set(history)
    assert max(history["val_rouge_l"]) == pytest.approx(1)
    score = swapping.evaluate(HELD_OUT, beams=2)
    assert score.exact == 1
    assert score == evaluate_generation(wanted, swapping.generate(SOURCES, beams=2))
    errors = swapping.search_errors(HELD_OUT)
    assert errors.correct == len(HELD_OUT)
    np.testing.assert_allclose(errors.gold_scores, errors.found_scores, atol=1e-4)


def test_scores_are_those_of_one_pass(guessing: Any) -> None:
    found = guessing.generate(SOURCES, beams=4, n_best=3)
    for source, results in zip(SOURCES, found, strict=True):
        assert [one.score for one in results] == sorted(
            (one.score for one in results), reverse=True
        )
        for one in results:
            if one.text:
                gold = guessing.log_probs([(source, one.text)])
                np.testing.assert_allclose(one.log_prob, gold[0], atol=1e-4)
    # A smaller number is the beginning of the longer list.
    assert guessing.generate(SOURCES, beams=4, n_best=1) == [one[:1] for one in found]
    assert guessing.generate(SOURCES, beams=4) == [one[0].text for one in found]


@pytest.mark.parametrize("batch_size", [1, 3])
def test_no_text_depends_on_the_others(guessing: Any, batch_size: int) -> None:
    sources = [*SOURCES, "今天" * 9, "天气" * 17]
    together = guessing.generate(sources, beams=2, n_best=2)
    alone = guessing.generate(sources, beams=2, n_best=2, batch_size=batch_size)
    assert [[one.text for one in row] for row in alone] == [
        [one.text for one in row] for row in together
    ]
    np.testing.assert_allclose(
        guessing.log_probs(HELD_OUT, batch_size=batch_size), guessing.log_probs(HELD_OUT), atol=1e-4
    )


def test_lengths(guessing: Any) -> None:
    for longest in (1, 3):
        found = guessing.generate(SOURCES, max_length=longest, n_best=1)
        assert all(len(one[0].text) <= longest for one in found)
    found = guessing.generate(SOURCES, min_length=2, max_length=3, beams=2)
    assert {len(text) for text in found} <= {2, 3}
    assert all(len(text) <= guessing.max_target_length for text in guessing.generate(SOURCES))


def test_only_known_characters_are_generated(guessing: Any) -> None:
    for options in ({"beams": 5}, {"samples": 5, "seed": 1}):
        for results in guessing.generate(SOURCES, n_best=options.get("beams"), **options):
            assert all(one in guessing.vocabulary for each in results for one in each.text)


def test_samples(guessing: Any) -> None:
    once = guessing.generate(SOURCES, samples=3, seed=1)
    assert once == guessing.generate(SOURCES, samples=3, seed=1)
    assert once != guessing.generate(SOURCES, samples=3, seed=2)
    assert [len(row) for row in once] == [3] * len(SOURCES)
    coldest = guessing.generate(SOURCES, samples=1, temperature=0)
    assert [row[0].text for row in coldest] == guessing.generate(SOURCES)
    # The same source in another batch has other draws.
    twice = guessing.generate([SOURCES[0]] * 2, samples=6, batch_size=1)
    assert twice[0] != twice[1]


def test_only_allowed_texts_are_generated(guessing: Any) -> None:
    allowed = [a + b for a, b in product(WORDS, WORDS)]
    found = guessing.generate(SOURCES, beams=3, n_best=3, allowed=allowed)
    for source, results in zip(SOURCES, found, strict=True):
        assert {one.text for one in results} <= set(allowed)
        scores = guessing.log_probs([(source, text) for text in allowed])
        assert results[0].score <= scores.max() + 1e-4
    # With as many hypotheses as texts, the best of all is found.
    every = guessing.generate(SOURCES, beams=len(allowed), allowed=allowed)
    for source, text in zip(SOURCES, every, strict=True):
        scores = guessing.log_probs([(source, one) for one in allowed])
        assert text == allowed[int(scores.argmax())]


def test_texts_are_generated_as_written(guessing: Any) -> None:
    assert "Ａ" in guessing.vocabulary.characters
    folding = small(vocabulary=Vocabulary("今天AB")).build()
    assert folding.generate("今天", allowed=["ＡＢ", "AB"]) == "ＡＢ"
    assert folding.generate("ＡＢ", beams=2) == folding.generate("AB", beams=2)


def test_a_lexicon_of_allowed_words(guessing: Any) -> None:
    # Without the words that the model cannot say.
    words = ["ＡＢ", "很好", "龘龘", "今天" * 9]
    found = guessing.generate(SOURCES, allowed=Lexicon.from_words(words, [4, 3, 2, 1]))
    assert set(found) <= {"ＡＢ", "很好"}
    for allowed, message in (
        (["龘"], "allowed: must be texts of known characters"),
        (["今" * 9], "allowed: must be texts .* at least one of at most 8"),
        ([""], r"allowed\[0\]: must be a non-empty str"),
        ("今天", "allowed: must be a Lexicon or an iterable of str"),
        ([5], r"allowed\[0\]: must be a str"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            guessing.generate(SOURCES, allowed=allowed)


def test_search_errors_are_told_from_model_errors(guessing: Any) -> None:
    found = guessing.generate(SOURCES, n_best=1)
    wide = guessing.generate(SOURCES, beams=30, n_best=1)
    better = next(
        at
        for at, row in enumerate(wide)
        if row[0].score > found[at][0].score + 0.01 and row[0].text
    )
    gold = [
        (SOURCES[0], found[0][0].text),
        (SOURCES[better], wide[better][0].text),
        (SOURCES[2], "今" * 7),
        (SOURCES[3], "龘"),
        (SOURCES[4], "今" * 20),
    ]
    errors = guessing.search_errors(gold)
    counts = (errors.correct, errors.search_errors, errors.model_errors, errors.unreachable)
    assert counts == (1, 1, 1, 2)
    assert np.isnan(errors.gold_scores).tolist() == [False] * 3 + [True] * 2
    for penalty in ("average", "gnmt"):
        options = {"length_penalty": penalty, "alpha": 0.7, "beams": 2}
        scored = guessing.search_errors([(SOURCES[0], found[0][0].text)], **options)
        best = guessing.generate(SOURCES[0], n_best=1, **options)[0]
        assert scored.found_scores[0] == best.score
        log_prob = np.array([best.log_prob])
        length = np.array([len(best.text) + 1])
        assert penalised(log_prob, length, penalty, 0.7)[0] == pytest.approx(best.score)


def test_accuracy_after_gold_and_changed_prefixes(guessing: Any, swapping: Any) -> None:
    assert swapping.token_accuracy(HELD_OUT) == 1
    changed = swapping.token_accuracy(HELD_OUT, remedy=nk.RandomReplacement(1.0, 0.5))
    assert 0.2 < changed < 1
    hits, count = 0, 0
    model, known = guessing.model, guessing.vocabulary
    for source, target in HELD_OUT:
        ids = known.encode(target)
        given = {
            "source": known.encode(source)[None],
            "target": np.array([[model.start_token, *ids]]),
        }
        best = keras.ops.convert_to_numpy(keras.ops.argmax(model(given), axis=-1))[0]
        hits += (best == [*ids, model.end_token]).sum()
        count += len(ids) + 1
    assert guessing.token_accuracy(HELD_OUT, batch_size=4) == pytest.approx(hits / count)
    same = guessing.token_accuracy(HELD_OUT, remedy=nk.RandomReplacement(0.0))
    assert same == guessing.token_accuracy(HELD_OUT)


def test_scores_by_beams_and_their_picture(guessing: Any) -> None:
    compared = guessing.compare_beams(HELD_OUT, (2, 1), max_length=4)
    assert list(compared.scores) == [2, 1]
    assert compared.scores[2] == guessing.evaluate(HELD_OUT, beams=2, max_length=4)
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    ax = compared.plot()
    assert [line.get_label() for line in ax.get_lines()] == ["ROUGE-L", "BLEU"]
    assert ax.get_lines()[1].get_xydata().tolist() == [
        [one, 100 * compared.scores[one].bleu] for one in (1, 2)
    ]
    assert compared.plot("exact", ax) is ax
    import matplotlib.pyplot as plt

    plt.close("all")
    with pytest.raises(InvalidArgumentError, match="measures: must be one of"):
        compared.plot("f1")
    with pytest.raises(InvalidArgumentError, match="beams: must be at least one"):
        guessing.compare_beams(HELD_OUT, [])


def test_batches_are_pairs_with_start_and_end() -> None:
    known = Vocabulary("今天气很好")
    texts = [("今天", "天"), ("今天天气很好" * 3, "很好"), ("好", "今" * 9), ("天气", "气")]
    sources, targets = (Texts.of([pair[side] for pair in texts], known) for side in (0, 1))
    start, end = len(known), len(known) + 1
    batches = TrainingPairs(sources, targets, 2, (start, end), (0,))
    seen = []
    for inputs, labels in (batches[at] for at in range(len(batches))):
        assert inputs["source"].shape[0] == labels.shape[0] == 2
        assert inputs["target"].shape == labels.shape
        for source, target, gold in zip(inputs["source"], inputs["target"], labels, strict=True):
            length = int(np.count_nonzero(gold))
            assert target[0] == start
            assert target[1:length].tolist() == gold[: length - 1].tolist()
            assert gold[length - 1] == end
            assert not target[length:].any()
            assert not gold[length:].any()
            seen.append((int(np.count_nonzero(source)), known.decode(gold[: length - 1])))
    wanted = [(len(source), target) for source, target in texts]
    assert sorted(seen) == sorted(wanted)
    # The first two batches show TensorFlow that both lengths vary.
    for _ in range(4):
        (one, _), (other, _) = batches[0], batches[1]
        assert one["source"].shape[1] != other["source"].shape[1]
        assert one["target"].shape[1] != other["target"].shape[1]
        batches.on_epoch_end()


def test_sources_lose_rare_characters_and_targets_do_not() -> None:
    known = Vocabulary("今天")
    sources = Texts.of(["今天"] * 20 + ["今今"] * 20, known)
    batches = TrainingPairs(sources, sources, 40, (4, 5), (0,))
    shares = []
    for _ in range(200):
        inputs, labels = batches[0]
        assert not (inputs["target"] == 1).any()
        assert not (labels == 1).any()
        shares.append((inputs["source"] == 1).sum())
        batches.on_epoch_end()
    wanted = 60 * 0.25 / 60.25 + 20 * 0.25 / 20.25
    assert np.mean(shares) == pytest.approx(wanted, rel=0.25)


def test_the_same_seed_gives_the_same_generator() -> None:
    state = random.getstate()
    weights = []
    for seed in (1, 1, 2):
        one = small(seed=seed, dropout=0.3)
        with trained_stepwise():
            one.fit(pairs(4, 0), epochs=1, verbose=0)
            one.fit(pairs(4, 0), epochs=1, verbose=0)
        weights.append(one.model.get_weights())
    for first, same in zip(*weights[:2], strict=True):
        np.testing.assert_allclose(first, same, atol=1e-6)
    assert any((one != other).any() for one, other in zip(weights[0], weights[2], strict=True))
    assert random.getstate() == state


def test_remedies_keep_the_optimizer() -> None:
    one = untrained()
    remedies = [nk.RandomReplacement(1.0, 0.5)]
    with trained_stepwise():
        one.fit(pairs(4, 0), epochs=1, verbose=0)
        optimizer, training = one.training.optimizer, one.training
        one.fit(pairs(4, 0), epochs=1, verbose=0)
        assert one.training is training
        one.fit(pairs(4, 0), epochs=1, learning_rate=0.5, remedies=remedies, verbose=0)
    assert one.training is not training
    assert one.training.remedies == remedies
    assert one.training.optimizer is optimizer
    assert float(keras.ops.convert_to_numpy(optimizer.learning_rate)) == 0.5
    assert int(optimizer.iterations) == 3


def test_sources_that_are_too_long() -> None:
    strict, cutting = untrained(max_source_length=4), untrained(max_source_length=4, truncate=True)
    with pytest.raises(InvalidArgumentError, match=r"texts\[1\]: must be of at most 4 .* got '6"):
        strict.generate(["今天", "今天今天今天"])
    with pytest.raises(InvalidArgumentError, match=r"pairs\[0\]\[0\]: must be of at most 4"):
        strict.fit([("今天今天今天", "今天")])
    assert cutting.generate("今天天气很好") == cutting.generate("今天天气")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda one: one.generate(["今天", ""]), r"texts\[1\]: must be a non-empty str"),
        (lambda one: one.generate(""), r"texts\[0\]: must be a non-empty str"),
        (lambda one: one.generate([5]), r"texts\[0\]: must be a str"),
        (lambda one: one.generate(5), "texts: must be an iterable of str"),
        (lambda one: one.generate(["今"], beams=0), "beams: must be .* between 1 and .*, got 0"),
        (lambda one: one.generate(["今"], n_best=0), "n_best: must be"),
        (lambda one: one.generate(["今"], max_length=0), "max_length: must be .* 1, got 0"),
        (lambda one: one.generate(["今"], min_length=9), "min_length: must be .* between 0 and 8"),
        (lambda one: one.generate(["今"], samples=0), "samples: must be"),
        (lambda one: one.generate(["今"], samples=2, beams=2), "beams: must be 1 with samples"),
        (lambda one: one.generate(["今"], length_penalty="x"), "length_penalty: must be one of"),
        (lambda one: one.generate(["今"], top_p=0, samples=1), "top_p"),
        (lambda one: one.generate(["今"], seed=-1), "seed: must be"),
        (lambda one: one.generate(["今"], batch_size=0), "batch_size: must be"),
        (lambda one: one.fit([]), "pairs: must be at least one pair"),
        (lambda one: one.fit([("今", "")]), r"pairs\[0\]\[1\]: must be a non-empty str"),
        (lambda one: one.fit([("今", "天"), ("今",)]), r"pairs\[1\]: must be a pair"),
        (lambda one: one.fit("今天"), "pairs: must be an iterable of pairs"),
        (lambda one: one.fit([("今", "天" * 9)]), r"pairs\[0\]\[1\]: must be of at most 8"),
        (lambda one: one.fit(HELD_OUT, epochs=0), "epochs: must be"),
        (lambda one: one.fit(HELD_OUT, patience=2), "patience: must be None without validation"),
        (lambda one: one.fit(HELD_OUT, select="loss"), "select: must be one of 'rouge_1'"),
        (
            lambda one: one.fit(HELD_OUT, validation=[("今", 5)]),
            r"validation\[0\]\[1\]: must be a non-empty str",
        ),
        (lambda one: one.fit(HELD_OUT, learning_rate=0.0), "learning_rate: must be greater than 0"),
        (lambda one: one.fit(HELD_OUT, remedies=5), "remedies: must be a list of remedies"),
        (lambda one: one.fit(HELD_OUT, remedies=[5]), r"remedies\[0\]: must be a remedy"),
        (lambda one: one.evaluate([]), "pairs: must be at least one pair"),
        (lambda one: one.token_accuracy(HELD_OUT, remedy=5), "remedy: must be None or a remedy"),
        (lambda one: Seq2Seq("gru"), "model: must be one of 'lstm', 'transformer'"),
        (lambda one: Seq2Seq(vocabulary=cast(Any, 5)), "vocabulary: must be a Vocabulary"),
        (lambda one: Seq2Seq(one.model), "vocabulary: must be given with a model of your own"),
        (
            lambda one: Seq2Seq(one.model, vocabulary=Vocabulary("今")),
            "vocabulary: must be of 13 ids, those of the model, got 3",
        ),
        (lambda one: Seq2Seq(max_source_length=0), "max_source_length: must be"),
        (lambda one: Seq2Seq().generate("今"), "seq2seq: must be fitted or built before it has a"),
        (lambda one: Seq2Seq().vocabulary, "seq2seq: must be fitted or built before it has a voc"),
        (lambda one: Seq2Seq().build(), "texts: must be given if there is no vocabulary"),
    ],
)
def test_invalid_arguments(guessing: Any, call: Any, message: str) -> None:
    before = guessing.model.get_weights()
    with pytest.raises(InvalidArgumentError, match=message):
        call(guessing)
    for was, now in zip(before, guessing.model.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)
