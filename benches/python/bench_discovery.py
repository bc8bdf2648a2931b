"""Discovery against its targets and its peers: `make bench-discovery`, or with QUICK=1.

Every figure that is a speed comes with a check of the answer, and every ratio is taken in one run.
Without the data pack a synthetic corpus stands in, and the quality rows are left out.
"""

from __future__ import annotations

import argparse
import functools
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import corpora
import newword
import peers
import quality
from harness import Report, in_child, machine, require_release, timed
from tests.support import published

MEGABYTE = corpora.MEGABYTE
# What the published script took with its own counter on a two-core machine of this kind.
PUBLISHED_RATE = {"laws_zh.txt": 58 / 27.9, "raw_all.txt": 189 / 111.8}


def main() -> None:
    """Runs every section; exits with 1 where an answer is wrong, never for a slow machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller texts, within a minute")
    parser.add_argument("--only", help="comma-separated sections: " + ", ".join(SECTIONS))
    options = parser.parse_args()
    require_release()
    print(f"# {machine()}, newword {newword.__version__}, data pack: {corpora.data_pack()}")
    report = Report()
    chosen = options.only.split(",") if options.only else list(SECTIONS)
    with tempfile.TemporaryDirectory(prefix="newword-bench-") as folder:
        for name in chosen:
            SECTIONS[name](report, Path(folder), options.quick)


def end_to_end(report: Report, folder: Path, quick: bool) -> None:
    """The whole call against the twin of the published pipeline."""
    pack = corpora.data_pack()
    if pack is None:
        texts = [corpora.synthetic(folder, (8 if quick else 60) * MEGABYTE)]
    elif quick:
        texts = [_head(pack / "raw" / "laws_zh.txt", folder, 8 * MEGABYTE)]
    else:
        texts = [pack / "raw" / "laws_zh.txt", corpora.concatenation(pack, folder)]
    for text in texts:
        size = text.stat().st_size
        seconds, lexicon = timed(lambda path=text: newword.discover(path, method="chain"))
        assert len(lexicon) > 100, "the lexicon lost its words"
        cpu = [_cpu_seconds(text, method) for method in ("chain", "combined")]
        report.add(
            "  CPU time of the default method against the chain method",
            f"{cpu[1] / cpu[0]:.2f}x",
            "<= 1.5x",
            cpu[1] <= 1.5 * cpu[0],
        )
        rate = size / MEGABYTE / seconds
        report.add(
            f"discover {text.name}, chain method",
            f"{rate:.0f} MB/s ({seconds:.2f} s)",
            "100 MB/s",
            rate >= 100,
        )
        peer_rate = _twin_rate(text, folder, 4 if quick else 24)
        ratio = rate / peer_rate
        report.add(
            "  against its Python twin, same run",
            f"{ratio:.0f}x (twin {peer_rate:.2f} MB/s)",
            ">= 60x",
            ratio >= 60,
        )
        if text.name in PUBLISHED_RATE:
            ratio = rate / PUBLISHED_RATE[text.name]
            report.add(
                "  against the published script, as recorded",
                f"{ratio:.0f}x",
                ">= 60x",
                ratio >= 60,
            )


def _cpu_seconds(text: Path, method: str) -> float:
    """CPU seconds of all threads."""
    start = time.process_time()
    newword.discover(text, method=method)
    return time.process_time() - start


def _head(text: Path, folder: Path, size: int) -> Path:
    """The first lines of a text, up to ``size`` bytes."""
    target = folder / f"head_{size}_{text.name}"
    with text.open("rb") as lines, target.open("wb") as out:
        out.writelines(lines.readlines(size))
    return target


def _twin_rate(text: Path, folder: Path, megabytes: int) -> float:
    """MB/s of the twin on the first ``megabytes`` of the text; it is linear in the size."""
    part = _head(text, folder, megabytes * MEGABYTE)
    lines = part.read_text(encoding="utf-8").splitlines()
    seconds, words = timed(lambda: published.discover(lines), repeat=1)
    assert words, "the twin found nothing"
    return part.stat().st_size / MEGABYTE / seconds


def counting(report: Report, folder: Path, quick: bool) -> None:
    """Counting alone, to order 4, without and with the neighbours that entropies need; in Rust."""
    pack = corpora.data_pack()
    if pack is None:
        text = corpora.synthetic(folder, (20 if quick else 100) * MEGABYTE)
    else:
        text = pack / "raw" / "laws_zh.txt" if quick else corpora.concatenation(pack, folder)
    # The program asserts that the n-grams are there, and says how long each stage took.
    printed = _in_rust("stages", text)
    targets = {"read and encode": None, "count": 200.0, "count with neighbours": None}
    for name, least in targets.items():
        rates = re.findall(rf"^{name} +[0-9.]+ s +([0-9]+) MB/s", printed, re.MULTILINE)
        rate = max(float(one) for one in rates)
        target = "" if least is None else ">= 250, 200 at least"
        verdict = None if least is None else rate >= least
        report.add(f"{name}, order 4, {text.name}", f"{rate:.0f} MB/s", target, verdict)


def against_counting(report: Report, folder: Path, quick: bool) -> None:
    """Both methods against reading and counting, in turn; in Rust."""
    pack = corpora.data_pack()
    if pack is None:
        text = corpora.synthetic(folder, (8 if quick else 100) * MEGABYTE)
    elif quick:
        text = _head(pack / "raw" / "laws_zh.txt", folder, 8 * MEGABYTE)
    else:
        text = corpora.concatenation(pack, folder)
    printed = _in_rust("ratio", text, 3)
    for method in ("chain", "combined"):
        row = re.search(
            rf"^discover, {method} +([0-9.]+) ms +([0-9.]+) x +([0-9]+)$", printed, re.MULTILINE
        )
        assert row is not None, printed
        milliseconds, ratio, words = (float(one) for one in row.groups())
        assert words > 100, "the lexicon lost its words"
        report.add(
            f"discover, {method}, against reading and counting",
            f"{ratio:.2f}x ({milliseconds:.0f} ms)",
            "<= 2.2x",
            ratio <= 2.2,
        )


def small_text(report: Report, folder: Path, quick: bool) -> None:
    """The wall time of a call for 2 MB."""
    pack = corpora.data_pack()
    if pack is None:
        text = corpora.synthetic(folder, 2 * MEGABYTE)
    else:
        text = _head(pack / "raw" / "xwlb_news.txt", folder, 2 * MEGABYTE)
    for method in ("chain", "combined"):
        work = functools.partial(newword.discover, text, method=method)
        seconds, lexicon = timed(work, repeat=5 if quick else 12)
        assert len(lexicon) > 100, "the lexicon lost its words"
        measured = f"{seconds * 1000:.0f} ms"
        report.add(f"discover, {method}, 2 MB", measured, "<= 40 ms", seconds <= 0.04)


def _in_rust(program: str, *arguments: object) -> str:
    """What a program of `benches/src/bin` prints."""
    command = ["cargo", "run", "--quiet", "--release", "-p", "newword-benches", "--bin", program]
    done = subprocess.run(
        [*command, "--", *map(str, arguments)], check=True, capture_output=True, text=True
    )
    return done.stdout


def memory(report: Report, folder: Path, quick: bool) -> None:
    """A budget below the need: peak resident memory and what it costs."""
    pack = corpora.data_pack()
    size = (100 if quick else 1000) * MEGABYTE
    if pack is None:
        text = corpora.synthetic(folder, size)
    else:
        text = corpora.repeated(corpora.concatenation(pack, folder), folder, size)
    limit = 250 * MEGABYTE if quick else 1000 * MEGABYTE
    source = "answer = len(newword.discover(argument['path'], memory=argument['memory']))"
    free = in_child(source, {"path": str(text), "memory": None})
    tight = in_child(source, {"path": str(text), "memory": limit})
    assert free.answer == tight.answer, "the budget changed the answer"
    label = f"{size // MEGABYTE} MB with memory={limit // MEGABYTE}MB"
    peak = tight.peak_bytes / limit
    report.add(
        label + ": peak",
        f"{tight.peak_bytes / 1e9:.2f} GB (free: {free.peak_bytes / 1e9:.2f})",
        "<= 1.2 x the budget",
        peak <= 1.2,
    )
    ratio = tight.seconds / free.seconds
    report.add(
        label + ": time", f"{tight.seconds:.1f} s, {ratio:.2f} x unlimited", "<= 2 x", ratio <= 2
    )
    text.unlink()
    one_run(report, folder, quick)


def one_run(report: Report, folder: Path, quick: bool) -> None:
    """The same for text without a single break."""
    pack = corpora.data_pack()
    if pack is None or quick:
        text = corpora.synthetic(folder, (20 if quick else 160) * MEGABYTE)
    else:
        text = corpora.concatenation(pack, folder)
    run = corpora.one_run(text, folder)
    limit = 250 * MEGABYTE if quick else 500 * MEGABYTE
    source = "answer = newword.discover(argument['path'], memory=argument['memory'])\n"
    source += "answer = [len(answer), answer.summary['documents']]"
    tight = in_child(source, {"path": str(run), "memory": limit})
    assert tight.answer[1] == 1, "the text has a break"
    report.add(
        f"{run.stat().st_size // MEGABYTE} MB without a break: peak, {limit // MEGABYTE}MB",
        f"{tight.peak_bytes / 1e6:.0f} MB, {tight.answer[0]:,} words",
        "<= 1.2 x the budget",
        tight.peak_bytes <= 1.2 * limit,
    )
    run.unlink()


def growth(report: Report, folder: Path, quick: bool) -> None:
    """Time per megabyte as the corpus grows."""
    pack = corpora.data_pack()
    sizes = (10, 50) if quick else (50, 200, 500, 1000)
    rates = []
    for size in sizes:
        if pack is None:
            text = corpora.synthetic(folder, size * MEGABYTE)
        else:
            text = corpora.repeated(corpora.concatenation(pack, folder), folder, size * MEGABYTE)
        seconds, _ = timed(lambda path=text: newword.discover(path), repeat=2)
        rates.append(seconds / size * 1000)
        text.unlink()
    shown = ", ".join(f"{size} MB: {rate:.1f}" for size, rate in zip(sizes, rates, strict=True))
    worst = max(rates) / rates[0]
    report.add("growth, ms per MB", shown, f"flat within 20 % of {sizes[0]} MB", worst <= 1.2)


def segmenting(report: Report, folder: Path, quick: bool) -> None:
    """`segment_many` with 50,000 words against jieba with the same words and no HMM."""
    pack = corpora.data_pack()
    if pack is None:
        source: Path | list[Path] = corpora.synthetic(folder, 10 * MEGABYTE)
        text = source
    else:
        source, text = corpora.raw_files(pack), pack / "raw" / "xwlb_news.txt"
    # One text alone has too few words; all of them at this count have more than enough.
    lexicon = newword.discover(source, min_count=8).sort(by="count")[:50_000]
    assert pack is None or len(lexicon) == 50_000, "the texts have fewer words than they had"
    head = _head(text, folder, (2 if quick else 10) * MEGABYTE)
    lines = head.read_text(encoding="utf-8").splitlines()
    size = head.stat().st_size / MEGABYTE
    seconds, tokens = _segment_fresh(lexicon, lines, threads=1)
    assert ["".join(line) for line in tokens] == lines, "segmentation changed the text"
    rate = size / seconds
    report.add(f"segment_many, {len(lexicon):,} words, one thread", f"{rate:.0f} MB/s")
    with peers.jieba_without_hmm(lexicon, folder) as cut:
        if cut is None:
            report.add("  against jieba without HMM", "jieba is not installed")
            return
        few = lines[: max(1, len(lines) // 10)]
        peer_size = sum(len(line.encode()) for line in few) / MEGABYTE
        peer_seconds, _ = timed(lambda: [cut(line) for line in few])
        ratio = rate / (peer_size / peer_seconds)
        report.add("  against jieba without HMM", f"{ratio:.0f}x", ">= 30x", ratio >= 30)
    seconds, _ = _segment_fresh(lexicon, lines, threads=None)
    report.add("  on all cores", f"{size / seconds:.0f} MB/s")


def _segment_fresh(
    lexicon: newword.Lexicon, lines: list[str], threads: int | None
) -> tuple[float, list[list[str]]]:
    """The shortest time of three, each with strings of its own.

    A string keeps its UTF-8 once that was asked for, so the same ones would be cheaper the second
    time.
    """
    batches = ([line.encode().decode() for line in lines] for _ in range(3))
    runs = (
        timed(lambda batch=batch: lexicon.segment_many(batch, threads=threads), repeat=1)
        for batch in batches
    )
    return min(runs, key=lambda run: run[0])


def import_time(report: Report, folder: Path, quick: bool) -> None:
    """`import newword` over a bare NumPy import."""
    del folder

    def shortest(module: str) -> float:
        command = [sys.executable, "-c", f"import {module}"]
        return timed(lambda: subprocess.run(command, check=True), repeat=5 if quick else 15)[0]

    over = shortest("newword") - shortest("numpy")
    report.add("import newword over numpy", f"{over * 1000:.0f} ms", "<= 100 ms", over <= 0.1)


def other_peers(report: Report, folder: Path, quick: bool) -> None:
    """Trainers that users reach for instead, on the same text."""
    pack = corpora.data_pack()
    source = (
        corpora.synthetic(folder, 10 * MEGABYTE) if pack is None else pack / "raw" / "xwlb_news.txt"
    )
    text = _head(source, folder, (2 if quick else 20) * MEGABYTE)
    size = text.stat().st_size / MEGABYTE
    ours, _ = timed(lambda: newword.discover(text))
    report.add(f"discover, {size:.0f} MB", f"{size / ours:.0f} MB/s")
    for name, train in peers.trainers():
        start = time.perf_counter()
        words = train(text, folder)
        seconds = time.perf_counter() - start
        report.add(
            f"  {name}",
            f"{size / seconds:.2f} MB/s, {words} entries ({seconds / ours:.0f}x our time)",
        )


SECTIONS: dict[str, Callable[[Report, Path, bool], None]] = {
    "end_to_end": end_to_end,
    "counting": counting,
    "against_counting": against_counting,
    "small_text": small_text,
    "memory": memory,
    "growth": growth,
    "segmenting": segmenting,
    "quality": quality.section,
    "import_time": import_time,
    "peers": other_peers,
}

if __name__ == "__main__":
    main()
