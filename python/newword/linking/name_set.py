"""Sets of names of a knowledge base."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from newword import _check

if TYPE_CHECKING:
    from newword._newword import KnowledgeBase as CoreKnowledgeBase
    from newword._newword import NameSet as CoreNameSet

__all__ = ["NameSet", "strings"]


class NameSet:
    """Some of the names of a knowledge base, for `matches`; created by `KnowledgeBase.name_set`.

    `~names` has all other names of the knowledge base.
    """

    __slots__ = ("_base", "core")

    def __init__(self, base: CoreKnowledgeBase, core: CoreNameSet) -> None:
        self._base = base
        self.core = core

    def __len__(self) -> int:
        return len(self.core)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._base.contains(self.core, name)

    def __invert__(self) -> NameSet:
        return NameSet(self._base, self._base.complement(self.core))

    def __repr__(self) -> str:
        return f"<NameSet of {len(self)} of the names of a knowledge base>"


def strings(argument: str, value: Any) -> list[str]:
    """A list of str from an iterable of them."""
    found = list(_check.iterable(argument, value, "an iterable of str"))
    for string in found:
        if not isinstance(string, str):
            raise _check.invalid(argument, "made of str", string)
    return found
