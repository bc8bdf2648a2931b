"""Commands on segmentation: segment, evaluate."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from newword.cli import options as opt
from newword.cli.groups import command
from newword.cli.lines import lines_of
from newword.cli.output import opened_for_lines, print_json
from newword.errors import InvalidArgumentError
from newword.evaluation import SegmentationScore, evaluate_segmentation
from newword.lexicon import Lexicon
from newword.lexicon.known import load_words
from newword.segmentation import Segmenter

COMPILED = ".seg"
"""The extension of a compiled lexicon."""

BATCH_CHARACTERS = 4_000_000
"""Characters per batch: enough to use all cores, few enough to fit in memory."""


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line) + 1
        if size >= BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def segmenter_of(file: Path, top: int | None) -> Lexicon | Segmenter:
    """Returns the segmenter of a compiled lexicon, or the first `top` words of any other.

    Raises:
        InvalidArgumentError: `top` is given for a compiled lexicon, which knows no order.
        FormatError: The file is not what its format asks for.
        OSError: The file cannot be read.
    """
    if file.suffix.lower() == COMPILED:
        if top is not None:
            rule = "must be left out with a compiled lexicon"
            raise InvalidArgumentError(f"top: {rule}, got {top} for {str(file)!r}")
        return Segmenter.load(file)
    words = load_words(file)
    return words if top is None else words[:top]


def segmented(
    segmenter: Lexicon | Segmenter, lines: Iterable[str], threads: int | None
) -> Iterator[list[str]]:
    """Yields the words of each line, without white space."""
    for batch in _batches(lines):
        for pieces in segmenter.segment_many(batch, threads):
            yield [piece for piece in pieces if not piece.isspace()]


@command
def segment(
    lexicon: opt.Lexicon,
    files: opt.LineFiles = None,
    output: opt.LinesOutput = None,
    separator: Annotated[str, typer.Option(help="Separator between words.")] = " ",
    top: Annotated[
        int | None, typer.Option("--top", "-n", min=1, help="Use only the first N words.")
    ] = None,
    encoding: opt.Encoding = "utf-8",
    threads: opt.Threads = None,
) -> None:
    """Segment text into words by maximum probability, one line of output per line of input."""
    words = segmenter_of(lexicon, top)
    lines = lines_of(files or ["-"], encoding)
    with opened_for_lines(output) as file:
        for pieces in segmented(words, lines, threads):
            file.write((separator.join(pieces) + "\n").encode("utf-8"))


@command
def evaluate(
    gold: Annotated[
        Path,
        typer.Argument(help="Gold standard: words separated by spaces, one sentence per line."),
    ],
    predicted: Annotated[
        Path | None, typer.Argument(help="The segmentation to evaluate, of the same text.")
    ] = None,
    lexicon: Annotated[
        Path | None,
        typer.Option(
            "--lexicon", "-l", help="Segment the gold text with this lexicon and evaluate that."
        ),
    ] = None,
    top: Annotated[
        int | None, typer.Option("--top", "-n", min=1, help="Use only the first N words.")
    ] = None,
    vocabulary: Annotated[
        Path | None,
        typer.Option(help="Known words, for the recall of out-of-vocabulary words."),
    ] = None,
    json: opt.Json = False,
    encoding: opt.Encoding = "utf-8",
    threads: opt.Threads = None,
) -> None:
    """Evaluate a segmentation by the conventions of the SIGHAN 2005 bakeoff."""
    if (predicted is None) == (lexicon is None):
        raise InvalidArgumentError(
            "evaluate: must have either PREDICTED or --lexicon, got "
            + ("neither" if predicted is None else "both")
        )
    if predicted is not None:
        guess: Iterable[list[str]] = (line.split() for line in lines_of([predicted], encoding))
    else:
        assert lexicon is not None
        text = ("".join(line.split()) for line in lines_of([gold], encoding))
        guess = segmented(segmenter_of(lexicon, top), text, threads)
    known = None if vocabulary is None else load_words(vocabulary)
    score = evaluate_segmentation(lines_of([gold], encoding), guess, known)
    if json:
        print_json(score.to_dict())
    else:
        _show(score)


def _show(score: SegmentationScore) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in score.to_dict().items():
        if value is None or value != value:  # noqa: PLR0124 - NaN: there was nothing to measure
            continue
        text = f"{value:.4f}" if isinstance(value, float) else f"{value:,}"
        table.add_row(name.replace("_", " "), text)
    Console().print(table)
