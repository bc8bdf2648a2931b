"""Linkers from annotated texts to mentions with ids."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from newword import InvalidArgumentError
from newword.keras.linking.tuning import Thresholds
from newword.linking import Entity, LinkedText, Mention, evaluate_linking
from tests.keras.linking.linkers import Characters, small, stepwise
from tests.linking.bases import COMMON, NAMES, base_of, knowledge_base, linked_texts
from tests.support.text import UNICODE_TEXTS

TEST = linked_texts(40, 2)
PLAIN = [one.text for one in TEST]


@pytest.mark.contract
def test_it_beats_the_most_frequent_id(linker: Any, base: Any) -> None:
    score = linker.evaluate(TEST)
    prior = []
    for text in TEST:
        found = []
        for one in text.mentions:
            counts = linker.statistics.prior(one.text)
            best = max(counts, key=lambda each: (counts[each], each))
            found.append(Mention(one.start, one.end, one.text, best))
        prior.append(found)
    baseline = evaluate_linking(TEST, prior)
    assert baseline.f1 < 0.6
    assert score.f1 > 0.9
    assert score.given_accuracy > 0.9
    assert score.mentions.f1 > 0.9
    measures = {"precision", "recall", "f1", "mention_f1", "link_accuracy"}
    assert {f"val_{one}" for one in measures} <= set(linker.history)
    assert {"loss", "mentions_loss", "link_loss"} <= set(linker.history)
    assert max(linker.history["val_f1"]) > 0.9


def test_statistics_come_from_the_training_texts(linker: Any, base: Any) -> None:
    assert linker.statistics.dropped(5.0) == frozenset(COMMON)
    report = linker.matching(TEST)
    assert report.before.precision < report.after.precision == 1
    assert report.after.recall == 1
    assert linker.kb is base
    coverage = linker.coverage
    assert coverage.samples == 8 * 120
    assert 0.4 < coverage.positives / coverage.samples < 0.6


@pytest.mark.contract
def test_texts_do_not_depend_on_their_batch(linker: Any) -> None:
    texts = [*PLAIN[:9], "", "长" * 70]
    together = linker.predict(texts)
    assert together[-2:] == [[], []]
    assert linker.predict(texts, batch_size=2) == together
    assert linker.predict(texts[::-1])[::-1] == together
    assert linker.predict(texts[3]) == together[3]


def test_offsets_are_those_of_the_original_text(linker: Any) -> None:
    for one, found in zip(TEST, linker.predict(PLAIN), strict=True):
        assert all(each.text == one.text[each.start : each.end] for each in found)
    # İ becomes two characters in lower case, 《》 are no part of a name, and ＳＵＮ is Sun.
    text = "İ𠮷İ歌曲《Sun》专辑"
    found = linker.predict(text, mentions=[(6, 9)])
    assert found == [Mention(6, 9, "Sun", found[0].id)]
    assert found[0].id in linker.kb.candidates("ＳＵＮ")
    spans = [(one.start, one.end) for one in linker.predict(text)]
    assert spans in ([], [(6, 9)])
    for strange in UNICODE_TEXTS[:-1]:
        linker.predict(strange)


def test_probabilities_agree_with_predictions(linker: Any) -> None:
    scores, predicted = linker.predict_scores(PLAIN), linker.predict(PLAIN)
    for one, other in zip(scores, predicted, strict=True):
        kept = [each for each in one if each.candidates[0][1] >= linker.thresholds.link]
        assert [(each.start, each.candidates[0][0]) for each in kept] == [
            (each.start, each.id) for each in other
        ]
        for each in one:
            assert each.probability >= linker.thresholds.mention
            values = [value for _, value in each.candidates]
            assert values == sorted(values, reverse=True)
            assert {name for name, _ in each.candidates} == set(linker.kb.candidates(each.text))


def test_pairs_are_scored_as_in_training(linker: Any) -> None:
    """The kept states of descriptions and gathered pairs give what the whole model gives."""
    from newword.keras.linking.batches import indicators, padded_rows
    from newword.keras.linking.texts import folded

    predictor = linker._predictor
    store = predictor.scorer.store
    text = TEST[0]
    mention = text.mentions[0]
    (scored,) = linker.predict_scores([text.text], mentions=[[mention]])[0]
    read = store.reader.read([folded(text.text)])
    ends = predictor.ends([text.text], read)
    for identity, probability in scored.candidates:
        entity = store.rows([identity])
        rows = np.array([0])
        shape = (1, 24)
        pair = (rows, np.array([mention.start]), np.array([mention.end]), entity)
        inputs = {
            **read.batch(rows, shape),
            "matches": padded_rows(ends, read, rows, shape),
            "indicators": indicators(read, rows, 24, linker.options.features, store, pair),
            **store.batch(entity, (1, 40)),
        }
        logit = float(keras.ops.convert_to_numpy(linker.model(inputs)["link"])[0, 0])
        assert probability == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-5)


def test_given_mentions_are_linked(linker: Any) -> None:
    spans = [[(one.start, one.end) for one in text.mentions] for text in TEST]
    found = linker.predict(PLAIN, mentions=spans)
    assert [[(one.start, one.end) for one in each] for each in found] == spans
    assert linker.predict(PLAIN, mentions=[one.mentions for one in TEST]) == found
    # A name that the base does not have, and a mention within another.
    assert linker.predict("今天红豆", mentions=[(0, 1), (2, 4), (2, 3)]) == [
        Mention(0, 1, "今"),
        Mention(2, 3, "红"),
        Mention(2, 4, "红豆", linker.predict("今天红豆", mentions=[(2, 4)])[0].id),
    ]
    assert linker.predict(["红豆"], mentions=[[]]) == [[]]


def test_thresholds_select(linker: Any) -> None:
    chosen = linker.thresholds
    try:
        linker.thresholds = Thresholds(0.4, 2.0)
        assert linker.predict(PLAIN) == [[]] * len(PLAIN)
        linker.thresholds = Thresholds(1.1, 0.0)
        assert linker.predict(PLAIN) == [[]] * len(PLAIN)
        tuned = linker.tune(TEST)
        assert tuned == linker.thresholds
        assert linker.evaluate(TEST, given=False).f1 > 0.9
    finally:
        linker.thresholds = chosen


@pytest.mark.contract
def test_the_same_seed_gives_the_same_weights() -> None:
    base, texts = knowledge_base(), linked_texts(12, 3)
    with stepwise():
        runs = []
        for seed in (0, 0, 1):
            made = small(seed=seed)
            made.fit(texts, base, epochs=1, batch_size=12, verbose=0)
            runs.append([one.copy() for one in made.model.get_weights()])
    for one, other in zip(runs[0], runs[1], strict=True):
        np.testing.assert_array_equal(one, other)
    assert any((one != other).any() for one, other in zip(runs[0], runs[2], strict=True))


def nil_texts() -> list[LinkedText]:
    """红豆 of the kitchen is in no knowledge base; 黄豆 has no name there."""
    song = LinkedText("歌曲红豆", (Mention(2, 4, "红豆", "红豆-歌"),))
    bean = LinkedText("煮红豆吃", (Mention(1, 3, "红豆"),))
    other = LinkedText("煮黄豆吃", (Mention(1, 3, "黄豆"),))
    return [song, bean, other] * 10


def test_mentions_without_an_entity() -> None:
    lexicon = Characters("红豆", "歌曲")
    vectors = {"歌曲": [1.0, 0.0], "煮": [0.0, 1.0]}
    options = {"lexicon": lexicon, "word_vectors": vectors, "dictionary_only": False, "nil": True}
    made = small(**options)
    with stepwise():
        base = base_of([Entity("红豆-歌", "红豆", (), (), (("类别", "歌曲"),))])
        history = made.fit(
            nil_texts(),
            base,
            validation_data=nil_texts()[:3],
            epochs=12,
            learning_rate=0.05,
            verbose=0,
        )
        assert made.options.features == ("characters", "words", "objects")
        assert len(history.history["val_f1"]) == 12
        # A mention beyond the dictionary, and one with a candidate that is not meant.
        assert made.predict([one.text for one in nil_texts()[:3]]) == [
            list(one.mentions) for one in nil_texts()[:3]
        ]
        assert made.evaluate(nil_texts()[:3]).links.gold == 3
        np.testing.assert_array_equal(
            made.model.word_embedding.get_weights()[0], [[0, 0], [1, 0], [0, 1]]
        )


def test_adversarial_training_and_other_data() -> None:
    options = {"match_features": False, "dictionary_only": False, "features": ()}
    made = small(encoder="bilstm", **options)
    base, texts = knowledge_base(), [*linked_texts(8, 0), LinkedText("没有提及"), LinkedText("")]
    with stepwise():
        history = made.fit(
            texts, base, epochs=1, batch_size=9, adversarial="fgm", optimizer="sgd", verbose=0
        )
        assert "adversarial_loss" in history.history
        assert made.coverage.samples == 8
        assert not made.model.optimizer.use_ema
        # A text without any mention, and another base.
        made.fit(
            [LinkedText("没有提及")],
            base_of([Entity("1", "红豆")]),
            epochs=1,
            verbose=0,
        )
        assert made.coverage.samples == 0
        assert len(made.kb) == 1
        assert made.predict("红豆", mentions=[(0, 2)]) == [Mention(0, 2, "红豆", "1")]


def unknown(**options: Any) -> Any:
    """Texts linked to an id that no base has."""
    texts = [LinkedText("好"), LinkedText("红豆", (Mention(0, 2, "红豆", "?"),))]
    return small().fit(texts, knowledge_base(), verbose=0, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (unknown, r"texts\[1\]\.mentions\[0\]: must be linked to an id of the knowledge"),
        (lambda: small().fit([], knowledge_base()), "texts: must be at least one with a character"),
        (lambda: small().fit(TEST), "linker: must be fitted before it has a knowledge base"),
        (lambda: small().fit(TEST, {}), "kb: must be a KnowledgeBase"),
        (lambda: small().fit(["红豆"], knowledge_base()), r"texts\[0\]: must be a LinkedText"),
        (lambda: small(max_length=3).fit(TEST, knowledge_base()), r"texts\[0\]: must be at most 3"),
        (lambda: small().fit(TEST, knowledge_base(), patience=1), "patience: must be None without"),
        (lambda: small().fit(TEST, knowledge_base(), epochs=0), "epochs: must be"),
        (lambda: small().fit(TEST, knowledge_base(), adversarial="vat"), "adversarial: must be a"),
        (lambda: unknown(on_missing="drop"), "on_missing: must be one of"),
        (lambda: small().predict("红豆"), "linker: must be fitted before it has a model"),
        (lambda: small().save("/nowhere"), "linker: must be fitted before it has"),
        (lambda: small(features=["length"]), r"features\[0\]: must be one of"),
        (lambda: small(features=["words"]), "lexicon: must be given for the feature 'words'"),
        (lambda: small(word_vectors={"红豆": [1]}), "lexicon: must be given with word_vectors"),
        (lambda: small(word_vectors={}), "word_vectors: must be a mapping"),
        (lambda: small(word_vectors={"一": [1], "二": [1, 2]}), "word_vectors: must be a mapping"),
        (lambda: small(match_features=False), "dictionary_only: must be False without"),
        (lambda: small(positive_share=0), "positive_share: must be"),
        (lambda: small(prior_min_count=0), "prior_min_count: must be"),
        (lambda: small(pruning_ratio=-1), "pruning_ratio: must be"),
        (lambda: small(ema_momentum="often"), "ema_momentum: must be"),
        (lambda: small(mode="any"), "mode: must be one of"),
        (lambda: small(num_heads=3), "num_heads: must be a divisor of 2 units, 16"),
        (lambda: small(vocabulary="红豆"), "vocabulary: must be a Vocabulary"),
    ],
)
def test_errors(call: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        call()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((5,), "texts: must be an iterable of str"),
        (([5],), r"texts\[0\]: must be a str"),
        ((["长" * 600],), r"texts\[0\]: must be at most 512 characters long"),
        ((["红豆"], []), "mentions: must be as many as texts, 1"),
        ((["红豆"], [5]), r"mentions\[0\]: must be an iterable of Mention"),
        ((["红豆"], [[5]]), r"mentions\[0\]\[0\]: must be a Mention"),
        ((["红豆"], [[(0, 1), (0, 3)]]), r"mentions\[0\]\[1\]: must be a Mention, or \(start"),
        ((["红豆"], [[Mention(0, 1, "绿")]]), r"mentions\[0\]\[0\]: must be '红', the text at 0"),
    ],
)
def test_errors_of_predictions(linker: Any, arguments: Any, message: str) -> None:
    texts, mentions = (*arguments, None)[:2]
    with pytest.raises(InvalidArgumentError, match=message):
        linker.predict(texts, mentions=mentions)


def test_unknown_ids_may_be_no_entity() -> None:
    with stepwise():
        made = small(nil=True)
        texts = [LinkedText("红豆", (Mention(0, 2, "红豆", "?"),))]
        made.fit(texts, knowledge_base(), on_missing="nil", epochs=1, verbose=0)
        assert made.statistics.prior("红豆") == {}
        assert made.coverage.positives == 0


def test_names_are_those_of_the_model() -> None:
    assert repr(small()) == "EntityLinker(features=('characters', 'objects'); not fitted)"
    assert len(NAMES) == 6
