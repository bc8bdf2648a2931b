"""Interpretation of the argument `corpus`: paths, texts, or a column of strings."""

import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any

from newword import _check
from newword._arguments import Reading
from newword._corpus.parquet import parquet_stream
from newword.errors import InvalidArgumentError

CORPUS_SUFFIXES = (
    ".txt",
    ".jsonl",
    ".ndjson",
    ".json",
    ".csv",
    ".tsv",
    ".parquet",
    ".gz",
    ".zst",
    ".xz",
)
"""A str in a list with one of these suffixes is a path even if no such file exists."""
LOOKED_AT = 1000
"""Number of strings checked for being paths in a list that begins with a text."""

Source = dict[str, Any]
"""A source for the core: `kind` ("paths", "texts" or "arrow"), `data`, and how to read it."""


def source_of(corpus: Any, reading: Reading, argument: str = "corpus") -> Source:
    """Converts `corpus` to a source; see `newword.discover` for the rules.

    Raises:
        InvalidArgumentError: `corpus` has an unsupported type, or mixes paths and texts.
        MissingDependencyError: There are Parquet files, but pyarrow is not installed.
        FileNotFoundError: A Parquet file does not exist.
    """
    kind, data = _classify(corpus, argument, reading.field)
    if kind == "paths" and (parquet := _parquet_files(data, reading.format)):
        kind, data = "arrow", parquet_stream(parquet, reading.field)
    return {"kind": kind, "data": data, **reading.options()}


def can_be_read_twice(corpus: Any) -> bool:
    """Whether `corpus` can be read more than once."""
    if isinstance(corpus, str):
        return corpus != "-"
    if isinstance(corpus, Iterator):
        return False
    if isinstance(corpus, (list, tuple)):
        return "-" not in corpus
    # A record-batch reader is consumed by reading, a table is not; only tables have a length.
    return not hasattr(corpus, "__arrow_c_stream__") or hasattr(corpus, "__len__")


def _classify(corpus: Any, argument: str, field: str) -> tuple[str, Any]:
    if isinstance(corpus, (str, os.PathLike)):
        return "paths", [_check.path(argument, corpus)]
    if isinstance(corpus, (bytes, bytearray, Mapping)):
        raise _not_a_corpus(corpus, argument)
    if (column := _as_column(corpus, argument, field)) is not None:
        return "arrow", column
    if isinstance(corpus, (list, tuple)):
        return _classify_list(list(corpus), argument)
    if _is_pandas(corpus):
        # Without pyarrow, a pandas column is an iterable whose missing values are None, NaN or NA.
        return "texts", (
            None if gone else text for text, gone in zip(corpus, corpus.isna(), strict=True)
        )
    try:
        items = iter(corpus)
    except TypeError:
        raise _not_a_corpus(corpus, argument) from None
    first = list(islice(items, 1))
    if first and isinstance(first[0], os.PathLike):
        return _classify_list([*first, *items], argument)
    return "texts", chain(first, items)


def _as_column(corpus: Any, argument: str, field: str) -> Any:
    """Returns an object with the Arrow C-stream interface for `corpus`, or None."""
    if _is_pandas(corpus):
        return _pandas_column(corpus, argument, field)
    if hasattr(corpus, "__arrow_c_stream__"):
        return corpus
    if hasattr(corpus, "__arrow_c_array__"):
        # A single array, such as that of pyarrow.array, is a column of one chunk.
        import pyarrow

        return pyarrow.chunked_array([pyarrow.array(corpus)])
    return None


def _is_pandas(corpus: object) -> bool:
    return type(corpus).__module__.partition(".")[0] == "pandas" and hasattr(corpus, "isna")


