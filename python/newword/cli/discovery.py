"""Commands that find words: discover, contrast, demo."""

import time
from pathlib import Path
from typing import Annotated

import typer

from newword import discovery as api
from newword.cli import options as opt
from newword.cli.cluster import discover_on
from newword.cli.groups import Reading, Report, Running, Words, command
from newword.cli.output import (
    chosen,
    deliver,
    print_json,
    print_summary,
    show_table,
)
from newword.lexicon import Lexicon


@command
def discover(
    files: opt.Files,
    *,
    report: Report,
    order: opt.Order = 4,
    words: Words,
    counts: opt.Counts = "exact",
    reading: Reading,
    running: Running,
    spark: opt.Spark = None,
) -> None:
    """Find the words of a corpus."""
    report.check()
    began = time.monotonic()
    arguments = {
        "order": order,
        "counts": counts,
        **report.arguments(),
        **words.arguments(),
        **reading.arguments(),
        **running.arguments(),
    }
    if spark is None:
        lexicon = api.discover([Path(name) for name in files], **arguments)
    else:
        lexicon = discover_on(spark, files, arguments)
    finish(lexicon, began, report, running.quiet)


def finish(lexicon: Lexicon, began: float, report: Report, quiet: bool) -> None:
    """Writes or prints a result according to the options of its command."""
    if report.rejected is not None and lexicon.rejected is not None:
        lexicon.rejected.save(report.rejected)
    words = chosen(lexicon, report.sort, report.new, report.top)
    seconds = time.monotonic() - began
    if report.output is not None or not report.json:
        deliver(words, report.output, report.to, report.top)
    if report.json:
        print_json({**lexicon.summary, "words": len(words), "seconds": seconds})
    if not quiet:
        print_summary(len(words), report.output, seconds)


@command
def contrast(
    files: opt.Files,
    background: Annotated[
        list[str],
        typer.Option(
            "--background", "-b", help="Files of general text; may be given several times."
        ),
    ],
    *,
    report: Report,
    order: opt.Order = 4,
    words: Words,
    counts: opt.Counts = "exact",
    reading: Reading,
    running: Running,
) -> None:
    """Find the words typical of a corpus compared with a background: the terms of a domain."""
    report.check()
    began = time.monotonic()
    lexicon = api.contrast(
        [Path(name) for name in files],
        [Path(name) for name in background],
        order=order,
        counts=counts,
        **report.arguments(),
        **words.arguments(),
        **reading.arguments(),
        **running.arguments(),
    )
    finish(lexicon, began, report, running.quiet)


@command
def demo(
    top: Annotated[int, typer.Option("--top", "-n", min=1, help="Number of words to show.")] = 40,
) -> None:
    """Find the words of a built-in sample of some 16,000 characters with invented terms."""
    from newword.samples import sample_path

    began = time.monotonic()
    # Single characters are words too, but not interesting in a demo.
    words = api.discover(sample_path()).filter(min_length=2)
    seconds = time.monotonic() - began
    show_table(words, top, "--top shows more")
    print_summary(len(words), None, seconds)
