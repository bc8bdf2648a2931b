"""Seeded synthetic corpora of any size with a known vocabulary and a known segmentation.

The model is deliberately plain. A fixed vocabulary of unique words is drawn once; its words are
ranked, and a word of rank r is drawn with probability proportional to ``r ** -zipf_exponent``.
Words follow each other independently, or, if asked for, partly by a word-bigram rule. After each
word a clause or a sentence may end, so that clause and sentence lengths are geometric.

All randomness comes from the raw 64-bit output of NumPy's PCG64 bit generator, whose stream NumPy
guarantees not to change, and from arithmetic that IEEE 754 fixes to the last bit (for
``zipf_exponent`` other than 0 and 1 the platform's ``pow`` is used as well). Hence the same
parameters give the same text on every platform and under every version of Python and NumPy.
"""

from __future__ import annotations

import math
import operator
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, SupportsIndex

import numpy as np
import numpy.typing as npt

from newword.errors import InvalidArgumentError

__all__ = ["SyntheticCorpus"]

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

_FIRST_HAN: Final = 0x4E00
_HAN_COUNT: Final = 0x9FA5 - 0x4E00 + 1
"""U+4E00 to U+9FA5: every code point assigned, none changed by any Unicode normalisation."""

_LENGTH_SHARES: Final = (0.20, 0.50, 0.18, 0.10, 0.02)
"""Shares of the Han words of 1, 2, 3, 4 and 5 characters among the types."""

_LENGTH_BIAS: Final = 0.02
"""How far (in units of the whole ranking) one character more pushes a word down the ranking."""

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ALPHANUMERICS: Final = _LETTERS + "0123456789"
_LATIN_LENGTHS: Final = (2, 6)

_BLOCK_WORDS: Final = 1 << 16
_GUIDE_BITS: Final = 16
_SUCCESSORS: Final = 4

_VOCABULARY_STREAM: Final = 0
_TEXT_STREAM: Final = 1
_SUCCESSOR_STREAM: Final = 2

_SEPARATORS: Final = ("", "，", "。\n", " ")
_NONE, _CLAUSE, _SENTENCE, _SPACE = range(4)


