"""Counts on Spark against those of one machine, for any partitions, and in the face of failures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import newword
from newword.samples import sample_text
from newword.spark import _plan, count_ngrams, merge_counts, read_counts, write_counts
from tests.support.fake_core import needs_core
from tests.support.spark import Rows, counted_here, failing_once, rows_of_file, rows_of_frame

pytestmark = [needs_core, pytest.mark.slow]

MEMORY = "300MB"
TEXTS: list[str | None] = [*sample_text().splitlines()[:200], None, "", "A股 10 点"]


def frame(session: Any, texts: list[str | None] = TEXTS, column: str = "text") -> Any:
    return session.createDataFrame([(text,) for text in texts], f"`{column}` string")


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    return counted_here(TEXTS, tmp_path_factory.mktemp("here") / "counts")


@pytest.fixture(scope="module")
def counts(session: Any) -> Any:
    """Of one partition with 90 % of the text, four with the rest, and one without any."""
    from pyspark.sql import functions

    rows = frame(session)
    place = functions.monotonically_increasing_id() % 40
    skewed = rows.withColumn("place", functions.when(place < 36, 0).otherwise(place))
    return count_ngrams(skewed.repartition(6, "place"), memory=MEMORY).persist()


def test_skewed_partitions_count_as_one_machine(counts: Any, expected: Rows) -> None:
    assert rows_of_frame(counts) == expected
    assert counts.dtypes == [("ngram", "string"), ("n", "tinyint"), ("count", "bigint")]


@pytest.mark.parametrize(("order", "partitions"), [(1, 1), (8, 5)])
def test_any_partitions_and_order(
    session: Any, order: int, partitions: int, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"order": order, "nfkc": True, "digits": "characters"}
    texts = TEXTS[-40:]
    rows = frame(session, texts, "a.b").repartition(partitions)
    found = count_ngrams(rows, "a.b", partitions=partitions, memory=MEMORY, **options)
    assert rows_of_frame(found) == counted_here(texts, tmp_path / "counts", **options)


def test_pruned_counts_are_thresholds_of_sums(session: Any, expected: Rows) -> None:
    found = count_ngrams(frame(session).repartition(3), min_count=5, memory=MEMORY)
    kept = {row: count for row, count in expected.items() if count >= 5}
    assert rows_of_frame(found) == kept
    with pytest.raises(newword.FormatError, match="pruned at min_count 5"):
        merge_counts([found])


def test_count_files_go_both_ways(
    session: Any, counts: Any, expected: Rows, tmp_path: Path
) -> None:
    half = len(TEXTS) // 2
    for name, texts in (("a", TEXTS[:half]), ("b", TEXTS[half:])):
        newword.count_ngrams(iter(texts), tmp_path / name)
    from_files = read_counts(session, [tmp_path / "a", tmp_path / "b"])
    assert rows_of_frame(from_files) == expected
    # Written by Spark and read again, they know what they were counted with.
    from_files.write.parquet(str(tmp_path / "parquet"))
    again = session.read.parquet(str(tmp_path / "parquet"))
    twice = merge_counts([counts, again])
    summary = write_counts(twice, tmp_path / "twice")
    assert rows_of_file(tmp_path / "twice") == {row: 2 * expected[row] for row in expected}
    # A union that was not added up is added up in the file.
    assert write_counts(counts.unionByName(again), tmp_path / "union") == summary
    assert rows_of_file(tmp_path / "union") == rows_of_file(tmp_path / "twice")
    newword.merge_counts([tmp_path / "twice", tmp_path / "a", tmp_path / "b"], tmp_path / "thrice")
    assert rows_of_file(tmp_path / "thrice") == {row: 3 * expected[row] for row in expected}
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["a", "b", "parquet", "twice", "union", "thrice"]
    )


@pytest.mark.parametrize("kill", [False, True])
def test_a_task_that_fails_or_is_killed_is_tried_again(
    session: Any, kill: bool, expected: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_plan, "task", failing_once(tmp_path, kill))
    found = count_ngrams(frame(session).repartition(4), memory=MEMORY)
    assert rows_of_frame(found) == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["add", "count"]
