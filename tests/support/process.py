"""The command line as a process of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

COMMAND = [sys.executable, "-m", "newword"]


def run(
    *arguments: object,
    folder: Path | None = None,
    stdin: bytes = b"",
    before: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs `newword ARGUMENTS` to its end; `before` runs in the child before it starts."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=folder,
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
        preexec_fn=before,
    )
    output, errors = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    return subprocess.CompletedProcess(done.args, done.returncode, output, errors)


def processes_of(session: int) -> list[int]:
    """The processes of a session of the operating system that are alive, in order; Linux only."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        number = int(process.name)
        try:
            if os.getsid(number) == session and (process / "cmdline").read_bytes():
                found.append(number)
        except OSError:
            # It has ended since.
            continue
    return sorted(found)


def processes_after(session: int, seconds: float) -> list[int]:
    """The processes of a session that have not ended after so long; returns once all have."""
    end = time.monotonic() + seconds
    while (left := processes_of(session)) and time.monotonic() < end:
        time.sleep(0.05)
    return left


def end_session(session: int) -> None:
    """Kills all that is left of a session of the operating system."""
    while left := processes_of(session):
        for number in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        time.sleep(0.05)
