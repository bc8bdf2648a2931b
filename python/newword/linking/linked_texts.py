"""Texts with mentions of entities, and a reader for the files of CCKS 2019."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newword import _check
from newword._text_lines import BLANK, text_lines, wrong_line
from newword.errors import CorpusWarning

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

__all__ = ["LinkedText", "Mention", "checked_linked_texts", "read_linked_texts"]

NIL = "NIL"
"""What stands for "not in the knowledge base" in files."""


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """A mention of an entity in a text.

    Args:
        start: The offset of its first character, in code points of the original text.
        end: The offset after its last character.
        text: The characters, `text[start:end]` of the text that it is in.
        id: The id of the entity; None (NIL) if the knowledge base does not have it.

    Raises:
        InvalidArgumentError: The offsets are not those of a non-empty span as long as `text`, or
            the id is neither None nor a non-empty str.

    Examples:
        >>> Mention(0, 2, "胜利", "10001")
        Mention(start=0, end=2, text='胜利', id='10001')
    """

    start: int
    end: int
    text: str
    id: str | None = None

    def __post_init__(self) -> None:
        start = _check.whole("start", self.start, 0)
        text = _check.text("text", self.text)
        if self.end != start + len(text):
            rule = f"{start + len(text)}, as the text {text!r} starts at {start}"
            raise _check.invalid("end", rule, self.end)
        if self.id is not None:
            _check.text("id", self.id)


@dataclass(frozen=True, slots=True)
class LinkedText:
    """A text and its mentions, in order. Mentions may overlap.

    Args:
        text: The text.
        mentions: The mentions.

    Raises:
        InvalidArgumentError: A mention is not in the text; names the index.

    Examples:
        >>> LinkedText("胜利了", [Mention(0, 2, "胜利", "10001")]).mentions[0].id
        '10001'
    """

    text: str
    mentions: tuple[Mention, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise _check.invalid("text", "a str", self.text)
        rule = "an iterable of Mention"
        mentions = tuple(_check.iterable("mentions", self.mentions, rule))
        for place, one in enumerate(mentions):
            if not isinstance(one, Mention):
                raise _check.invalid(f"mentions[{place}]", "a Mention", one)
            if self.text[one.start : one.end] != one.text:
                rule = f"{self.text[one.start : one.end]!r}, the text at {one.start}"
                raise _check.invalid(f"mentions[{place}]", rule, one)
        order = sorted(mentions, key=lambda one: (one.start, one.end, one.id or ""))
        object.__setattr__(self, "mentions", tuple(order))


def read_linked_texts(
    path: str | os.PathLike[str], *, on_invalid: str = "error"
) -> list[LinkedText]:
    """Reads one JSON object per line in the format of CCKS 2019: a text and its mentions.

    Each object has `"text"` and `"mention_data"`, a list of `{"kb_id", "mention", "offset"}`.
    Offsets are in characters, as int or str. The id `"NIL"` is read as None. Empty lines are
    skipped.

    Args:
        path: The file, in UTF-8; decompressed if it ends in .gz or .xz.
        on_invalid: Handling of a mention that is empty or not at its offset: `"error"`; `"repair"`,
            which moves it to the occurrence in the text that is nearest to the offset, and drops it
            if there is none; or `"skip"`, which drops the text. A `CorpusWarning` counts them.

    Returns:
        The texts in the order of the file.

    Raises:
        FormatError: A line is not such an object, or a mention is empty or not at its offset; names
            file and line. Or the compressed data are corrupt.
        DecodeError: The file is not UTF-8.
        InvalidArgumentError: An argument is invalid.
        OSError: The file cannot be read.

    Complexity:
        O(size of the file) time and memory.

    Source:
        The task of CCKS 2019, entity recognition and linking in short Chinese texts.

    Examples:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "train.jsonl")
        ...     mention = '{"kb_id": "10001", "mention": "胜利", "offset": "2"}'
        ...     _ = path.write_text('{"text": "庆祝胜利", "mention_data": [%s]}' % mention, "utf-8")
        ...     read_linked_texts(path)[0].mentions
        (Mention(start=2, end=4, text='胜利', id='10001'),)
    """
    on_invalid = _check.choice("on_invalid", on_invalid, ("error", "repair", "skip"))
    found: list[LinkedText] = []
    changed = 0
    for where, line in text_lines(path):
        if not line.strip(BLANK):
            continue
        text, annotations = _record(line, where)
        mentions, wrong = _placed(text, annotations, where, on_invalid)
        if not wrong or on_invalid == "repair":
            found.append(LinkedText(text, tuple(mentions)))
        changed += wrong if on_invalid == "repair" else bool(wrong)
    if changed:
        what = "mentions moved or dropped" if on_invalid == "repair" else "texts dropped"
        message = f"{where[0]}: {changed:,} {what}, because a mention is empty or not at its offset"
        warnings.warn(message, CorpusWarning, stacklevel=2)
    return found


def checked_linked_texts(argument: str, texts: Any) -> list[LinkedText]:
    """Validates an iterable of `LinkedText`.

    Raises:
        InvalidArgumentError: An item is something else; names the index.
    """
    many = list(_check.iterable(argument, texts, "an iterable of LinkedText"))
    for place, one in enumerate(many):
        if not isinstance(one, LinkedText):
            raise _check.invalid(f"{argument}[{place}]", "a LinkedText", one)
    return many


def _record(line: str, where: tuple[str, int]) -> tuple[str, list[Any]]:
    """The text and the annotations of a line."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise wrong_line(where, "a JSON object", line) from None
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise wrong_line(where, 'a JSON object with a str "text"', record)
    annotations = record.get("mention_data")
    if not isinstance(annotations, list):
        raise wrong_line(where, 'an object with a list "mention_data"', record)
    return record["text"], annotations


