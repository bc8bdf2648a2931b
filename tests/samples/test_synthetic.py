"""The synthetic corpus generator."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import itertools
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newword.errors import InvalidArgumentError, NewwordError
from newword.samples import SyntheticCorpus, synthetic

PUNCTUATION = {"，", "。"}

corpora = st.builds(
    SyntheticCorpus,
    seed=st.integers(0, 2**40),
    vocabulary_size=st.integers(1, 300),
    alphabet_size=st.integers(20, 400),
    zipf_exponent=st.floats(0, 3),
    mean_words_per_sentence=st.floats(4, 30),
    mean_words_per_clause=st.floats(1, 4),
    latin_share=st.floats(0, 1),
    bigram_share=st.floats(0, 0.95),
)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def digest(corpus: SyntheticCorpus, size: int = 10_000) -> str:
    data = "".join(line + "\n" for line in corpus.lines(n_bytes=size)).encode("utf-8")
    return hashlib.sha256(data[:size]).hexdigest()


def test_golden_text() -> None:
    assert digest(SyntheticCorpus()) == (
        "f527e9ac188b60fcba33f01dd5fedfa795c31081a353a348c696a8143662cbdd"
    )
    rich = SyntheticCorpus(
        seed=2024,
        vocabulary_size=3_000,
        alphabet_size=900,
        latin_share=0.1,
        bigram_share=0.3,
    )
    assert digest(rich) == "c397329f38de7aa283b121a1afa3ef77b5629b286424ab565a6f98e7d196bac9"


def test_golden_text_far_into_the_stream() -> None:
    # Past the end of the first block of words.
    corpus = SyntheticCorpus(seed=5, latin_share=0.2, bigram_share=0.5)
    assert digest(corpus, 1_200_000) == (
        "dd58fac8b2de2902d01406aeb332ea3d46f0e17713ee6fb83ae275d39afa6aca"
    )


def test_raw_output_is_the_standard_uniform() -> None:
    expected = np.random.Generator(np.random.PCG64([3, 1])).random(1_000)
    np.testing.assert_array_equal(synthetic._Uniform(3, 1).draw(1_000), expected)


def test_seeds_differ() -> None:
    assert digest(SyntheticCorpus(seed=1)) != digest(SyntheticCorpus(seed=2))
    assert SyntheticCorpus(seed=1).vocabulary != SyntheticCorpus(seed=2).vocabulary


def test_is_a_value() -> None:
    corpus = SyntheticCorpus(seed=4, vocabulary_size=50)
    assert corpus == SyntheticCorpus(seed=4, vocabulary_size=50)
    assert hash(corpus) == hash(SyntheticCorpus(seed=4, vocabulary_size=50))
    assert corpus != SyntheticCorpus(seed=5, vocabulary_size=50)
    assert "vocabulary_size=50" in repr(corpus)
    assert len(repr(corpus)) < 300
    with pytest.raises(dataclasses.FrozenInstanceError):
        corpus.seed = 5  # type: ignore[misc]
    corpus.vocabulary.clear()
    corpus.probabilities[:] = 0
    assert len(corpus.vocabulary) == 50
    assert corpus.probabilities.sum() == pytest.approx(1.0)


def test_accepts_numpy_numbers() -> None:
    corpus: Any = SyntheticCorpus(seed=np.int64(4), zipf_exponent=np.float32(1))
    assert corpus == SyntheticCorpus(seed=4)
    assert type(corpus.seed) is int


def test_default_vocabulary() -> None:
    words = SyntheticCorpus().vocabulary
    assert len(set(words)) == len(words) == 20_000
    characters = set("".join(words))
    assert len(characters) == 4_000
    assert all("\u4e00" <= c <= "\u9fa5" for c in characters)
    assert unicodedata.normalize("NFKC", "".join(words)) == "".join(words)
    lengths = collections.Counter(map(len, words))
    assert [lengths[n] / 20_000 for n in range(1, 6)] == [0.2, 0.5, 0.18, 0.1, 0.02]
    assert all(len(word) == 1 for word in words[:20])
    assert np.mean([len(w) for w in words[:1_000]]) < np.mean([len(w) for w in words[-1_000:]])


def test_small_alphabet_spills_into_longer_words() -> None:
    words = SyntheticCorpus(vocabulary_size=60, alphabet_size=4).vocabulary
    lengths = collections.Counter(map(len, words))
    assert lengths[1] == 4
    assert lengths[2] == 8
    assert len(set(words)) == 60


def test_latin_words() -> None:
    corpus = SyntheticCorpus(vocabulary_size=1_000, latin_share=0.25)
    latin = [word for word in corpus.vocabulary if word.isascii()]
    assert len(latin) == 250
    assert all(word.isalnum() and word[0].isalpha() and 2 <= len(word) <= 6 for word in latin)


@settings(max_examples=40, deadline=None)
@given(corpora, st.integers(0, 3_000))
def test_gold_segmentation_is_the_text(corpus: SyntheticCorpus, size: int) -> None:
    known = {*corpus.vocabulary, *PUNCTUATION, " "}
    lines = list(corpus.lines(size))
    gold = list(corpus.segmented_lines(size))
    assert ["".join(tokens) for tokens in gold] == lines
    assert list(corpus.segmented_lines(n_bytes=size)) == [
        *itertools.islice(corpus.segmented_lines(10**9), len(list(corpus.lines(n_bytes=size))))
    ]
    for tokens in gold:
        assert set(tokens) <= known
        assert tokens[-1] == "。"
        assert tokens.count("。") == 1
        for a, b, c in zip(tokens, tokens[1:], tokens[2:], strict=False):
            assert not (a.isascii() and a != " " and b.isascii() and b != " ")
            assert b != " " or (a.isascii() and c.isascii())
            assert not (a in PUNCTUATION and b in PUNCTUATION)


@settings(max_examples=40, deadline=None)
@given(corpora, st.integers(1, 3_000), st.booleans())
def test_size_is_reached_by_the_last_line(
    corpus: SyntheticCorpus, size: int, in_bytes: bool
) -> None:
    lines = list(corpus.lines(n_bytes=size) if in_bytes else corpus.lines(size))
    sizes = [len(line.encode() if in_bytes else line) + 1 for line in lines]
    assert sum(sizes) >= size
    assert sum(sizes[:-1]) < size


def test_zero_size() -> None:
    corpus = SyntheticCorpus(vocabulary_size=10, alphabet_size=10)
    assert list(corpus.lines(0)) == []
    assert list(corpus.lines(n_bytes=0)) == []
    assert list(corpus.segmented_lines(0)) == []


def test_gold_segmentation_across_blocks() -> None:
    corpus = SyntheticCorpus(seed=9, latin_share=0.3, bigram_share=0.2)
    size = 5 * synthetic._BLOCK_WORDS
    lines = list(corpus.lines(size))
    assert ["".join(tokens) for tokens in corpus.segmented_lines(size)] == lines
    assert all(line.count("。") == 1 and line.endswith("。") for line in lines)


def test_line_longer_than_a_block() -> None:
    corpus = SyntheticCorpus(mean_words_per_sentence=5 * synthetic._BLOCK_WORDS)
    line = next(corpus.lines(1))
    tokens = next(corpus.segmented_lines(1))
    assert len(tokens) > synthetic._BLOCK_WORDS
    assert "".join(tokens) == line


def words_of(corpus: SyntheticCorpus, size: int) -> Iterator[str]:
    for tokens in corpus.segmented_lines(size):
        yield from (token for token in tokens if token not in PUNCTUATION)


@pytest.mark.parametrize("exponent", [0.7, 1.0, 1.3])
def test_zipf_slope(exponent: float) -> None:
    corpus = SyntheticCorpus(seed=3, zipf_exponent=exponent)
    counts = collections.Counter(words_of(corpus, 1_000_000))
    head = np.array([counts[word] for word in corpus.vocabulary[:300]], dtype=np.float64)
    slope = np.polyfit(np.log(np.arange(1, 301)), np.log(head), 1)[0]
    assert slope == pytest.approx(-exponent, abs=0.06)
    expected = corpus.probabilities[:300] * counts.total()
    assert np.abs((head - expected) / np.sqrt(expected)).max() < 6


def test_equal_frequencies() -> None:
    corpus = SyntheticCorpus(vocabulary_size=50, alphabet_size=100, zipf_exponent=0)
    counts = collections.Counter(words_of(corpus, 100_000))
    assert len(counts) == 50
    assert max(counts.values()) < 1.3 * min(counts.values())


def test_sentence_and_clause_lengths() -> None:
    corpus = SyntheticCorpus(mean_words_per_sentence=12, mean_words_per_clause=4)
    gold = list(corpus.segmented_lines(400_000))
    words = sum(token not in PUNCTUATION for tokens in gold for token in tokens)
    marks = sum(token in PUNCTUATION for tokens in gold for token in tokens)
    assert words / len(gold) == pytest.approx(12, rel=0.05)
    assert words / marks == pytest.approx(4, rel=0.05)


def test_bigram_dependence() -> None:
    def share_of_top_successors(corpus: SyntheticCorpus) -> float:
        after: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
        for tokens in corpus.segmented_lines(300_000):
            words = [token for token in tokens if token not in PUNCTUATION]
            for a, b in itertools.pairwise(words):
                after[a][b] += 1
        frequent = sorted(after.values(), key=lambda c: -c.total())[:50]
        return sum(sum(n for _, n in c.most_common(4)) for c in frequent) / sum(
            c.total() for c in frequent
        )

    free = share_of_top_successors(SyntheticCorpus(seed=1))
    bound = share_of_top_successors(SyntheticCorpus(seed=1, bigram_share=0.6))
    assert free < 0.35
    assert bound > 0.6


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50), st.lists(st.floats(0, 1)))
def test_sampler_is_searchsorted(weights: list[float], draws: list[float]) -> None:
    weights[0] += 0.5
    sampler = synthetic._Sampler(np.array(weights))
    edges = [0.0, *sampler.cumulative.tolist(), *(np.arange(17) / 16).tolist()]
    uniform = np.array([x for x in draws + edges if x < 1.0])
    expected = np.searchsorted(sampler.cumulative, uniform, side="right")
    np.testing.assert_array_equal(sampler.pick(uniform), expected)


@pytest.mark.parametrize("size", [0, 1, 2_999, 3_000, 3_001, 2_000_000])
def test_write(tmp_path: Path, size: int) -> None:
    corpus = SyntheticCorpus(seed=8, latin_share=0.05)
    path = tmp_path / "语料.txt"
    path.write_text("old", encoding="utf-8")
    written = corpus.write(path, size)
    data = path.read_bytes()
    assert written == len(data) >= size
    assert data.decode() == "".join(line + "\n" for line in corpus.lines(n_bytes=size))
    assert names(tmp_path) == ["语料.txt"]


def test_write_accepts_a_string(tmp_path: Path) -> None:
    corpus = SyntheticCorpus(vocabulary_size=10, alphabet_size=10)
    assert corpus.write(str(tmp_path / "a"), 10) == (tmp_path / "a").stat().st_size


class BrokenError(Exception):
    pass


def test_write_is_atomic_on_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = SyntheticCorpus(seed=8)
    path = tmp_path / "corpus.txt"
    path.write_text("old", encoding="utf-8")
    blocks = SyntheticCorpus._blocks
    seen: list[list[str]] = []

    def failing(self: SyntheticCorpus) -> Iterator[tuple[str, list[str]]]:
        yield next(blocks(self))
        seen.append(names(tmp_path))
        raise BrokenError

    monkeypatch.setattr(SyntheticCorpus, "_blocks", failing)
    with pytest.raises(BrokenError):
        corpus.write(path, 10_000_000)
    assert len(seen[0]) == 2
    assert names(tmp_path) == ["corpus.txt"]
    assert path.read_text(encoding="utf-8") == "old"


def test_write_cleans_up_when_the_rename_fails(tmp_path: Path) -> None:
    folder = tmp_path / "taken"
    folder.mkdir()
    with pytest.raises(OSError, match="taken"):
        SyntheticCorpus(vocabulary_size=10, alphabet_size=10).write(folder, 100)
    assert names(tmp_path) == ["taken"]


def test_write_into_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SyntheticCorpus(vocabulary_size=10, alphabet_size=10).write(tmp_path / "no" / "a", 100)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seed", -1),
        ("seed", 1.5),
        ("seed", "1"),
        ("seed", True),
        ("vocabulary_size", 0),
        ("alphabet_size", 0),
        ("alphabet_size", 20_903),
        ("zipf_exponent", -0.1),
        ("zipf_exponent", float("nan")),
        ("zipf_exponent", "1"),
        ("zipf_exponent", None),
        ("mean_words_per_clause", 0.5),
        ("mean_words_per_sentence", 5.9),
        ("mean_words_per_sentence", float("inf")),
        ("latin_share", 1.1),
        ("latin_share", False),
        ("bigram_share", 1.0),
        ("bigram_share", -1),
    ],
)
def test_invalid_parameters(name: str, value: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        SyntheticCorpus(**{name: value})
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, NewwordError)
    assert str(caught.value).startswith(f"{name} must be ")
    assert str(caught.value).endswith(f"got {value!r}")


def test_alphabet_too_small() -> None:
    with pytest.raises(InvalidArgumentError, match=r"vocabulary_size must .* got 100"):
        SyntheticCorpus(vocabulary_size=100, alphabet_size=2)
    assert len(SyntheticCorpus(vocabulary_size=2, alphabet_size=2).vocabulary) == 2


@pytest.mark.parametrize("method", ["lines", "segmented_lines"])
def test_invalid_sizes_raise_at_the_call(method: str) -> None:
    call = getattr(SyntheticCorpus(vocabulary_size=10, alphabet_size=10), method)
    for kwargs in ({}, {"n_chars": 1, "n_bytes": 1}):
        with pytest.raises(InvalidArgumentError, match="exactly one of n_chars and n_bytes"):
            call(**kwargs)
    with pytest.raises(InvalidArgumentError, match=r"n_chars must be .* got -1"):
        call(-1)
    with pytest.raises(InvalidArgumentError, match=r"n_bytes must be .* got 1.0"):
        call(n_bytes=1.0)


def test_write_checks_its_size(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match=r"n_bytes must be .* got -1"):
        SyntheticCorpus(vocabulary_size=10, alphabet_size=10).write(tmp_path / "a", -1)
    assert names(tmp_path) == []