class _Uniform:
    """Uniform doubles in [0, 1) from one numbered stream of a seed."""

    def __init__(self, seed: int, stream: int) -> None:
        self._bits = np.random.PCG64([seed, stream])

    def draw(self, n: int) -> _Floats:
        raw: npt.NDArray[np.uint64] = self._bits.random_raw(n)
        doubles: _Floats = (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return doubles


class _Sampler:
    """Draws indices with given weights: ``searchsorted`` behind a table that answers most draws."""

    def __init__(self, weights: _Floats) -> None:
        cumulative = np.cumsum(weights)
        self.cumulative: _Floats = cumulative / cumulative[-1]
        buckets = 1 << _GUIDE_BITS
        edges = np.arange(buckets + 1, dtype=np.float64) / buckets
        found = np.searchsorted(self.cumulative, edges, side="right").astype(np.int64)
        self._low: _Ints = found[:-1]
        self._single: npt.NDArray[np.bool_] = found[:-1] == found[1:]

    def pick(self, uniform: _Floats) -> _Ints:
        """Return ``searchsorted(cumulative, uniform, side="right")``."""
        bucket = (uniform * (1 << _GUIDE_BITS)).astype(np.int64)
        picked = self._low[bucket]
        rest = np.flatnonzero(~self._single[bucket])
        picked[rest] = np.searchsorted(self.cumulative, uniform[rest], side="right")
        return picked


@dataclass(frozen=True)
class SyntheticCorpus:
    """A reproducible random corpus with a known vocabulary and segmentation.

    Building one costs O(vocabulary_size) time and memory (about 0.1 s for 20,000 words); text is
    then streamed in constant memory. Objects are immutable, compare by their parameters, and may
    be shared between threads; each call of a method starts the same text from its beginning, so a
    shorter text is a prefix of a longer one.

    Parameters
    ----------
    seed : int, default 0
        At least 0. Another seed gives another vocabulary and another text.
    vocabulary_size : int, default 20_000
        Number of different words, at least 1. The Han words have 1 to 5 characters, in shares of
        about 20, 50, 18, 10 and 2 % of the types; where a small alphabet does not offer enough
        short words, longer ones take their place.
    alphabet_size : int, default 4_000
        Number of different Han characters the words are made of, 1 to 20,902.
    zipf_exponent : float, default 1.0
        Exponent s of the rank-frequency law, 0 (all words equally frequent) to 10.
    mean_words_per_sentence : float, default 16.0
        Mean number of words of a line, at least ``mean_words_per_clause``.
    mean_words_per_clause : float, default 6.0
        Mean number of words between two punctuation marks, at least 1.
    latin_share : float, default 0.0
        Share of the vocabulary, 0 to 1, that is made of words of 2 to 6 ASCII letters and digits.
        A space parts two such words in a row.
    bigram_share : float, default 0.0
        Probability, 0 to less than 1, that a word other than the first of its line is one of four
        fixed successors of the word before it instead of an independent draw. It makes
        collocations that are frequent but are not words. The word frequencies then follow the
        rank-frequency law only roughly.

    Raises
    ------
    InvalidArgumentError
        If an argument breaks a rule above, or if the alphabet is too small for the vocabulary
        (more than half of all five-character words would be needed).

    Examples
    --------
    >>> from newword.samples import SyntheticCorpus
    >>> corpus = SyntheticCorpus(seed=7, vocabulary_size=500, alphabet_size=200)
    >>> len(corpus.vocabulary), len(set(corpus.vocabulary))
    (500, 500)
    >>> line = next(corpus.lines(n_chars=1))
    >>> tokens = next(corpus.segmented_lines(n_chars=1))
    >>> "".join(tokens) == line
    True
    >>> set(tokens) - set(corpus.vocabulary) <= {"，", "。"}
    True
    """

    seed: int = 0
    vocabulary_size: int = 20_000
    alphabet_size: int = 4_000
    zipf_exponent: float = 1.0
    mean_words_per_sentence: float = 16.0
    mean_words_per_clause: float = 6.0
    latin_share: float = 0.0
    bigram_share: float = 0.0
    _words: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _sampler: _Sampler = field(init=False, repr=False, compare=False)
    _latin: npt.NDArray[np.bool_] = field(init=False, repr=False, compare=False)
    _n_latin: int = field(init=False, repr=False, compare=False)
    _successors: _Ints = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the parameters and build the tables."""
        fix = object.__setattr__
        fix(self, "seed", _integer("seed", self.seed, 0, None))
        fix(self, "vocabulary_size", _integer("vocabulary_size", self.vocabulary_size, 1, None))
        fix(self, "alphabet_size", _integer("alphabet_size", self.alphabet_size, 1, _HAN_COUNT))
        fix(self, "zipf_exponent", _number("zipf_exponent", self.zipf_exponent, 0.0, 10.0))
        clause = _number("mean_words_per_clause", self.mean_words_per_clause, 1.0, math.inf)
        fix(self, "mean_words_per_clause", clause)
        sentence = _number("mean_words_per_sentence", self.mean_words_per_sentence, 1.0, math.inf)
        if sentence < clause:
            raise InvalidArgumentError(
                "mean_words_per_sentence must be at least mean_words_per_clause "
                f"({clause!r}), got {sentence!r}"
            )
        fix(self, "mean_words_per_sentence", sentence)
        fix(self, "latin_share", _number("latin_share", self.latin_share, 0.0, 1.0))
        bigram_share = _number("bigram_share", self.bigram_share, 0.0, 1.0)
        if bigram_share == 1.0:
            raise InvalidArgumentError("bigram_share must be less than 1, got 1.0")
        fix(self, "bigram_share", bigram_share)

        words = _make_vocabulary(
            self.seed, self.vocabulary_size, self.alphabet_size, self.latin_share
        )
        fix(self, "_words", tuple(words))
        fix(self, "_sampler", _Sampler(_zipf_weights(len(words), self.zipf_exponent)))
        latin = np.array([word[0] in _LETTERS for word in words], dtype=np.bool_)
        fix(self, "_latin", latin)
        fix(self, "_n_latin", int(latin.sum()))
        count = len(words) * _SUCCESSORS if bigram_share else 0
        followers = self._sampler.pick(_Uniform(self.seed, _SUCCESSOR_STREAM).draw(count))
        fix(self, "_successors", followers.reshape(-1, _SUCCESSORS))

    @property
    def vocabulary(self) -> list[str]:
        """The words, the most probable first: ``vocabulary_size`` unique strings, a new list.

        >>> SyntheticCorpus(vocabulary_size=3, alphabet_size=9).vocabulary == SyntheticCorpus(
        ...     vocabulary_size=3, alphabet_size=9).vocabulary
        True
        """
        return list(self._words)

    @property
    def probabilities(self) -> npt.NDArray[np.float64]:
        """Probability of each word of :attr:`vocabulary` in an independent draw.

        A new float64 array of shape (vocabulary_size,), non-increasing, with sum 1.

        >>> SyntheticCorpus(vocabulary_size=2, alphabet_size=9).probabilities.round(3).tolist()
        [0.667, 0.333]
        """
        weights = _zipf_weights(len(self._words), self.zipf_exponent)
        probabilities: _Floats = weights / np.cumsum(weights)[-1]
        return probabilities

    def lines(self, n_chars: int | None = None, *, n_bytes: int | None = None) -> Iterator[str]:
        """Stream whole lines until they make up at least the size asked for.

        Give one of the two sizes. Both count the line end that belongs to each line, although the
        strings come without it.

        Parameters
        ----------
        n_chars : int, optional
            Size in characters (code points), at least 0.
        n_bytes : int, optional
            Size in bytes of UTF-8, at least 0.

        Returns
        -------
        iterator of str
            One sentence a string: words and ``，``, at the end ``。``.

        Raises
        ------
        InvalidArgumentError
            At the call, if not exactly one size is given or if it is not an integer of at least 0.

        Notes
        -----
        O(size) time, O(1) memory.

        Examples
        --------
        >>> corpus = SyntheticCorpus(seed=1)
        >>> lines = list(corpus.lines(n_bytes=5_000))
        >>> 5_000 <= sum(len(line.encode()) + 1 for line in lines) < 6_000
        True
        >>> all(line.endswith("。") for line in lines)
        True
        """
        size, in_bytes = _one_size(n_chars, n_bytes)
        return self._lines(size, in_bytes)

    def segmented_lines(
        self, n_chars: int | None = None, *, n_bytes: int | None = None
    ) -> Iterator[list[str]]:
        """Stream the same lines as :meth:`lines`, cut into their words.

        Parameters
        ----------
        n_chars, n_bytes : int, optional
            As for :meth:`lines`.

        Returns
        -------
        iterator of list of str
            For each line its tokens: words of :attr:`vocabulary`, ``，``, ``。`` and (between two
            Latin words) a space. Joined they are the line.

        Raises
        ------
        InvalidArgumentError
            As for :meth:`lines`.

        Notes
        -----
        O(size) time, O(1) memory; slower than :meth:`lines` by a small factor.

        Examples
        --------
        >>> corpus = SyntheticCorpus(seed=1, latin_share=0.1)
        >>> gold = corpus.segmented_lines(n_chars=2_000)
        >>> ["".join(tokens) for tokens in gold] == list(corpus.lines(n_chars=2_000))
        True
        """
        size, in_bytes = _one_size(n_chars, n_bytes)
        return self._segmented(size, in_bytes)

    def write(self, path: str | os.PathLike[str], n_bytes: int) -> int:
        """Write a corpus of at least ``n_bytes`` bytes to a file and return its size.

        The text goes to a temporary file in the folder of ``path``, which takes the name ``path``
        only when it is complete. If anything fails, the temporary file is removed and a file that
        was at ``path`` stays as it was.

        Parameters
        ----------
        path : str or path-like
            Target file; its folder must exist. An existing file is replaced.
        n_bytes : int
            Smallest size in bytes of UTF-8, at least 0. The file ends with the line that reaches
            it, thus is at most one line longer.

        Returns
        -------
        int
            Bytes written. The lines are those of ``lines(n_bytes=n_bytes)``, each ended by LF.

        Raises
        ------
        InvalidArgumentError
            If ``n_bytes`` is not an integer of at least 0.
        OSError
            If the file cannot be written.

        Notes
        -----
        O(n_bytes) time, O(1) memory.

        Examples
        --------
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "corpus.txt")
        ...     written = SyntheticCorpus(seed=1).write(path, 100_000)
        ...     written == path.stat().st_size and 100_000 <= written < 101_000
        True
        """
        wanted = _integer("n_bytes", n_bytes, 0, None)
        target = Path(path)
        partial = target.with_name(f".{target.name[:64]}.{secrets.token_hex(8)}.tmp")
        written = 0
        try:
            with partial.open("xb") as file:
                for text, _ in self._blocks() if wanted else ():
                    data = text.encode("utf-8")
                    if written + len(data) >= wanted:
                        end = data.index(b"\n", wanted - written - 1) + 1
                        file.write(memoryview(data)[:end])
                        written += end
                        break
                    file.write(data)
                    written += len(data)
            partial.replace(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        return written

    def _lines(self, size: int, in_bytes: bool) -> Iterator[str]:
        left = size
        if left <= 0:
            return
        for text, _ in self._blocks():
            for line in text.split("\n")[:-1]:
                yield line
                left -= (len(line.encode("utf-8")) if in_bytes else len(line)) + 1
                if left <= 0:
                    return

    def _segmented(self, size: int, in_bytes: bool) -> Iterator[list[str]]:
        left = size
        if left <= 0:
            return
        for _, pieces in self._blocks():
            tokens: list[str] = []
            for piece in pieces:
                if piece == "。\n":
                    tokens.append("。")
                    yield tokens
                    for token in tokens:
                        left -= len(token.encode("utf-8")) if in_bytes else len(token)
                    left -= 1
                    if left <= 0:
                        return
                    tokens = []
                else:
                    tokens.append(piece)

    def _blocks(self) -> Iterator[tuple[str, list[str]]]:
        """Endless blocks of whole lines: the text, and the pieces it is joined of."""
        uniform = _Uniform(self.seed, _TEXT_STREAM)
        table = np.array([*self._words, *_SEPARATORS], dtype=np.object_)
        clause_end = 1.0 / self.mean_words_per_clause
        sentence_end = 1.0 / self.mean_words_per_sentence
        pieces: list[str] = []
        first = True
        last_word, last_separator = 0, _SENTENCE
        while True:
            # Place 0 of both arrays is the last word of the block before and what follows it.
            ids = np.empty(_BLOCK_WORDS + 1, dtype=np.int64)
            ids[0] = last_word
            ids[1:] = self._sampler.pick(uniform.draw(_BLOCK_WORDS))
            breaks = uniform.draw(_BLOCK_WORDS)
            separators = np.empty(_BLOCK_WORDS + 1, dtype=np.int64)
            separators[0] = last_separator
            np.add(breaks < clause_end, breaks < sentence_end, out=separators[1:], dtype=np.int64)
            if self.bigram_share:
                self._follow(ids, separators, uniform.draw(_BLOCK_WORDS))
            last_word, last_separator = int(ids[-1]), int(separators[-1])
            if self._n_latin:
                latin = self._latin[ids]
                spaced = latin[:-1] & latin[1:] & (separators[:-1] == _NONE)
                separators[:-1][spaced] = _SPACE

            # Lay the words out with the separator before each, where there is one.
            before = separators[:-1]
            parted = before != _NONE
            if first:
                parted[0] = first = False
            place = np.arange(_BLOCK_WORDS) + np.cumsum(parted)
            layout = np.empty(int(place[-1]) + 1, dtype=np.int64)
            layout[place] = ids[1:]
            layout[place[parted] - 1] = before[parted] + len(self._words)
            carried = len(pieces)
            pieces.extend(table[layout].tolist())
            sentence_ends = np.flatnonzero(parted & (before == _SENTENCE))
            if len(sentence_ends):
                cut = carried + int(place[sentence_ends[-1]])
                whole, pieces = pieces[:cut], pieces[cut:]
                yield "".join(whole), whole

    def _follow(self, ids: _Ints, separators: _Ints, uniform: _Floats) -> None:
        """Replace words by successors of the words before them, from left to right, in place."""
        follows = np.zeros(len(ids), dtype=np.bool_)
        follows[1:] = (uniform < self.bigram_share) & (separators[:-1] != _SENTENCE)
        slots = np.minimum(uniform * (_SUCCESSORS / self.bigram_share), _SUCCESSORS - 1)
        places = np.arange(len(ids))
        distance = places - np.maximum.accumulate(np.where(follows, 0, places))
        waiting = np.flatnonzero(follows)
        step = 1
        while len(waiting):
            ready = distance[waiting] == step
            now = waiting[ready]
            ids[now] = self._successors[ids[now - 1], slots[now - 1].astype(np.int64)]
            waiting = waiting[~ready]
            step += 1


def _integer(name: str, value: SupportsIndex, low: int, high: int | None) -> int:
    rule = f"an integer of at least {low}" if high is None else f"an integer from {low} to {high}"
    try:
        number = operator.index(value)
    except TypeError:
        raise InvalidArgumentError(f"{name} must be {rule}, got {value!r}") from None
    if isinstance(value, bool) or number < low or (high is not None and number > high):
        raise InvalidArgumentError(f"{name} must be {rule}, got {value!r}")
    return number


def _number(name: str, value: float, low: float, high: float) -> float:
    if high == math.inf:
        rule = f"a finite number of at least {low:g}"
    else:
        rule = f"a number from {low:g} to {high:g}"
    if isinstance(value, bool | str | bytes):
        raise InvalidArgumentError(f"{name} must be {rule}, got {value!r}")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidArgumentError(f"{name} must be {rule}, got {value!r}") from None
    if not (math.isfinite(number) and low <= number <= high):
        raise InvalidArgumentError(f"{name} must be {rule}, got {value!r}")
    return number


def _one_size(n_chars: int | None, n_bytes: int | None) -> tuple[int, bool]:
    if n_chars is not None and n_bytes is None:
        return _integer("n_chars", n_chars, 0, None), False
    if n_bytes is not None and n_chars is None:
        return _integer("n_bytes", n_bytes, 0, None), True
    raise InvalidArgumentError(
        f"exactly one of n_chars and n_bytes must be given, got {n_chars!r} and {n_bytes!r}"
    )


def _zipf_weights(count: int, exponent: float) -> _Floats:
    ranks = np.arange(1, count + 1, dtype=np.float64)
    if exponent == 0.0:
        return np.ones(count, dtype=np.float64)
    if exponent == 1.0:
        return 1.0 / ranks
    return ranks**-exponent


def _make_vocabulary(seed: int, size: int, alphabet_size: int, latin_share: float) -> list[str]:
    """Draw ``size`` unique words and rank them, short words before long ones on the whole."""
    uniform = _Uniform(seed, _VOCABULARY_STREAM)
    order = np.argsort(uniform.draw(_HAN_COUNT), kind="stable")
    alphabet = [chr(_FIRST_HAN + int(place)) for place in order[:alphabet_size]]
    n_latin = math.floor(latin_share * size + 0.5)
    words = _latin_words(uniform, n_latin)
    for length, count in enumerate(_length_counts(size - n_latin, size, alphabet_size), start=1):
        if length == 1:
            words += alphabet[:count]
        else:
            words += _han_words(uniform, alphabet, length, count)
    lengths = np.array([len(word) for word in words], dtype=np.float64)
    keys = uniform.draw(size) + _LENGTH_BIAS * (lengths - 1.0)
    return [words[int(place)] for place in np.argsort(keys, kind="stable")]


def _length_counts(n_han: int, size: int, alphabet_size: int) -> list[int]:
    """Share ``n_han`` words out over the lengths; what a length cannot hold, the next one gets."""
    counts: list[int] = []
    target = 0.0
    given = 0
    for length, share in enumerate(_LENGTH_SHARES, start=1):
        target += share
        last = length == len(_LENGTH_SHARES)
        wanted = (n_han if last else math.floor(target * n_han + 0.5)) - given
        room = alphabet_size if length == 1 else alphabet_size**length // 2
        counts.append(min(wanted, room))
        given += counts[-1]
    if given < n_han:
        raise InvalidArgumentError(
            f"vocabulary_size must leave at most {given} words to an alphabet_size of "
            f"{alphabet_size}, got {size}"
        )
    return counts


def _han_words(uniform: _Uniform, alphabet: list[str], length: int, count: int) -> list[str]:
    """Draw ``count`` unique words; the first characters of the alphabet are used most."""
    found: dict[str, None] = {}
    while len(found) < count:
        draws = uniform.draw(length * (count - len(found)))
        skewed = draws * (1.0 + draws) * (0.5 * len(alphabet))
        places = np.minimum(skewed.astype(np.int64), len(alphabet) - 1).reshape(-1, length)
        for row in places.tolist():
            found["".join([alphabet[place] for place in row])] = None
    return list(found)


def _latin_words(uniform: _Uniform, count: int) -> list[str]:
    """Draw ``count`` unique words of ASCII letters and digits that start with a letter."""
    shortest, longest = _LATIN_LENGTHS
    found: dict[str, None] = {}
    while len(found) < count:
        draws = uniform.draw((longest + 1) * (count - len(found))).reshape(-1, longest + 1)
        for row in draws.tolist():
            length = shortest + int(row[0] * (longest - shortest + 1))
            word = _LETTERS[int(row[1] * len(_LETTERS))]
            for draw in row[2 : length + 1]:
                word += _ALPHANUMERICS[int(draw * len(_ALPHANUMERICS))]
            found[word] = None
    return list(found)
