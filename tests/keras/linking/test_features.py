"""Indicators of pairs against a slow twin, folding, and decoding against brute force."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from newword.keras import Vocabulary
from newword.keras.linking.batches import indicators
from newword.keras.linking.decoding import decode_mentions
from newword.keras.linking.options import FEATURES
from newword.keras.linking.texts import EntityStore, Reader, folded, match_ends
from newword.keras.linking.tuning import GRID, Thresholds, best_thresholds
from newword.linking import Entity, MatchArrays
from tests.keras.linking.linkers import Characters
from tests.linking.bases import base_of
from tests.support.text import UNICODE_TEXTS

LEXICON = Characters("红豆", "歌曲", "ab", "王菲")
ENTITIES = [
    Entity("1", "红豆", ("Red Bean",), (), (("歌手", "王菲"), ("语言", "AB"), ("年", "1"))),
    Entity("2", "红豆", (), (), (("类别", "植物的豆"), ("摘要", "红豆" * 20), ("空", ""))),
    Entity("3", "绿豆"),
]
TEXTS = ["王菲的红豆", "Ａb歌曲红豆AB1", "豆", "İ红豆王"]


def by_hand(text: str, start: int, end: int, entity: Entity, most: int) -> np.ndarray[Any, Any]:
    """The indicators of a pair, one character at a time."""
    read, described = folded(text), folded(entity.text())[:most]
    words = LEXICON.segment(described)
    objects = [folded(value) for _, value in entity.attributes]
    rows = []
    of_place = [word for word in LEXICON.segment(read) for _ in word]
    for place, character in enumerate(read):
        covering = [
            found
            for value in objects
            if 0 < len(value) <= 10
            for found in re.finditer(f"(?={re.escape(value)})", read)
            if found.start() <= place < found.start() + len(value)
        ]
        rows.append(
            [start <= place < end, character in described, of_place[place] in words, bool(covering)]
        )
    return np.array(rows, "float32")


@pytest.mark.parametrize("most", [8, 500])
def test_indicators_equal_those_made_by_hand(most: int) -> None:
    base = base_of(ENTITIES)
    reader = Reader(Vocabulary("红豆"), LEXICON, None)
    store = EntityStore(base, reader, most)
    read = reader.read([folded(one) for one in TEXTS])
    rows, steps = np.array([3, 1, 0]), 16
    rng = np.random.default_rng(0)
    place = rng.integers(0, 3, 40)
    starts = rng.integers(0, 2, 40)
    ends = starts + rng.integers(1, 3, 40)
    numbers = rng.integers(0, 3, 40)
    entity = store.rows([ENTITIES[one].id for one in numbers.tolist()])
    made = indicators(read, rows, steps, FEATURES, store, (place, starts, ends, entity))
    assert made.shape == (40, steps, 4)
    for pair in range(40):
        text = TEXTS[rows[place[pair]]]
        wanted = by_hand(text, starts[pair], ends[pair], ENTITIES[numbers[pair]], most)
        np.testing.assert_array_equal(made[pair, : len(text)], wanted)
        assert not made[pair, len(text) :].any()
    assert made[..., 3].any()


def test_folding_keeps_offsets() -> None:
    for text in UNICODE_TEXTS:
        assert len(folded(text)) == len(text)
    assert folded("ＡBÀİ") == "abài"[:3] + "İ"
    assert folded("Red《Ｂ》") == "red《b》"


def test_matches_are_marked_at_their_ends() -> None:
    matches = MatchArrays(np.array([0, 2, 2, 3]), np.array([0, 1, 0]), np.array([2, 4, 1]))
    ends = match_ends(matches, np.array([0, 4, 6, 7]))
    assert ends[:, 0].tolist() == [1, 1, 0, 0, 0, 0, 1]
    assert ends[:, 1].tolist() == [0, 1, 0, 1, 0, 0, 1]


def test_starts_take_the_nearest_end() -> None:
    rng = np.random.default_rng(1)
    probabilities = rng.random((30, 9, 2)).astype("float32")
    spans = decode_mentions(probabilities, (0.3, 0.7))
    for place, threshold in enumerate((0.3, 0.7)):
        wanted = []
        for text in range(30):
            starts, ends = (np.flatnonzero(one >= threshold) for one in probabilities[text].T)
            for start in starts:
                later = [end for end in ends if end >= start]
                if later:
                    wanted.append((text, start, later[0] + 1))
        found = zip(spans.text, spans.start, spans.end, strict=True)
        kept = [one for one, held in zip(found, spans.kept[:, place], strict=True) if held]
        assert kept == wanted
    starts, ends = np.moveaxis(probabilities, -1, 0)
    np.testing.assert_array_equal(
        spans.probability,
        np.minimum(starts[spans.text, spans.start], ends[spans.text, spans.end - 1]),
    )
    assert not len(decode_mentions(probabilities, (1.1,)).text)


def f1_of(kept: Any, score: Any, right: Any, nil: Any, gold: int, thresholds: Thresholds) -> float:
    """F1 by the rule of prediction."""
    chosen = np.flatnonzero(kept[GRID.index(thresholds.mention)])
    linked = [one for one in chosen if score[one] > 0 and score[one] >= thresholds.link]
    correct = sum(right[one] for one in linked)
    predicted = len(linked)
    if nil is not None:
        predicted = len(chosen)
        correct += sum(nil[one] for one in set(chosen) - set(linked))
    return float(2 * correct / max(gold + predicted, 1))


@pytest.mark.parametrize("with_nil", [False, True])
def test_no_thresholds_are_better(with_nil: bool) -> None:
    rng = np.random.default_rng(5)
    for _ in range(20):
        many = int(rng.integers(0, 12))
        least = rng.random(many)
        kept = least >= np.array(GRID)[:, None]
        score = rng.choice([0, 0.05, 0.3, 0.5, 0.9], many).astype("float32")
        right = (rng.random(many) < 0.5) & (score > 0)
        nil = ~right & (rng.random(many) < 0.5) if with_nil else None
        gold = many + 1
        best = best_thresholds(kept, score, right, nil, gold)
        reached = f1_of(kept, score, right, nil, gold, best)
        for mention in GRID:
            for link in (0, 0.01, 0.1, 0.4, 0.7, 0.95):
                other = f1_of(kept, score, right, nil, gold, Thresholds(mention, link))
                assert other <= reached + 1e-12
    none = np.zeros(0, bool)
    nothing = best_thresholds(np.zeros((9, 0), bool), none.astype("float32"), none, None, 0)
    assert nothing == Thresholds()
