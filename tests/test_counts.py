"""Count files with the real core: counting in parts is counting the whole."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import newword
from newword import Lexicon, contrast, count_ngrams, merge_counts, score_counts
from newword.samples import SyntheticCorpus, coined_terms, sample_path, sample_text
from tests.support.fake_core import needs_core
from tests.test_words import equal

pytestmark = needs_core


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The sample in three parts and as a whole; no n-gram spans two lines."""
    lines = sample_text().splitlines(keepends=True)
    for name, part in (("a", lines[:40]), ("b", lines[40:100]), ("c", lines[100:])):
        (tmp_path / f"{name}.txt").write_text("".join(part), "utf-8")
    (tmp_path / "all.txt").write_text("".join(lines), "utf-8")
    return tmp_path


def words_of(path: Path, **options: Any) -> Lexicon:
    return score_counts(path, **options)


@pytest.mark.parametrize("options", [{}, {"letters": "characters", "nfkc": True}, {"order": 6}])
def test_count_merge_score_is_the_whole(folder: Path, options: dict[str, Any]) -> None:
    for name in ("a", "b", "c", "all"):
        count_ngrams(folder / f"{name}.txt", folder / f"{name}.nwc", **options)
    summary = merge_counts([folder / f"{name}.nwc" for name in "abc"], folder / "sum.nwc")
    whole = score_counts(folder / "all.nwc")
    assert len(whole) > 500
    assert equal(score_counts(folder / "sum.nwc"), whole)
    assert summary["total"] == whole.summary["total"]
    short = [term for term in coined_terms() if len(term) <= 4]
    assert len(set(short) & set(whole["word"])) >= len(short) - 2


def test_pruned_files_score_as_exact_ones(folder: Path) -> None:
    count_ngrams(folder / "all.txt", folder / "exact.nwc")
    count_ngrams(folder / "all.txt", folder / "pruned.nwc", min_count=4)
    assert (folder / "pruned.nwc").stat().st_size < (folder / "exact.nwc").stat().st_size
    exact = score_counts(folder / "exact.nwc", min_count=4)
    assert equal(score_counts(folder / "pruned.nwc", min_count=4), exact)


def test_resuming_skips_counted_sources(folder: Path) -> None:
    target = folder / "sum.nwc"
    for parts in (["a"], ["a", "b"], ["a", "b", "c"], ["c", "b"]):
        summary = count_ngrams([folder / f"{name}.txt" for name in parts], target, resume=True)
    count_ngrams(folder / "all.txt", folder / "all.nwc")
    assert equal(score_counts(target), score_counts(folder / "all.nwc"))
    assert len(summary["sources"]) == 3
    before = target.read_bytes()
    count_ngrams([folder / "b.txt"], target, resume=True)
    assert score_counts(target).summary["total"] == summary["total"]
    # The same bytes under another name are there as well.
    (folder / "b.txt").rename(folder / "moved.txt")
    count_ngrams([folder / "moved.txt"], target, resume=True)
    assert score_counts(target).summary["total"] == summary["total"]
    assert len(before) == len(target.read_bytes())


def test_counts_do_not_depend_on_threads_and_memory(tmp_path: Path) -> None:
    SyntheticCorpus(seed=5).write(tmp_path / "a.txt", 6_000_000)
    results = []
    for index, job in enumerate(({}, {"threads": 1}, {"threads": 3, "memory": "64MB"})):
        target = tmp_path / f"{index}.nwc"
        count_ngrams(tmp_path / "a.txt", target, **job)  # type: ignore[arg-type]
        results.append(score_counts(target, **job))  # type: ignore[arg-type]
    assert equal(results[0], results[1])
    assert equal(results[0], results[2])


def test_scores_are_those_of_discover(folder: Path) -> None:
    count_ngrams(folder / "all.txt", folder / "all.nwc")
    scored = {row.word: row for row in score_counts(folder / "all.nwc")}
    both = 0
    for row in newword.discover(folder / "all.txt"):
        # Without the text there is no segmentation, but cohesion and freedom are the same.
        if 2 <= row.length <= 4 and (other := scored.get(row.word)):
            both += 1
            assert (row.pmi, row.left_entropy) == (other.pmi, other.left_entropy)
    assert both > 500


def test_contrast(tmp_path: Path) -> None:
    lines = sample_text().splitlines()
    about = [line for line in lines if "苔藓算法" in line or "折叠算力" in line]
    others = [line for line in lines if line not in about]
    (tmp_path / "background.txt").write_text("\n".join(others), "utf-8")
    terms = contrast(about, tmp_path / "background.txt")
    assert {"苔藓算法", "折叠算力"} <= set(terms[:3]["word"])
    # Letters and digits are counted in whole runs.
    han = terms.filter(pattern=r"^[^\Wa-zA-Z\d]+$")
    for column, texts in (("count", about), ("background_count", others)):
        text = "\n".join(texts)
        # A lookahead finds occurrences that overlap.
        expected = [len(re.findall(f"(?={word})", text)) for word in han["word"]]
        assert han[column].tolist() == expected
    assert (np.diff(terms["score"]) <= 0).all()


def test_contrast_of_a_corpus_with_itself() -> None:
    terms = contrast(sample_path(), sample_path())
    np.testing.assert_allclose(terms["score"], 0.5)
