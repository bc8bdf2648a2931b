"""What a user can do wrong with `newword.spark`, and what the error says."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import newword
from newword.spark import count_ngrams, merge_counts, read_counts, write_counts
from tests.support.fake_core import needs_core

pytestmark = [needs_core, pytest.mark.slow]

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "column": ({"column": "body"}, r"column: must name a column of the DataFrame \(text, size\)"),
    "type": ({"column": "size"}, "column: must hold strings, or UTF-8 as binary, got int"),
    "no name": ({"column": 3}, "column: must be a non-empty str"),
    "order": ({"order": 9}, "order: must be a whole number between 1 and 8, got 9"),
    "min_count": ({"min_count": 0}, "min_count: must be a whole number at least 1"),
    "letters": ({"letters": "words"}, "letters: must be one of"),
    "errors": ({"errors": "ignore"}, "errors: must be one of"),
    "strip_html": ({"strip_html": 1}, "strip_html: must be True or False"),
    "duplicates": ({"drop_duplicates": True}, "use df.dropDuplicates of the column"),
    "partitions": ({"partitions": 0}, "partitions: must be a whole number between 1 and"),
    "threads": ({"threads": 0}, "threads: must be a whole number between 1 and 4096"),
    "memory": ({"memory": "279MB"}, "memory: must be at least 280MB for a task, got '279MB'"),
    "unit": ({"memory": "2XB"}, "memory: must be a size"),
    "temp_dir": ({"temp_dir": 3}, "temp_dir: must be a path"),
}


@pytest.fixture(scope="module")
def df(session: Any) -> Any:
    return session.createDataFrame([("天气", 1)], "text string, size int")


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments(df: Any, case: str) -> None:
    given, message = WRONG[case]
    with pytest.raises(newword.InvalidArgumentError, match=message):
        count_ngrams(df, **given)


def test_what_is_no_frame_of_a_supported_spark(df: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        newword.InvalidArgumentError, match="df: must be a Spark DataFrame, got 'list'"
    ):
        count_ngrams(["天气"])
    old: Any = SimpleNamespace(
        mapInArrow=None, schema=None, sparkSession=SimpleNamespace(version="3.5.1")
    )
    with pytest.raises(newword.InvalidArgumentError, match="Spark 4.0 or later, got '3.5.1'"):
        count_ngrams(old)
    monkeypatch.setattr("pyspark.__version__", "3.5.1")
    with pytest.raises(newword.MissingDependencyError, match="needs pyspark >= 4.0, got 3.5.1"):
        count_ngrams(df)
    monkeypatch.setitem(__import__("sys").modules, "pyspark", None)
    with pytest.raises(newword.MissingDependencyError, match=r'pip install "newword\[spark\]"'):
        count_ngrams(df)


def test_counts_that_are_none(session: Any, df: Any, tmp_path: Path) -> None:
    for wrong in (df, session.createDataFrame([("天", 1, 1)], "ngram string, n int, count int")):
        with pytest.raises(
            newword.InvalidArgumentError, match="must be counts made by newword.spark"
        ):
            write_counts(wrong, tmp_path / "counts")
    with pytest.raises(newword.InvalidArgumentError, match="frames: must be at least one"):
        merge_counts([])
    other = count_ngrams(df, digits="break")
    with pytest.raises(newword.FormatError, match=r"frames\[1\]: counted with .*digits=break"):
        merge_counts([count_ngrams(df), other])
    with pytest.raises(FileNotFoundError):
        write_counts(other, tmp_path / "missing" / "counts")
    with pytest.raises(newword.InvalidArgumentError, match="paths: must be at least one"):
        read_counts(session, [])
    (tmp_path / "text").write_text("天气")
    with pytest.raises(newword.FormatError, match="not a count file"):
        read_counts(session, [tmp_path / "text"])
    newword.count_ngrams(["天气"], tmp_path / "pruned", min_count=2)
    with pytest.raises(newword.FormatError, match="pruned at min_count 2"):
        read_counts(session, [tmp_path / "pruned"])


def test_an_empty_frame_has_no_counts(df: Any, tmp_path: Path) -> None:
    counts = count_ngrams(df.limit(0))
    assert counts.collect() == []
    with pytest.raises(newword.CorpusError, match="no rows"):
        write_counts(counts, tmp_path / "counts")
    assert not list(tmp_path.iterdir())


def test_errors_of_a_task_keep_their_type(session: Any, tmp_path: Path) -> None:
    data = session.createDataFrame([(b"\xe5\xa4\xa9",), (b"\xff",)], "body binary").coalesce(1)
    with pytest.raises(newword.DecodeError, match="row 1 of the partition is not UTF-8 at byte 0"):
        write_counts(count_ngrams(data, "body"), tmp_path / "counts")
    assert not list(tmp_path.iterdir())
    skipped = count_ngrams(data, "body", errors="skip").collect()
    assert [tuple(row) for row in skipped] == [("天", 1, 1)]
