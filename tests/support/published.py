"""A Python twin of the published new-word discovery pipeline (kexue.fm 6920), step for step.

It is the oracle for ``counts="kenlm"`` and the peer of the discovery benchmark. The one step that
the published script leaves to KenLM's ``count_ngrams`` is done here by a dictionary of padded
windows, which yields the same records.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

_FOREIGN = re.compile("[^\u4e00-\u9fa50-9a-zA-Z ]+")
_START, _END = "\x01", "\x02"


def clean(lines: Iterable[str]) -> Iterator[str]:
    """The texts as the pipeline sees them: every run of other characters is one newline."""
    for line in lines:
        yield _FOREIGN.sub("\n", line.replace("\u3000", " ").strip())


def count_records(texts: Iterable[str], order: int) -> Counter[str]:
    """Windows of ``order`` symbols over each padded line, as KenLM counts them.

    Spaces separate symbols there, so those of the text vanish; each newline of the text starts a
    line, and an empty line still has one window of nothing but padding.
    """
    records: Counter[str] = Counter()
    padding = _START * (order - 1)
    for text in texts:
        for piece in text.split("\n"):
            padded = f"{padding}{piece.replace(' ', '')}{_END}"
            records.update(padded[at : at + order] for at in range(len(padded) - order + 1))
    return records


def prefix_counts(
    records: Counter[str], order: int, min_count: int
) -> tuple[list[dict[str, int]], int]:
    """Counts by length, accumulated from the prefixes of the frequent records, and their total."""
    counts: list[dict[str, int]] = [{} for _ in range(order)]
    total = 0
    for record, count in records.items():
        if count < min_count:
            continue
        total += count
        word = record.replace(_START, "").replace(_END, "")
        for length in range(1, len(word) + 1):
            level = counts[length - 1]
            prefix = word[:length]
            level[prefix] = level.get(prefix, 0) + count
    return counts, total


def strong_set(counts: list[dict[str, int]], total: int, thresholds: tuple[float, ...]) -> set[str]:
    """The n-grams whose cohesion reaches the threshold of their length, the first one unused."""
    strong = set()
    for index in range(len(counts) - 1, 0, -1):
        for word, count in counts[index].items():
            ratio = min(
                total
                * count
                / (
                    counts[cut - 1].get(word[:cut], total)
                    * counts[index - cut].get(word[cut:], total)
                )
                for cut in range(1, index + 1)
            )
            if math.log(ratio) >= thresholds[index]:
                strong.add(word)
    return strong


def chain_segments(text: str, trie: dict[str, Any]) -> Iterator[str]:
    """Cuts a text wherever no member of the strong set covers both sides."""
    start, end = 0, 1
    length = len(text)
    for at in range(length):
        if at == end:
            yield text[start:end]
            start, end = at, at + 1
        node = trie
        reach = at
        while reach < length and (below := node.get(text[reach])) is not None:
            node = below
            reach += 1
            if "" in node and reach > end:
                end = reach
    if text:
        yield text[start:end]
    else:
        yield ""


def build_trie(words: Iterable[str]) -> dict[str, Any]:
    """A trie of nested dictionaries; the empty key marks the end of a word."""
    root: dict[str, Any] = {}
    for word in words:
        node = root
        for character in word:
            node = node.setdefault(character, {})
        node[""] = {}
    return root


def backtrack(words: dict[str, int], strong: set[str], order: int) -> dict[str, int]:
    """Drops chains that are not solid in every window of ``order`` characters."""

    def solid(word: str) -> bool:
        if len(word) < 3:
            return True
        if len(word) <= order:
            return word in strong
        return all(word[at : at + order] in strong for at in range(len(word) - order + 1))

    return {word: count for word, count in words.items() if solid(word)}


def discover(
    lines: list[str],
    *,
    order: int = 4,
    min_count: int = 32,
    thresholds: tuple[float, ...] = (0, 2, 4, 6),
) -> dict[str, int]:
    """The words of ``lines`` (one text each) with their counts, whitespace tokens included."""
    counts, total = prefix_counts(count_records(clean(lines), order), order, min_count)
    strong = strong_set(counts, total, thresholds)
    trie = build_trie(strong)
    words: dict[str, int] = {}
    for text in clean(lines):
        for token in chain_segments(text, trie):
            words[token] = words.get(token, 0) + 1
    words = {word: count for word, count in words.items() if count >= min_count}
    return backtrack(words, strong, order)
