"""The table itself: columns, rows, selection, order, equality, looks."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newword import InvalidArgumentError, Lexicon, LexiconRow
from newword.lexicon.columns import packed_words
from newword.lexicon.display import display_width
from tests.support.fake_core import FakeCore, Segmenter, needs_core
from tests.support.text import UNICODE_TEXTS, UNICODE_WORDS

words_and_counts = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4),
    st.integers(0, 2**64 - 1),
    max_size=12,
)


@pytest.fixture
def lexicon() -> Lexicon:
    return Lexicon(
        {
            "word": ["时间", "5G网络", "的", "覆膜机"],
            "count": [31, 4, 90, 4],
            "pmi": [4.2, 7.5, np.nan, 9.0],
            "left_entropy": [2.0, 1.0, np.nan, 0.5],
            "right_entropy": [1.5, 1.2, np.nan, 0.7],
            "score": [1.0, 2.0, np.nan, 2.0],
            "known": [True, False, True, False],
        },
        summary={"min_count": 4},
    )


def test_columns_have_the_promised_types(lexicon: Lexicon) -> None:
    kinds = {name: lexicon[name].dtype for name in lexicon.columns}
    assert kinds == {
        "word": np.dtype(object),
        "count": np.dtype(np.uint64),
        "length": np.dtype(np.int32),
        "pmi": np.dtype(np.float64),
        "left_entropy": np.dtype(np.float64),
        "right_entropy": np.dtype(np.float64),
        "score": np.dtype(np.float64),
        "known": np.dtype(np.bool_),
    }
    assert lexicon["length"].tolist() == [2, 4, 1, 3]


def test_columns_are_read_only_copies() -> None:
    counts = np.array([1, 2], np.uint64)
    lexicon = Lexicon.from_words(["甲", "乙"], counts)
    counts[0] = 99
    assert lexicon["count"].tolist() == [1, 2]
    for view in (lexicon, lexicon[:1], lexicon[[0]], pickle.loads(pickle.dumps(lexicon))):
        for name in view.columns:
            with pytest.raises(ValueError, match="read-only"):
                view[name][0] = view[name][0]


def test_words_are_plain_str_even_from_numpy_strings() -> None:
    lexicon = Lexicon.from_words(np.array(["甲乙", "丙"]))
    assert [type(word) for word in lexicon["word"]] == [str, str]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"count": [1]}, "word"),
        ({"word": "甲乙"}, "sequence of str"),
        ({"word": ["甲", ""]}, "row 1"),
        ({"word": ["甲", 3]}, "non-empty str"),
        ({"word": ["甲", "甲"]}, "'甲' twice"),
        ({"word": ["甲"], "count": [1, 2]}, r"count: must have one value"),
        ({"word": ["甲"], "count": [-1]}, r"count: must lie in 0"),
        ({"word": ["甲"], "count": [1.5]}, r"count: must hold uint64"),
        ({"word": ["甲"], "length": [2**40]}, r"length: must lie"),
        ({"word": ["甲"], "pmi": ["high"]}, r"pmi: must hold float64"),
        ({"word": ["甲"], "known": [1]}, r"known: must hold bool"),
        ({"word": ["甲"], "freq": [1]}, "'freq'"),
    ],
)
def test_bad_columns_are_refused(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        Lexicon(columns)


def test_rows(lexicon: Lexicon) -> None:
    row = lexicon.word("5G网络")
    assert row == lexicon[1] == lexicon[-3] == list(lexicon)[1]
    assert isinstance(row, LexiconRow)
    assert (row.word, row.count, row.length, row.known) == ("5G网络", 4, 4, False)
    assert [type(one) for one in (row.count, row.pmi, row.known)] == [int, float, bool]
    assert "5G网络" in lexicon
    assert "5G" not in lexicon
    assert 3 not in lexicon
    with pytest.raises(KeyError, match="没有"):
        lexicon.word("没有")
    with pytest.raises(IndexError):
        lexicon[4]
    with pytest.raises(KeyError, match="there are word, count"):
        lexicon["freq"]


def test_selecting_rows(lexicon: Lexicon) -> None:
    assert lexicon[1:3]["word"].tolist() == ["5G网络", "的"]
    assert lexicon[::-1]["word"].tolist()[0] == "覆膜机"
    assert lexicon[lexicon["count"] == 4]["word"].tolist() == ["5G网络", "覆膜机"]
    assert lexicon[np.array([3, 0])]["word"].tolist() == ["覆膜机", "时间"]
    assert lexicon[[]]["word"].tolist() == []
    assert len(lexicon[:0]) == 0
    assert lexicon.new["word"].tolist() == ["5G网络", "覆膜机"]
    assert lexicon[:2].summary == {"min_count": 4}
    with pytest.raises(InvalidArgumentError, match="twice"):
        lexicon[[1, 1]]
    with pytest.raises(InvalidArgumentError, match="twice"):
        lexicon[[1, -3]]
    with pytest.raises(IndexError, match="mask"):
        lexicon[[True]]
    with pytest.raises(IndexError):
        lexicon[[9]]
    with pytest.raises(InvalidArgumentError, match="rows"):
        lexicon[[0.5]]  # type: ignore[list-item]


def test_filter(lexicon: Lexicon) -> None:
    def kept(*args: Any, **bounds: Any) -> list[str]:
        words: list[str] = lexicon.filter(*args, **bounds)["word"].tolist()
        return words

    assert kept() == lexicon["word"].tolist()
    assert kept(min_count=5) == ["时间", "的"]
    assert kept(max_count=4, min_length=4) == ["5G网络"]
    assert kept(min_pmi=0) == ["时间", "5G网络", "覆膜机"], "NaN meets no bound"
    assert kept(max_pmi=100) == ["时间", "5G网络", "覆膜机"]
    assert kept(min_entropy=1.0) == ["时间", "5G网络"]
    assert kept(known=False, min_score=2) == ["5G网络", "覆膜机"]
    assert kept(pattern=r"\d") == ["5G网络"]
    assert kept([True, False, False, False]) == ["时间"]
    assert kept(min_count=-1) == lexicon["word"].tolist()
    assert kept(max_count=-1) == []
    assert kept(min_count=2**64) == []


@pytest.mark.parametrize(
    "bounds",
    [
        {"min_freq": 1},
        {"count": 1},
        {"min_background_count": 1},
        {"min_count": "3"},
        {"min_pmi": float("nan")},
        {"min_pmi": True},
        {"pattern": "("},
        {"pattern": 3},
        {"mask": [True]},
        {"mask": [1, 0, 1, 0]},
    ],
)
def test_filter_refuses(lexicon: Lexicon, bounds: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError):
        lexicon.filter(**bounds)


def test_sort_breaks_ties_by_code_points_and_puts_nan_last(lexicon: Lexicon) -> None:
    assert lexicon.sort("count")["word"].tolist() == ["的", "时间", "5G网络", "覆膜机"]
    assert lexicon.sort()["word"].tolist() == ["5G网络", "覆膜机", "时间", "的"]
    assert lexicon.sort(descending=False)["word"].tolist() == ["时间", "5G网络", "覆膜机", "的"]
    assert lexicon.sort("entropy")["word"].tolist() == ["时间", "5G网络", "覆膜机", "的"]
    assert lexicon.sort("known")["word"].tolist() == ["时间", "的", "5G网络", "覆膜机"]
    assert lexicon.sort("word", descending=False)["word"].tolist() == sorted(lexicon["word"])
    with pytest.raises(InvalidArgumentError, match="by"):
        lexicon.sort("freq")


@given(words_and_counts)
def test_sort_does_not_depend_on_the_previous_order(entries: dict[str, int]) -> None:
    words = sorted(entries, key=lambda word: (-entries[word], word))
    lexicon = Lexicon.from_words(entries, np.array(list(entries.values()), np.uint64))
    assert lexicon.sort("count")["word"].tolist() == words
    assert lexicon[::-1].sort("count") == lexicon.sort("count")


def test_equality(lexicon: Lexicon) -> None:
    same = Lexicon({name: lexicon[name] for name in lexicon.columns})
    assert lexicon == same
    assert lexicon == copy.deepcopy(lexicon) == pickle.loads(pickle.dumps(lexicon))
    assert lexicon != lexicon[:2]
    assert lexicon != Lexicon.from_words(lexicon["word"])
    assert lexicon != "时间"
    with pytest.raises(TypeError, match="unhashable"):
        hash(lexicon)


def test_repr_is_aligned_in_cells() -> None:
    words = [f"词{'长' * (i % 4)}{i}" for i in range(40)]
    lexicon = Lexicon({"word": words, "count": np.arange(40) ** 3, "known": np.full(40, True)})
    lines = repr(lexicon).splitlines()
    assert lines[0] == "Lexicon: 40 words"
    assert len(lines) == 1 + 1 + 10 + 1 + 5
    assert len({display_width(line) for line in lines[1:]}) == 1
    assert words[0] in lines[2]
    assert words[-1] in lines[-1]


def test_repr_survives_everything() -> None:
    words = [*UNICODE_WORDS, "line\nbreak", "tab\t", "\x1b[31m", "\u2028"]
    lexicon = Lexicon.from_words(words)
    shown = "\n".join(repr(lexicon[i : i + 10]) for i in range(0, len(words), 10))
    assert "\x1b" not in shown
    assert r"line\nbreak" in shown
    assert "长" * 39 + "…" in shown
    assert repr(Lexicon.from_words([])) == "Lexicon: 0 words"
    assert repr(Lexicon.from_words(["甲"])).startswith("Lexicon: 1 word\n")


def test_html_is_escaped() -> None:
    shown = Lexicon.from_words(["<script>", "a&b"])._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "a&amp;b" in shown


@pytest.mark.parametrize(
    ("text", "width"), [("", 0), ("abc", 3), ("中文", 4), ("ＡＢ", 4), ("e\u0301", 1), ("𠮷", 2)]
)
def test_display_width(text: str, width: int) -> None:
    assert display_width(text) == width


def test_segmenting_asks_the_core_once(fake_core: FakeCore) -> None:
    lexicon = Lexicon.from_words(["今天", "天气", "很"], [9, 7, 5])
    assert lexicon.segment("今天天气很好") == ["今天", "天气", "很", "好"]
    first = lexicon._segmenter
    assert lexicon.segment_many(iter(["今天", ""])) == [["今天"], []]
    assert lexicon._segmenter is first
    for text in UNICODE_TEXTS:
        assert "".join(lexicon.segment(text)) == text


def test_segmenting_rejects_other_types_than_str(fake_core: FakeCore) -> None:
    lexicon = Lexicon.from_words(["今天"])
    with pytest.raises(InvalidArgumentError, match="text: must be a str"):
        lexicon.segment(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="an iterable of str, got"):
        lexicon.segment_many("今天")
    with pytest.raises(InvalidArgumentError, match="int at 1"):
        lexicon.segment_many(["今天", 3])  # type: ignore[list-item]


@needs_core
@given(st.text("今天气很好A", max_size=20))
def test_the_core_segments_as_likely_as_the_oracle(text: str) -> None:
    words = {"今天": 5, "天气": 5, "很好": 5, "气很": 5, "天天": 2, "A股": 1}
    words |= dict.fromkeys("今天气很好A", 1)
    lexicon = Lexicon.from_words(words, list(words.values()))
    pieces = lexicon.segment(text)
    assert "".join(pieces) == text
    oracle = Segmenter(packed_words({"word": lexicon["word"]}), lexicon["count"])

    def weight(pieces: list[str]) -> float:
        return sum(oracle.weights.get(piece, oracle.unknown) for piece in pieces)

    if "AA" not in text:  # the core may keep unknown runs of letters whole
        assert weight(pieces) == pytest.approx(weight(oracle.segment(text)))
    assert lexicon.segment_many([text] * 3, threads=2) == [pieces] * 3
