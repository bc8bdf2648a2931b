"""The functions of discovery: what they check, and what they hand to the core."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import newword
from newword import InvalidArgumentError, Lexicon, Progress, contrast, discover
from newword import count_ngrams as count
from newword import merge_counts as merge
from newword import score_counts as score
from tests.support.fake_core import FakeCore

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"order": 1}, "order: must be a whole number between 2 and 8, got 1"),
        ({"order": 9}, "order"),
        ({"order": 2.5}, "order"),
        ({"order": True}, "order"),
        ({"min_count": 0}, "min_count: must be a whole number at least 1, got 0"),
        ({"min_count": "3"}, "min_count"),
        ({"method": "magic"}, "method: must be one of 'combined', 'chain'"),
        ({"min_pmi": -1}, "min_pmi: must be a finite number"),
        ({"min_pmi": NAN}, "min_pmi"),
        ({"min_pmi": INF}, "min_pmi"),
        ({"min_pmi": "3"}, "min_pmi"),
        ({"min_pmi": [0, 2, 4]}, "min_pmi: must be one number or 4"),
        ({"min_pmi": []}, "min_pmi"),
        ({"min_pmi": [0, 2, NAN, 6]}, r"min_pmi\[2\]"),
        ({"min_entropy": -0.1}, "min_entropy"),
        ({"min_entropy": NAN}, "min_entropy"),
        ({"max_length": 0}, "max_length"),
        ({"counts": "rough"}, "counts"),
        ({"counts": "kenlm", "method": "entropy"}, "method: must be 'chain' with counts='kenlm'"),
        ({"known": 3}, "known"),
        ({"known": b"abc"}, "known"),
        ({"known": ["甲", 3]}, "known"),
        ({"known_action": "forget"}, "known_action"),
        ({"edge_stops": 3}, "edge_stops"),
        ({"edge_stops": ["的", ""]}, "edge_stops"),
        ({"reasons": 1}, "reasons"),
        ({"format": "pdf"}, "format"),
        ({"field": ""}, "field"),
        ({"encoding": None}, "encoding"),
        ({"errors": "ignore"}, "errors"),
        ({"letters": "words"}, "letters"),
        ({"digits": None}, "digits"),
        ({"nfkc": "yes"}, "nfkc"),
        ({"strip_html": None}, "strip_html"),
        ({"skip_variation_selectors": 1}, "skip_variation_selectors"),
        ({"drop_duplicates": 1}, "drop_duplicates"),
        ({"threads": 0}, "threads"),
        ({"threads": 5000}, "threads"),
        ({"memory": 0}, "memory"),
        ({"memory": 1.5}, "memory"),
        ({"temp_dir": "/no/such/folder"}, "temp_dir: must be an existing folder"),
        ({"temp_dir": 3}, "temp_dir"),
        ({"progress": 3}, "progress"),
    ],
)
def test_arguments_are_checked_before_the_core_is_called(
    fake_core: FakeCore, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=message) as caught:
        discover(["今天天气"], **arguments)
    assert isinstance(caught.value, ValueError)
    assert fake_core.calls == []


def test_arguments_passed_to_the_core(fake_core: FakeCore, tmp_path: Path) -> None:
    discover(
        iter(["今天"]),
        min_pmi=np.array([0, 2, 4, 6]),  # type: ignore[arg-type]
        edge_stops="的了",
        memory=2_000_000_000,
        threads=2,
        temp_dir=tmp_path,
    )
    ((name, (source, options, job)),) = fake_core.calls
    assert name == "discover"
    reading = {"format": "auto", "field": "text", "encoding": "utf-8", "errors": "strict"}
    reading["strip_html"] = False  # type: ignore[assignment]
    assert source == {"kind": "texts", "data": source["data"], **reading}
    assert options == {
        "order": 4,
        "min_count": None,
        "method": "combined",
        "min_pmi": [0.0, 2.0, 4.0, 6.0],
        "min_entropy": None,
        "max_length": None,
        "counts": "exact",
        "edge_stops": ["的", "了"],
        "reasons": False,
        "letters": "unit",
        "digits": "unit",
        "nfkc": False,
        "skip_variation_selectors": False,
        "drop_duplicates": False,
    }
    assert job == {
        "threads": 2,
        "memory": "2000000000",
        "temp_dir": str(tmp_path),
        "progress": None,
    }


def test_the_result(fake_core: FakeCore) -> None:
    words = discover(["今天"])
    assert isinstance(words, Lexicon)
    assert words["word"].tolist() == ["时间", "5G网络", "覆膜机"]
    assert words["length"].tolist() == [2, 4, 3]
    assert words.summary["min_count"] == 3
    assert words.rejected is None
    fake_core.rejected = {"word": ["的时"], "count": [5], "pmi": [0.2], "reason": ["pmi 0.2 < 2"]}
    rejected = discover(["今天"], reasons=True).rejected
    assert rejected is not None
    assert rejected["reason"].tolist() == ["pmi 0.2 < 2"]
    assert "reason" in repr(rejected)


def _known_file(folder: Path, name: str) -> Path:
    (folder / name).write_text("时间 3 n\n没有 2\n", "utf-8")
    return folder / name


@pytest.mark.parametrize(
    "known",
    [
        lambda _: ["时间", "没有"],
        lambda _: {"时间"},
        lambda _: iter(["时间"]),
        lambda _: Lexicon.from_words(["时间"]),
        lambda folder: _known_file(folder, "dict.txt"),
        lambda folder: str(_known_file(folder, "dict.big")),
        lambda folder: _known_file(folder, "userdict"),
    ],
)
def test_known_words(fake_core: FakeCore, tmp_path: Path, known: Callable[[Path], Any]) -> None:
    marked = discover(["今天"], known=known(tmp_path))
    assert marked["known"].tolist() == [True, False, False]
    assert marked.new["word"].tolist() == ["5G网络", "覆膜机"]
    assert marked.summary["known"] == 1
    dropped = discover(["今天"], known=known(tmp_path), known_action="drop")
    assert dropped["word"].tolist() == ["5G网络", "覆膜机"]
    assert dropped.summary["known_dropped"] == 1


def test_dropped_words_are_among_the_rejected(fake_core: FakeCore) -> None:
    fake_core.rejected = {"word": ["的时"], "count": [5], "reason": ["pmi 0.2 < 2"]}
    rejected = discover(["今天"], known=["时间"], known_action="drop", reasons=True).rejected
    assert rejected is not None
    assert rejected["word"].tolist() == ["的时", "时间"]
    assert rejected["reason"].tolist() == ["pmi 0.2 < 2", "known"]
    assert rejected["known"].tolist() == [False, True]


def test_known_words_are_folded_as_the_corpus_is(fake_core: FakeCore) -> None:
    assert not discover(["今天"], known=["５Ｇ网络"])["known"].any()
    folded = discover(["今天"], known=["５Ｇ网络"], nfkc=True)
    assert folded["known"].tolist() == [False, True, False]


def test_missing_known_file(fake_core: FakeCore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        discover(["今天"], known=tmp_path / "no.txt")
    assert fake_core.calls == []


def test_progress_reaches_a_callback(fake_core: FakeCore) -> None:
    seen: list[Progress] = []
    discover(["今天"], progress=seen.append)
    assert [(one.stage, one.done, one.total, one.unit) for one in seen] == [
        ("reading", 0, 10, "bytes"),
        ("reading", 10, 10, "bytes"),
        ("counting", 5, 0, "characters"),
    ]
    assert all(one.rate >= 0 for one in seen)
    assert seen[0].seconds_left is None
    assert seen[1].seconds_left == 0
    assert seen[2].seconds_left is None


def test_the_bar_goes_to_stderr(fake_core: FakeCore, capsys: pytest.CaptureFixture[str]) -> None:
    discover(["今天"], progress=True)
    assert capsys.readouterr().out == ""


def test_a_failing_callback_or_core_is_heard(fake_core: FakeCore) -> None:
    def fail(_: Progress) -> None:
        raise RuntimeError("from the callback")

    with pytest.raises(RuntimeError, match="from the callback"):
        discover(["今天"], progress=fail)
    fake_core.raises = newword.CorpusError("no text")
    with pytest.raises(newword.CorpusError):
        discover(["今天"])


def test_counting_merging_scoring(fake_core: FakeCore, tmp_path: Path) -> None:
    target = tmp_path / "a.counts"
    assert count(["今天"], target, order=5, resume=True)["order"] == 5
    assert merge([target, str(target)], tmp_path / "b")["total"] == 200
    assert len(score(target, min_pmi=3)) == 3
    names = [name for name, _ in fake_core.calls]
    assert names == ["count_ngrams", "merge_counts", "score_counts"]
    assert fake_core.calls[0][1][1] == str(target)
    assert fake_core.calls[0][1][2]["resume"] is True
    assert fake_core.calls[1][1][1] == [str(target)] * 2
    source, path, options, _ = fake_core.calls[2][1]
    assert source is None
    assert path == str(target)
    assert options["min_pmi"] == [3.0]
    assert "order" not in options


def test_counting_merging_scoring_refuse(fake_core: FakeCore, tmp_path: Path) -> None:
    for call in (
        lambda: count(["今天"], tmp_path),
        lambda: count(["今天"], ""),
        lambda: count(["今天"], tmp_path / "a", min_count=0),
        lambda: count(["今天"], tmp_path / "a", order=0),
        lambda: merge([], tmp_path / "a"),
        lambda: merge("a", tmp_path / "a"),
        lambda: merge([3], tmp_path / "a"),  # type: ignore[list-item]
        lambda: merge(["a"], tmp_path),
        lambda: score(3),  # type: ignore[arg-type]
        lambda: score("a\0b"),
    ):
        with pytest.raises(InvalidArgumentError):
            call()
    assert fake_core.calls == []


def test_contrast(fake_core: FakeCore) -> None:
    terms = contrast(["今天"], iter(["明天"]), min_count=3)
    # Relative frequencies: 9/1000 against 900/1000; 4/1000 and 3/1000 against 0.
    here, there = np.array([9, 4, 3]) / 1000, np.array([900, 0, 0]) / 1000
    mean = (here + there).mean()
    expected = dict(
        zip(["时间", "5G网络", "覆膜机"], (here + mean / 2) / (here + there + mean), strict=True)
    )
    assert terms["word"].tolist() == ["5G网络", "覆膜机", "时间"]
    for row in terms:
        assert row.score == pytest.approx(expected[row.word])
    assert terms["background_count"].tolist() == [0, 0, 900]
    assert terms.filter(max_background_count=0)["word"].tolist() == ["5G网络", "覆膜机"]
    assert [name for name, _ in fake_core.calls] == ["discover", "count_words", "count_words"]
    assert fake_core.texts == [["今天"], ["今天"], ["明天"]]


def test_contrast_rejects_a_corpus_that_can_be_read_once(fake_core: FakeCore) -> None:
    for corpus in (iter(["今天"]), "-", ["-"]):
        with pytest.raises(InvalidArgumentError, match="read twice"):
            contrast(corpus, ["明天"])
    assert fake_core.calls == []
