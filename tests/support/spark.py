"""Helpers for tests of `newword.spark`: counts as dictionaries, the tasks without Spark."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import newword
from newword._core import core
from newword.spark import _plan

Rows = dict[tuple[str, int], int]
"""Counts by n-gram and its number of symbols."""

MEMORY = 300_000_000


def rows_of_file(path: str | Path) -> Rows:
    """The rows of a count file."""
    file, rows = core().CountRows(str(path)), {}
    while (columns := file.next(1000)) is not None:
        offsets, text, lengths, counts = columns
        data = text.tobytes()
        for at, (length, count) in enumerate(zip(lengths, counts, strict=True)):
            ngram = data[offsets[at] : offsets[at + 1]].decode()
            rows[ngram, int(length)] = int(count)
    return rows


def rows_of_frame(frame: Any) -> Rows:
    """The rows of counts, each of them once."""
    rows = [((row["ngram"], row["n"]), row["count"]) for row in frame.collect()]
    assert len(dict(rows)) == len(rows)
    return dict(rows)


def counted_here(texts: Sequence[str | None], path: Path, **options: Any) -> Rows:
    """The rows that one machine counts."""
    newword.count_ngrams(iter(texts), path, **options)
    return rows_of_file(path)


def counted_slowly(texts: Iterable[str | None], longest: int) -> Rows:
    """The rows of texts of Han characters and breaks, by the definition."""
    rows: Counter[tuple[str, int]] = Counter()
    for text in texts:
        for run in (text or "").replace("，", " ").split():
            for n in range(1, longest + 1):
                rows.update((" ".join(run[at : at + n]), n) for at in range(len(run) - n + 1))
    return dict(rows)


def settings(**changed: Any) -> dict[str, Any]:
    """What the driver tells the tasks of a count, in two groups."""
    options = {
        "letters": "unit",
        "digits": "unit",
        "nfkc": False,
        "skip_variation_selectors": False,
        "order": 4,
    }
    told = {
        "options": options,
        "min_count": 1,
        "errors": "strict",
        "strip_html": False,
        "labels": [0, 1],
        "encoded": False,
        "threads": 1,
        "memory": MEMORY,
        "temp_dir": None,
    }
    return told | changed


def failing_once(folder: Path, kill: bool) -> Callable[[str, dict[str, Any], str], Any]:
    """In the place of `newword.spark._plan.task`: the first task of each kind fails half-way.

    Args:
        folder: Has a file for each kind of task that failed.
        kill: Whether its process is killed, not only an exception raised.
    """
    plain, marks = _plan.task, str(folder)

    def failing(name: str, settings: dict[str, Any], version: str) -> Any:
        inner = plain(name, settings, version)

        def run(batches: Any) -> Any:
            for batch in inner(batches):
                yield batch
                mark = os.path.join(marks, name)  # noqa: PTH118
                if not os.path.exists(mark):  # noqa: PTH110
                    # After a batch went out: the half of a task must not be counted.
                    os.close(os.open(mark, os.O_CREAT))
                    if kill:
                        os.kill(os.getpid(), signal.SIGKILL)
                    raise RuntimeError("once")

        return run

    return failing
