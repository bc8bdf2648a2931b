"""What the studies share: arguments, results that survive an interruption, means and spreads."""

from __future__ import annotations

import argparse
import json
import logging
import math
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = [
    "Results",
    "arguments",
    "best_on_development",
    "compared",
    "compared_texts",
    "mean_and_interval",
    "mean_and_spread",
    "print_table",
    "progress",
    "set_up",
    "take_turns",
]

Record = dict[str, Any]


def arguments(description: str | None, seeds: int) -> argparse.ArgumentParser:
    """The parser of a study, with the arguments that all of them have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="built-in data, within a minute or so")
    parser.add_argument("--seeds", type=int, default=seeds, help=f"how many; {seeds} by default")
    parser.add_argument("--threads", type=int, default=1, help="of the backend; 1 by default")
    parser.add_argument(
        "--results", type=Path, help="JSON lines to append to; what is there is not run again"
    )
    return parser


def set_up(given: argparse.Namespace) -> None:
    """Limits threads and prints the machine; before anything is computed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "jax" in os.environ.get("KERAS_BACKEND", "") and given.threads == 1:
        # XLA reads this when it is loaded; it knows no other number.
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(given.threads)
        tf.config.threading.set_inter_op_parallelism_threads(given.threads)
        # Many models in one process look to TensorFlow like one that is traced anew.
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
    print(f"# {machine()}, keras {keras.__version__} on {keras.backend.backend()}")
    print(f"# {' '.join([Path(sys.argv[0]).name, *sys.argv[1:]])}", flush=True)


def machine() -> str:
    """The processor, cores and Python."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        lines = information.read_text("utf-8").splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


class Results:
    """Records with a key each, in a file of JSON lines or in memory alone.

    Args:
        path: The file; it need not be there yet. None for memory alone.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.records: list[Record] = []
        if path is not None:
            path.touch()  # What cannot be written fails before the first run, not after it.
            text = path.read_text("utf-8")
            whole, _, torn = text.rpartition("\n")
            if torn:  # The run that wrote it was stopped within a line.
                path.write_text(f"{whole}\n" if whole else "", "utf-8")
            self.records = [json.loads(line) for line in whole.splitlines()]

    def once(self, key: Record, work: Callable[[], Record]) -> Record:
        """The record of `key`: the one that is there, or the key with what `work` returns."""
        for record in self.records:
            if all(record.get(name) == value for name, value in key.items()):
                return record
        start = time.perf_counter()
        record = {**key, **work(), "seconds": round(time.perf_counter() - start, 2)}
        self.records.append(record)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
        return record


def mean_and_spread(values: Sequence[float], digits: int = 3) -> str:
    """The mean and, of two or more values, their standard deviation."""
    mean = f"{statistics.fmean(values):.{digits}f}"
    return mean if len(values) < 2 else f"{mean} ± {statistics.stdev(values):.{digits}f}"


TUNING_SEEDS = (100, 101)
"""The seeds by which a study chooses a number; its tables have others."""


def best_on_development(
    candidates: Sequence[float], run: Callable[[float, int], Record], *, quick: bool = False
) -> float:
    """The candidate whose runs with `TUNING_SEEDS` have the highest mean of `"dev"`.

    With `quick`, or where there is only one, the first candidate, without any run.
    """
    if quick or len(candidates) == 1:
        return candidates[0]

    def score(candidate: float) -> float:
        return statistics.fmean(run(candidate, seed)["dev"] for seed in TUNING_SEEDS)

    return max(candidates, key=score)


STUDENT = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26)
"""By degrees of freedom from 1: so many standard errors hold 95 % of Student's t."""


NORMAL = 1.96
"""So many standard errors hold 95 % of the normal distribution."""


def mean_and_interval(values: Sequence[float], digits: int = 3) -> str:
    """The mean and, of two or more values, half the width of its 95 % interval by Student's t.

    Values that are not finite are left out and counted: `1.2 ± 0.1 (4 of 5)`.
    """
    known = [one for one in values if math.isfinite(one)]
    if not known:
        return "none"
    count = "" if len(known) == len(values) else f" ({len(known)} of {len(values)})"
    mean = f"{statistics.fmean(known):.{digits}f}"
    if len(known) < 2:
        return mean + count
    error = statistics.stdev(known) / len(known) ** 0.5
    return f"{mean} ± {STUDENT[min(len(known) - 1, len(STUDENT)) - 1] * error:.{digits}f}{count}"


def compared(values: Sequence[float], others: Sequence[float], digits: int = 3) -> str:
    """The mean difference of runs that agree in their seed, its standard error, and a verdict.

    A difference whose 95 % interval by Student's t holds 0 is called noise. The interval is about
    seeds: another test set is not thought of.
    """
    differences = [one - other for one, other in zip(values, others, strict=True)]
    mean = statistics.fmean(differences)
    if len(differences) < 2:
        return f"{mean:+.{digits}f}"
    error = statistics.stdev(differences) / len(differences) ** 0.5
    factor = STUDENT[min(len(differences) - 1, len(STUDENT)) - 1]
    verdict = "" if abs(mean) > factor * error else ", noise"
    return f"{mean:+.{digits}f} ({error:.{digits}f}{verdict})"


def compared_texts(values: Any, others: Any, digits: int = 3) -> str:
    """The mean difference of two arrays (seeds, texts), its standard error, and a verdict.

    The difference of a text is the mean over seeds. The 95 % interval is about texts: another test
    set of the same kind would give a difference within it, for these seeds.
    """
    differences = list((values - others).mean(0))
    mean = statistics.fmean(differences)
    error = statistics.stdev(differences) / len(differences) ** 0.5
    verdict = "" if abs(mean) > NORMAL * error else ", noise"
    return f"{mean:+.{digits}f} ({error:.{digits}f}{verdict})"


def print_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A Markdown table on standard output, in columns of equal width."""
    cells = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
    lines = [" | ".join(map(str.ljust, row, widths)) for row in cells]
    lines.insert(1, " | ".join("-" * width for width in widths))
    print("\n".join(f"| {line} |" for line in lines), end="\n\n", flush=True)


@contextmanager
def progress(label: str) -> Iterator[None]:
    """Says on standard error what runs, and how long it took."""
    start = time.perf_counter()
    print(f"{label} ...", end="", file=sys.stderr, flush=True)
    yield
    print(f" {time.perf_counter() - start:.1f} s", file=sys.stderr, flush=True)


def take_turns(
    works: dict[str, Callable[[], object]], turns: int, warm_up: int = 3
) -> dict[str, list[float]]:
    """Seconds of each call, one work after the other in every turn: noise then meets them all."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(warm_up + turns):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if turn >= warm_up:
                times[name].append(time.perf_counter() - start)
    return times