def _pandas_column(corpus: Any, argument: str, field: str) -> Any:
    """Converts a pandas column, or the column `field` of a data frame, to an Arrow array.

    Returns None if pyarrow is not installed. Other columns of a data frame are ignored.
    """
    try:
        import pyarrow
    except ImportError:
        if hasattr(corpus, "columns"):
            raise InvalidArgumentError(
                f"{argument}: must be a column if pyarrow is not installed, got a data frame; "
                f'pass frame[{field!r}], or pip install "newword[arrow]"'
            ) from None
        return None
    if hasattr(corpus, "columns"):
        if field not in corpus.columns:
            names = ", ".join(map(str, corpus.columns))
            raise InvalidArgumentError(
                f"field: must name a column of the table ({names}), got {field!r}"
            )
        corpus = corpus[field]
    try:
        array = pyarrow.array(corpus, from_pandas=True)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError):
        rows = zip(corpus, corpus.isna(), strict=True)
        row, value = next(
            (row, value)
            for row, (value, gone) in enumerate(rows)
            if not gone and not isinstance(value, str)
        )
        raise InvalidArgumentError(
            f"{argument}: every item must be a str or missing, "
            f"got {type(value).__name__} at item {row}"
        ) from None
    return array if isinstance(array, pyarrow.ChunkedArray) else pyarrow.chunked_array([array])


def _not_a_corpus(corpus: object, argument: str) -> InvalidArgumentError:
    rule = "a path, paths, a glob, '-', an iterable of str or a column of strings"
    return InvalidArgumentError(f"{argument}: must be {rule}, got {type(corpus).__name__}")


def _classify_list(items: list[Any], argument: str) -> tuple[str, Any]:
    if not any(isinstance(item, os.PathLike) for item in items):
        strings = [item for item in islice(items, LOOKED_AT) if isinstance(item, str)]
        if not strings or len(strings) < min(len(items), LOOKED_AT):
            # Empty, or not only str: the reader names the item.
            return "texts", iter(items)
        if not _names_file(strings[0]):
            path = next((item for item in strings if _names_file(item)), None)
            if path is None and not all(map(_looks_like_path, strings)):
                return "texts", iter(items)
            if path is not None:
                raise _mixed(argument, path, strings[0])
    paths = [_check.path(argument, item) for item in items]
    for item in items:
        if isinstance(item, str) and not _names_file(item) and not _looks_like_path(item):
            raise _mixed(argument, paths[0], item)
    return "paths", paths


def _mixed(argument: str, path: str, text: str) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{argument}: must be all paths or all texts, got the existing path {path!r:.60} and "
        f"{text!r:.60}, which does not exist; pass pathlib.Path for paths, iter(texts) for texts"
    )


def _names_file(text: str) -> bool:
    if text == "-":
        return True
    # Longer than any path, or not a path; otherwise os.path.exists decides.
    if len(text) > 4096 or "\0" in text:
        return False
    if os.path.exists(text):  # noqa: PTH110
        return True
    return glob.has_magic(text) and any(glob.iglob(text, recursive=True))  # noqa: PTH207


def _looks_like_path(text: str) -> bool:
    return len(text) < 1024 and text.lower().endswith(CORPUS_SUFFIXES) and "\n" not in text


def _parquet_files(paths: Iterable[str], format: str) -> list[str]:  # noqa: A002
    """Returns the Parquet files among `paths`, in order; empty if there are none.

    Raises:
        InvalidArgumentError: There are other files too.
    """
    if format not in {"auto", "parquet"}:
        return []
    found: list[str] = []
    other: str | None = None
    for path in paths:
        files = _expanded(path, format)
        found.extend(file for file in files if _is_parquet(file, format))
        other = next((file for file in files if not _is_parquet(file, format)), other)
    if found and other is not None:
        raise InvalidArgumentError(
            f"corpus: must not mix Parquet with other files, got {found[0]!r} and {other!r}; "
            'select the Parquet files with format="parquet", or pass the texts of both'
        )
    return found


def _is_parquet(path: str, format: str) -> bool:  # noqa: A002
    return format == "parquet" or path.lower().endswith(".parquet")


def _expanded(path: str, format: str) -> list[str]:  # noqa: A002
    if path != "-" and Path(path).is_dir():
        pattern = "*.parquet" if format == "parquet" else "*"
        files = (file for file in Path(path).rglob(pattern) if file.is_file())
        visible = [file for file in files if not file.name.startswith(".")]
        return [str(file) for file in sorted(visible)]
    if glob.has_magic(path) and not os.path.exists(path):  # noqa: PTH110
        return sorted(glob.iglob(path, recursive=True))  # noqa: PTH207
    return [path]
