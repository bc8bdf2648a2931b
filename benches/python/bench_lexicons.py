"""Large lexicons against their targets: `python benches/python/bench_lexicons.py [--words N]`.

A synthetic jieba dictionary is loaded, segments a first text, is compiled, and the compiled file is
opened by two processes at once. Each step runs in a process of its own. CPU time stands beside wall
time, since other work on the machine adds to the latter alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import newword
from harness import Report, in_child, machine, require_release, timed
from large_lexicons import write_dictionary

MEGABYTE = 1_000_000
TEXT = "今天天气很不错，" * 1000

LOAD = "lexicon = newword.Lexicon.load(argument)\nanswer = [len(lexicon), time.process_time()]"
LOAD_AND_SEGMENT = (
    "lexicon = newword.Lexicon.load(argument)\n"
    f"answer = [lexicon.segment({TEXT!r}), time.process_time()]"
)
COMPILE = "newword.Lexicon.load(argument[0]).compile(argument[1])\nanswer = None"
OPEN = f"segmenter = newword.Segmenter.load(argument)\nanswer = segmenter.segment({TEXT!r})"
HOLD = (
    "import sys, newword\n"
    "segmenter = newword.Segmenter.load(sys.argv[1])\n"
    "text = open(sys.argv[2], encoding='utf-8').read()\n"
    "assert ''.join(segmenter.segment(text)) == text\n"
    "print('ready', flush=True)\n"
    "sys.stdin.readline()\n"
)


def main() -> None:
    """Runs every step; exits with 1 where an answer is wrong, never for a slow machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=5_000_000, help="words of the dictionary")
    options = parser.parse_args()
    require_release()
    print(f"# {machine()}, newword {newword.__version__}, {options.words:,} words")
    report = Report()
    with tempfile.TemporaryDirectory(prefix="newword-bench-") as folder:
        dictionary, compiled = Path(folder) / "words.txt", Path(folder) / "words.seg"
        size = write_dictionary(dictionary, options.words)
        report.add("dictionary", f"{size / MEGABYTE:.0f} MB")
        expected = load(report, str(dictionary), options.words)
        in_child(COMPILE, [str(dictionary), str(compiled)])
        open_compiled(report, compiled, expected)
        share(report, compiled, dictionary)


def load(report: Report, dictionary: str, words: int) -> list[str]:
    """Loads the dictionary, and loads it and segments; the words of the text."""
    child = in_child(LOAD, dictionary)
    assert child.answer[0] == words
    peak = child.peak_bytes / MEGABYTE
    report.add("load", f"{child.seconds:.2f} s, {child.answer[1]:.2f} s CPU, {peak:.0f} MB")
    child = in_child(LOAD_AND_SEGMENT, dictionary)
    expected, cpu = child.answer
    assert "".join(expected) == TEXT
    peak = child.peak_bytes / MEGABYTE
    measured = f"{child.seconds:.2f} s, {cpu:.2f} s CPU, {peak:.0f} MB"
    is_met = child.seconds <= 2 and peak <= 700
    report.add("load and first segment", measured, "2 s, 700 MB", is_met)
    return expected


def open_compiled(report: Report, compiled: Path, expected: list[str]) -> None:
    """Opens the compiled file, which segments as the dictionary does."""
    report.add("compiled file", f"{compiled.stat().st_size / MEGABYTE:.0f} MB")
    seconds, segmenter = timed(lambda: newword.Segmenter.load(compiled), repeat=9)
    report.add("open", f"{1000 * seconds:.2f} ms", "20 ms", seconds <= 0.02)
    assert segmenter.segment(TEXT) == expected
    seconds, _ = timed(lambda: newword.Segmenter.load(compiled, verify=True))
    report.add("open with verify=True", f"{1000 * seconds:.0f} ms")
    child = in_child(OPEN, str(compiled))
    assert child.answer == expected
    peak = child.peak_bytes / MEGABYTE
    report.add(
        "open and first segment, new process", f"{1000 * child.seconds:.1f} ms, {peak:.0f} MB"
    )


def share(report: Report, compiled: Path, text: Path) -> None:
    """Two processes that have segmented 2 MB with the file: what they hold, and what they share."""
    if sys.platform != "linux":
        return
    head = compiled.with_name("head.txt")
    with text.open(encoding="utf-8") as file:
        head.write_text(file.read(1_000_000), "utf-8")
    command = [sys.executable, "-c", HOLD, str(compiled), str(head)]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    time.sleep(0.1)
    for number, process in enumerate(processes, 1):
        rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text("ascii")
        held = {line.split()[0]: int(line.split()[1]) / 1000 for line in rollup.splitlines()[1:]}
        private = held["Private_Clean:"] + held["Private_Dirty:"]
        measured = f"RSS {held['Rss:']:.0f}, PSS {held['Pss:']:.0f}, private {private:.0f} MB"
        report.add(f"process {number} of two on one file", measured)
    for process in processes:
        process.communicate("\n", timeout=60)


if __name__ == "__main__":
    main()
