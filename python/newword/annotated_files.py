"""Readers for annotated text: columns of tokens and tags, JSON lines with spans, lines of words."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from newword import _check
from newword._text_lines import BLANK, text_lines, wrong_line
from newword.tag_scheme import Span, TagScheme

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

__all__ = ["SpanTexts", "TaggedSentences", "read_conll", "read_spans", "read_words"]


class SpanTexts(NamedTuple):
    """Texts and their spans, as `newword.keras.Tagger.fit` takes them."""

    texts: list[str]
    """The texts."""
    spans: list[list[Span]]
    """The spans of each text, in order, in code points."""

    @property
    def types(self) -> list[str]:
        """The types in the data, sorted."""
        return sorted({span.type for spans in self.spans for span in spans})


class TaggedSentences(NamedTuple):
    """Sentences as tokens with one tag per token."""

    tokens: list[list[str]]
    """The tokens of each sentence."""
    tags: list[list[str]]
    """The tags of each sentence, as they are in the file."""

    @property
    def texts(self) -> list[str]:
        """The tokens of each sentence, concatenated."""
        return ["".join(tokens) for tokens in self.tokens]

    @property
    def tag_set(self) -> set[str]:
        """The tags in the data, for `TagScheme.from_tags`."""
        return {tag for tags in self.tags for tag in tags}

    def to_spans(self, scheme: TagScheme) -> SpanTexts:
        """Returns the texts and the spans of their tags, decoded with `TagScheme.decode`.

        Offsets are in characters, also for tokens of several characters.

        Raises:
            InvalidArgumentError: A tag is not in the scheme.
        """
        found = []
        for tokens, tags in zip(self.tokens, self.tags, strict=True):
            starts = [0]
            for token in tokens:
                starts.append(starts[-1] + len(token))
            spans = scheme.decode(tags)
            found.append([Span(starts[one.start], starts[one.end], one.type) for one in spans])
        return SpanTexts(self.texts, found)


def read_conll(
    path: str | os.PathLike[str],
    *,
    token_column: int = 0,
    tag_column: int = -1,
    comment: str | None = None,
    segment_digits: bool = False,
) -> TaggedSentences:
    r"""Reads one token and its tag per line, with blank lines between sentences.

    Columns are separated by one tab, or by spaces if the first line with columns has no tab.
    Lines end in LF or CRLF. A byte-order mark and `-DOCSTART-` lines are skipped. Files
    that end in .gz or .xz are decompressed.

    Args:
        path: The file, in UTF-8.
        token_column: Index of the token's column, from 0; negative from the last. 1 in CoNLL-U.
        tag_column: Index of the tag's column. 3 is the part of speech in CoNLL-U.
        comment: Prefix of comment lines, `"#"` in CoNLL-U; None if there are none.
        segment_digits: Whether tokens end in a digit for their position in a word, as in the
            Weibo corpus (`科0`). The digit is removed.

    Raises:
        FormatError: A line has a different number of columns than the first, lacks a requested
            column, or has an empty token or tag; names file and line. Or the compressed data are
            corrupt.
        DecodeError: The file is not UTF-8.
        InvalidArgumentError: An argument is invalid.
        OSError: The file cannot be read.

    Complexity:
        O(size of the file) time and memory.

    Examples:
        >>> import pathlib, tempfile, newword
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "train.bio")
        ...     _ = path.write_text("在 O\n北 B-LOC\n京 I-LOC\n", "utf-8")
        ...     sentences = newword.read_conll(path)
        >>> sentences.tokens, sentences.tags
        ([['在', '北', '京']], [['O', 'B-LOC', 'I-LOC']])
        >>> sentences.to_spans(newword.TagScheme.from_tags(sentences.tag_set)).spans
        [[Span(start=1, end=3, type='LOC')]]
    """
    token_column = _check.whole("token_column", token_column, -1000, 1000)
    tag_column = _check.whole("tag_column", tag_column, -1000, 1000)
    comment = None if comment is None else _check.text("comment", comment)
    segment_digits = _check.flag("segment_digits", segment_digits)
    least = max(one + 1 if one >= 0 else -one for one in (token_column, tag_column))
    sentences: list[list[tuple[str, str]]] = [[]]
    separator, width = "", 0
    for where, line in text_lines(path):
        if not line.strip(BLANK) or line.startswith("-DOCSTART-"):
            sentences.append([])
            continue
        if comment is not None and line.startswith(comment):
            continue
        separator = separator or ("\t" if "\t" in line else " ")
        columns = line.split(separator)
        if separator == " ":
            columns = [one for one in columns if one]
        width = width or max(len(columns), least, 2)
        if len(columns) != width:
            raise wrong_line(where, f"{width} columns", line)
        token, tag = columns[token_column], columns[tag_column]
        if segment_digits:
            if not token or token[-1] not in "0123456789":
                raise wrong_line(where, "a token that ends in a digit", token)
            token = token[:-1]
        if not token or not tag:
            raise wrong_line(where, "a token and a tag that are not empty", line)
        sentences[-1].append((token, tag))
    kept = [sentence for sentence in sentences if sentence]
    return TaggedSentences(
        [[token for token, _ in sentence] for sentence in kept],
        [[tag for _, tag in sentence] for sentence in kept],
    )


def read_spans(path: str | os.PathLike[str], *, overlaps: str = "error") -> SpanTexts:
    """Reads one JSON object per line: a text and its spans.

    Each object has `"text"` and its spans in one of these forms, in code points:

    - `"label": {type: {surface: [[start, end], ...]}}`, as in CLUENER, where `end` is the last
      character of the span;
    - `"entity_list": [{"entity_type", "entity", "entity_index": {"begin", "end"}}]`, where `end` is
      exclusive;
    - `"spans"`, `"entities"` or `"label"`: a list of `{"start", "end", "label"}`, where `end` is
      exclusive.

    Args:
        path: The file, in UTF-8; decompressed if it ends in .gz or .xz.
        overlaps: Handling of overlapping spans, which no tag scheme can encode: `"error"`, or
            `"longest"`, which keeps the longer one, or the first of equal length.

    Raises:
        FormatError: A line is not such an object, or a span is empty, lies outside the text,
            overlaps another or does not match its surface form; names file and line. Or the
            compressed data are corrupt.
        DecodeError: The file is not UTF-8.
        InvalidArgumentError: An argument is invalid.
        OSError: The file cannot be read.

    Complexity:
        O(size of the file) time and memory.

    Examples:
        >>> import pathlib, tempfile, newword
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "train.jsonl")
        ...     line = '{"text": "在北京", "label": {"LOC": {"北京": [[1, 2]]}}}'
        ...     _ = path.write_text(line, "utf-8")
        ...     data = newword.read_spans(path)
        >>> data.texts, data.spans, data.types
        (['在北京'], [[Span(start=1, end=3, type='LOC')]], ['LOC'])
    """
    import json

    overlaps = _check.choice("overlaps", overlaps, ("error", "longest"))
    read = SpanTexts([], [])
    for where, line in text_lines(path):
        if not line.strip(BLANK):
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            raise wrong_line(where, "a JSON object", line) from None
        if not isinstance(record, dict) or not isinstance(record.get("text"), str):
            raise wrong_line(where, 'a JSON object with a str "text"', record)
        try:
            annotations = list(_annotations(record))
        except (LookupError, TypeError, ValueError, AttributeError):
            raise wrong_line(where, "a text with spans in a form that is known", record) from None
        found = sorted(_span(one, record["text"], where) for one in annotations)
        if overlaps == "longest":
            found = _longest(found)
        for before, after in pairwise(found):
            if after.start < before.end:
                raise wrong_line(where, f"a span apart from {tuple(before)}", tuple(after))
        read.texts.append(record["text"])
        read.spans.append(found)
    return read


def read_words(path: str | os.PathLike[str]) -> list[list[str]]:
    r"""Reads one sentence per line, words separated by white space; empty lines are skipped.

    Args:
        path: The file, in UTF-8; decompressed if it ends in .gz or .xz.

    Raises:
        FormatError: The compressed data are corrupt.
        DecodeError: The file is not UTF-8.
        InvalidArgumentError: The path is invalid.
        OSError: The file cannot be read.

    Examples:
        >>> import pathlib, tempfile, newword
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "train.txt")
        ...     _ = path.write_text("今天 天气 好\n", "utf-8")
        ...     newword.read_words(path)
        [['今天', '天气', '好']]
    """
    return [words for _, line in text_lines(path) if (words := line.split())]


def _annotations(record: dict[str, Any]) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Yields start, exclusive end, type, and surface form or None of each span of a record."""
    if "entity_list" in record:
        for one in record["entity_list"]:
            index = one["entity_index"]
            yield index["begin"], index["end"], one["entity_type"], one.get("entity")
        return
    spans = record[next((key for key in ("spans", "entities") if key in record), "label")]
    if isinstance(spans, dict):
        for name, surfaces in spans.items():
            for surface, places in surfaces.items():
                for start, last in places:
                    yield start, last + 1, name, surface
        return
    for one in spans:
        yield one["start"], one["end"], one["label"], one.get("text")


def _span(annotation: tuple[Any, Any, Any, Any], text: str, where: tuple[str, int]) -> Span:
    """Validates a span against its text."""
    start, end, name, surface = annotation
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        rule = f"a span with 0 <= start < end <= {len(text)}, the length of the text"
        raise wrong_line(where, rule, (start, end, name))
    if not isinstance(name, str) or not name:
        raise wrong_line(where, "a span with a type", (start, end, name))
    if surface is not None and surface != text[start:end]:
        raise wrong_line(where, f"{surface!r} at {(start, end)}", text[start:end])
    return Span(start, end, name)


def _longest(spans: list[Span]) -> list[Span]:
    """Drops spans that overlap a longer span."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start - one.end, one)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return sorted(kept)
