"""The command line as a process of its own."""

from __future__ import annotations

import subprocess
import sys
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
