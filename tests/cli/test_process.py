"""The command line as a process: exit codes, signals, pipes, speed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from newword.samples import SyntheticCorpus
from tests.support.fake_core import needs_core

COMMAND = [sys.executable, "-m", "newword"]
# How many signals are sent, and over how many seconds from the first line of our own code.
MOMENTS, SPREAD = 30, 0.6
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.serial
def test_help_is_fast() -> None:
    best = 9.0
    for _ in range(12):
        began = time.perf_counter()
        assert run("--help").returncode == 0
        best = min(best, time.perf_counter() - began)
        if best < 0.3:
            break
    # The aim is 0.3 s on a quiet machine; a shared one gets twice that.
    assert best < 0.6


def test_usage_errors_reach_the_shell() -> None:
    assert run("discover").returncode == 2
    done = run("discover", "x.txt", "--order", "99")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("newword: error: order: must be")


def test_failures_reach_the_shell(tmp_path: Path) -> None:
    done = run("convert", tmp_path / "no.tsv")
    assert done.returncode == 1
    assert done.stderr == f"newword: error: {tmp_path / 'no.tsv'}: No such file or directory\n"


def test_warnings_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("word\n𠮷野家\n", "utf-8")
    done = run("convert", tmp_path / "a.tsv", "-o", tmp_path / "a.txt")
    assert done.returncode == 0
    assert done.stderr.startswith("newword: warning: 1 word(s) hold characters")
    assert len(done.stderr.splitlines()) == 1


@posix_only
def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    lines = "".join(f"词{i}\n" for i in range(200_000))
    (tmp_path / "a.txt").write_text(lines, "utf-8")
    command = " ".join([*COMMAND, "convert", str(tmp_path / "a.txt"), "| head -n 1"])
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}}"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.stdout.splitlines()[0].startswith("word\t")
    assert done.stdout.splitlines()[-1] == "141"


# As `python -m newword`, but says when signals are in its hands: before that they are Python's.
SAYS_READY = """
import sys
from newword import cli

def start(load=cli._start):
    print("ready", file=sys.stderr, flush=True)
    load()

cli._start = start
cli.main()
"""


@posix_only
@needs_core
@pytest.mark.parametrize(
    ("sent", "code", "line"),
    [
        (signal.SIGINT, 130, "newword: interrupted\n"),
        (signal.SIGTERM, 143, "newword: terminated\n"),
    ],
)
def test_a_signal_at_any_moment_ends_it_in_one_line(
    tmp_path: Path, sent: signal.Signals, code: int, line: str
) -> None:
    corpus, output = tmp_path / "a.txt", tmp_path / "w.tsv"
    SyntheticCorpus(seed=1).write(corpus, 3_000_000)
    command = [sys.executable, "-c", SAYS_READY, "discover", str(corpus), "-o", str(output)]
    stopped = 0
    for moment in range(MOMENTS):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        time.sleep(SPREAD * moment / MOMENTS)
        process.send_signal(sent)
        _, said = process.communicate(timeout=30)
        if process.returncode == 0:
            # It was done already: then the result is whole.
            assert output.exists(), said
            output.unlink()
        else:
            assert (process.returncode, said) == (code, line), f"at moment {moment}"
            assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
            stopped += 1
    assert stopped > MOMENTS // 4


@posix_only
@needs_core
def test_ctrl_c_ends_it_at_once_and_leaves_nothing(tmp_path: Path) -> None:
    corpus, spill = tmp_path / "a.txt", tmp_path / "spill"
    spill.mkdir()
    SyntheticCorpus(seed=1).write(corpus, 60_000_000)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    arguments: list[object] = [
        "discover",
        corpus,
        "-o",
        tmp_path / "w.tsv",
        "--threads",
        1,
        "--order",
        8,
    ]
    arguments += ["-S", "64MB", "-T", spill]
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stderr=subprocess.PIPE, env=environment, text=True,
    )  # fmt: skip
    time.sleep(1.5)
    assert process.poll() is None, "the corpus is too small for this test"
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, said = process.communicate(timeout=30)
    # 0.2 s for the core; the rest is the interpreter's leave-taking on a busy machine.
    assert time.monotonic() - began < 1.0
    assert process.returncode == 130
    assert said == "newword: interrupted\n"
    assert [path.name for path in tmp_path.iterdir() if path != corpus] == ["spill"]
    assert list(spill.iterdir()) == []
