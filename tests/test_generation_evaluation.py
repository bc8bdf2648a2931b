"""ROUGE and BLEU of characters, against their definitions."""

from __future__ import annotations

import math
import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import newword
from newword import InvalidArgumentError, MissingDependencyError, evaluate_generation

TEXTS = st.text(alphabet="今天气很好aA", max_size=9)


def grams(text: str, order: int) -> list[str]:
    return [text[at : at + order] for at in range(len(text) - order + 1)]


def f1(common: float, wanted: float, found: float) -> float:
    if not common:
        return 0.0
    precision, recall = common / found, common / wanted
    return 2 * precision * recall / (precision + recall)


def rouge_n(want: str, text: str, order: int) -> float:
    """F1 of the sets of n-grams."""
    wanted, found = set(grams(want, order)), set(grams(text, order))
    return f1(len(wanted & found), len(wanted), len(found))


def longest_common(one: str, other: str) -> str:
    """A longest common subsequence."""
    table = [["" for _ in range(len(other) + 1)] for _ in range(len(one) + 1)]
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            longer = max(table[i][j + 1], table[i + 1][j], key=len)
            table[i + 1][j + 1] = table[i][j] + a if a == b else longer
    return table[-1][-1]


def bleu(want: str, text: str) -> float:
    """Sentence BLEU of up to four characters; a precision of 0 counts as 0.1 matches."""
    if not set(want) & set(text):
        return 0.0
    logs = []
    for order in range(1, 5):
        wanted, found = Counter(grams(want, order)), Counter(grams(text, order))
        matches = sum((wanted & found).values())
        logs.append(math.log((matches or 0.1) / max(1, sum(found.values()))) / 4)
    brevity = min(0.0, 1 - len(want) / len(text))
    return math.exp(sum(logs) + brevity)


@given(TEXTS.filter(bool), TEXTS)
@settings(max_examples=60, deadline=None)
def test_measures_are_as_defined(want: str, text: str) -> None:
    score = evaluate_generation([want], [text])
    want, text = want.lower(), text.lower()
    assert score.rouge_1 == pytest.approx(rouge_n(want, text, 1), abs=1e-6)
    assert score.rouge_2 == pytest.approx(rouge_n(want, text, 2), abs=1e-6)
    assert score.bleu == pytest.approx(bleu(want, text), abs=1e-6)
    assert score.exact == (want == text)
    if len(set(want)) == len(want) and len(set(text)) == len(text):
        common = len(longest_common(want, text))
        assert score.rouge_l == pytest.approx(f1(common, len(want), len(text)), abs=1e-6)


def test_means_over_texts() -> None:
    wanted = ["今天天气很好", "好", "Ab c"]
    found = ["今天气好", "", "aB\u3000C"]
    score = evaluate_generation(wanted, found)
    assert score.texts == 3
    assert score.per_text["exact"].tolist() == [0, 0, 1]
    assert score.per_text["rouge_1"].tolist()[1:] == pytest.approx([0, 1])
    for name, mean in score.to_dict().items():
        assert mean == pytest.approx(score.per_text[name].mean())
        assert mean == getattr(score, name)
    assert "per_text" not in repr(score)


def test_texts_of_full_stops_and_very_long_texts() -> None:
    score = evaluate_generation(["3.5", "...", "今"], ["3.5", "...", "."])
    assert score.per_text["exact"].tolist() == [1, 1, 0]
    limit = sys.getrecursionlimit()
    long = "".join(map(chr, range(0x4E00, 0x4E00 + 1500)))
    assert evaluate_generation([long], [long]).rouge_l == pytest.approx(1)
    assert sys.getrecursionlimit() == limit


def test_invalid_arguments() -> None:
    for references, generated, message in (
        (["a"], [], "generated: must be 1 texts like the references, got 0"),
        ([], [], "references: must be at least one"),
        (["a", " "], ["a", "b"], r"references\[1\]: must be not empty, got ' '"),
        (["a"], [5], r"generated\[0\]: must be a str, got 5"),
        ("a", ["a"], "references: must be an iterable of str"),
    ):
        with pytest.raises(InvalidArgumentError, match=message):
            evaluate_generation(references, generated)  # type: ignore[arg-type]


@pytest.mark.parametrize("package", ["rouge", "nltk"])
def test_a_missing_package(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] == package:
            monkeypatch.delitem(sys.modules, name)
    finders = [Missing(package), *sys.meta_path]
    monkeypatch.setattr(sys, "meta_path", finders)
    with pytest.raises(MissingDependencyError, match=rf"need {package}: .*newword\[metrics\]"):
        evaluate_generation(["a"], ["a"])


class Missing:
    """An importer that finds a package nowhere."""

    def __init__(self, package: str) -> None:
        self.package = package

    def find_spec(self, name: str, *others: Any) -> None:
        if name.partition(".")[0] == self.package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_it_is_public() -> None:
    assert newword.evaluate_generation is evaluate_generation
    assert np.isclose(newword.evaluate_generation(["好"], ["好"]).exact, 1)
