r"""The text formats of a lexicon: TSV, CSV, JSON lines, jieba dictionaries, word lists.

Writers yield whole lines; readers take the whole file and give columns. All of them are UTF-8
without a byte-order mark, with LF. NaN is an empty cell (null in JSON). In TSV a tab, a line break
or a backslash inside a word is written as `\t`, `\n`, `\r`, `\\`; CSV quotes as RFC 4180 has it.
"""

import csv
import io
import json
import math
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from newword._core import core
from newword.errors import InvalidArgumentError
from newword.lexicon.columns import ALL, KINDS, Columns, PackedColumns

_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_ESCAPE = str.maketrans(_ESCAPES)
_UNESCAPE = {escaped: plain for plain, escaped in _ESCAPES.items()}
_JIEBA_CUTS = re.compile(r"[\u4E00-\u9FD5a-zA-Z0-9+#&._%\-]+")
"""The characters that jieba 0.42 segments; it splits the text at all others."""


class LineError(ValueError):
    """A line that cannot be read."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


# Writing


def _rows(columns: Columns) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.tolist() for column in columns.values()), strict=True)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        # repr is the shortest text that gives the same number back.
        return "" if math.isnan(value) else repr(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def tsv_lines(columns: Columns) -> Iterator[str]:
    """A header and one line per word, cells separated by tabs."""
    yield "\t".join(columns) + "\n"
    for row in _rows(columns):
        yield "\t".join(_cell(value).translate(_ESCAPE) for value in row) + "\n"


def csv_lines(columns: Columns) -> Iterator[str]:
    """A header and one record per word."""
    for row in (tuple(columns), *_rows(columns)):
        yield ",".join(_quoted(_cell(value)) for value in row) + "\n"


def _quoted(cell: str) -> str:
    # The csv module leaves a lone carriage return bare, which readers take for a line's end.
    if any(character in cell for character in ',"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def jsonl_lines(columns: Columns) -> Iterator[str]:
    """One object per word."""
    for row in _rows(columns):
        values = [None if isinstance(one, float) and math.isnan(one) else one for one in row]
        record = dict(zip(columns, values, strict=True))
        yield json.dumps(record, ensure_ascii=False, allow_nan=True) + "\n"


def jieba_lines(columns: Columns) -> Iterator[str]:
    """`word count` a line, as `jieba.load_userdict` and `jieba.set_dictionary` read it.

    Raises:
        InvalidArgumentError: A word holds white space or begins with a byte-order mark, which
            jieba would drop; or its count is 0, which jieba takes as an order to split the word.
    """
    words, counts = columns["word"].tolist(), columns["count"].tolist()
    unreachable = [word for word in words if not _JIEBA_CUTS.fullmatch(word)]
    for word, count in zip(words, counts, strict=True):
        _check_plain(word)
        if count == 0:
            raise InvalidArgumentError(
                f"count: must be at least 1 in a jieba dictionary, got 0 for {word!r}; "
                "drop such words with lexicon.filter(min_count=1)"
            )
    if unreachable:
        warnings.warn(
            f"{len(unreachable)} word(s) hold characters at which jieba always splits and will "
            f"never be found by it, as {unreachable[0]!r}",
            stacklevel=4,
        )
    return (f"{word} {count}\n" for word, count in zip(words, counts, strict=True))


def word_lines(columns: Columns) -> Iterator[str]:
    """A word a line and nothing else.

    Raises:
        InvalidArgumentError: A word holds white space.
    """
    for word in columns["word"]:
        _check_plain(word)
    return (f"{word}\n" for word in columns["word"])


def _check_plain(word: str) -> None:
    if word.startswith("\ufeff") or any(map(str.isspace, word)):
        raise InvalidArgumentError(
            f"word: must be free of white space in this format, got {word!r}; "
            r"drop such words with lexicon.filter(pattern=r'^\S+$') or save as .tsv"
        )


WRITERS: dict[str, Callable[[Columns], Iterable[str]]] = {
    "tsv": tsv_lines,
    "csv": csv_lines,
    "jsonl": jsonl_lines,
    "jieba": jieba_lines,
    "words": word_lines,
}


# Reading


class _Builder:
    """Columns that grow row by row."""

    def __init__(self) -> None:
        self.columns: dict[str, list[Any]] = {}
        self._lines: dict[str, int] = {}

    def open(self, names: Sequence[str], line: int) -> None:
        for name in names:
            if name not in ALL:
                raise LineError(
                    line, f"no column of a lexicon is called {name!r}; there are {', '.join(ALL)}"
                )
        if len(set(names)) != len(names):
            raise LineError(line, f"duplicate column: {', '.join(names)}")
        if "word" not in names:
            raise LineError(line, "there is no column 'word'")
        self.columns = {name: [] for name in names}

    def add(self, values: Iterable[Any], line: int) -> None:
        row = dict(zip(self.columns, values, strict=True))
        word = row["word"]
        if not isinstance(word, str) or not word:
            raise LineError(line, f"a word must be non-empty text, got {word!r}")
        if word in self._lines:
            raise LineError(line, f"{word!r} is there already, on line {self._lines[word]}")
        self._lines[word] = line
        for name, value in row.items():
            try:
                self.columns[name].append(_value(name, value))
            except (ValueError, TypeError) as error:
                raise LineError(line, f"column {name}: {error}") from error

    def arrays(self) -> dict[str, Any]:
        return {
            name: values if ALL[name].kind == "O" else np.array(values, ALL[name])
            for name, values in self.columns.items()
        }


def _value(name: str, value: Any) -> Any:
    kind = ALL[name].kind
    if kind == "O":
        if not isinstance(value, str):
            raise ValueError(f"must be text, got {value!r}")
        if name == "kind" and value not in KINDS:
            raise ValueError(f"must be one of {', '.join(KINDS)}, got {value!r}")
        return value
    if kind == "b":
        return _truth(value)
    if kind == "f":
        return math.nan if value in ("", None) else float(value)
    if isinstance(value, (bool, float)):
        raise ValueError(f"must be a whole number, got {value!r}")
    number, limits = int(value), np.iinfo(ALL[name])
    if not limits.min <= number <= limits.max:
        raise ValueError(f"must lie in {limits.min}..{limits.max}, got {number}")
    return number


def _truth(value: Any) -> bool:
    truths = {"true": True, "false": False, "1": True, "0": False}
    text = str(value).lower()
    if text not in truths:
        raise ValueError(f"must be true or false, got {value!r}")
    return truths[text]


def _unescaped(cell: str) -> str:
    if "\\" not in cell:
        return cell
    return re.sub(r"\\[\\tnr]", lambda match: _UNESCAPE[match[0]], cell)


def _lines(text: str) -> list[str]:
    """The lines without their ends, LF or CRLF; never cut at the rarer separators of Unicode."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if lines[-1] == "":
        lines.pop()
    return lines


