"""A plain Python twin of `newword.linking.KnowledgeBase`: dicts and brute-force matching."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from newword.linking import Entity, Match, MatchArrays

BRACKETS = {
    "《": "》",
    "〈": "〉",
    "「": "」",
    "『": "』",
    "“": "”",
    "【": "】",
    "(": ")",
    "（": "）",
}


class SlowNames(frozenset[str]):
    """Some of the names of a base."""

    every: frozenset[str]

    def __invert__(self) -> frozenset[str]:
        return self.every - self


class SlowKnowledgeBase:
    """Looks up and matches names by trying everything."""

    def __init__(self, entities: Iterable[Entity]) -> None:
        self.entities = {one.id: one for one in entities}
        self.ids = list(self.entities)
        self.names: dict[str, list[str]] = {}
        for one in self.entities.values():
            for name in dict.fromkeys(map(self.normalize, [one.name, *one.aliases])):
                self.names.setdefault(name, []).append(one.id)

    def __len__(self) -> int:
        return len(self.entities)

    def __contains__(self, identity: object) -> bool:
        return identity in self.entities

    def __getitem__(self, identity: str) -> Entity:
        return self.entities[identity]

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def index(self, identity: str) -> int:
        return self.ids.index(identity)

    def normalize(self, name: str) -> str:
        forms, _ = normal_forms(name)
        while len(forms) > 2 and BRACKETS.get(forms[0]) == forms[-1]:
            forms = forms[1:-1]
        return forms

    def name_set(self, names: Iterable[str]) -> SlowNames:
        """What `matches` takes as dictionary."""
        found = SlowNames(set(map(self.normalize, names)) & set(self.names))
        found.every = frozenset(self.names)
        return found

    def candidates(self, name: str) -> list[str]:
        return list(self.names.get(self.normalize(name), []))

    def candidates_many(self, names: Iterable[str]) -> list[list[str]]:
        return [self.candidates(one) for one in names]

    def texts(self, ids: Iterable[str]) -> list[str]:
        return [self.entities[one].text() for one in ids]

    def matches(self, text: str, mode: str = "optimal", dictionary: Any = None) -> list[Match]:
        forms, places = normal_forms(text)
        every = []
        for start in range(len(text)):
            for end in range(start + 1, len(text) + 1):
                name = forms[places[start] : places[end]]
                if name in self.names and (dictionary is None or name in dictionary):
                    every.append(Match(start, end, text[start:end]))
        if mode == "all":
            return every
        return longest(every) if mode == "longest" else optimal(every, len(text))

    def matches_many(
        self,
        texts: Iterable[str],
        mode: str = "optimal",
        dictionary: Any = None,
        threads: Any = None,
    ) -> list[list[Match]]:
        return [self.matches(one, mode, dictionary) for one in texts]

    def match_arrays(
        self,
        texts: Iterable[str],
        mode: str = "optimal",
        dictionary: Any = None,
        threads: Any = None,
    ) -> MatchArrays:
        found = self.matches_many(texts, mode, dictionary)
        many = np.cumsum([0, *map(len, found)])
        spans = [(one.start, one.end) for each in found for one in each]
        return MatchArrays(many, *np.array(spans, np.int64).reshape(-1, 2).T)


def normal_forms(text: str) -> tuple[str, list[int]]:
    """The text in small letters of normal width, and where the form of each character starts."""
    forms, places = "", [0]
    for one in text:
        wide = 0xFF01 <= ord(one) <= 0xFF5E
        forms += (chr(ord(one) - 0xFEE0) if wide else " " if one == "\u3000" else one).lower()
        places.append(len(forms))
    return forms, places


def longest(every: list[Match]) -> list[Match]:
    """The longest match at the leftmost place, and again after it."""
    found: list[Match] = []
    for one in sorted(every, key=lambda match: (match.start, -match.end)):
        if not found or one.start >= found[-1].end:
            found.append(one)
    return found


def optimal(every: list[Match], length: int) -> list[Match]:
    """The path with the fewest uncovered characters, and of these the fewest pieces."""
    best: list[tuple[int, int, list[Match]]] = [(0, 0, [])]
    for end in range(1, length + 1):
        uncovered, pieces, path = best[end - 1]
        options = [(uncovered + 1, pieces, path)]
        for one in every:
            if one.end == end:
                uncovered, pieces, path = best[one.start]
                options.append((uncovered, pieces + 1, [*path, one]))
        best.append(min(options, key=lambda option: option[:2]))
    return best[length][2]
