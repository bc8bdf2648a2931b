"""A reader of jieba dictionaries, plain and slow: the oracle for the one in the core."""

from __future__ import annotations

import re

LARGEST = 2**64 - 1
JIEBA_LINE = re.compile(r"(?P<word>.+?)(?: (?P<count>[0-9]+))?(?: [a-z]+)?")


def slow_dictionary(text: str) -> dict[str, int]:
    """Words and counts, in the order in which words are first there.

    Raises:
        ValueError: A line is no entry; its arguments are those of the core's.
    """
    counts: dict[str, int] = {}
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line:
            continue
        word, digits = _entry(line, number)
        if len(digits) > 20 or int(digits) > LARGEST:
            raise ValueError(number, f"a count must be at most {LARGEST}", digits)
        counts[word] = int(digits)
    return counts


def _entry(line: str, number: int) -> tuple[str, str]:
    if "\t" in line:
        word, count = (cell.strip() for cell in line.split("\t")[:2])
        if not word or not re.fullmatch("[0-9]+", count):
            raise ValueError(number, "must be a word and a count", line)
        return word, count
    match = JIEBA_LINE.fullmatch(line)
    assert match is not None
    return match["word"], match["count"] or "1"
