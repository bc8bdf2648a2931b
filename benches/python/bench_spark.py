"""Discovery on Spark against one machine: `make bench-spark`, or with QUICK=1.

All of raw/ (or `--files`) is discovered on this machine and on a local cluster of two executors
with a core each, on the loopback address: equality, shuffled bytes, time, memory of the workers.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import newword
from harness import Report, machine, require_release
from newword.spark import count_ngrams, discover

MEGABYTE = 1_000_000
MEMORY = 1000 * MEGABYTE
"""The share of a task."""
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""In a run of seconds, the second compiler of Java takes more time than it saves."""
SMALL = 300 * MEGABYTE
"""A share that a partition of all the texts exceeds several times."""


def main() -> None:
    """Runs every step; exits with 1 where the words differ, never for a slow machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smallest file alone")
    parser.add_argument("--master", default="local-cluster[2,1,1024]")
    parser.add_argument("--files", nargs="*", type=Path)
    options = parser.parse_args()
    require_release()
    raw = Path(os.environ.get("NEWWORD_DATA", "")) / "raw"
    files = options.files or sorted(raw.glob("*.txt"), key=lambda file: file.stat().st_size)
    files = files[:1] if options.quick else files
    size = sum(file.stat().st_size for file in files)
    print(f"# {machine()}, newword {newword.__version__}, {size / MEGABYTE:.0f} MB")
    report = Report()
    start = time.perf_counter()
    here = newword.discover(files, min_count=50, threads=2)
    alone = time.perf_counter() - start
    report.add("newword.discover, two threads", f"{alone:.1f} s, {len(here):,} words")
    session = session_of(options.master)
    try:
        on_spark(report, session, files, size, here, alone)
    finally:
        session.stop()


def session_of(master: str) -> Any:
    """A session on the loopback address, with the page that tells of its stages."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder: Any = SparkSession.builder
    options = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "true",
        "spark.ui.port": "4050",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "OFF",
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.files.maxPartitionBytes": "64m",
        "spark.executorEnv.PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "spark.driver.extraJavaOptions": JAVA,
        "spark.executor.extraJavaOptions": JAVA,
    }
    for name, value in options.items():
        builder = builder.config(name, value)
    return builder.master(master).getOrCreate()


def on_spark(
    report: Report, session: Any, files: list[Path], size: int, here: Any, alone: float
) -> None:
    """Discovers and counts on the cluster."""
    df = session.read.text([str(file.resolve()) for file in files])
    # Starts the workers and their interpreters.
    count_ngrams(df.limit(10), "value", memory=MEMORY).collect()
    before = shuffled(session)
    with Watch() as watch:
        start = time.perf_counter()
        there = discover(df, "value", min_count=50, memory=MEMORY).to_lexicon()
        first = time.perf_counter() - start
    same = equal(there, here)
    report.add("the same words to the last digit", str(same), "True", same)
    share = (shuffled(session) - before) / size
    cpu, start = cpu_seconds(), time.perf_counter()
    discover(df, "value", min_count=50, memory=MEMORY)
    again = time.perf_counter() - start
    spent = [f"{name} {seconds - cpu[name]:.1f} s" for name, seconds in cpu_seconds().items()]
    ratio = again / alone
    # The first one has Java compile what it runs.
    times = f"{again:.1f} s, {ratio:.1f} times (at first {first:.1f} s)"
    report.add("newword.spark.discover", times, "3 times", ratio <= 3)
    report.add("of it CPU", ", ".join(spent))
    report.add("shuffled per byte of text", f"{share:.2f}", "1.5", share <= 1.5)
    peak = watch.peak / MEMORY
    report.add("a Python worker", f"{watch.peak / MEGABYTE:.0f} MB", "1200 MB", peak <= 1.2)
    before, start = shuffled(session), time.perf_counter()
    rows = count_ngrams(df, "value", memory=MEMORY).count()
    seconds = time.perf_counter() - start
    share = (shuffled(session) - before) / size
    report.add("count_ngrams", f"{seconds:.1f} s, {rows:,} rows, {share:.2f} shuffled per byte")
    # What fits a share says nothing about it.
    if size > SMALL // 2:
        small_share(report, df, here)
    if not same:
        sys.exit(1)


def small_share(report: Report, df: Any, here: Any) -> None:
    """Discovers two partitions, each of which is more than a task's share holds at once."""
    with Watch() as watch:
        start = time.perf_counter()
        there = discover(df.coalesce(2), "value", min_count=50, memory=SMALL).to_lexicon()
        seconds = time.perf_counter() - start
    peak, limit = watch.peak / MEGABYTE, 1.2 * SMALL / MEGABYTE
    report.add(
        f"a Python worker, share {SMALL // MEGABYTE} MB, two partitions",
        f"{peak:.0f} MB, {seconds:.1f} s, the same words: {equal(there, here)}",
        f"{limit:.0f} MB",
        peak <= limit,
    )


def equal(there: Any, here: Any) -> bool:
    """Whether the numbers of all words agree to the last digit."""
    return all(
        bool(((there[name] == here[name]) | (there[name] != there[name])).all())
        for name in ("word", "count", "pmi", "left_entropy", "right_entropy", "score")
    )


def shuffled(session: Any) -> int:
    """Bytes that all stages so far wrote for a shuffle."""
    context = session.sparkContext
    url = f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/stages"
    # The page learns of a stage a little later.
    time.sleep(1)
    with urllib.request.urlopen(url) as answer:
        return sum(stage["shuffleWriteBytes"] for stage in json.load(answer))


def of_session() -> Iterator[tuple[Path, bytes]]:
    """The processes of this process's session, with their command lines."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            # Other sessions of Spark may run on this machine.
            if os.getsid(int(process.name)) == os.getsid(0):
                yield process, (process / "cmdline").read_bytes()
        except OSError:
            continue


def cpu_seconds() -> Counter[str]:
    """The CPU time so far of the processes of this session, by what they are."""
    spent = Counter({"workers": 0.0, "executors": 0.0, "driver": 0.0})
    for process, command in of_session():
        kind = "workers" if b"pyspark" in command and b"java" not in command else "driver"
        if b"CoarseGrainedExecutorBackend" in command:
            kind = "executors"
        try:
            times = (process / "stat").read_text().rpartition(")")[2].split()[11:13]
        except OSError:
            continue
        spent[kind] += sum(map(int, times)) / os.sysconf("SC_CLK_TCK")
    return spent


class Watch:
    """The largest resident memory of a Python worker of this process's session."""

    def __init__(self) -> None:
        self.peak = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            for process, command in of_session():
                if b"pyspark" not in command or int(process.name) == os.getpid():
                    continue
                try:
                    status = (process / "status").read_text()
                except OSError:
                    continue
                if status.startswith("Name:\tjava"):
                    continue
                for line in status.splitlines():
                    if line.startswith("VmRSS:"):
                        self.peak = max(self.peak, int(line.split()[1]) * 1024)


if __name__ == "__main__":
    main()
