"""The ids of a knowledge base as a sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    from newword._newword import KnowledgeBase as CoreKnowledgeBase

CHUNK = 1024
"""How many ids are converted at a time."""


class Ids(Sequence[str]):
    """The ids of a knowledge base, converted as they are needed."""

    __slots__ = ("_base",)

    def __init__(self, base: CoreKnowledgeBase) -> None:
        self._base = base

    def __len__(self) -> int:
        return len(self._base)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        places = range(len(self))[at]
        if isinstance(places, int):
            return self._base.ids(places, places + 1)[0]
        if places.step == 1:
            return self._base.ids(places.start, max(places.start, places.stop))
        return [self[place] for place in places]

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), CHUNK):
            yield from self._base.ids(start, min(start + CHUNK, len(self)))

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and self._base.find(value) is not None
