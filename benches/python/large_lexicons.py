"""A synthetic jieba dictionary of millions of words: the same bytes from the same seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CHARACTERS = 8_000
"""How many Han characters the words are made of, by Zipf's law."""
LENGTHS = (2, 3, 4)
SHARES = (0.25, 0.5, 0.25)
"""Lengths of words, and how many of the words have each."""


def write_dictionary(path: Path, words: int, seed: int = 0) -> int:
    """Writes ``words`` distinct words with counts and tags, in no order; returns the bytes."""
    rng = np.random.default_rng(seed)
    codes = distinct_codes(rng, words)
    counts = np.minimum(rng.zipf(1.6, words), 999_999)
    lines = (f"{word_of(code)} {count} n\n" for code, count in zip(codes, counts, strict=True))
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(lines)
    return path.stat().st_size


def word_of(code: int) -> str:
    """The word of a number."""
    characters = []
    while code:
        code, rest = divmod(code, CHARACTERS + 1)
        characters.append(chr(0x4E00 + rest - 1))
    return "".join(characters)


def character_weights() -> NDArray[np.float64]:
    """The probabilities of the characters by rank."""
    weights = 1 / np.arange(1.0, CHARACTERS + 1) ** 0.7
    return weights / weights.sum()


def distinct_codes(rng: np.random.Generator, words: int) -> list[int]:
    """Words as numbers in base ``CHARACTERS + 1`` whose digits are characters from 1 on."""
    weights = character_weights()
    characters = rng.permutation(CHARACTERS) + 1
    found: NDArray[np.int64] = np.zeros(0, np.int64)
    while len(found) < words:
        missing = words + words // 4 - len(found)
        lengths = rng.choice(LENGTHS, missing, p=SHARES)
        ranks = rng.choice(CHARACTERS, (missing, max(LENGTHS)), p=weights)
        digits = np.where(np.arange(max(LENGTHS)) < lengths[:, None], characters[ranks], 0)
        more = digits @ (CHARACTERS + 1) ** np.arange(max(LENGTHS), dtype=np.int64)
        found = np.unique(np.concatenate([found, more]))
    return rng.permutation(found)[:words].tolist()
