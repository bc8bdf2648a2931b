"""Texts and targets of a tagger as concatenated arrays of characters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword.errors import InvalidArgumentError
from newword.keras._lexicons import segmented, word_places
from newword.keras.vocabulary import (
    CODE_POINTS,
    Vocabulary,
    checked_texts,
    joined_code_points,
    text_of,
)
from newword.tag_scheme import Span, TagScheme

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["UNKNOWN_TAG", "Corpus", "Gold", "gold_of", "spans_of", "words_of"]

UNKNOWN_TAG = -100
"""The label of a character whose tag is unknown."""

SPACE = np.zeros(CODE_POINTS, np.bool_)
SPACE[[code for code in range(0x3001) if chr(code).isspace()]] = True
"""White space as defined by `str.isspace` and `str.split`."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """Concatenated texts, without white space if the scheme is one of words."""

    texts: list[str]
    """The original texts."""
    raw_offsets: NDArray[np.int64]
    """The offsets of the texts in the concatenation of all original characters."""
    kept: NDArray[np.bool_] | None
    """The mask of the characters passed to the model; None for all."""
    codes: NDArray[np.uint32]
    """The code points passed to the model."""
    offsets: NDArray[np.int64]
    """The offsets of the texts among them."""

    @classmethod
    def of(cls, texts: Any, scheme: TagScheme) -> Corpus:
        """Creates a corpus from one or several texts; see `Tagger.predict` about white space."""
        many = checked_texts(texts)
        codes, offsets = joined_code_points(many)
        space = SPACE[codes]
        if not space.any():
            return cls(many, offsets, None, codes, offsets)
        before = np.append(0, np.cumsum(~space))
        if scheme.types is None:
            return cls(many, offsets, ~space, codes[~space], before[offsets])
        blank = np.diff(before[offsets]) == 0
        if not (blank & (np.diff(offsets) > 0)).any():
            return cls(many, offsets, None, codes, offsets)
        kept = np.repeat(~blank, np.diff(offsets))
        return cls(many, offsets, kept, codes[kept], np.append(0, np.cumsum(kept))[offsets])

    @cached_property
    def text(self) -> str:
        """All characters passed to the model."""
        return text_of(self.codes)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of characters of each text passed to the model."""
        return np.diff(self.offsets)

    def inputs(self, vocabulary: Vocabulary, lexicon: Any) -> dict[str, NDArray[np.int32]]:
        """The inputs of the model over all characters, by name."""
        found = {"characters": vocabulary.ids_of(self.codes)}
        if lexicon is not None:
            seen = [self.text[start:end] for start, end in pairwise(self.offsets.tolist())]
            found["places"] = word_places(segmented(lexicon, seen))
        return found

    def as_given(self, tags: NDArray[np.int32], fill: int) -> list[NDArray[np.int32]]:
        """Splits tags into one array per original text, with `fill` at removed white space."""
        if self.kept is not None:
            seen = tags
            tags = np.full(len(self.kept), fill, np.int32)
            tags[self.kept] = seen
        return [tags[start:end] for start, end in pairwise(self.raw_offsets.tolist())]


def words_of(corpus: Corpus, scheme: TagScheme, tags: NDArray[np.int32]) -> list[list[str]]:
    """The words of each text; white space ends a word and is part of none."""
    starts = scheme.word_starts(tags)
    starts[corpus.offsets[:-1][corpus.lengths > 0]] = True
    if corpus.kept is not None:
        after_space = np.append(False, ~corpus.kept[:-1])
        starts |= after_space[corpus.kept]
    begins = np.flatnonzero(starts)
    text, edges = corpus.text, [*begins.tolist(), len(tags)]
    words = [text[start:end] for start, end in pairwise(edges)]
    cuts = np.searchsorted(begins, corpus.offsets).tolist()
    return [words[start:end] for start, end in pairwise(cuts)]


def spans_of(corpus: Corpus, scheme: TagScheme, tags: NDArray[np.int32]) -> list[list[Span]]:
    """The spans of each text, with offsets in that text."""
    per_text = corpus.as_given(tags, 0)
    # All texts are concatenated with a gap after each, so that no span continues.
    gap = np.array([-1], np.int32)
    run = np.concatenate([part for one in per_text for part in (one, gap)] or [gap])
    starts = (corpus.raw_offsets + np.arange(len(corpus.raw_offsets))).tolist()
    found: list[list[Span]] = [[] for _ in per_text]
    place = 0
    for start, end, name in scheme.decode(run):
        while start >= starts[place + 1]:
            place += 1
        found[place].append(Span(start - starts[place], end - starts[place], name))
    return found


Gold = tuple[Corpus, "NDArray[np.int32]", "list[list[str]] | None"]
"""Texts, their labels, and their words if the targets are words."""


