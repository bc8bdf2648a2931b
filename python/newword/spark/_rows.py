"""The text of CSV and TSV files in tasks, as the core reads it on one machine."""

from __future__ import annotations

import csv
import re
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from newword.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pyarrow as pa

LONGEST = 1 << 26
"""The maximum number of bytes of a field: a quote that stays open takes the rest of its file."""
BATCH = 1 << 22
"""Bytes after which a batch goes out, each row counted as some bytes more than its text."""
INVALID = b"\xff"
"""What is not UTF-8: `errors="skip"` leaves it out and counts it."""
RETURN = re.compile(r"(?<=\r)(?!\n)")
"""Where a line ends in a carriage return alone."""


def fields(batches: Iterable[pa.RecordBatch], settings: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    """The field of all rows of whole files whose lines come in order. O(text)."""
    import pyarrow as pa

    lines = (
        line
        for batch in batches
        for line in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True)
    )
    texts: list[bytes] = []
    size = 0
    for path, of_file in groupby(lines, itemgetter(0)):
        for text in _of_file(path, map(itemgetter(1), of_file), **settings):
            texts.append(text)
            size += len(text) + 64
            if size >= BATCH:
                yield pa.RecordBatch.from_arrays([pa.array(texts, pa.binary())], ["text"])
                texts, size = [], 0
    yield pa.RecordBatch.from_arrays([pa.array(texts, pa.binary())], ["text"])


def _of_file(path: str, lines: Iterator[str], kind: str, field: str, skip: bool) -> Iterator[bytes]:
    """The field of each row of a file.

    Raises:
        CorpusError: The header lacks the column, a row ends before it, or a field is too long.
    """
    csv.field_size_limit(LONGEST)
    # Quotes are ordinary characters of TSV.
    rows = (
        csv.reader(_ended(lines), delimiter="\t", quoting=csv.QUOTE_NONE)
        if kind == "tsv"
        else csv.reader(_ended(lines))
    )
    column = None
    try:
        for row in rows:
            # A blank line.
            if not row:
                continue
            if column is None:
                column = _column(path, row, field)
            elif column < len(row):
                yield row[column].encode("latin-1")
            elif skip:
                yield INVALID
            else:
                raise CorpusError(
                    f"{path}: the row {','.join(row)[:40]!r} must reach the column of the text, "
                    f"got {len(row)} field{'s' * (len(row) != 1)}"
                )
    except csv.Error as error:
        raise CorpusError(
            f"{path}: a field must have at most {LONGEST} bytes, got more; does a quote stay open?"
        ) from error


def _ended(lines: Iterator[str]) -> Iterator[str]:
    """The lines with their ends, a carriage return alone among them."""
    first = True
    for whole in lines:
        # Neither belongs to a word, and Python 3.10 does not read the former.
        line = whole.replace("\0", " ")
        if first:
            line = line.removeprefix(b"\xef\xbb\xbf".decode("latin-1"))
            first = False
        yield from RETURN.split(line + "\n") if "\r" in line[:-1] else [line + "\n"]


def _column(path: str, header: Sequence[str], field: str) -> int:
    names = [name.encode("latin-1").decode("utf-8", "replace") for name in header]
    if field not in names:
        message = f"no column {field!r} among its columns {', '.join(map(repr, names))}"
        raise CorpusError(f"{path}: {message}")
    return names.index(field)
