"""Indicators of pairs of a mention and an entity, for many pairs at once.

Pairs are given by the rows of their texts and of their entities in a batch. Work and memory per
pair are those of its result; what texts and entities have in common is looked up once for each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["LONGEST_OBJECT", "covered_by_objects", "occurs_in_entity", "spans_of_pairs"]

LONGEST_OBJECT = 10
"""Longer objects are sentences rather than names, and are not looked for."""


def spans_of_pairs(
    starts: NDArray[np.int64], ends: NDArray[np.int64], steps: int
) -> NDArray[np.bool_]:
    """Whether a character is in the mention of a pair, (pairs, steps)."""
    place = np.arange(steps)
    return (place >= starts[:, None]) & (place < ends[:, None])


def occurs_in_entity(
    items: NDArray[np.int32],
    sets: Sequence[NDArray[np.int32]],
    texts: NDArray[np.int64],
    entities: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Whether the item of each step of a text is in the set of an entity, (pairs, steps).

    Args:
        items: Characters or words of texts as numbers, (texts, steps).
        sets: The characters or words of each entity.
        texts: The text of each pair.
        entities: The entity of each pair.
    """
    known, place = np.unique(items, return_inverse=True)
    place = place.reshape(items.shape)
    lengths = [len(one) for one in sets]
    owner = np.repeat(np.arange(len(sets)), lengths)
    member = np.concatenate([*sets, np.zeros(0, np.int32)])
    at = np.minimum(np.searchsorted(known, member), len(known) - 1)
    found = known[at] == member
    table = np.zeros((len(sets), len(known)), np.bool_)
    table[owner[found], at[found]] = True
    return table[entities[:, None], place[texts]]


def covered_by_objects(
    texts: Sequence[str],
    steps: int,
    objects: Sequence[Sequence[str]],
    pairs: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> NDArray[np.bool_]:
    """Whether a character lies in an occurrence of an object of an entity, (pairs, steps).

    Args:
        texts: The texts.
        steps: The number of steps, at least the longest length.
        objects: The objects of each entity, not empty.
        pairs: The text and the entity of each pair.
    """
    rows, entities = pairs
    numbers: dict[str, int] = {}
    owned = [[numbers.setdefault(one, len(numbers)) for one in each] for each in objects]
    bounds, found = _occurrences(texts, numbers)
    covered = np.zeros((len(rows), steps + 1), np.int32)
    if len(found):
        has = np.zeros((len(objects), len(numbers)), np.bool_)
        for place, each in enumerate(owned):
            has[place, each] = True
        # Each pair with each occurrence in its text.
        many = bounds[rows + 1] - bounds[rows]
        pair = np.repeat(np.arange(len(rows)), many)
        first = np.repeat(bounds[rows] - (np.cumsum(many) - many), many)
        occurrence = found[np.arange(len(pair)) + first]
        kept = has[entities[pair], occurrence[:, 0]]
        np.add.at(covered, (pair[kept], occurrence[kept, 1]), 1)
        np.add.at(covered, (pair[kept], occurrence[kept, 2]), -1)
    return np.cumsum(covered, axis=1)[:, :steps] > 0


def _occurrences(
    texts: Sequence[str], numbers: dict[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The objects in texts: their bounds by text, and number, start and end of each."""
    lengths = sorted({len(one) for one in numbers})
    bounds, found = [0], []
    for text in texts:
        for length in lengths:
            for start in range(len(text) - length + 1):
                number = numbers.get(text[start : start + length])
                if number is not None:
                    found.append((number, start, start + length))
        bounds.append(len(found))
    return np.array(bounds, np.int64), np.array(found, np.int64).reshape(-1, 3)
