"""The result of word discovery: a table of words to inspect, filter, save and segment with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np

from newword import _check
from newword._atomic import replacing
from newword._core import core
from newword.errors import FormatError, InvalidArgumentError
from newword.lexicon import display, exchange, files
from newword.lexicon.columns import (
    Column,
    Columns,
    LexiconRow,
    frozen_columns,
    packed_words,
)
from newword.lexicon.selection import matching_rows, sorted_rows

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Lexicon"]

Rows: TypeAlias = "slice | Sequence[int] | Sequence[bool] | NDArray[Any]"
"""An index that selects several rows of a lexicon."""


class Lexicon:
    """An immutable table of words.

    Columns, each a read-only NumPy array with one value per word:

    | column | type | meaning |
    |---|---|---|
    | `word` | object (str) | the word |
    | `count` | uint64 | its occurrences |
    | `length` | int32 | its length in characters (code points) |
    | `pmi` | float64 | cohesion: minimum pointwise mutual information over all splits, nats |
    | `left_entropy` | float64 | branching entropy of the characters before it, nats |
    | `right_entropy` | float64 | branching entropy of the characters after it, nats |
    | `score` | float64 | the ranking score of the method |
    | `known` | bool | whether the word is among the words of `known=` |

    Scores that are undefined for a word (the cohesion of a single character) are NaN.
    Discovered lexicons have an additional column `kind` ("word", "number", "quantity" or
    "phrase"), contrasts a column `background_count`, rejected candidates a column `reason`.

    Args:
        columns: Columns by name. `word` is required. Defaults: `count` is 1, `length` is
            computed, `known` is false, and scores are NaN.
        summary: Totals and thresholds of the discovery.
        rejected: The rejected candidates, with the column `reason`.

    Raises:
        InvalidArgumentError: A column is unknown, of another length or of the wrong type; a
            word is empty or duplicated.

    Examples:
        >>> lexicon = Lexicon({"word": ["时间", "5G网络"], "count": [31, 4], "pmi": [4.2, 7.5]})
        >>> lexicon
        Lexicon: 2 words
        word    count  length    pmi  left_entropy  right_entropy  score  known
        时间       31       2  4.200
        5G网络      4       4  7.500
        >>> lexicon["count"]
        array([31,  4], dtype=uint64)
        >>> "时间" in lexicon, lexicon.word("时间").pmi
        (True, 4.2)
        >>> lexicon.filter(min_pmi=5).sort("count")["word"].tolist()
        ['5G网络']
    """

    __slots__ = ("_columns", "_index", "_rejected", "_segmenter", "_summary")

    def __init__(
        self,
        columns: Mapping[str, ArrayLike],
        *,
        summary: Mapping[str, Any] | None = None,
        rejected: Lexicon | None = None,
    ) -> None:
        self._fill(frozen_columns(columns), dict(summary or {}), rejected)

    def _fill(self, columns: Columns, summary: dict[str, Any], rejected: Lexicon | None) -> Lexicon:
        self._columns = columns
        self._summary = summary
        self._rejected = rejected
        self._index: dict[str, int] | None = None
        self._segmenter: Any = None
        return self

    @classmethod
    def from_words(cls, words: Iterable[str], counts: ArrayLike | None = None) -> Lexicon:
        """Creates a lexicon from words alone, such as those of a dictionary.

        Args:
            words: Distinct non-empty words.
            counts: Counts, integers of shape (words,); by default 1 each.

        Raises:
            InvalidArgumentError: A word is empty or duplicated, or the counts are invalid.

        Examples:
            >>> Lexicon.from_words(["天气", "今天"], [7, 9])["length"]
            array([2, 2], dtype=int32)
        """
        words = _check.iterable("words", words, "an iterable of words")
        columns: dict[str, ArrayLike] = {"word": list(words)}
        if counts is not None:
            columns["count"] = counts
        return cls(columns)

    # Content

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(self._columns)

    @property
    def summary(self) -> dict[str, Any]:
        """Totals and thresholds of the discovery, including the chosen min_count."""
        return dict(self._summary)

    @property
    def rejected(self) -> Lexicon | None:
        """The rejected candidates with reasons (`reasons=True`), or None."""
        return self._rejected

    @property
    def new(self) -> Lexicon:
        """The words that are not `known` and, by their `kind`, no numbers, quantities, phrases."""
        return self.filter(known=False, kind="word")

    def __len__(self) -> int:
        return len(self._columns["count"])

    def __contains__(self, word: object) -> bool:
        return word in self._rows_by_word()

    def __iter__(self) -> Iterator[LexiconRow]:
        lists = [column.tolist() for column in self._columns.values()]
        for values in zip(*lists, strict=True):
            yield LexiconRow(**dict(zip(self._columns, values, strict=True)))

    @overload
    def __getitem__(self, key: str) -> Column: ...

    @overload
    def __getitem__(self, key: int) -> LexiconRow: ...

    @overload
    def __getitem__(self, key: Rows) -> Lexicon: ...

    def __getitem__(self, key: str | int | Rows) -> Column | Lexicon | LexiconRow:
        """Returns a column by name, a row by index, a lexicon by slice, mask or row indices.

        Raises:
            KeyError: There is no such column.
            IndexError: There is no such row.
            InvalidArgumentError: A row index is duplicated.
        """
        if isinstance(key, str):
            if key not in self._columns:
                raise KeyError(f"no column {key!r}; there are {', '.join(self._columns)}")
            return self._columns[key]
        if isinstance(key, slice):
            return self._subset(key)
        if isinstance(key, (int, np.integer)):
            row = range(len(self))[key]
            return LexiconRow(
                **{name: c[row : row + 1].tolist()[0] for name, c in self._columns.items()}
            )
        return self._subset(self._rows(np.asarray(key)))

    def _rows(self, rows: NDArray[Any]) -> NDArray[Any]:
        if rows.size == 0 and rows.dtype != np.bool_:
            rows = rows.astype(np.intp)
        if rows.ndim != 1 or rows.dtype.kind not in "iub":
            raise InvalidArgumentError(
                f"rows: must be a mask or row numbers, got {rows.dtype} of shape {rows.shape}"
            )
        if rows.dtype == np.bool_ and len(rows) != len(self):
            raise IndexError(f"mask of {len(rows)} values does not match {len(self)} rows")
        if rows.dtype != np.bool_:
            numbers = np.arange(len(self))[rows]
            if len(np.unique(numbers)) != len(numbers):
                raise InvalidArgumentError("rows: must be distinct, got a row number twice")
        return rows

    def _subset(self, rows: slice | NDArray[Any]) -> Lexicon:
        columns = {name: column[rows] for name, column in self._columns.items()}
        for column in columns.values():
            column.setflags(write=False)
        return Lexicon.__new__(Lexicon)._fill(columns, self._summary, self._rejected)

    def _rows_by_word(self) -> dict[str, int]:
        if self._index is None:
            self._index = {word: row for row, word in enumerate(self._columns["word"])}
        return self._index

    def word(self, word: str) -> LexiconRow:
        """Returns the row of a word. O(1) after the first call, which builds an index.

        Raises:
            KeyError: The word is not in the lexicon.
        """
        rows = self._rows_by_word()
        if word not in rows:
            raise KeyError(f"no word {word!r} in this lexicon of {len(self):,} words")
        return self[rows[word]]

    def __eq__(self, other: object) -> bool:
        """Whether all columns are equal; NaN equals NaN, summaries are ignored."""
        if not isinstance(other, Lexicon):
            return NotImplemented
        return self.columns == other.columns and all(
            np.array_equal(column, other[name], equal_nan=column.dtype.kind == "f")
            for name, column in self._columns.items()
        )

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (dict(self._columns), self._summary, self._rejected)

    # Selection and order

    def filter(
        self,
        mask: ArrayLike | None = None,
        *,
        known: bool | None = None,
        kind: str | Sequence[str] | None = None,
        pattern: str | re.Pattern[str] | None = None,
        **bounds: float,
    ) -> Lexicon:
        r"""Selects the words that meet every condition, in the same order.

        Args:
            mask: Booleans of shape (words,).
            known: Keep only words that are known (True) or not (False).
            kind: Keep only words of this kind or these: `"word"`, `"number"` (digits or Chinese
                numerals alone), `"quantity"` (dates and measures, as 31个省) or `"phrase"`
                (frequent words that are often adjacent, as 这是; recognised by the method
                "combined" only). Without a column `kind` all are words.
            pattern: A regular expression, searched anywhere in the word.
            **bounds: `min_` or `max_` followed by `count`, `length`, `pmi`, `left_entropy`,
                `right_entropy`, `entropy` (the smaller of the two) or `score`. Bounds are
                inclusive. NaN meets no bound.

        Raises:
            InvalidArgumentError: A condition is invalid.

        Examples:
            >>> lexicon = Lexicon.from_words(["的", "网络", "5G网络"], [90, 12, 4])
            >>> lexicon.filter(min_length=2, min_count=4, pattern=r"^\d")["word"].tolist()
            ['5G网络']
        """
        return self._subset(matching_rows(self._columns, mask, known, kind, pattern, bounds))

    def sort(self, by: str = "score", *, descending: bool = True) -> Lexicon:
        """Sorts the words by a column; NaN last, ties by the code points of the words.

        Args:
            by: A column, or `"entropy"`: the smaller of the two entropies.
            descending: Whether the largest values come first.

        Raises:
            InvalidArgumentError: There is no such column.

        Examples:
            >>> Lexicon.from_words(["乙", "甲", "丙"], [2, 2, 9]).sort("count")["word"].tolist()
            ['丙', '乙', '甲']
        """
        return self._subset(sorted_rows(self._columns, by, descending))

    # Display

    def __repr__(self) -> str:
        return display.as_text(self)

    def _repr_html_(self) -> str:
        return display.as_html(self)

    def plot(self, ax: Axes | None = None, label: int = 20) -> Axes:
        """Plots cohesion against entropy, one point per word, and labels the top words.

        The x-axis is the smaller of left and right entropy, the y-axis the cohesion (`pmi`), both
        in nats. The area of a point grows with the logarithm of the count. Thresholds in the
        summary are drawn as lines. Words are labelled in descending order of score (or count, if
        there are no scores), where there is room.

        Args:
            ax: The axes to draw on; by default a new figure.
            label: Maximum number of labelled words.

        Returns:
            The axes.

        Raises:
            MissingDependencyError: matplotlib is not installed.
            InvalidArgumentError: No word has both cohesion and entropies.
        """
        from newword.lexicon.plot import plot_lexicon

        return plot_lexicon(self._columns, self._summary, ax, label)

    # Exchange and files

    def to_numpy(self) -> NDArray[np.void]:
        """Converts to a structured array of shape (words,), one field per column."""
        return exchange.to_numpy(self._columns)

    def to_pandas(self) -> pd.DataFrame:
        """Converts to a pandas data frame.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        return exchange.to_pandas(self._columns)

    def to_polars(self) -> pl.DataFrame:
        """Converts to a Polars data frame.

        Raises:
            MissingDependencyError: Polars is not installed.
        """
        return exchange.to_polars(self._columns)

    def to_arrow(self) -> pa.Table:
        """Converts to an Arrow table with the summary in its metadata.

        Raises:
            MissingDependencyError: pyarrow is not installed.
        """
        return exchange.to_arrow(self._columns, self._summary)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Exports the table through the Arrow C-stream interface, for Polars, DuckDB and others."""
        stream: object = self.to_arrow().__arrow_c_stream__(requested_schema)
        return stream

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> None:  # noqa: A002
        """Writes the lexicon to a file, atomically.

        Args:
            path: The file. An existing file is replaced when the new one is complete.
            format: `"tsv"`, `"csv"`, `"jsonl"`, `"parquet"` (needs pyarrow; keeps the summary),
                `"jieba"` (a user dictionary: `word count`, UTF-8, no byte-order mark) or
                `"words"` (one word per line). By default that of the extension: .tsv, .csv,
                .jsonl, .parquet; .txt and .dict are jieba dictionaries.

        Raises:
            InvalidArgumentError: The format is unknown, or cannot represent a word.
            MissingDependencyError: pyarrow is needed and not installed.
            OSError: The file cannot be written.
        """
        files.save(self._columns, self._summary, path, format)

    @classmethod
    def load(cls, path: str | os.PathLike[str], format: str | None = None) -> Lexicon:  # noqa: A002
        """Reads a lexicon, a jieba dictionary, or a word list with or without counts.

        Args:
            path: The file.
            format: As for `save`; by default that of the extension.

        Raises:
            FormatError: The file is not valid in its format; names path and line.
            InvalidArgumentError: The format is unknown.
            OSError: The file cannot be read.
        """
        columns, summary = files.load(path, format)
        try:
            return cls(columns, summary=summary)
        except InvalidArgumentError as error:
            # Text formats are checked line by line; a Parquet file only as a whole.
            raise FormatError(f"{os.fspath(path)}: {error}") from error

    # Segmentation

    def segment(self, text: str) -> list[str]:
        """Segments a text into words by maximum probability.

        The segmentation has the largest product of relative word frequencies, as in jieba without
        its hidden Markov model. Text outside the lexicon is segmented into single characters and
        pairs of Han characters. URLs and e-mail addresses are one word each, and so are adjacent
        letters and digits (5G, iPhone15) unless one of them is part of a longer word of the
        lexicon. The concatenation of the words is `text`; equal words may be the same object.
        Ctrl-C interrupts a long text at the next punctuation mark at the latest.
        O(characters x longest word).

        Args:
            text: Any text.

        Raises:
            InvalidArgumentError: `text` is not a str.
        """
        if not isinstance(text, str):
            raise InvalidArgumentError(f"text: must be a str, got {type(text).__name__}")
        pieces: list[str] = self._segmenter_of_words().segment(text)
        return pieces

    def segment_many(self, texts: Iterable[str], threads: int | None = None) -> list[list[str]]:
        """Segments many texts on all cores, without the GIL.

        Args:
            texts: Texts, such as the lines of a file.
            threads: Number of threads; all cores by default. The result does not depend on it.

        Returns:
            The words of each text, in the order of `texts`.

        Raises:
            InvalidArgumentError: `texts` is a str or contains other types than str, or `threads`
                is invalid.
        """
        count = _check.thread_count(threads)
        batch = list(_check.iterable("texts", texts, "an iterable of str"))
        for index, text in enumerate(batch):
            if not isinstance(text, str):
                kind = type(text).__name__
                raise InvalidArgumentError(f"texts: must hold str, got {kind} at {index}")
        pieces: list[list[str]] = self._segmenter_of_words().segment_many(batch, count)
        return pieces

    def compile(self, path: str | os.PathLike[str]) -> None:
        """Compiles the lexicon into a segmenter file, which `Segmenter.load` opens.

        The file opens in milliseconds whatever the number of words, and processes that open it
        share its memory. It is for segmentation only; `save` keeps the lexicon itself.

        Args:
            path: The file to write, such as `"words.seg"`. An existing file is replaced once the
                new one is complete; processes that use the old file keep it.

        Raises:
            InvalidArgumentError: `path` is not a path, or a word is not valid Unicode.
            OSError: The file cannot be written.

        Complexity:
            That of the first `segment`, and 12 bytes for each node of the words' trie.

        Examples:
            >>> import tempfile, pathlib, newword
            >>> lexicon = Lexicon.from_words(["今天", "天气", "很"], [9, 7, 5])
            >>> path = pathlib.Path(tempfile.mkdtemp()) / "words.seg"
            >>> lexicon.compile(path)
            >>> newword.Segmenter.load(path).segment("今天天气很好")
            ['今天', '天气', '很', '好']
        """
        # Invalid words must raise before the file is created.
        path = _check.path("path", path)
        segmenter = self._segmenter_of_words()
        with replacing(path) as temporary:
            segmenter.save(temporary)

    def _segmenter_of_words(self) -> Any:
        if self._segmenter is None:
            counts = np.ascontiguousarray(self._columns["count"])
            self._segmenter = core().Segmenter(packed_words(self._columns), counts)
        return self._segmenter


def _restored(columns: Columns, summary: dict[str, Any], rejected: Lexicon | None) -> Lexicon:
    """Unpickles a lexicon without validating its columns again."""
    for column in columns.values():
        column.setflags(write=False)
    return Lexicon.__new__(Lexicon)._fill(columns, summary, rejected)
