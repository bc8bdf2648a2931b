"""Lexicons beside a model: the position of each character in its word, as an id; files."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword.keras._archive import sound
from newword.lexicon import Lexicon

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = [
    "NUM_PLACES",
    "checked_lexicon",
    "lexicon_kind",
    "lexicon_members",
    "loaded_lexicon",
    "segmented",
    "word_places",
]

MEMBER = "lexicon.json"
"""The member of an archive that holds the words of a lexicon."""

LONGEST = 5
"""Words of this length and longer share their ids."""
FIRST, INNER, LAST, ALONE = range(4)
NUM_PLACES = 1 + 4 * LONGEST
"""Number of ids, including that of padding; short words do not have all four positions."""


def checked_lexicon(lexicon: Any) -> Any:
    """Validates None or an object with `segment_many`.

    Raises:
        InvalidArgumentError: The object has no `segment_many`.
    """
    if lexicon is not None and not callable(getattr(lexicon, "segment_many", None)):
        raise _check.invalid("lexicon", "None or something with segment_many", lexicon)
    return lexicon


def segmented(lexicon: Any, texts: Sequence[str]) -> list[list[str]]:
    """Returns the words of texts, by a lexicon.

    Raises:
        InvalidArgumentError: The words of a text do not have its length.
    """
    pieces: list[list[str]] = lexicon.segment_many(list(texts))
    for place, (text, words) in enumerate(zip(texts, pieces, strict=True)):
        if sum(map(len, words)) != len(text):
            rule = f"one whose pieces give texts[{place}] back, {len(text)} characters"
            raise _check.invalid("lexicon", rule, words)
    return pieces


def word_places(pieces: Sequence[Sequence[str]]) -> NDArray[np.int32]:
    """Returns 1 + 4 (length of its word - 1) + position in the word for each character.

    Args:
        pieces: The words of texts, as `segmented` returns them.
    """
    lengths = np.array([len(word) for word in chain.from_iterable(pieces)], np.int64)
    ends = np.cumsum(lengths)
    places = np.full(int(ends[-1]) if len(ends) else 0, INNER, np.int32)
    # In this order, because the character of a word of length 1 is both first and last.
    places[(ends - lengths)[lengths > 0]] = FIRST
    places[(ends - 1)[lengths > 1]] = LAST
    places[(ends - 1)[lengths == 1]] = ALONE
    size = np.repeat(np.minimum(lengths, LONGEST) - 1, lengths)
    return (1 + 4 * size + places).astype(np.int32)


def lexicon_kind(lexicon: Any) -> str | None:
    """What a file says of a lexicon: None, "saved", or the name of a type that is not saved."""
    if lexicon is None:
        return None
    return "saved" if isinstance(lexicon, Lexicon) else type(lexicon).__qualname__


def lexicon_members(lexicon: Any) -> dict[str, bytes]:
    """The members of an archive for a lexicon; none for one that is not saved."""
    if not isinstance(lexicon, Lexicon):
        return {}
    words = {"words": lexicon["word"].tolist(), "counts": lexicon["count"].tolist()}
    return {MEMBER: json.dumps(words).encode()}


def loaded_lexicon(source: str, kind: Any, given: Any, members: Mapping[str, bytes]) -> Any:
    """Returns the saved lexicon, or the given one if another type was in use.

    Args:
        source: The file.
        kind: The result of `lexicon_kind` when it was saved.
        given: The lexicon that the user passed, or None.
        members: The members of the archive.

    Raises:
        FormatError: The saved lexicon is corrupt.
        InvalidArgumentError: A required lexicon is missing, or a lexicon is not needed.
    """
    if kind is None or kind == "saved":
        if given is not None:
            raise _check.invalid("lexicon", f"None, as {source} needs no other", given)
        if kind is None:
            return None
        with sound(source, MEMBER):
            table = json.loads(members[MEMBER])
            return Lexicon.from_words(table["words"], table["counts"])
    if given is None:
        raise _check.invalid("lexicon", f"given, as {source} was made with a {kind}", given)
    return checked_lexicon(given)
