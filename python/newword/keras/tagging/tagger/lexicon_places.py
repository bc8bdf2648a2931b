"""Lexicon features: the position of each character in its lexicon word, as an id."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["NUM_PLACES", "checked_lexicon", "word_places"]

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


def word_places(lexicon: Any, texts: Sequence[str]) -> NDArray[np.int32]:
    """Returns 1 + 4 (length of its word - 1) + position in the word for each character.

    Raises:
        InvalidArgumentError: The words of a text do not have its length.
    """
    pieces = lexicon.segment_many(list(texts))
    for place, (text, words) in enumerate(zip(texts, pieces, strict=True)):
        if sum(map(len, words)) != len(text):
            rule = f"one whose pieces give texts[{place}] back, {len(text)} characters"
            raise _check.invalid("lexicon", rule, words)
    lengths = np.array([len(word) for word in chain.from_iterable(pieces)], np.int64)
    ends = np.cumsum(lengths)
    places = np.full(int(ends[-1]) if len(ends) else 0, INNER, np.int32)
    # In this order, because the character of a word of length 1 is both first and last.
    places[(ends - lengths)[lengths > 0]] = FIRST
    places[(ends - 1)[lengths > 1]] = LAST
    places[(ends - 1)[lengths == 1]] = ALONE
    size = np.repeat(np.minimum(lengths, LONGEST) - 1, lengths)
    return (1 + 4 * size + places).astype(np.int32)
