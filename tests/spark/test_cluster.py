"""Discovery on a cluster of two workers, one of which is slow or killed, against one machine."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import newword
from tests.support.cluster import HOSTS, LINES
from tests.support.fake_core import needs_core
from tests.support.process import end_session, processes_after
from tests.test_words import equal

pytestmark = [
    needs_core,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="needs 127.0.0.2 and /proc, as Linux has"),
]

RAW = Path(os.environ.get("NEWWORD_DATA", "no data")) / "raw"
FILES = sorted(RAW.glob("*.txt"))


@dataclass
class Cluster:
    """What a run of `tests.support.cluster` wrote, and the processes that it left."""

    folder: Path
    told: dict[str, float]
    events: list[dict[str, Any]]
    left: list[int]

    def times(self, kind: str, time: str) -> list[float]:
        """When the events of a kind were, in milliseconds."""
        return [event[time] for event in self.events if event["Event"] == f"SparkListener{kind}"]

    def tasks(self, kind: str) -> list[dict[str, Any]]:
        """The starts or the ends of tasks."""
        return [event for event in self.events if event["Event"] == f"SparkListenerTask{kind}"]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """Both discoveries in one run."""
    folder = tmp_path_factory.mktemp("cluster")
    environment = os.environ | {
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "SPARK_LOCAL_DIRS": str(folder),
        "SPARK_LOCAL_IP": HOSTS[0],
    }
    command = [sys.executable, "-m", "tests.support.cluster", str(folder), *map(str, FILES)]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        code = process.wait(timeout=300)
        left = processes_after(process.pid, seconds=10)
    finally:
        end_session(process.pid)
    assert code == 0, (folder / "output").read_text("utf-8")
    (log,) = (folder / "events").iterdir()
    events = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    return Cluster(folder, json.loads((folder / "told.json").read_text("utf-8")), events, left)


def same(cluster: Cluster, name: str, here: newword.Lexicon) -> None:
    there, summary = pickle.loads((cluster.folder / f"{name}.pickle").read_bytes())
    assert len(here) > 50
    assert equal(there, here)
    assert summary == here.summary


def lines() -> Iterator[str]:
    """The rows that Spark reads of the files."""
    for path in FILES:
        with path.open(encoding="utf-8", newline="\n") as file:
            yield from (line.removesuffix("\n") for line in file)


def test_a_slow_task_is_overtaken_by_a_copy_of_it(cluster: Cluster) -> None:
    same(cluster, "slow", newword.discover(iter(LINES), method="chain"))
    ended = [
        (event["Task Info"]["Speculative"], event["Task End Reason"]["Reason"])
        for event in cluster.tasks("End")
        if event["Task Info"]["Index"] == 1
        and event["Task Info"]["Launch Time"] < cluster.told["began"]
    ]
    assert (True, "Success") in ended
    assert (False, "TaskKilled") in ended


def test_an_executor_is_killed(cluster: Cluster) -> None:
    here = newword.discover(lines(), min_count=50) if FILES else newword.discover(iter(LINES))
    same(cluster, "killed", here)
    killed = cluster.told["killed"]
    starts = cluster.times("JobStart", "Submission Time")
    ends = cluster.times("JobEnd", "Completion Time")
    assert any(start < killed < end for start, end in zip(starts, ends, strict=True))
    removed = [
        event for event in cluster.events if event["Event"] == "SparkListenerExecutorRemoved"
    ]
    assert any("exited with code 137" in event["Removed Reason"] for event in removed)
    lost = {"ExecutorLostFailure", "FetchFailed", "Resubmitted"}
    assert any(event["Task End Reason"]["Reason"] in lost for event in cluster.tasks("End"))


def test_no_process_is_left(cluster: Cluster) -> None:
    assert cluster.left == []
