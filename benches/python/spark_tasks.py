"""Seconds of CPU of each kind of task of a discovery on Spark, in one process without Spark.

    python benches/python/spark_tasks.py PARTITIONS GROUPS FILE...

Reads the lines of the files, cuts them into partitions of equal numbers of characters, and runs the
tasks one after the other on one thread, a dictionary in the place of the shuffle. Discovers the
words on one thread of one machine as well: they must be the same.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import newword
from harness import require_release
from newword._call import lexicon_of
from newword._core import core
from newword.discovery import scoring_options
from newword.spark import _tasks

MIN_COUNT = 50
MEMORY = 1_000_000_000
"""The share of a task, as in bench_spark.py."""
ROWS = 10_000
"""Rows of a batch, as Spark hands them over."""


def main() -> None:
    """Runs the tasks; exits with 1 where the words differ."""
    require_release()
    partitions, groups, *files = sys.argv[1:]
    parts = list(cut(files, int(partitions)))
    options = scoring_options(
        4,
        min_count=MIN_COUNT,
        method="combined",
        min_pmi=None,
        min_entropy=None,
        max_length=None,
        edge_stops="",
        reasons=False,
    )
    with spent("newword.discover, one thread, without reading files"):
        texts = (line for part in parts for batch in part for line in batch.column(0).to_pylist())
        here = newword.discover(list(texts), min_count=MIN_COUNT, threads=1)
    there = discovered(parts, int(groups), options)
    for name, seconds in SPENT.items():
        print(f"{name:<60} {seconds:>6.2f} s")
    same = there["word"].tolist() == here["word"].tolist()
    print(f"{len(there):,} words, the same as here: {same}")
    if not same:
        sys.exit(1)


SPENT: defaultdict[str, float] = defaultdict(float)
"""Seconds of CPU of this process by name."""


@contextmanager
def spent(name: str) -> Iterator[None]:
    """Adds what the block takes."""
    start = time.process_time()
    yield
    SPENT[name] += time.process_time() - start


def cut(files: Iterable[str], partitions: int) -> Iterator[list[Any]]:
    """Batches of lines, partition by partition."""
    import pyarrow as pa

    lines = [line for file in files for line in Path(file).read_text("utf-8").split("\n")]
    most = sum(map(len, lines)) / partitions
    of_part: list[str] = []
    held = 0
    for line in [*lines, None]:
        if line is None or held >= most:
            starts = range(0, len(of_part), ROWS)
            arrays = (pa.array(of_part[start : start + ROWS], pa.string()) for start in starts)
            yield [pa.record_batch([array], ["text"]) for array in arrays]
            of_part, held = [], 0
        if line is not None:
            of_part.append(line)
            held += len(line)


def run(name: str, settings: dict[str, Any], batches: Iterable[Any]) -> list[Any]:
    """What a task returns."""
    with spent(f"task {name}"):
        return list(_tasks.run(name, settings, batches))


def discovered(parts: list[list[Any]], groups: int, options: dict[str, Any]) -> newword.Lexicon:
    """The words of partitions, as `newword.spark.discover` finds them."""
    told: dict[str, Any] = {
        "options": {
            "order": 4,
            "letters": "unit",
            "digits": "unit",
            "nfkc": False,
            "skip_variation_selectors": False,
        },
        "errors": "strict",
        "strip_html": False,
        "labels": list(range(groups)),
        "encoded": True,
        "threads": 1,
        "memory": MEMORY,
        "temp_dir": None,
    }
    encoded = [run("encode", told, part) for part in parts]
    told |= {"scoring": options}
    counted = (run("count", told, text) for text in encoded)
    kept, report, files = b"", b"", []
    for group in of_group(counted):
        rows = run("gather", told, group)
        files.append([batch for batch in rows if batch.column("counts")[0].is_valid])
        kept += joined(rows, "kept")
        report += joined(rows, "report")
    with spent("the driver before the passes"):
        needed = core().needed_counts(options, json.loads(report)["total"])
        table = core().RemoteCounts(kept, needed)
        told |= {"request": table.request()}
    shares = summed((run("shares", told, file) for file in files), told, 0)
    with spent("the driver before the passes"):
        table.add(shares)

    def passes(request: bytes, min_count: int) -> bytes:
        asked = told | {"request": request}
        nonlocal within
        start = time.process_time()
        answer = summed((run("pass", asked, text) for text in encoded), told, min_count)
        within += time.process_time() - start
        return answer

    within = 0.0
    job = {"threads": 1, "memory": "4GB", "temp_dir": None, "progress": None}
    with spent("the driver with the passes"):
        found = table.discover(options, job, passes)
    SPENT["the driver with the passes"] -= within
    return lexicon_of(found)


def summed(parts: Iterable[list[Any]], told: dict[str, Any], min_count: int) -> bytes:
    """The sums of all groups."""
    asked = told | {"min_count": min_count}
    return b"".join(joined(run("sum", asked, group), "sums") for group in of_group(parts))


def of_group(parts: Iterable[list[Any]]) -> list[list[Any]]:
    """The rows of all tasks, group by group."""
    from pyarrow import compute

    groups: defaultdict[int, list[Any]] = defaultdict(list)
    for batch in chain.from_iterable(parts):
        column = batch.column("group_id")
        for group in compute.unique(column).to_pylist():
            groups[group].append(batch.filter(compute.equal(column, group)))
    return list(groups.values())


def joined(batches: Iterable[Any], name: str) -> bytes:
    """The values of a column end to end, nulls left out."""
    arrays = (batch.column(name).cast("binary").drop_null() for batch in batches)
    return b"".join(chain.from_iterable(array.to_pylist() for array in arrays))


if __name__ == "__main__":
    main()
