"""A synthetic knowledge base and texts that name its entities: the same from the same seed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from large_lexicons import CHARACTERS, character_weights, distinct_codes, word_of

NAMES_PER_ENTITY = 2.5
"""How many distinct names there are for each entity: 1,000,000 for 400,000."""
HOMONYMS = 0.2
"""The share of entities that also go by the name of another."""
PREDICATES = ("摘要", "义项描述", "类型", "外文名", "所属地区")


def names_of(entities: int, seed: int = 0) -> list[list[str]]:
    """The names of each entity, its own first."""
    rng = np.random.default_rng(seed)
    count = int(entities * NAMES_PER_ENTITY)
    words = [word_of(code) for code in distinct_codes(rng, count)]
    names = [[word] for word in words[:entities]]
    for word, owner in zip(words[entities:], rng.integers(0, entities, count), strict=False):
        names[owner].append(word)
    shared = rng.random(entities) < HOMONYMS
    # Few names have most of the homonyms.
    others = np.minimum(rng.zipf(1.3, entities) - 1, entities - 1)
    for owner in np.flatnonzero(shared).tolist():
        other = words[others[owner]]
        if other not in names[owner]:
            names[owner].append(other)
    return names


def write_base(path: Path, names: list[list[str]], seed: int = 1) -> int:
    """Writes the records as JSON lines in the form of CCKS 2019; returns the bytes."""
    rng = np.random.default_rng(seed)
    filler = filler_of(rng, 1 << 16)
    starts = rng.integers(0, len(filler) - 64, (len(names), len(PREDICATES)))
    lengths = rng.integers(4, 64, (len(names), len(PREDICATES)))
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for number, some in enumerate(names):
            objects = [
                filler[start : start + length]
                for start, length in zip(starts[number], lengths[number], strict=True)
            ]
            record = {
                "subject_id": str(100_000 + number),
                "subject": some[0],
                "alias": some,
                "type": ["Thing"],
                "data": [
                    {"predicate": predicate, "object": value}
                    for predicate, value in zip(PREDICATES, objects, strict=True)
                ],
            }
            file.write(json.dumps(record, ensure_ascii=False) + "\n")
    return path.stat().st_size


def texts_of(names: list[list[str]], count: int, seed: int = 2) -> list[str]:
    """Texts of some 30 characters in which every third part is a name."""
    rng = np.random.default_rng(seed)
    filler = filler_of(rng, 1 << 20)
    owners = np.minimum(rng.zipf(1.2, (count, 3)) - 1, len(names) - 1)
    starts = rng.integers(0, len(filler) - 8, (count, 4))
    lengths = rng.integers(2, 8, (count, 4))
    texts = []
    for some, begins, sizes in zip(owners.tolist(), starts.tolist(), lengths.tolist(), strict=True):
        gaps = [filler[begin : begin + size] for begin, size in zip(begins, sizes, strict=True)]
        parts = [gaps[0]]
        for owner, gap in zip(some, gaps[1:], strict=True):
            parts += [names[owner][0], gap]
        texts.append("".join(parts))
    return texts


def filler_of(rng: np.random.Generator, length: int) -> str:
    """Characters by the frequencies of those in names, with a comma now and then."""
    characters = rng.permutation(CHARACTERS)[rng.choice(CHARACTERS, length, p=character_weights())]
    commas = rng.random(length) < 0.05
    return "".join(
        "，" if is_comma else chr(0x4E00 + one)
        for one, is_comma in zip(characters.tolist(), commas.tolist(), strict=True)
    )
