"""Statistics of names, against counts by brute force."""

from __future__ import annotations

import json
from typing import Any

import pytest

from newword import InvalidArgumentError
from newword.linking import Entity, LinkedText, Mention, MentionStatistics
from tests.linking.bases import COMMON, NAMES, base_of, entities, knowledge_base, linked_texts
from tests.support.fake_core import needs_core
from tests.support.slow_knowledge_base import SlowKnowledgeBase

pytestmark = needs_core

KB = knowledge_base()
TEXTS = linked_texts(60, 0)


@pytest.mark.parametrize("mode", ["all", "longest", "optimal"])
def test_counts_equal_those_by_force(mode: str) -> None:
    found = MentionStatistics.count(TEXTS, KB, mode=mode)
    for raw in (*NAMES, *COMMON):
        name = KB.normalize(raw)
        matches = [
            (place, one.start, one.end)
            for place, text in enumerate(TEXTS)
            for one in KB.matches(text.text, mode)
            if KB.normalize(one.name) == name
        ]
        gold = [
            (place, one.start, one.end)
            for place, text in enumerate(TEXTS)
            for one in text.mentions
            if KB.normalize(one.text) == name
        ]
        assert found.matched.get(name, 0) == len(matches)
        assert found.annotated.get(name, 0) == len(gold)
        assert found.agreed.get(name, 0) == len(set(matches) & set(gold))
        rate = found.rate(raw)
        assert rate == (len(set(matches) & set(gold)) / len(matches) if matches else None)
        removed = len(set(matches) - set(gold))
        for ratio in (0.5, 1.0, 5.0, 1000.0):
            dropped = bool(matches) and (removed + 1) / (len(gold) + 1) >= ratio
            assert (name in found.dropped(ratio)) == dropped
            assert (name in found.pruned(ratio)) == (not dropped)


@pytest.mark.parametrize("mode", ["all", "longest", "optimal"])
def test_counts_are_those_over_the_slow_twin(mode: str) -> None:
    slow = MentionStatistics.count(TEXTS, SlowKnowledgeBase(entities()), mode=mode)
    found = MentionStatistics.count(TEXTS, KB, mode=mode)
    assert found.to_config() == slow.to_config()
    names: Any = slow.pruned()
    kept = found.pruned()
    assert len(kept) == len(names)
    assert all(name in kept for name in names)
    assert found.report(TEXTS) == slow.report(TEXTS)


def test_pruning_removes_what_annotators_skip() -> None:
    found = MentionStatistics.count(TEXTS, KB)
    assert found.dropped() == frozenset(COMMON)
    report = found.report(linked_texts(30, 1))
    assert report.dropped == 2
    assert report.before.recall == report.after.recall == 1
    assert report.before.precision < report.after.precision == 1
    assert report.after.f1 == 1
    assert "pruned" in str(report)


def test_pruning_changes_the_best_path() -> None:
    # Without 今天气 the two names that overlap it are matched.
    base = base_of([Entity("1", "今天气"), Entity("2", "今天"), Entity("3", "气候")])
    text = LinkedText("今天气候", (Mention(0, 2, "今天", "2"), Mention(2, 4, "气候", "3")))
    assert [one.name for one in base.matches("今天气")] == ["今天气"]
    skipped = [LinkedText("今天气")] * 5
    found = MentionStatistics.count([*skipped, text], base)
    assert found.dropped() == {"今天气"}
    report = found.report([text, LinkedText("今天气", (Mention(0, 2, "今天", "2"),))])
    assert (report.before.correct, report.after.correct) == (2, 3)


def test_priors_keep_a_fallback() -> None:
    found = MentionStatistics.count(TEXTS, KB)
    counts = found.prior("ＳＵＮ")
    assert counts == found.prior("sun") == found.prior("《Sun》")
    assert sum(counts.values()) == sum(
        one.text == "ＳＵＮ" for text in TEXTS for one in text.mentions
    )
    assert found.candidates("ＳＵＮ", None) == KB.candidates("ＳＵＮ")
    often = [one for one in KB.candidates("ＳＵＮ") if counts.get(one, 0) >= 2]
    assert found.candidates("ＳＵＮ") == often
    assert found.candidates("ＳＵＮ", 10_000) == KB.candidates("ＳＵＮ")
    assert found.candidates("今天") == ["今天-词"]
    assert found.candidates("没有") == []


def test_aliases_are_mined() -> None:
    wanted = "红豆-歌"
    texts = [LinkedText("相思豆", (Mention(0, 3, "相思豆", wanted),))] * 3
    texts += [LinkedText("相思豆", (Mention(0, 3, "相思豆", "nowhere"),))] * 3
    texts += [LinkedText("红豆", (Mention(0, 2, "红豆", wanted),))] * 3
    found = MentionStatistics.count(texts, KB)
    assert found.missing_aliases() == {"相思豆": {wanted: 3}}
    assert found.missing_aliases(4) == {}
    assert found.candidates("相思豆") == []
    assert found.candidates("相思豆", alias_count=3) == [wanted]
    assert found.candidates("相思豆", alias_count=4) == []


def test_nil_counts_only_if_asked() -> None:
    texts = [LinkedText("红豆", (Mention(0, 2, "红豆"),))] * 9
    assert MentionStatistics.count(texts, KB).rate("红豆") == 0
    assert MentionStatistics.count(texts, KB, count_nil=True).rate("红豆") == 1
    assert MentionStatistics.count(texts, KB, count_nil=True).prior("红豆") == {}
    assert MentionStatistics.count(texts, KB).rate("黎明") is None


def test_counts_survive_json() -> None:
    found = MentionStatistics.count(TEXTS, KB)
    again = MentionStatistics.from_config(json.loads(json.dumps(found.to_config())), KB)
    assert again.to_config() == found.to_config()
    assert again.dropped() == found.dropped()
    assert repr(again) == repr(found)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MentionStatistics.count(["红豆"], KB), r"texts\[0\]: must be a LinkedText"),  # type: ignore[list-item]
        (lambda: MentionStatistics.count(TEXTS, KB, mode="any"), "mode: must be one of"),
        (lambda: MentionStatistics.count([], KB).dropped(-1), "ratio: must be a finite number"),
        (lambda: MentionStatistics.count([], KB).candidates("红豆", 0), "min_count: must be"),
        (lambda: MentionStatistics.count([], KB).missing_aliases(0), "min_count: must be"),
    ],
)
def test_errors(call: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        call()
