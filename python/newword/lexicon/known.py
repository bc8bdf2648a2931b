"""Known words: marked in a lexicon, or dropped from it."""

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from newword._check import invalid, path
from newword.lexicon.files import SUFFIXES
from newword.lexicon.lexicon import Lexicon

KNOWN_REASON = "known"
"""The reason for a dropped known word."""


def known_words(known: Any, *, nfkc: bool) -> frozenset[str] | None:
    """Returns the words of the argument `known`, normalised like the corpus.

    Args:
        known: None, a Lexicon, the path of a lexicon, jieba dictionary or word list, or words.
        nfkc: Whether to normalize them with NFKC.

    Raises:
        InvalidArgumentError: `known` is of another type.
        FormatError: The file is not valid in its format.
        OSError: The file cannot be read.
    """
    if known is None:
        return None
    words: list[Any]
    if isinstance(known, Lexicon):
        words = known["word"].tolist()
    elif isinstance(known, (str, os.PathLike)):
        words = load_words(Path(path("known", known)))["word"].tolist()
    elif isinstance(known, Iterable) and not isinstance(known, (bytes, bytearray)):
        words = list(known)
    else:
        raise invalid("known", "a Lexicon, a path or an iterable of str", known)
    for word in words:
        if not isinstance(word, str):
            raise invalid("known", "made of str", word)
    return frozenset(unicodedata.normalize("NFKC", word) if nfkc else word for word in words)


def load_words(file: Path) -> Lexicon:
    """Reads a lexicon in any format; a file with an unknown extension is a word list.

    Raises:
        FormatError: The file is not valid in its format.
        OSError: The file cannot be read.
    """
    # Dictionaries have arbitrary names: big.utf8, dict, words.
    return Lexicon.load(file, None if file.suffix.lower() in SUFFIXES else "words")


def with_known(lexicon: Lexicon, known: frozenset[str] | None, action: str) -> Lexicon:
    """Sets the column `known` of a lexicon (`"mark"`) or drops its known words (`"drop"`).

    Dropped words are added to the rejected candidates, if the lexicon keeps them.
    """
    if known is None:
        return lexicon
    words = lexicon["word"]
    mask = np.fromiter((word in known for word in words), np.bool_, len(words))
    columns = {name: lexicon[name] for name in lexicon.columns}
    rejected = lexicon.rejected
    if action == "drop":
        if rejected is not None:
            rejected = _joined(rejected, lexicon[mask])
        columns = {name: column[~mask] for name, column in columns.items()}
        summary = {**lexicon.summary, "known_dropped": int(mask.sum())}
    else:
        columns["known"] = mask
        summary = {**lexicon.summary, "known": int(mask.sum())}
    return Lexicon(columns, summary=summary, rejected=rejected)


def _joined(rejected: Lexicon, dropped: Lexicon) -> Lexicon:
    """Concatenates the rejected candidates and the dropped known words."""
    further = {name: dropped[name] for name in dropped.columns}
    further["known"] = np.ones(len(dropped), np.bool_)
    further["reason"] = np.full(len(dropped), KNOWN_REASON, dtype=object)
    names = [name for name in rejected.columns if name in further]
    return Lexicon({name: np.concatenate([rejected[name], further[name]]) for name in names})
