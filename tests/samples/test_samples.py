"""The written sample: its form, and that its coined terms can be discovered."""

from __future__ import annotations

import collections
import itertools
import math
import re
import unicodedata
from pathlib import Path

import pytest

from newword import samples
from newword.samples import coined_terms, sample_path, sample_text

TERMS = coined_terms()
TEXT = sample_text()
WORD_CHARACTER = re.compile(r"\w")
RUNS = re.findall(r"\w+", TEXT)


def neighbours(term: str) -> tuple[collections.Counter[str], collections.Counter[str]]:
    left: collections.Counter[str] = collections.Counter()
    right: collections.Counter[str] = collections.Counter()
    for match in re.finditer(re.escape(term), TEXT):
        left[TEXT[match.start() - 1]] += 1
        right[TEXT[match.end()]] += 1
    return left, right


def letters_only(counts: collections.Counter[str]) -> collections.Counter[str]:
    return collections.Counter({c: n for c, n in counts.items() if WORD_CHARACTER.match(c)})


def entropy(counts: collections.Counter[str]) -> float:
    total = counts.total()
    return -sum(n / total * math.log2(n / total) for n in counts.values())


def test_public_names() -> None:
    assert sorted(samples.__all__) == samples.__all__
    assert all(hasattr(samples, name) for name in samples.__all__)


def test_path_and_text_agree() -> None:
    path = sample_path()
    assert isinstance(path, Path)
    assert path.is_absolute()
    assert path.read_bytes() == TEXT.encode("utf-8")


def test_size() -> None:
    assert 36_000 <= len(TEXT.encode("utf-8")) <= 50_000
    assert 12_000 <= len(re.findall("[\u4e00-\u9fff]", TEXT)) <= 17_000


def test_characters_are_plain() -> None:
    categories = {unicodedata.category(c) for c in TEXT if c != "\n"}
    assert not {c for c in categories if c.startswith("C") or c in {"Zl", "Zp"}}
    assert "\ufffd" not in TEXT
    assert unicodedata.normalize("NFC", TEXT) == TEXT


def test_one_paragraph_a_line() -> None:
    assert TEXT.endswith("\n")
    lines = TEXT.split("\n")[:-1]
    assert all(line and line == line.strip() for line in lines)
    assert len(set(lines)) == len(lines)
    is_title = [not re.search("[。！？…：；，、”]$", line) for line in lines]
    assert is_title[0]
    assert not is_title[-1]
    assert 14 <= sum(is_title) <= 18
    assert not any(a and b for a, b in itertools.pairwise(is_title))
    assert all(len(line) <= 40 for line, title in zip(lines, is_title, strict=True) if title)


def test_no_long_passage_is_repeated() -> None:
    size = 16
    passages = collections.Counter(TEXT[i : i + size] for i in range(len(TEXT) - size + 1))
    assert [p for p, n in passages.items() if n > 1] == []


def test_everyday_words_recur() -> None:
    for word in ("我们", "研究", "时候", "城市", "人工智能", "孩子", "老人", "时间"):
        assert TEXT.count(word) >= 2, word


def test_coined_terms_are_well_formed() -> None:
    assert 25 <= len(TERMS) <= 35
    assert sorted(set(TERMS)) == TERMS
    assert all(2 <= len(term) <= 7 and term.isalnum() for term in TERMS)
    assert any(re.search("[A-Za-z0-9]", term) for term in TERMS)
    assert {2, 3, 4, 7} <= {len(term) for term in TERMS}
    assert not [(a, b) for a in TERMS for b in TERMS if a != b and a in b]


def test_coined_terms_is_a_new_list() -> None:
    coined_terms().clear()
    assert coined_terms() == TERMS


@pytest.mark.parametrize("term", TERMS)
def test_coined_term_has_support(term: str) -> None:
    assert TEXT.count(term) >= 12
    left, right = neighbours(term)
    for side in (left, right):
        assert len(letters_only(side)) >= 6
        assert max(side.values()) <= TEXT.count(term) / 2
        assert entropy(letters_only(side)) >= 2.2
    assert any(not WORD_CHARACTER.match(c) for c in left), "never starts a clause"
    assert any(not WORD_CHARACTER.match(c) for c in right), "never ends a clause"


@pytest.mark.parametrize("term", TERMS)
def test_coined_term_coheres(term: str) -> None:
    total = sum(map(len, RUNS))
    for cut in range(1, len(term)):
        head, tail = TEXT.count(term[:cut]), TEXT.count(term[cut:])
        assert math.log2(TEXT.count(term) * total / (head * tail)) >= 6.0


def test_coined_terms_are_unknown_to_jieba() -> None:
    jieba = pytest.importorskip("jieba")
    jieba.setLogLevel(60)
    jieba.initialize()
    assert [term for term in TERMS if jieba.dt.FREQ.get(term, 0)] == []