def gold_of(texts: Any, targets: Any, scheme: TagScheme) -> Gold:
    """Returns texts, their labels, and their words if the targets are words.

    Args:
        texts: Texts, or None if the targets are words.
        targets: See `Tagger.fit`.
        scheme: The scheme.

    Raises:
        InvalidArgumentError: Texts and targets do not match; names the index.
    """
    samples = _samples(targets)
    if texts is None and scheme.types is not None:
        raise _check.invalid("texts", "given, unless targets are words", texts)
    given = None if texts is None else checked_texts(texts)
    if given is not None and len(given) != len(samples):
        raise _check.invalid("targets", f"as many as texts, {len(given)}", len(samples))
    if scheme.types is None:
        return _of_words(given, samples, scheme)
    corpus = Corpus.of(given, scheme)
    labels = [_labels(one, text, scheme, i) for i, (one, text) in _paired(samples, corpus.texts)]
    return corpus, _joined(labels, corpus), None


def _samples(targets: Any) -> list[Any]:
    if isinstance(targets, str) or not isinstance(targets, Iterable):
        raise _check.invalid("targets", "a sequence of one target a text", targets)
    return list(targets)


def _paired(samples: list[Any], texts: list[str]) -> Iterator[tuple[int, tuple[Any, str]]]:
    return enumerate(zip(samples, texts, strict=True))


def _of_words(
    given: list[str] | None, samples: list[Any], scheme: TagScheme
) -> tuple[Corpus, NDArray[np.int32], list[list[str]] | None]:
    """`gold_of` for a scheme of words."""
    words: list[list[str] | None] = []
    for place, one in enumerate(samples):
        words.append(_words(one, None if given is None else given[place], scheme, place))
    if given is None:
        given = ["".join(one or ()) for one in words]
    corpus = Corpus.of(given, scheme)
    tags: dict[int, NDArray[np.int32]] = {}
    labels = []
    for place, one in enumerate(words):
        if one is None:
            found = _labels(samples[place], given[place], scheme, place)
            start, end = corpus.raw_offsets[place : place + 2]
            labels.append(found if corpus.kept is None else found[corpus.kept[start:end]])
            continue
        for word in one:
            if len(word) not in tags:
                # The tags of a word depend only on its length.
                tags[len(word)] = scheme.encode_words([word]).astype(np.int32)
            labels.append(tags[len(word)])
    known = [one for one in words if one is not None]
    return corpus, _joined(labels, corpus), known if len(known) == len(words) else None


def _joined(labels: Sequence[NDArray[np.int32]], corpus: Corpus) -> NDArray[np.int32]:
    run = np.concatenate([*labels, np.zeros(0, np.int32)])
    # With spans, texts of only white space are not passed to the model, nor are their labels.
    return run if len(run) == len(corpus.codes) or corpus.kept is None else run[corpus.kept]


def _words(target: Any, text: str | None, scheme: TagScheme, place: int) -> list[str] | None:
    """The words of a target, without white space; None if it is a sequence of tags."""
    name = f"targets[{place}]"
    if isinstance(target, str):
        words = target.split()
    elif isinstance(target, Iterable):
        parts = target.tolist() if isinstance(target, np.ndarray) else list(target)
        if not all(isinstance(one, str) for one in parts):
            if text is None:
                raise _check.invalid(name, "words, or tags of texts that are given", parts)
            return None
        words = " ".join(parts).split()
        # Names of tags, unless their concatenation is the text.
        other = text is not None and "".join(text.split()) != "".join(words)
        if other and len(parts) == len(text or "") and set(parts) <= set(scheme.tags):
            return None
    else:
        raise _check.invalid(name, "words or tags", target)
    if text is not None:
        _check_same(text, words, name, place)
    return words


def _check_same(text: str, words: list[str], name: str, place: int) -> None:
    want, got = "".join(text.split()), "".join(words)
    if want == got:
        return
    at = next((i for i, (a, b) in enumerate(zip(want, got, strict=False)) if a != b), None)
    at = min(len(want), len(got)) if at is None else at
    rule = f"the words of texts[{place}], which has {want[at : at + 10]!r} at character {at}"
    raise _check.invalid(name, rule, got[at : at + 10])


def _labels(target: Any, text: str, scheme: TagScheme, place: int) -> NDArray[np.int32]:
    """The labels of one text, from spans or tags."""
    name = f"targets[{place}]"
    if isinstance(target, str) or not isinstance(target, Iterable):
        kinds = "tags" if scheme.types is None else "spans (start, end, type) or tags"
        raise _check.invalid(name, f"a sequence of {kinds}", target)
    parts = target if isinstance(target, np.ndarray) else list(target)
    with _named(name):
        if scheme.types is not None and all(isinstance(one, (tuple, list)) for one in parts):
            return np.asarray(scheme.encode(parts, len(text)), np.int32)
        ids = scheme.to_ids(parts)
    if len(ids) != len(text):
        rule = f"one tag per character of texts[{place}], {len(text)}"
        raise _check.invalid(name, rule, len(ids))
    return np.where(ids < 0, UNKNOWN_TAG, ids).astype(np.int32)


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Prefixes the errors of a scheme with the index of the sample."""
    try:
        yield
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{name}.{error}") from None