def _placed(
    text: str, annotations: list[Any], where: tuple[str, int], on_invalid: str
) -> tuple[list[Mention], int]:
    """The mentions of a text, repaired, and the number of those that are not at their offset."""
    mentions: list[Mention] = []
    wrong = 0
    for annotation in annotations:
        start, surface, identity = _annotation(annotation, where)
        if not surface or start < 0 or text[start : start + len(surface)] != surface:
            if on_invalid == "error" and not surface:
                raise wrong_line(where, "a mention of at least one character", annotation)
            if on_invalid == "error":
                got = text[max(start, 0) : max(start, 0) + len(surface)]
                raise wrong_line(where, f"{surface!r} at offset {start}", got)
            wrong += 1
            start = _nearest(text, surface, start) if surface else -1
        if start >= 0:
            mentions.append(Mention(start, start + len(surface), surface, identity))
    return mentions, wrong


def _annotation(annotation: Any, where: tuple[str, int]) -> tuple[int, str, str | None]:
    """The offset, the characters and the id of a mention."""
    rule = 'a mention with "kb_id", "mention" and "offset"'
    if not isinstance(annotation, dict):
        raise wrong_line(where, rule, annotation)
    identity, surface = annotation.get("kb_id"), annotation.get("mention")
    offset = annotation.get("offset")
    if isinstance(identity, int) and not isinstance(identity, bool):
        identity = str(identity)
    strings = isinstance(identity, str) and isinstance(surface, str)
    if not strings or not identity:
        raise wrong_line(where, rule, annotation)
    try:
        start = int(offset) if isinstance(offset, (int, str)) else None
    except ValueError:
        start = None
    if start is None or isinstance(offset, bool):
        raise wrong_line(where, "a mention with a whole number as offset", annotation)
    return start, str(surface), None if identity == NIL else str(identity)


def _nearest(text: str, surface: str, start: int) -> int:
    """The occurrence of a name nearest to an offset; -1 if there is none."""
    places: Iterable[int] = (
        at for at in range(len(text) - len(surface) + 1) if text.startswith(surface, at)
    )
    return min(places, key=lambda at: abs(at - start), default=-1)
