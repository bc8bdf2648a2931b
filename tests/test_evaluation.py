"""Scores of segmentations against a brute-force oracle and by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newword import InvalidArgumentError, Lexicon, SegmentationScore, evaluate_segmentation
from tests.support.text import UNICODE_TEXTS

cuts = st.lists(st.booleans(), min_size=9, max_size=9)


def cut(text: str, marks: list[bool]) -> list[str]:
    words, word = [], ""
    for character, mark in zip(text, marks, strict=False):
        word += character
        if mark:
            words.append(word)
            word = ""
    return [*words, word] if word else words


def span_set(words: list[str]) -> set[tuple[int, str]]:
    """Every word with its place, found the slow way."""
    return {(len("".join(words[:i])), word) for i, word in enumerate(words)}


@given(
    st.lists(st.tuples(st.text("甲乙丙", max_size=9), cuts, cuts), max_size=4),
    st.sets(st.text("甲乙丙", min_size=1, max_size=2)),
)
def test_counts_are_those_of_brute_force(
    lines: list[tuple[str, list[bool], list[bool]]], vocabulary: set[str]
) -> None:
    gold = [cut(text, marks) for text, marks, _ in lines]
    predicted = [cut(text, marks) for text, _, marks in lines]
    score = evaluate_segmentation(gold, predicted, vocabulary)
    shared = [span_set(g) & span_set(p) for g, p in zip(gold, predicted, strict=True)]
    assert score.gold_words == sum(map(len, gold))
    assert score.predicted_words == sum(map(len, predicted))
    assert score.correct == sum(map(len, shared))
    assert score.oov_words == sum(word not in vocabulary for line in gold for word in line)
    outside = [word for one in shared for _, word in one if word not in vocabulary]
    assert score.oov_correct == len(outside)
    # What is not correct is a substitution, a deletion (gold) or an insertion (predicted).
    assert score.gold_words == score.correct + score.substitutions + score.deletions
    assert score.predicted_words == score.correct + score.substitutions + score.insertions
    joined = [" ".join(words) for words in gold]
    assert evaluate_segmentation(joined, predicted, vocabulary) == score


def test_by_hand() -> None:
    gold = ["共同 创造 美好 的 新 世纪", "", "２００１年 新年 讲话"]
    predicted = ["共同 创造 美 好的 新世纪", "", "２００１ 年 新年 讲话"]
    score = evaluate_segmentation(gold, predicted, {"共同", "创造", "新年"})
    assert score == SegmentationScore(9, 9, 4, 1, 1, 4, 6, 1)
    assert score.precision == score.recall == score.f1 == pytest.approx(4 / 9)
    assert score.oov_rate == pytest.approx(6 / 9)
    assert score.oov_recall == pytest.approx(1 / 6)
    assert score.iv_recall == 1.0
    assert score.to_dict()["f1"] == score.f1


def test_white_space_never_counts() -> None:
    gold = ["  今天\u3000天气\t很  好 ", "好"]
    assert (
        evaluate_segmentation(gold, [["今天", "\u3000", "天气", " ", "很", "好"], ["好 "]]).f1 == 1
    )


def test_nothing_to_measure() -> None:
    score = evaluate_segmentation([], [])
    assert math.isnan(score.f1)
    assert math.isnan(score.precision)
    some = evaluate_segmentation(["甲"], ["甲"])
    assert math.isnan(some.oov_recall)
    assert math.isnan(some.oov_rate)
    assert math.isnan(evaluate_segmentation(["甲"], ["甲"], {"甲"}).oov_recall)


def test_any_text_agrees_with_itself() -> None:
    score = evaluate_segmentation(
        UNICODE_TEXTS, iter(UNICODE_TEXTS), Lexicon.from_words(["5G网络"])
    )
    assert score.f1 == 1


@pytest.mark.parametrize(
    ("gold", "predicted", "message"),
    [
        (["甲", "乙丙丁"], ["甲", "乙 丁"], r"line 2, character 2: '丙丁' in gold, '丁' in pred"),
        (["甲"], ["甲乙"], r"line 1, character 2: '' in gold, '乙'"),
        (["甲", "乙"], ["甲"], "predicted: must have as many lines"),
        (["甲"], ["甲", ""], "gold: must have as many lines"),
        ("甲 乙", ["甲乙"], "gold: must be an iterable"),
        (["甲"], "甲", "predicted: must be an iterable"),
        ([3], ["甲"], "gold: must hold str or words, got int at line 1"),
        (["甲"], [["甲", 3]], "predicted: words must be str, got int at line 1"),
    ],
)
def test_texts_that_differ_raise(gold: Any, predicted: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        evaluate_segmentation(gold, predicted)
