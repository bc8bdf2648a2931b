"""Lines of text files, which may be compressed, and errors that name file and line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from newword import _check
from newword.errors import DecodeError, FormatError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

__all__ = ["BLANK", "text_lines", "wrong_line"]

BLANK = " \t"
"""What an empty line may hold."""


def text_lines(path: str | os.PathLike[str]) -> Iterator[tuple[tuple[str, int], str]]:
    """Yields the lines of a file, each with its file and number.

    Raises:
        FormatError: The file ends in .gz or .xz and is not compressed so.
        DecodeError: The file is not UTF-8.
        InvalidArgumentError: The path is invalid.
        OSError: The file cannot be read.
    """
    # Imported here to keep `import newword` fast.
    import gzip
    import lzma
    import zlib

    name = _check.path("path", path)
    data = Path(name).read_bytes()
    try:
        if name.endswith(".gz"):
            data = gzip.decompress(data)
        elif name.endswith(".xz"):
            data = lzma.decompress(data)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise FormatError(f"{name}: must be compressed as its name says: {error}") from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DecodeError(f"{name}: must be UTF-8, which byte {error.start} is not") from None
    # Not str.splitlines, which also splits at U+2028, U+0085 and other characters.
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        yield (name, number), line.removesuffix("\r")


def wrong_line(where: tuple[str, int], rule: str, value: object) -> FormatError:
    """The exception for a line that breaks a rule."""
    name, number = where
    return FormatError(f"{name}: line {number}: must be {rule}, got {value!r:.120}")
