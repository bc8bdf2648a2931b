"""The scores of linked mentions, against a count by brute force."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from newword import InvalidArgumentError
from newword.linking import LinkedText, Mention, evaluate_linking

TEXT = "红豆黎明红豆"
SPANS = [(0, 2), (2, 4), (4, 6), (0, 4)]
IDS = ["1", "2", None]


def random_mentions(rng: np.random.Generator) -> list[Mention]:
    """Some mentions of the text, the same one twice at times."""
    made = []
    for _ in range(rng.integers(0, 5)):
        start, end = SPANS[rng.integers(len(SPANS))]
        made.append(Mention(start, end, TEXT[start:end], IDS[rng.integers(len(IDS))]))
    return made


def by_force(gold: list[Any], predicted: list[Any], keys: Any) -> tuple[int, int, int]:
    """Gold, predicted and correct, over every mention that there could be."""
    counts = np.zeros(3, int)
    for one, other in zip(gold, predicted, strict=True):
        ours, theirs = [{keys(each) for each in side} for side in (one, other)]
        for (start, end), identity in product(SPANS, [*IDS, "any"]):
            key = (start, end, identity)
            counts += [key in ours, key in theirs, key in ours and key in theirs]
    return tuple(counts.tolist())


@pytest.mark.parametrize("count_nil", [False, True])
def test_scores_equal_a_count_by_force(count_nil: bool) -> None:
    rng = np.random.default_rng(3)
    gold, predicted = [[random_mentions(rng) for _ in range(40)] for _ in range(2)]
    score = evaluate_linking(gold, predicted, count_nil=count_nil)
    if not count_nil:
        gold, predicted = [
            [[each for each in one if each.id is not None] for one in side]
            for side in (gold, predicted)
        ]
    links = by_force(gold, predicted, lambda one: (one.start, one.end, one.id))
    spans = by_force(gold, predicted, lambda one: (one.start, one.end, "any"))
    assert (score.links.gold, score.links.predicted, score.links.correct) == links
    assert (score.mentions.gold, score.mentions.predicted, score.mentions.correct) == spans
    assert score.precision == links[2] / links[1]
    assert score.recall == links[2] / links[0]
    assert score.f1 == pytest.approx(2 / (1 / score.precision + 1 / score.recall))
    assert score.link_accuracy == links[2] / spans[2]
    names = score.names.values()
    assert sum(one.gold for one in names) == links[0]
    assert sum(one.correct for one in names) == links[2]
    assert all(one.gold == one.correct + one.wrong_id + one.missed for one in names)


def test_names_come_with_their_errors() -> None:
    gold = [
        LinkedText(TEXT, (Mention(0, 2, "红豆", "1"), Mention(2, 4, "黎明", "2"))),
        LinkedText(TEXT, (Mention(4, 6, "红豆", "1"),)),
    ]
    predicted = [[Mention(0, 2, "红豆", "9"), Mention(4, 6, "红豆", "1")], []]
    score = evaluate_linking(iter(gold), iter(predicted), given=iter([list(gold[0].mentions), []]))
    red = score.names["红豆"]
    assert (red.gold, red.correct, red.wrong_id, red.missed, red.spurious) == (2, 0, 1, 1, 1)
    assert list(score.names) == ["红豆", "黎明"]
    assert score.names["黎明"].errors == 1
    assert score.given_accuracy == pytest.approx(2 / 3)
    assert "红豆" in score.errors(1)
    assert "黎明" not in score.errors(1)
    assert "given" in str(score)


def test_nothing_scores_zero() -> None:
    score = evaluate_linking([], [])
    assert (score.f1, score.precision, score.recall, score.link_accuracy) == (0, 0, 0, 0)
    assert score.given_accuracy is None
    assert score.names == {}


@pytest.mark.parametrize(
    ("gold", "predicted", "message"),
    [
        ([[]], [], "predicted: must be as many texts"),
        ([], [[]], "gold: must be as many texts"),
        (5, [], "gold: must be an iterable of texts"),
        ([[5]], [[]], r"gold\[0\]: must be made of Mention"),
        ([[]], [5], r"predicted\[0\]: must be a LinkedText"),
    ],
)
def test_errors(gold: Any, predicted: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        evaluate_linking(gold, predicted)
