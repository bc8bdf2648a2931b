"""Commands around count files: count, merge, score."""

import time
from pathlib import Path
from typing import Annotated

import typer

from newword import discovery as api
from newword.cli import options as opt
from newword.cli.discovery import finish, thresholds
from newword.cli.guard import guarded
from newword.cli.output import check_target, print_json, shows_progress
from newword.cli.process import say

CountFile = Annotated[
    Path, typer.Option("--output", "-o", help="The count file to write.", show_default=False)
]


@guarded
def count(
    files: opt.Files,
    output: CountFile,
    order: opt.Order = 4,
    min_count: Annotated[int, typer.Option(help="The least occurrences kept.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Add to what the count file holds already.")
    ] = False,
    json: opt.Json = False,
    format: opt.Format = "auto",  # noqa: A002
    field: opt.Field = "text",
    encoding: opt.Encoding = "utf-8",
    errors: opt.Errors = "strict",
    drop_duplicates: opt.DropDuplicates = False,
    letters: opt.Letters = "unit",
    digits: opt.Digits = "unit",
    nfkc: opt.Nfkc = False,
    threads: opt.Threads = None,
    memory: opt.Memory = None,
    temp_dir: opt.TempDir = None,
    quiet: opt.Quiet = False,
    traceback: opt.Traceback = False,
) -> None:
    """Count all n-grams of a corpus into a file, to merge and score later."""
    began = time.monotonic()
    summary = api.count_ngrams(
        [Path(name) for name in files],
        output,
        order=order,
        min_count=min_count,
        resume=resume,
        format=format,
        field=field,
        encoding=encoding,
        errors=errors,
        letters=letters,
        digits=digits,
        nfkc=nfkc,
        drop_duplicates=drop_duplicates,
        threads=threads,
        memory=memory,
        temp_dir=temp_dir,
        progress=shows_progress(quiet),
    )
    _tell(summary, output, began, json, quiet)


@guarded
def merge(
    files: Annotated[list[Path], typer.Argument(help="Count files of the same settings.")],
    output: CountFile,
    json: opt.Json = False,
    threads: opt.Threads = None,
    memory: opt.Memory = None,
    temp_dir: opt.TempDir = None,
    quiet: opt.Quiet = False,
    traceback: opt.Traceback = False,
) -> None:
    """Add count files up into one, as if their corpora had been counted together."""
    began = time.monotonic()
    summary = api.merge_counts(
        files,
        output,
        threads=threads,
        memory=memory,
        temp_dir=temp_dir,
        progress=shows_progress(quiet),
    )
    _tell(summary, output, began, json, quiet)


def _tell(summary: dict[str, object], output: Path, began: float, json: bool, quiet: bool) -> None:
    seconds = time.monotonic() - began
    if json:
        print_json({**summary, "seconds": seconds})
    if not quiet:
        say(f"counted in {seconds:.1f} s, written to {output}")


@guarded
def score(
    file: Annotated[Path, typer.Argument(help="A count file.", show_default=False)],
    output: opt.Output = None,
    to: opt.To = None,
    top: opt.Top = None,
    sort: opt.Sort = None,
    new: opt.New = False,
    rejected: opt.Rejected = None,
    json: opt.Json = False,
    min_count: opt.MinCount = None,
    method: opt.Method = "chain",
    min_pmi: opt.MinPmi = None,
    min_entropy: opt.MinEntropy = None,
    max_length: opt.MaxLength = None,
    edge_stops: opt.EdgeStops = "",
    known: opt.Known = None,
    drop_known: opt.DropKnown = False,
    threads: opt.Threads = None,
    memory: opt.Memory = None,
    temp_dir: opt.TempDir = None,
    quiet: opt.Quiet = False,
    traceback: opt.Traceback = False,
) -> None:
    """Find words from a count file."""
    check_target(output, to)
    check_target(rejected, None)
    began = time.monotonic()
    lexicon = api.score_counts(
        file,
        min_count=min_count,
        method=method,
        min_pmi=thresholds(min_pmi),
        min_entropy=min_entropy,
        max_length=max_length,
        known=known,
        known_action="drop" if drop_known else "mark",
        edge_stops=edge_stops,
        reasons=rejected is not None,
        threads=threads,
        memory=memory,
        temp_dir=temp_dir,
        progress=shows_progress(quiet),
    )
    finish(lexicon, began, output, to, top, sort, new, rejected, json, quiet)
