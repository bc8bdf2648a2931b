"""Words that are known already: marked in a lexicon, or dropped from it."""

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
"""Why a known word was dropped."""


def known_words(known: Any, *, nfkc: bool) -> frozenset[str] | None:
    """The words that `known` stands for, folded as the corpus is.

    Args:
        known: None, a Lexicon, a path of one, of a jieba dictionary or a word list, or words.
        nfkc: Whether to fold them with NFKC.

    Raises:
        InvalidArgumentError: It is none of these.
        FormatError: The file cannot be read as any of these.
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
    """A lexicon of any format; a file of unknown extension is a word list.

    Raises:
        FormatError: The file is not what its format asks for.
        OSError: The file cannot be read.
    """
    # A dictionary may be called anything: big.utf8, dict, words.
    return Lexicon.load(file, None if file.suffix.lower() in SUFFIXES else "words")


def with_known(lexicon: Lexicon, known: frozenset[str] | None, action: str) -> Lexicon:
    """The lexicon with its column `known` set (`"mark"`) or without its known words (`"drop"`).

    Dropped words join the rejected candidates, where the lexicon keeps those.
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
    """The rejected candidates, then the known words that were dropped."""
    further = {name: dropped[name] for name in dropped.columns}
    further["known"] = np.ones(len(dropped), np.bool_)
    further["reason"] = np.full(len(dropped), KNOWN_REASON, dtype=object)
    names = [name for name in rejected.columns if name in further]
    return Lexicon({name: np.concatenate([rejected[name], further[name]]) for name in names})
