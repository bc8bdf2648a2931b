"""What the tasks do, without Spark: the shuffle is a dictionary."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from newword.errors import DecodeError, FormatError, MemoryBudgetError
from newword.spark import _share, _tasks
from newword.spark._plan import labels, spark_hash, task
from newword.spark._session import error_in
from tests.support.fake_core import needs_core
from tests.support.spark import Rows, counted_here, counted_slowly, rows_of_file, settings

pytestmark = needs_core

TEXTS = st.lists(st.none() | st.text("天地人，", max_size=12), max_size=8)


def batches_of(*pieces: list[str | None]) -> list[Any]:
    return [pa.record_batch([pa.array(piece, pa.string())], ["text"]) for piece in pieces]


def rows_of(batches: Any) -> Rows:
    found: Rows = {}
    for batch in batches:
        for row in batch.to_pylist():
            assert (row["ngram"], row["n"]) not in found
            found[row["ngram"], row["n"]] = row["count"]
    return found


def through_tasks(partitions: list[list[Any]], told: dict[str, Any]) -> Rows:
    groups: dict[int, list[Any]] = {}
    for partition in partitions:
        for batch in _tasks.run("count", told, partition):
            groups.setdefault(batch.column("group_id")[0].as_py(), []).append(batch)
    assert set(groups) <= set(told["labels"])
    found: Rows = {}
    for batches in groups.values():
        rows = rows_of(_tasks.run("add", told, batches))
        assert not found.keys() & rows.keys()
        found |= rows
    return found


@hypothesis_settings(max_examples=40, deadline=None)
@given(
    partitions=st.lists(st.lists(TEXTS, max_size=3), min_size=1, max_size=3),
    order=st.integers(1, 8),
    groups=st.integers(1, 4),
    min_count=st.integers(1, 3),
)
def test_tasks_count_what_there_is(
    partitions: list[list[list[str | None]]], order: int, groups: int, min_count: int
) -> None:
    told = settings(labels=list(range(7, 7 + groups)), min_count=min_count)
    told["options"]["order"] = order
    found = through_tasks([batches_of(*partition) for partition in partitions], told)
    texts = [text for partition in partitions for piece in partition for text in piece]
    every = counted_slowly(texts, order + 1)
    assert found == {row: count for row, count in every.items() if count >= min_count}


def test_a_partition_beyond_its_memory_is_counted_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str | None] = [f"第{at}天，下雨A{at % 7}" for at in range(400)]
    monkeypatch.setattr(_share, "TEXT", 1e-5)
    told = settings()
    pieces = list(_tasks.run("count", told, batches_of(*([text] for text in texts))))
    assert len(pieces) > 8
    found = through_tasks([batches_of(*([text] for text in texts))], told)
    assert found == counted_here(texts, tmp_path / "counts")


FEW_FILES = """
import resource, sys
import pyarrow as pa
from newword.spark import _tasks
from tests.support.spark import settings
texts = [chr(0x4E00 + at * at % 997) + chr(0x4E00 + at % 89) for at in range(20_000)]
told = settings(labels=list(range(1600)))
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
files = list(_tasks.run("count", told, [pa.record_batch([pa.array(texts)], ["text"])]))
print(len({row.column("group_id")[0].as_py() for row in files}))
"""


def test_more_groups_than_files_may_be_open() -> None:
    pytest.importorskip("resource", reason="the limit of open files is one of POSIX")
    done = subprocess.run(
        [sys.executable, "-c", FEW_FILES], capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr
    assert int(done.stdout) > 1500


def test_packed_rows_are_a_count_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tasks, "PACKED", 5)
    expected = counted_here(["A股10天，天天下雨", "下雨天"], tmp_path / "counts")
    (tmp_path / "counts").rename(tmp_path / "there")
    path = pa.record_batch([pa.array([str(tmp_path / "there")])], ["path"])
    rows = list(_tasks.run("unpack", {"min_count": 1}, [path]))
    assert rows_of(rows) == expected
    assert [ngram for ngram, _ in expected] == sorted(ngram for ngram, _ in expected)
    # In slices, as Arrow hands them over, of which several files are made.
    sliced = [batch.slice(at, 3) for batch in rows for at in range(0, len(batch), 3)]
    told = {"order": 4, "alphabet": "any", "temp_dir": None}
    files = [batch.column("counts")[0].as_py() for batch in _tasks.run("pack", told, sliced)]
    assert len(files) > 2
    found: Rows = {}
    for at, file in enumerate(files):
        (tmp_path / f"{at}.part").write_bytes(file)
        found |= rows_of_file(tmp_path / f"{at}.part")
    assert found == expected
    nulls = pa.record_batch([pa.array([None], pa.string()), pa.array([1])], ["ngram", "count"])
    with pytest.raises(FormatError, match="no null"):
        list(_tasks.run("pack", told, [nulls]))


@pytest.mark.parametrize(
    ("errors", "texts"), [("replace", ["天地", "天\ufffd地", None]), ("skip", ["天地"])]
)
def test_invalid_bytes(errors: str, texts: list[str | None], tmp_path: Path) -> None:
    data = pa.array(["天地".encode(), "天".encode() + b"\xff" + "地".encode(), None], pa.binary())
    batch = pa.record_batch([data.view(pa.string())], ["text"])
    expected = counted_here(texts, tmp_path / "counts")
    assert through_tasks([[batch]], settings(errors=errors)) == expected
    with pytest.raises(DecodeError, match="row 1 of the partition is not UTF-8 at byte 3"):
        through_tasks([[batch]], settings())


def test_nothing_is_left_of_a_task(tmp_path: Path) -> None:
    told = settings(temp_dir=str(tmp_path))
    through_tasks([batches_of(["天地"])], told)
    half_read: Any = _tasks.run("count", told, batches_of(["天地人"]))
    next(half_read)
    half_read.close()
    assert not list(tmp_path.iterdir())


def test_a_share_is_given_or_that_of_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    given = _share.share_of(1_000_000_000, 2)
    assert (given.core, given.text, given.threads) == (533_000_000, 123_000_000, 2)
    assert _share.share_of(_share.SMALLEST, 1).core >= _share.LEAST
    with pytest.raises(MemoryBudgetError, match="needs at least 280 MB, memory leaves it 100 MB"):
        _share.share_of(100_000_000, 1)
    monkeypatch.setenv("PYSPARK_EXECUTOR_MEMORY_MB", "100")
    with pytest.raises(MemoryBudgetError, match="pyspark.memory leaves it 104 MB"):
        _share.share_of(None, None)
    monkeypatch.setenv("PYSPARK_EXECUTOR_MEMORY_MB", "-1")
    assert _share.share_of(None, 1).core > _share.LEAST


def test_labels_reach_each_partition() -> None:
    for partitions in (1, 2, 7, 200):
        numbers = labels(partitions)
        assert [spark_hash(number) % partitions for number in numbers] == list(range(partitions))


def test_a_worker_with_another_newword_or_none_says_so() -> None:
    with pytest.raises(Exception, match=r"newword is .* on the worker on .*, 0.0.1 on the driver"):
        task("count", {}, "0.0.1")([])
    cloudpickle = pytest.importorskip("pyspark.cloudpickle")
    # By value: it can be read where newword is not.
    sent = cloudpickle.dumps(task("count", {}, "0.0.1"))
    code = f"import pickle, sys; sys.modules['newword'] = None; pickle.loads({sent!r})([])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "cannot import newword" in done.stderr
    assert "install newword 0.0.1 on the driver and on every worker" in done.stderr


def test_an_error_is_found_in_the_text_of_a_traceback() -> None:
    found = error_in("Traceback ...\nnewword.errors.DecodeError: text: row 1\n\n\tat org.apache")
    assert isinstance(found, DecodeError)
    assert str(found) == "text: row 1"
    assert error_in("ValueError: 1") is None
    large = error_in("Total size of serialized results is bigger than spark.driver.maxResultSize")
    assert isinstance(large, MemoryBudgetError)
