"""Entities, their records, and the matches of their names."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from newword import _check

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCHEMAS = ("ccks", "simple")
"""The forms of records."""
MODES = ("all", "longest", "optimal")
"""Which of the names in a text are its matches."""


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity of a knowledge base.

    Examples:
        >>> from newword.linking import Entity
        >>> entity = Entity("1", "三体", aliases=("The Three-Body Problem",),
        ...                 attributes=(("作者", "刘慈欣"),))
        >>> print(entity.text())
        作者：刘慈欣
        名称：三体，the three-body problem
    """

    id: str
    """The id; no other entity of the knowledge base has it."""
    name: str
    """The name; other entities may have the same."""
    aliases: tuple[str, ...] = ()
    """Other names, which may include `name`."""
    types: tuple[str, ...] = ()
    """Types."""
    attributes: tuple[tuple[str, str], ...] = ()
    """Pairs of predicate and object."""

    def text(self) -> str:
        """Returns the description that a linker compares with a text, in lower case.

        One line "predicate：object" for each attribute, and a last line "名称：" with the name and
        the aliases, each once, separated by "，".
        """
        lines = [f"{predicate}：{value}" for predicate, value in self.attributes]
        lines.append("名称：" + "，".join(dict.fromkeys([self.name, *self.aliases])))
        return "\n".join(lines).lower()


class Match(NamedTuple):
    """A name of a knowledge base in a text."""

    start: int
    """Offset of the first character, in code points of the text as it was given."""
    end: int
    """Exclusive end."""
    name: str
    """The characters of the text from `start` to `end`."""


class MatchArrays(NamedTuple):
    """The matches in several texts; those of text i are `offsets[i]` to `offsets[i + 1]`."""

    offsets: NDArray[np.int64]
    """(texts + 1,): the number of matches before each text, and of all."""
    starts: NDArray[np.int64]
    """(matches,): offset of the first character in its text."""
    ends: NDArray[np.int64]
    """(matches,): exclusive end."""


def match_lists(texts: list[str], matches: MatchArrays) -> list[list[Match]]:
    """Converts the matches of each text to objects."""
    offsets, starts, ends = matches
    spans = zip(starts.tolist(), ends.tolist(), strict=True)
    counts = (offsets[1:] - offsets[:-1]).tolist()
    # The collector of cycles would go through all matches again and again, though none is in one.
    # Without it, and without `Match.__new__`, this takes a quarter of the time.
    new, was_enabled = tuple.__new__, gc.isenabled()
    gc.disable()
    try:
        return [
            [new(Match, (start, end, text[start:end])) for start, end in islice(spans, count)]
            for text, count in zip(texts, counts, strict=True)
        ]
    finally:
        if was_enabled:
            gc.enable()


def records_of(source: Any, schema: str) -> tuple[str, Any]:
    """Converts the source of a knowledge base for the core: paths, or JSON objects as str.

    Raises:
        InvalidArgumentError: `source` is neither paths nor an iterable of records; or, when the
            iterator is advanced, an item is not a record.
    """
    rule = "a path, paths, or an iterable of dicts or Entity"
    if isinstance(source, (str, os.PathLike)):
        return "paths", [_check.path("source", source)]
    if isinstance(source, (Mapping, Entity)):
        raise _check.invalid("source", rule, source)
    items = iter(_check.iterable("source", source, rule))
    first = list(islice(items, 1))
    if first and isinstance(first[0], (str, os.PathLike)):
        paths = chain(first, items)
        return "paths", [_check.path(f"source[{at}]", path) for at, path in enumerate(paths)]
    return "items", _json_records(chain(first, items), schema)


def _json_records(items: Iterable[Any], schema: str) -> Iterator[str]:
    for at, item in enumerate(items):
        record = _record(item, schema) if isinstance(item, Entity) else item
        if not isinstance(record, Mapping):
            raise _check.invalid(f"source[{at}]", "a dict or an Entity", item)
        try:
            yield json.dumps(dict(record))
        except (TypeError, ValueError, RecursionError) as error:
            raise _check.invalid(f"source[{at}]", f"valid as JSON ({error})", item) from None


def _record(entity: Entity, schema: str) -> dict[str, Any]:
    """The record of an entity."""
    if schema == "simple":
        return {
            "id": entity.id,
            "name": entity.name,
            "aliases": entity.aliases,
            "types": entity.types,
            "attributes": entity.attributes,
        }
    return {
        "subject_id": entity.id,
        "subject": entity.name,
        "alias": entity.aliases,
        "type": entity.types,
        "data": [
            {"predicate": predicate, "object": value} for predicate, value in entity.attributes
        ],
    }
