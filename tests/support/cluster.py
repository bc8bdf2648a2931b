"""Discoveries on a cluster of this machine, as a process of its own: a process has one session.

`python -m tests.support.cluster FOLDER [FILE...]` writes the words of two discoveries to FOLDER,
and Spark's events: "slow", of the sample, where one task is slow when it is first tried; and
"killed", of the files or of the sample, where an executor is killed while its tasks run.
"""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from newword.samples import sample_text
from newword.spark import discover
from tests.support.process import processes_of

HOSTS = ("127.0.0.1", "127.0.0.2")
MEMORY = "400MB"
SLOW = 60.0
"""Seconds that the slow task takes, longer than a discovery with a second copy of it."""
LINES = sample_text().splitlines()
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""For processes of a minute: the second compiler of Java would take more time than it saves."""
OPTIONS = {
    "spark.default.parallelism": "4",
    "spark.driver.host": HOSTS[0],
    "spark.driver.bindAddress": HOSTS[0],
    "spark.driver.extraJavaOptions": JAVA,
    "spark.driver.memory": "512m",
    "spark.eventLog.compress": "false",
    "spark.eventLog.enabled": "true",
    "spark.eventLog.rolling.enabled": "false",
    "spark.executor.extraJavaOptions": JAVA,
    "spark.log.level": "ERROR",
    "spark.speculation": "true",
    "spark.speculation.interval": "100ms",
    "spark.speculation.minTaskRuntime": "400ms",
    "spark.speculation.multiplier": "1.5",
    "spark.speculation.quantile": "0.5",
    "spark.sql.files.maxPartitionBytes": "64m",
    "spark.sql.shuffle.partitions": "4",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


def main(folder: Path, files: list[str]) -> None:
    """Runs both discoveries."""
    with cluster(folder) as master:
        session = session_of(master, folder)
        try:
            rows = session.createDataFrame([(line,) for line in LINES], "value string")
            slow = paused(rows, first_try_of_one)
            found = discover(slow, "value", method="chain", memory=MEMORY)
            save(found.to_lexicon(), folder / "slow.pickle")
            texts = session.read.text(files) if files else paused(rows, every_task)
            least = 50 if files else None
            began = milliseconds()
            with Killing(session) as killing:
                found = discover(texts, "value", min_count=least, memory=MEMORY)
            save(found.to_lexicon(), folder / "killed.pickle")
            told = {"began": began, "killed": killing.moment}
            (folder / "told.json").write_text(json.dumps(told), "utf-8")
        finally:
            session.stop()


@contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """A master and two workers of one core each; their master's address.

    The workers have two addresses, because Spark runs no second copy of a task on the host of the
    first. "local-cluster[2,1,1024]" has one host.
    """
    started = [start(folder, "master.Master", HOSTS[0])]
    try:
        address = address_in(folder / f"master.Master-{HOSTS[0]}.log", started[0])
        more = ("--cores", "1", "--memory", "1G", "--work-dir", str(folder / "work"), address)
        started += [start(folder, "worker.Worker", host, *more) for host in HOSTS]
        yield address
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait()


def start(folder: Path, name: str, host: str, *more: str) -> subprocess.Popen[bytes]:
    """A process of Spark's own cluster, with any free ports of a loopback address."""
    import pyspark

    program = Path(pyspark.__file__).parent / "bin" / "spark-class"
    command = [str(program), f"org.apache.spark.deploy.{name}", "--host", host, "--webui-port", "0"]
    options = {
        "SPARK_LOCAL_IP": host,
        "SPARK_DAEMON_MEMORY": "128m",
        "SPARK_DAEMON_JAVA_OPTS": JAVA,
    }
    options["SPARK_MASTER_OPTS"] = "-Dspark.master.rest.enabled=false"
    with (folder / f"{name}-{host}.log").open("wb") as log:
        return subprocess.Popen(
            [*command, "--port", "0", *more], env=os.environ | options, stdout=log, stderr=log
        )


def address_in(log: Path, master: subprocess.Popen[bytes]) -> str:
    """The address that the master has written to its log."""
    while (found := re.search(r"spark://[0-9.:]+", log.read_text("utf-8"))) is None:
        if master.poll() is not None:
            raise RuntimeError(log.read_text("utf-8"))
        time.sleep(0.05)
    return found[0]


def session_of(master: str, folder: Path) -> Any:
    """A session whose events Spark writes to the folder `events`."""
    from pyspark.sql import SparkSession

    (folder / "events").mkdir()
    here = {
        "spark.eventLog.dir": (folder / "events").as_uri(),
        "spark.executorEnv.PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    builder: Any = SparkSession.builder
    for name, value in (OPTIONS | here).items():
        builder = builder.config(name, value)
    return builder.master(master).getOrCreate()


def paused(rows: Any, seconds: Callable[[Any], float]) -> Any:
    """The rows, each partition of which waits before its first row for `seconds` of its task."""

    def waiting(batches: Iterator[Any]) -> Iterator[Any]:
        from pyspark import TaskContext

        time.sleep(seconds(TaskContext.get()))
        yield from batches

    return rows.mapInArrow(waiting, rows.schema)


def first_try_of_one(task: Any) -> float:
    """The first try of one partition is slow; Spark's second copy of it is not."""
    return SLOW if (task.partitionId(), task.attemptNumber()) == (1, 0) else 0.0


def every_task(_: Any) -> float:
    """Time to be killed."""
    return 0.5


def save(words: Any, path: Path) -> None:
    """Words with their summary."""
    path.write_bytes(pickle.dumps((words, words.summary)))


class Killing(threading.Thread):
    """Kills one executor while a stage has tasks that are done and tasks that run.

    Attributes:
        moment: When it was done, if it was.
    """

    def __init__(self, session: Any) -> None:
        super().__init__(daemon=True)
        self.moment: float | None = None
        self._over = threading.Event()
        self._tracker = session.sparkContext.statusTracker()

    def __enter__(self) -> Killing:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(0.02):
            for number in self._tracker.getActiveStageIds():
                stage = self._tracker.getStageInfo(number)
                if stage and stage.numCompletedTasks and stage.numActiveTasks:
                    os.kill(executors()[0], signal.SIGKILL)
                    self.moment = milliseconds()
                    return


def milliseconds() -> float:
    """The time, as in Spark's events."""
    return 1000 * time.time()


def executors() -> list[int]:
    """The processes of the executors that this one's cluster started."""
    return [
        process
        for process in processes_of(os.getsid(0))
        if b"CoarseGrainedExecutorBackend" in Path(f"/proc/{process}/cmdline").read_bytes()
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
