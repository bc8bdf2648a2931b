"""Commands on count files: count, merge, score."""

import time
from pathlib import Path
from typing import Annotated

import typer

from newword import discovery as api
from newword.cli import options as opt
from newword.cli.discovery import finish
from newword.cli.groups import Reading, Report, Running, Words, command
from newword.cli.output import print_json
from newword.cli.process import say

CountFile = Annotated[
    Path, typer.Option("--output", "-o", help="Count file to write.", show_default=False)
]


@command
def count(
    files: opt.Files,
    output: CountFile,
    *,
    order: opt.Order = 4,
    min_count: Annotated[int, typer.Option(help="Minimum count of an n-gram.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Add new sources to an existing count file.")
    ] = False,
    json: opt.Json = False,
    reading: Reading,
    running: Running,
) -> None:
    """Count all n-grams of a corpus and write a count file, to merge and score later."""
    began = time.monotonic()
    summary = api.count_ngrams(
        [Path(name) for name in files],
        output,
        order=order,
        min_count=min_count,
        resume=resume,
        **reading.arguments(),
        **running.arguments(),
    )
    _tell(summary, output, began, json, running.quiet)


@command
def merge(
    files: Annotated[list[Path], typer.Argument(help="Count files with the same settings.")],
    output: CountFile,
    *,
    json: opt.Json = False,
    running: Running,
) -> None:
    """Merge count files into one, as if their corpora had been counted together."""
    began = time.monotonic()
    summary = api.merge_counts(files, output, **running.arguments())
    _tell(summary, output, began, json, running.quiet)


def _tell(summary: dict[str, object], output: Path, began: float, json: bool, quiet: bool) -> None:
    seconds = time.monotonic() - began
    if json:
        print_json({**summary, "seconds": seconds})
    if not quiet:
        say(f"counted in {seconds:.1f} s, written to {output}")


@command
def score(
    file: Annotated[Path, typer.Argument(help="A count file.", show_default=False)],
    *,
    report: Report,
    words: Words,
    running: Running,
) -> None:
    """Find the words of a count file."""
    report.check()
    began = time.monotonic()
    lexicon = api.score_counts(
        file, **report.arguments(), **words.arguments(), **running.arguments()
    )
    finish(lexicon, began, report, running.quiet)
