"""Iterates over the lines of text files, for segmentation and evaluation."""

import codecs
import gzip
import lzma
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from newword.errors import CorpusError, DecodeError, InvalidArgumentError


def lines_of(paths: Iterable[str | Path], encoding: str) -> Iterator[str]:
    """Yields the lines of files in order, without line ends; `-` is standard input.

    Raises:
        InvalidArgumentError: The encoding is unknown or has line breaks of several bytes.
        DecodeError: A line is not valid in `encoding`; names file and line.
        CorpusError: A compressed file is damaged.
        OSError: A file cannot be read.
    """
    codec = _codec(encoding)
    for path in paths:
        with _opened(str(path)) as file:
            try:
                yield from _decoded(file, codec, str(path))
            except (gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError) as error:
                raise CorpusError(f"{path}: corrupt or truncated: {error}") from error


def _codec(encoding: str) -> codecs.CodecInfo:
    try:
        codec = codecs.lookup(encoding)
    except LookupError:
        rule = "a text encoding such as utf-8, gb18030 or big5"
        raise InvalidArgumentError(f"encoding: must be {rule}, got {encoding!r}") from None
    if codec.name.startswith(("utf-16", "utf-32")):
        raise InvalidArgumentError(
            f"encoding: must have line breaks of one byte, got {encoding!r}; convert the file first"
        )
    return codec


def _opened(path: str) -> AbstractContextManager[Any]:
    if path == "-":
        return nullcontext(sys.stdin.buffer)
    suffix = Path(path).suffix.lower()
    if suffix == ".gz":
        return gzip.open(path, "rb")
    if suffix == ".xz":
        return lzma.open(path, "rb")
    if suffix == ".zst":
        raise InvalidArgumentError(
            f"file: must be plain, .gz or .xz here, got {path!r}; pipe it in: zstd -dc FILE | ... -"
        )
    return Path(path).open("rb")


def _decoded(file: Iterable[bytes], codec: codecs.CodecInfo, path: str) -> Iterator[str]:
    offset = 0
    for number, raw in enumerate(file, 1):
        try:
            text, _ = codec.decode(raw)
        except UnicodeDecodeError as error:
            raise DecodeError(
                f"{path}: line {number}, byte {offset + error.start}: not valid {codec.name}; "
                "set the right encoding with --encoding"
            ) from error
        offset += len(raw)
        if number == 1:
            text = text.removeprefix("\ufeff")
        yield text.removesuffix("\n").removesuffix("\r")
