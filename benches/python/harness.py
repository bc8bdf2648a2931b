"""Timing, peak memory and the report of a benchmark: a line a target."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


def timed(work: Callable[[], T], repeat: int = 3) -> tuple[float, T]:
    """The shortest wall time of ``repeat`` runs in seconds, and the last run's answer.

    The shortest, because noise on a shared machine only ever adds.
    """
    best = math.inf
    for _ in range(repeat):
        answer = None  # Letting go of the last answer is not part of the next run.
        start = time.perf_counter()
        answer = work()
        best = min(best, time.perf_counter() - start)
    return best, answer


@dataclass(frozen=True)
class Child:
    """What a measured child process reported."""

    seconds: float
    peak_bytes: int
    answer: Any


def in_child(source: str, argument: object) -> Child:
    """Runs ``source`` in a process of its own, for its peak memory as the system counts it.

    ``source`` reads ``argument`` and must set ``answer`` to something JSON can hold.
    """
    program = (
        "import json, resource, sys, time\n"
        "argument = json.loads(sys.argv[1])\n"
        "import newword\n"
        "start = time.perf_counter()\n"
        f"{source}\n"
        "seconds = time.perf_counter() - start\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\n"
        # Linux hands ru_maxrss on from the process that started this one; VmHWM is its own.
        "if sys.platform == 'linux':\n"
        "    status = open('/proc/self/status').read()\n"
        "    peak = int(status.split('VmHWM:')[1].split()[0]) * 1024\n"
        "print(json.dumps([seconds, peak, answer]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, json.dumps(argument)],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, peak, answer = json.loads(done.stdout)
    return Child(seconds, peak, answer)


@dataclass
class Report:
    """Rows of name, measured, target, verdict."""

    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, name: str, measured: str, target: str = "", ok: bool | None = None) -> None:
        """Prints a row as soon as it is known; ``ok`` is None where nothing is promised."""
        verdict = "" if ok is None else ("ok" if ok else "short")
        self.rows.append((name, measured, target, verdict))
        print(f"{name:<46} {measured:<34} {target:<26} {verdict}", flush=True)


def require_release() -> None:
    """Ends the benchmark where the extension was built without optimisation."""
    from newword import _newword

    if _newword.build_profile() != "release":
        sys.exit("this is a debug build of newword: run `make build` first")


def machine() -> str:
    """The processor, cores and memory, for the head of a record."""
    import os
    import platform
    from pathlib import Path

    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"