def read_tsv(text: str) -> dict[str, Any]:
    """The columns of a TSV file with a header."""
    rows = ([_unescaped(one) for one in line.split("\t")] for line in _lines(text))
    return _read_table(enumerate(rows, 1))


def read_csv(text: str) -> dict[str, Any]:
    """The columns of a CSV file with a header."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)

    def rows() -> Iterator[tuple[int, list[str]]]:
        try:
            for row in reader:
                if row:
                    yield reader.line_num, row
        except csv.Error as error:
            raise LineError(reader.line_num, str(error)) from error

    return _read_table(rows())


def _read_table(rows: Iterator[tuple[int, list[str]]]) -> dict[str, Any]:
    builder = _Builder()
    line, header = next(rows, (1, []))
    builder.open(header, line)
    for line, row in rows:
        if len(row) != len(header):
            raise LineError(line, f"must have {len(header)} cells, got {len(row)}")
        builder.add(row, line)
    return builder.arrays()


def read_jsonl(text: str) -> dict[str, Any]:
    """The columns of a file with an object a line; the first object names the columns."""
    builder = _Builder()
    for number, line in enumerate(_lines(text), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise LineError(number, f"not JSON: {error}") from error
        if not isinstance(record, dict):
            raise LineError(number, f"must be an object, got {line:.60}")
        if not builder.columns:
            builder.open(list(record), number)
        if record.keys() != builder.columns.keys():
            raise LineError(number, f"must have the keys {', '.join(builder.columns)}")
        builder.add((record[name] for name in builder.columns), number)
    return builder.arrays() or {"word": []}


def read_dictionary(data: bytes) -> PackedColumns:
    """The words and counts of a jieba dictionary or a word list.

    A line is a word, then perhaps a count and a tag, separated by spaces as jieba has it or by
    tabs. A word without a count counts once; of several lines for one word the last one holds.
    """
    try:
        return PackedColumns(*core().read_dictionary(data))
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        line, rule, got = error.args
        raise LineError(line, f"{rule}, got {got!r:.60}") from None


def _of_text(read: Callable[[str], dict[str, Any]]) -> Callable[[bytes], dict[str, Any]]:
    def read_bytes(data: bytes) -> dict[str, Any]:
        return read(data.decode("utf-8-sig"))

    return read_bytes


READERS: dict[str, Callable[[bytes], Mapping[str, Any]]] = {
    "tsv": _of_text(read_tsv),
    "csv": _of_text(read_csv),
    "jsonl": _of_text(read_jsonl),
    "jieba": read_dictionary,
    "words": read_dictionary,
}
