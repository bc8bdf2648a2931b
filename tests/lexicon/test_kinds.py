"""Words, numbers, quantities and phrases."""

from pathlib import Path

import numpy as np
import pytest

from newword import InvalidArgumentError, Lexicon, discover
from newword.samples import sample_path

KINDS = ["word", "number", "quantity", "phrase", "word"]


@pytest.fixture
def lexicon() -> Lexicon:
    words = ["一带一路", "三十五", "2023年", "这是", "\U00020000网"]
    return Lexicon({"word": words, "kind": KINDS, "known": [False] * 4 + [True]})


def test_filter_by_kind(lexicon: Lexicon) -> None:
    assert lexicon.filter(kind="word")["word"].tolist() == ["一带一路", "\U00020000网"]
    assert lexicon.filter(kind=["number", "phrase"])["word"].tolist() == ["三十五", "这是"]
    assert len(lexicon.filter(kind=[])) == 0
    assert lexicon.new["word"].tolist() == ["一带一路"]


def test_without_the_column_all_are_words() -> None:
    plain = Lexicon({"word": ["2023年", "这是"]})
    assert len(plain.new) == len(plain.filter(kind="word")) == 2
    assert len(plain.filter(kind="phrase")) == 0


@pytest.mark.parametrize("kind", ["verb", ["word", "verb"], 3, [3], np.zeros(2)])
def test_no_such_kind(lexicon: Lexicon, kind: object) -> None:
    with pytest.raises(InvalidArgumentError, match="^kind: must be "):
        lexicon.filter(kind=kind)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="^kind: must be one of 'word', 'number'"):
        Lexicon({"word": ["网"], "kind": ["verb"]})


@pytest.mark.parametrize("name", ["w.tsv", "w.csv", "w.jsonl"])
def test_files_keep_kinds(lexicon: Lexicon, name: str, tmp_path: Path) -> None:
    lexicon.save(tmp_path / name)
    assert Lexicon.load(tmp_path / name)["kind"].tolist() == KINDS


def test_views_show_kinds_where_they_differ(lexicon: Lexicon) -> None:
    assert "quantity" in repr(lexicon)
    assert "quantity" in lexicon._repr_html_()
    assert "kind" not in repr(lexicon.filter(kind="word"))
    assert lexicon.sort("kind")["kind"].tolist() == sorted(KINDS, reverse=True)


def test_quantities_and_phrases_are_found() -> None:
    words = discover(sample_path())
    kinds = dict(zip(words["word"], words["kind"], strict=True))
    assert kinds["第三"] == kinds["十二"] == "number"
    assert kinds["看见"] == "phrase"
    assert kinds["苔藓算法"] == kinds["6G鹭桥网"] == "word"
    texts = [f"在{year}年前后，网络。" for year in range(2001, 2021)]
    found = discover(texts * 2, method="entropy", min_pmi=0, min_entropy=0)
    dates = [row.word for row in found if row.kind == "quantity"]
    assert dates
    assert all(word.startswith("20") for word in dates)
    assert not set(dates) & set(found.new["word"])
