"""What `discover` finds with the real core: the same words whatever the way."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import newword
from newword import Lexicon, discover
from newword.samples import SyntheticCorpus, coined_terms, sample_path, sample_text
from tests.support import published
from tests.support.fake_core import needs_core
from tests.support.text import UNICODE_TEXTS

pytestmark = needs_core

DATA = os.environ.get("NEWWORD_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="NEWWORD_DATA names no data pack")


def equal(one: Lexicon, other: Lexicon) -> bool:
    """Whether all columns agree to the last bit."""
    return one.columns == other.columns and all(
        one[name].tolist() == other[name].tolist()
        if one[name].dtype == object
        else np.array_equal(one[name], other[name], equal_nan=one[name].dtype.kind == "f")
        for name in one.columns
    )


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """8 MB of synthetic text."""
    path = tmp_path_factory.mktemp("corpus") / "a.txt"
    SyntheticCorpus(seed=3).write(path, 8_000_000)
    return path


@pytest.fixture(scope="module")
def words(corpus: Path) -> Lexicon:
    """Its words."""
    return discover(corpus)


class TestTheSample:
    """The written text with its coined terms."""

    def test_the_coined_terms_are_found(self) -> None:
        words = discover(sample_path())
        missing = [term for term in coined_terms() if term not in words]
        assert len(missing) <= 4, missing

    def test_coined_terms_rank_first_among_words_unknown_to_jieba(self) -> None:
        jieba = pytest.importorskip("jieba")
        jieba.setLogLevel(60)
        jieba.initialize()
        known = [word for word, count in jieba.dt.FREQ.items() if count]
        top = discover(sample_path(), known=known).new[:40]
        assert len(set(top["word"]) & set(coined_terms())) >= 28

    def test_order(self) -> None:
        words = discover(sample_path())
        keys = [(-row.score, -row.count, row.word) for row in words]
        assert keys == sorted(keys)
        least = np.minimum(words["left_entropy"], words["right_entropy"])
        expected = np.where(words["length"] == 1, 0, words["pmi"] * least)
        np.testing.assert_allclose(words["score"], expected, rtol=1e-12)

    def test_counts_are_those_of_the_segmentation(self) -> None:
        words = discover(sample_path())
        text = sample_text()
        assert all(0 < row.count <= text.count(row.word) for row in words)

    def test_every_candidate_has_a_reason(self) -> None:
        words = discover(sample_path(), reasons=True)
        assert words.rejected is not None
        assert all(words.rejected["reason"])
        assert not set(words["word"]) & set(words.rejected["word"])
        assert equal(words, discover(sample_path()))

    @pytest.mark.parametrize("method", ["combined", "chain", "entropy", "bigram", "autonomy"])
    def test_reasons_change_no_number(self, method: str) -> None:
        # Numbers beside single symbols are one neighbour in either case, or none is.
        texts = [*sample_text().splitlines(), *(f"第{day}天有{day + 3}人" for day in range(9))]
        words = discover(iter(texts), method=method)
        assert "第" in words or method == "entropy"
        assert equal(discover(iter(texts), method=method, reasons=True), words)

    def test_edge_stops_and_length(self) -> None:
        words = discover(sample_path(), edge_stops="的了", max_length=3)
        # A character alone is not at the edge of anything.
        long = words.filter(min_length=2)["word"]
        assert not [word for word in long if word[0] in "的了" or word[-1] in "的了"]
        assert "的" in words
        assert words["length"].max() == 3

    @pytest.mark.parametrize("method", ["combined", "chain", "entropy", "bigram", "autonomy"])
    def test_every_method_answers(self, method: str) -> None:
        assert len(discover(sample_path(), method=method))

    def test_segmenting_gives_the_text_back(self) -> None:
        words = discover(sample_path())
        texts = [*sample_text().splitlines(), *UNICODE_TEXTS]
        segmenter = newword.train_segmenter(sample_path())
        for cut in (words.segment_many(texts), segmenter.segment_many(texts)):
            assert ["".join(pieces) for pieces in cut] == list(texts)
        assert words.segment_many(texts) == [words.segment(text) for text in texts]
        assert segmenter.segment_many(texts, threads=1) == segmenter.segment_many(texts, threads=2)
        assert "苔藓算法" in words.segment("他们写了苔藓算法。")


class TestTheSameWords:
    """One corpus, read in many ways."""

    @pytest.mark.parametrize(
        "job", [{"threads": 1}, {"threads": 2}, {"threads": 7}, {"memory": "64MB"}]
    )
    def test_threads_and_memory(self, corpus: Path, words: Lexicon, job: dict[str, Any]) -> None:
        assert equal(discover(corpus, **job), words)

    def test_iterables(self, corpus: Path, words: Lexicon) -> None:
        lines = corpus.read_text("utf-8").splitlines()
        assert equal(discover(lines), words)
        assert equal(discover(iter(lines)), words)
        assert equal(discover([corpus]), words)
        assert equal(discover(corpus.parent), words)
        assert equal(discover(str(corpus.parent / "*.txt")), words)

    def test_columns(self, corpus: Path, words: Lexicon) -> None:
        arrow = pytest.importorskip("pyarrow")
        pandas = pytest.importorskip("pandas")
        polars = pytest.importorskip("polars")
        lines = corpus.read_text("utf-8").splitlines()
        for column in (
            arrow.chunked_array([lines[:1000], lines[1000:]]),
            arrow.array(lines, arrow.large_string()),
            arrow.table({"text": lines}),
            pandas.Series(lines),
            pandas.DataFrame({"text": lines}),
            polars.Series(lines),
            polars.DataFrame({"text": lines}),
        ):
            assert equal(discover(column), words)

    def test_nulls_are_left_out(self) -> None:
        arrow = pytest.importorskip("pyarrow")
        lines = sample_text().splitlines()
        column = arrow.array([line for text in lines for line in (text, None)])
        assert equal(discover(column), discover(lines))

    def test_parquet(self, tmp_path: Path) -> None:
        arrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        lines = sample_text().splitlines()
        parquet.write_table(arrow.table({"body": lines}), tmp_path / "a.parquet")
        assert equal(discover(tmp_path / "a.parquet", field="body"), discover(lines))


class TestAsPublished:
    """`counts="kenlm"` against the Python twin and against what the script itself printed."""

    @staticmethod
    def ours(corpus: Any, **options: Any) -> dict[str, int]:
        return {row.word: row.count for row in discover(corpus, counts="kenlm", **options)}

    @staticmethod
    def twin(lines: list[str], **options: Any) -> dict[str, int]:
        words = published.discover(lines, **options)
        return {word: count for word, count in words.items() if word.strip()}

    @pytest.mark.parametrize("min_count", [1, 2, 4, 8, 32])
    def test_on_the_sample(self, min_count: int) -> None:
        lines = sample_text().splitlines()
        ours = self.ours(sample_path(), min_count=min_count)
        assert ours == self.twin(lines, min_count=min_count)

    @pytest.mark.parametrize("seed", range(40))
    def test_on_small_texts(self, seed: int) -> None:
        draw = random.Random(seed)
        order = draw.randint(2, 6)
        letters = draw.choice(["天地", "天地人a1", "天地人，。", "天地 \u3000a。"])
        lines = [
            "".join(draw.choices(letters, k=draw.randint(1, 40)))
            for _ in range(draw.randint(5, 60))
        ]
        thresholds = tuple(draw.choice([0.0, 0.2, 0.5, 1.0, 2.0]) for _ in range(order))
        min_count = draw.choice([1, 2, 5])
        expected = self.twin(lines, order=order, min_count=min_count, thresholds=thresholds)
        ours = self.ours(lines, order=order, min_count=min_count, min_pmi=list(thresholds))
        assert ours == expected

    @needs_data
    @pytest.mark.slow
    @pytest.mark.parametrize("min_count", [4, 8, 32])
    def test_on_the_golden_files(self, min_count: int) -> None:
        assert DATA is not None
        golden = Path(DATA, "golden", f"xwlb_news.order4.min{min_count}.vocab")
        expected = {}
        for line in golden.read_text("utf-8").split("\n"):
            word, _, count = line.rpartition(" ")
            if word.strip():
                expected[word] = int(count)
        ours = self.ours(Path(DATA, "raw", "xwlb_news.txt"), min_count=min_count)
        assert ours == expected


@pytest.fixture(scope="module")
def gold() -> list[list[str]]:
    """Lines of People's Daily; the first fifth was used for tuning."""
    assert DATA is not None
    path = Path(DATA, "cws", "people_daily_1998_01.seg.txt")
    lines = [line.split() for line in path.read_text("utf-8").splitlines() if line.strip()]
    return lines[len(lines) // 5 :]


@needs_data
@pytest.mark.slow
class TestQuality:
    """F1 on lines of People's Daily that no constant was tuned on."""

    @pytest.mark.parametrize(
        ("train", "least"), [(discover, 0.72), (newword.train_segmenter, 0.80)]
    )
    def test_f1(self, gold: list[list[str]], train: Callable[[Path], Any], least: float) -> None:
        assert DATA is not None
        trained = train(Path(DATA, "raw", "xwlb_news.txt"))
        texts = ["".join(words) for words in gold]
        score = newword.evaluate_segmentation(gold, trained.segment_many(texts))
        assert score.f1 >= least


def test_the_summary_tells_thresholds_from_length_one() -> None:
    """What `min_pmi` takes and what the picture draws: one a length, the first unused."""
    asked = [0.0, 1.5, 2.5, 3.5]
    assert newword.discover(sample_path(), min_pmi=asked).summary["min_pmi"] == asked
    chosen = newword.discover(sample_path(), method="chain").summary["min_pmi"]
    assert chosen[0] == 0
    assert chosen[1] < chosen[2] < chosen[3]
