"""Commands that find words: discover, contrast, demo."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from newword import discovery as api
from newword.cli import options as opt
from newword.cli.guard import guarded
from newword.cli.output import (
    check_target,
    chosen,
    deliver,
    print_json,
    print_summary,
    show_table,
    shows_progress,
)
from newword.errors import InvalidArgumentError
from newword.lexicon import Lexicon


def thresholds(text: str | None) -> float | list[float] | None:
    """`"3"` or `"0,2,4,6"` as numbers.

    Raises:
        InvalidArgumentError: It is neither.
    """
    if text is None:
        return None
    try:
        numbers = [float(one) for one in text.split(",")]
    except ValueError:
        rule = "one number, or several separated by commas"
        raise InvalidArgumentError(f"min_pmi: must be {rule}, got {text!r}") from None
    return numbers[0] if len(numbers) == 1 else numbers


@guarded
def discover(
    files: opt.Files,
    output: opt.Output = None,
    to: opt.To = None,
    top: opt.Top = None,
    sort: opt.Sort = None,
    new: opt.New = False,
    rejected: opt.Rejected = None,
    json: opt.Json = False,
    order: opt.Order = 4,
    min_count: opt.MinCount = None,
    method: opt.Method = "chain",
    min_pmi: opt.MinPmi = None,
    min_entropy: opt.MinEntropy = None,
    max_length: opt.MaxLength = None,
    counts: opt.Counts = "exact",
    edge_stops: opt.EdgeStops = "",
    known: opt.Known = None,
    drop_known: opt.DropKnown = False,
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
    """Find the words of a corpus."""
    check_target(output, to)
    check_target(rejected, None)
    began = time.monotonic()
    lexicon = api.discover(
        [Path(name) for name in files],
        order=order,
        min_count=min_count,
        method=method,
        min_pmi=thresholds(min_pmi),
        min_entropy=min_entropy,
        max_length=max_length,
        counts=counts,
        known=known,
        known_action="drop" if drop_known else "mark",
        edge_stops=edge_stops,
        reasons=rejected is not None,
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
    finish(lexicon, began, output, to, top, sort, new, rejected, json, quiet)


def finish(
    lexicon: Lexicon,
    began: float,
    output: Path | None,
    to: str | None,
    top: int | None,
    sort: str | None,
    new: bool,
    rejected: Path | None,
    json: bool,
    quiet: bool,
) -> None:
    """Hands a result out as the options of its command say."""
    if rejected is not None and lexicon.rejected is not None:
        lexicon.rejected.save(rejected)
    words = chosen(lexicon, sort, new, top)
    seconds = time.monotonic() - began
    if output is not None or not json:
        deliver(words, output, to, top)
    if json:
        print_json({**lexicon.summary, "words": len(words), "seconds": seconds})
    if not quiet:
        print_summary(len(words), output, seconds)


@guarded
def contrast(
    files: opt.Files,
    background: Annotated[
        list[str],
        typer.Option(
            "--background", "-b", help="Files of texts of every kind; may be given several times."
        ),
    ],
    output: opt.Output = None,
    to: opt.To = None,
    top: opt.Top = None,
    json: opt.Json = False,
    order: opt.Order = 4,
    min_count: opt.MinCount = None,
    method: opt.Method = "chain",
    known: opt.Known = None,
    drop_known: opt.DropKnown = False,
    format: opt.Format = "auto",  # noqa: A002
    field: opt.Field = "text",
    encoding: opt.Encoding = "utf-8",
    errors: opt.Errors = "strict",
    nfkc: opt.Nfkc = False,
    threads: opt.Threads = None,
    memory: opt.Memory = None,
    temp_dir: opt.TempDir = None,
    quiet: opt.Quiet = False,
    traceback: opt.Traceback = False,
) -> None:
    """Find the words typical of a corpus against a background: the terms of a domain."""
    check_target(output, to)
    began = time.monotonic()
    options: dict[str, Any] = {
        "order": order,
        "min_count": min_count,
        "method": method,
        "known": known,
        "known_action": "drop" if drop_known else "mark",
        "format": format,
        "field": field,
        "encoding": encoding,
        "errors": errors,
        "nfkc": nfkc,
        "threads": threads,
        "memory": memory,
        "temp_dir": temp_dir,
        "progress": shows_progress(quiet),
    }
    paths = ([Path(name) for name in files], [Path(name) for name in background])
    lexicon = api.contrast(*paths, **options)
    finish(lexicon, began, output, to, top, None, False, None, json, quiet)


@guarded
def demo(
    top: Annotated[int, typer.Option("--top", "-n", min=1, help="How many words to show.")] = 40,
    traceback: opt.Traceback = False,
) -> None:
    """Find the words of a built-in sample: some 16,000 characters with coined terms in them."""
    from newword.samples import sample_path

    began = time.monotonic()
    # Single characters are words as well, but nobody runs a demo to see them.
    words = api.discover(sample_path()).filter(min_length=2)
    seconds = time.monotonic() - began
    show_table(words, top, "--top shows more")
    print_summary(len(words), None, seconds)
