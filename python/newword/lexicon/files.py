"""Lexicon files: the format of a path, atomic writing, and reading."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newword import _check
from newword._atomic import replacing
from newword._optional import optional_module
from newword.errors import FormatError, InvalidArgumentError
from newword.lexicon import formats
from newword.lexicon.exchange import from_arrow, to_arrow

if TYPE_CHECKING:
    from newword.lexicon.columns import Columns

SUFFIXES = {
    ".tsv": "tsv",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".txt": "jieba",
    ".dict": "jieba",
}
"""The format of each file extension."""

FORMATS = ("tsv", "csv", "jsonl", "parquet", "jieba", "words")


def format_of(path: str | os.PathLike[str], name: str | None) -> str:
    """Returns the given format, or that of the extension.

    Raises:
        InvalidArgumentError: The format or the extension is unknown.
    """
    if name is not None:
        return _check.choice("format", name, FORMATS)
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidArgumentError(
            f"format: must be given if the extension is not one of {', '.join(SUFFIXES)}, "
            f"got {os.fspath(path)!r}"
        )
    return SUFFIXES[suffix]


def save(
    columns: "Columns", summary: dict[str, Any], path: str | os.PathLike[str], name: str | None
) -> None:
    """Writes a lexicon atomically."""
    path = _check.path("path", path)
    chosen = format_of(path, name)
    if chosen == "parquet":
        parquet = optional_module("pyarrow.parquet", "arrow", "Parquet files")
        table = to_arrow(columns, summary)
        with replacing(path) as temporary:
            parquet.write_table(table, temporary, compression="zstd")
        return
    lines = formats.WRITERS[chosen](columns)
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        try:
            file.writelines(lines)
        except UnicodeEncodeError as error:
            raise InvalidArgumentError(
                f"word: must be valid Unicode to be written, got {error.object!r:.60}"
            ) from error


def load(
    path: str | os.PathLike[str], name: str | None
) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Reads the columns and the summary of a file.

    Raises:
        FormatError: The file is not valid in its format.
        OSError: The file cannot be read.
    """
    path = _check.path("path", path)
    chosen = format_of(path, name)
    if chosen == "parquet":
        return _load_parquet(path)
    data = Path(path).read_bytes()
    try:
        return formats.READERS[chosen](data), {}
    except formats.LineError as error:
        raise FormatError(f"{os.fspath(path)}: line {error.line}: {error}") from error
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FormatError(
            f"{os.fspath(path)}: line {line}: not valid UTF-8 (byte {error.start})"
        ) from error


def _load_parquet(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    arrow = optional_module("pyarrow", "arrow", "Parquet files")
    parquet = optional_module("pyarrow.parquet", "arrow", "Parquet files")
    # Opened here, so that a missing file raises the system's error, not pyarrow's.
    with Path(path).open("rb") as file:
        try:
            return from_arrow(parquet.read_table(file))
        except (arrow.ArrowInvalid, ValueError) as error:
            raise FormatError(f"{os.fspath(path)}: not a lexicon in Parquet: {error}") from error
