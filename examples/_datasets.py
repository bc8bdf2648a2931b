"""Data sets for the studies of taggers: read, split by line, cut to a length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from newword import TagScheme, read_conll, read_words
from newword.samples import SyntheticCorpus

__all__ = ["SETS", "SYNTHETIC", "Sentence", "Task", "from_files", "named", "synthetic"]

LONGEST = 128
"""Sentences are cut into pieces of at most so many characters, never within a span."""
SHARES = (0.8, 0.1, 0.1)
"""Of the lines, for training, development and test, where there is one file."""


class Sentence(NamedTuple):
    """A text and what is in it: entities, or the words that it is made of."""

    text: str
    spans: list[tuple[int, int, str]]


@dataclass(frozen=True)
class Task:
    """Sentences to learn from, to stop by and to be judged by."""

    name: str
    scheme: TagScheme
    train: list[Sentence]
    dev: list[Sentence]
    test: list[Sentence]

    def cut(self, train: int | None, dev: int | None, test: int | None) -> Task:
        """The first so many sentences of each part; all where it is None."""
        return replace(self, train=self.train[:train], dev=self.dev[:dev], test=self.test[:test])


def from_files(name: str, paths: Sequence[Path], kind: str) -> Task:
    """A task from its files.

    Args:
        name: What to call it.
        paths: The files for training, development and test, or one file to be split by line.
        kind: `"words"` for lines of words with spaces between them; `"tags"` for lines of a
            character and its tag, with empty lines between sentences; `"tags_digits"` for the
            same with a digit behind each character.
    """
    if kind == "words":
        scheme = TagScheme("BMES")
        parts = [[of_words(words) for words in read_words(path)] for path in paths]
    else:
        digits = kind == "tags_digits"
        files = [read_conll(path, segment_digits=digits) for path in paths]
        scheme = TagScheme.from_tags(set().union(*(file.tag_set for file in files)), None)
        spans = [file.to_spans(scheme) for file in files]
        parts = [[Sentence(*one) for one in zip(*file, strict=True)] for file in spans]
    if len(parts) == 1:
        parts = split(parts[0])
    pieces = [[piece for one in part for piece in cut(one)] for part in parts]
    return Task(name, scheme, *pieces)


def split(items: list) -> list[list]:
    """Items in an order that depends on their number alone, in three parts."""
    order = np.random.default_rng(0).permutation(len(items))
    bounds = np.cumsum([round(share * len(items)) for share in SHARES[:2]])
    return [[items[place] for place in part] for part in np.split(order, bounds)]


def of_words(words: Iterable[str]) -> Sentence:
    """The sentence that words make."""
    spans, start = [], 0
    text = "".join(words := list(words))
    for word in words:
        spans.append((start, start + len(word), ""))
        start += len(word)
    return Sentence(text, spans)


def cut(sentence: Sentence, longest: int = LONGEST) -> Iterator[Sentence]:
    """Pieces of at most `longest` characters; a longer span makes a longer piece."""
    inside = {place for start, end, _ in sentence.spans for place in range(start + 1, end)}
    begin = 0
    while begin < len(sentence.text):
        end = min(begin + longest, len(sentence.text))
        allowed = [place for place in range(begin + 1, end + 1) if place not in inside]
        later = (place for place in range(end, len(sentence.text) + 1) if place not in inside)
        end = allowed[-1] if allowed else next(later)
        spans = [
            (start - begin, stop - begin, name)
            for start, stop, name in sentence.spans
            if begin <= start < end
        ]
        yield Sentence(sentence.text[begin:end], spans)
        begin = end


SETS: dict[str, tuple[str, tuple[str, ...]]] = {
    "people_daily": ("words", ("cws/people_daily_1998_01.seg.txt",)),
    "msra": ("tags", ("ner/msra.train.bio.txt",)),
    "resume": ("tags", tuple(f"ner/resume.{part}.bmes.txt" for part in ("train", "dev", "test"))),
    "weibo": (
        "tags_digits",
        tuple(f"ner/weibo.{part}.conll.txt" for part in ("train", "dev", "test")),
    ),
}
"""The sets known by name: their kind, and where in the folder of data they are."""


def named(name: str, folder: Path) -> Task:
    """A task of `SETS` by its name."""
    kind, paths = SETS[name]
    return from_files(name, [folder / path for path in paths], kind)


SYNTHETIC = SyntheticCorpus(vocabulary_size=200, alphabet_size=60)
"""Made-up words over few characters, so that a character by itself says little."""


def synthetic(characters: int = 12_000) -> Task:
    """A task that needs no files: the words of `SYNTHETIC`."""
    parts = split(list(SYNTHETIC.segmented_lines(n_chars=characters)))
    sentences = [[piece for one in part for piece in cut(of_words(one))] for part in parts]
    return Task("synthetic", TagScheme("BMES"), *sentences)
