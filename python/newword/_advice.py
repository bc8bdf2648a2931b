"""Warnings about corpora that are usable but probably not as intended."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from newword.errors import CorpusWarning

if TYPE_CHECKING:
    from collections.abc import Mapping

    from newword.lexicon import Lexicon

MARKUP_SHARE = 0.01
"""Share of symbols from markup above which to warn.

News has 0.000001, articles about Linux 0.0004.
"""


def warn_about(words: Lexicon) -> None:
    """Warns if a corpus has no words of two characters, or much HTML or many addresses."""
    for message in (_no_words(words), _markup(words.summary)):
        if message:
            # Points at the caller of the public function.
            warnings.warn(message, CorpusWarning, stacklevel=3)


def _no_words(words: Lexicon) -> str | None:
    if (words["length"] > 1).any():
        return None
    about = words.summary
    ngrams = sum(about["ngrams"][1:])
    if not ngrams:
        why = (
            f"no two characters in a row occur {about['min_count']} times or more "
            f"in {about['total']:,} symbols"
        )
    else:
        why = (
            f"none of {ngrams:,} n-grams reaches min_pmi and min_entropy, as in text that "
            "repeats itself"
        )
    return f"no word of 2 characters or more: {why}"


def _markup(about: Mapping[str, Any]) -> str | None:
    share = about.get("markup", 0) / max(about["total"], 1)
    if share <= MARKUP_SHARE:
        return None
    return (
        f"{share:.1%} of the symbols look like HTML or addresses (nbsp, href, http, ...); "
        "strip_html=True (--strip-html) removes them"
    )
