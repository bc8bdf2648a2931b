"""Output of commands: a table, TSV, a file, a summary."""

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from newword._atomic import check_writable, replacing
from newword.cli.process import say
from newword.errors import InvalidArgumentError
from newword.lexicon import Lexicon
from newword.lexicon.display import cell, shown_columns
from newword.lexicon.files import format_of
from newword.lexicon.formats import tsv_lines

TABLE_ROWS = 40
"""Default number of words shown on a terminal."""


def shows_progress(quiet: bool) -> bool:
    """Whether to show progress: stderr is a terminal and `quiet` is false."""
    return not quiet and sys.stderr.isatty()


def check_target(output: Path | None, to: str | None) -> None:
    """Validates an output path before hours of work rather than after.

    Raises:
        InvalidArgumentError: The format is unknown or the target is a directory.
        FileNotFoundError: Its folder does not exist.
        PermissionError: Its folder cannot be written into.
    """
    if output is None:
        if to is not None:
            raise InvalidArgumentError(f"to: must come with an output file, got {to!r} alone")
        return
    if output.is_dir():
        raise InvalidArgumentError(f"output: must not be a directory, got {str(output)!r}")
    format_of(output, to)
    check_writable(output)


def chosen(lexicon: Lexicon, sort: str | None, new: bool, top: int | None) -> Lexicon:
    """The selected words in the selected order."""
    if new:
        lexicon = lexicon.new
    if sort is not None:
        lexicon = lexicon.sort(sort)
    return lexicon if top is None else lexicon[:top]


def deliver(lexicon: Lexicon, output: Path | None, to: str | None, rows: int | None) -> None:
    """Writes the words to a file, as TSV into a pipe, or as a table on a terminal."""
    if output is not None:
        lexicon.save(output, to)
    elif sys.stdout.isatty():
        show_table(lexicon, TABLE_ROWS if rows is None else rows)
    else:
        # UTF-8 whatever the locale, so the bytes are the same everywhere.
        write = sys.stdout.buffer.write
        for line in tsv_lines({name: lexicon[name] for name in lexicon.columns}):
            write(line.encode("utf-8"))
        sys.stdout.buffer.flush()


def show_table(lexicon: Lexicon, rows: int, hint: str = "--output writes them all") -> None:
    """Prints the first words as a table on standard output."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(header_style="bold", box=None, pad_edge=False)
    shown = [name for name in shown_columns(lexicon) if _tells_something(lexicon, name)]
    for name in shown:
        table.add_column(name, justify="left" if lexicon[name].dtype == object else "right")
    head = lexicon[:rows]
    for values in zip(*(head[name].tolist() for name in shown), strict=True):
        table.add_row(*(escape(cell(value)) for value in values))
    console = Console()
    console.print(table)
    if len(lexicon) > rows:
        console.print(f"[dim]{rows:,} of {len(lexicon):,} words; {hint}[/dim]")


def _tells_something(lexicon: Lexicon, name: str) -> bool:
    column = lexicon[name]
    if column.dtype.kind == "f":
        return bool(np.isfinite(column).any())
    return name != "known" or bool(column.any())


def plain(value: Any) -> Any:
    """Converts a value for JSON: NumPy numbers to Python's, NaN to null."""
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(one) for one in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, (int, float, str, bool, type(None))) else str(value)


def print_json(summary: Mapping[str, Any]) -> None:
    """Prints a summary on standard output."""
    sys.stdout.write(json.dumps(plain(summary), ensure_ascii=False, indent=2) + "\n")


def print_summary(words: int, output: Path | None, seconds: float) -> None:
    """Prints one line with the number of words and the time on stderr."""
    where = "" if output is None else f", written to {output}"
    say(f"{words:,} word{'' if words == 1 else 's'} in {seconds:.1f} s{where}")


@contextmanager
def opened_for_lines(output: Path | None) -> Iterator[Any]:
    """Opens a binary file for lines: standard output, or `output`, written atomically."""
    target = nullcontext(None) if output is None or str(output) == "-" else replacing(output)
    with target as temporary:
        if temporary is None:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
            return
        with temporary.open("wb") as file:
            yield file


@contextmanager
def without_native_messages() -> Iterator[None]:
    """Discards what native libraries write to standard error, such as TensorFlow when imported.

    Its logger ignores every setting until it has started.
    """
    if sys.stderr is None:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)
