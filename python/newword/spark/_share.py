"""What a task may take of the machine it runs on."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newword._core import core
from newword.errors import MemoryBudgetError

if TYPE_CHECKING:
    from collections.abc import Iterator

BASE = 180_000_000
"""Bytes of a Python worker with NumPy, pyarrow, the core and the rows that Spark hands over."""
LEAST = 64_000_000
"""The smallest budget of the core, in bytes."""
CORE = 0.65
"""The part of the rest that the core may take; it exceeds its budget by a fifth at most."""
TEXT = 0.15
"""The part of the rest that the texts counted at a time take, as Arrow arrays."""
SMALLEST = 280_000_000
"""The smallest share of a task, in bytes: it leaves the core its smallest budget."""


@dataclass(frozen=True)
class Share:
    """The share of a task."""

    core: int
    """Bytes for the core."""
    text: int
    """Bytes of texts counted at a time."""
    threads: int


def share_of(memory: int | None, threads: int | None) -> Share:
    """The share of this task.

    Args:
        memory: Bytes; by default those that `spark.executor.pyspark.memory` leaves to a worker, and
            without it this task's part of half the free memory.
        threads: Number of threads; by default `spark.task.cpus`.

    Raises:
        MemoryBudgetError: The share is too small for the core.
    """
    threads = _task_cpus() if threads is None else threads
    origin = "memory"
    if memory is None and (limit := os.environ.get("PYSPARK_EXECUTOR_MEMORY_MB", "")).isdigit():
        memory, origin = int(limit) << 20, "spark.executor.pyspark.memory"
    if memory is None:
        tasks = max((os.cpu_count() or 1) // threads, 1)
        memory, origin = core().available_memory() // 2 // tasks, "the executor's free memory"
    if memory < SMALLEST:
        message = (
            f"memory: a task needs at least {SMALLEST // 1_000_000} MB, "
            f"{origin} leaves it {memory // 1_000_000} MB; run fewer tasks at once, or give more"
        )
        raise MemoryBudgetError(message)
    rest = memory - BASE
    return Share(core=int(rest * CORE), text=int(rest * TEXT), threads=threads)


@contextmanager
def folder_of(settings: dict[str, Any]) -> Iterator[Path]:
    """A folder for the files of a task, gone at its end."""
    with tempfile.TemporaryDirectory(prefix="newword-", dir=_scratch(settings["temp_dir"])) as name:
        yield Path(name)


def job_of(share: Share, folder: Path) -> dict[str, Any]:
    """What the core is told of a share."""
    return {
        "threads": share.threads,
        "memory": str(share.core),
        "temp_dir": str(folder),
        "progress": None,
    }


def release() -> None:
    """Gives free memory back to the system: Arrow and the core keep what each of them had."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    # Of glibc: other allocators do not keep as much.
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim"):
        ctypes.CDLL(None).malloc_trim(0)


def _scratch(temp_dir: str | None) -> str | None:
    """The folder of temporary files: the given one, or the first of Spark's own that exists."""
    if temp_dir is not None:
        return temp_dir
    folders = os.environ.get("SPARK_LOCAL_DIRS", "").split(",")
    return next((folder for folder in folders if folder and Path(folder).is_dir()), None)


def _task_cpus() -> int:
    from pyspark import TaskContext

    context = TaskContext.get()
    return 1 if context is None else max(int(context.cpus()), 1)
