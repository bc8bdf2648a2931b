"""Characters as ids."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Vocabulary"]

CODE_POINTS = 0x110000
PAD, UNKNOWN, FIRST = 0, 1, 2
# What NFKC changes lies in plane 0 outside ideographs and Hangul, in plane 1, and here in plane 2.
# (The tests compare with all code points.)
COMPATIBLE = (
    range(0xA0, 0x3400),
    range(0xA000, 0xAC00),
    range(0xE000, 0x20000),
    range(0x2F800, 0x2FA20),
)


class Vocabulary:
    """Characters and their ids: 0 is padding, 1 is every character that is not known.

    A character is a code point, on whatever plane. With `normalize` a character and what NFKC makes
    of it share an id where that is one character as well: full-width and half-width forms,
    compatibility ideographs, circled digits. Nothing gets longer or shorter, so that
    offsets are those of the text as given.

    Args:
        characters: The known characters, each a str of one; the first gets id 2.
        normalize: Whether characters of one normal form share an id.

    Raises:
        InvalidArgumentError: One is no single character, or there twice.

    Examples:
        >>> vocabulary = Vocabulary.from_texts(["今天天气", "𠮷野家Ａ"])
        >>> len(vocabulary), vocabulary.characters[:2]
        (9, ('天', 'A'))
        >>> vocabulary.encode("天𠮷A?").tolist()
        [2, 8, 3, 1]
    """

    characters: tuple[str, ...]
    """The known characters in the order of their ids, from 2 on."""
    normalize: bool
    """Whether characters of one normal form share an id."""

    def __init__(self, characters: Iterable[str], *, normalize: bool = True) -> None:
        self.normalize = _check.flag("normalize", normalize)
        known = _check.word_list("characters", characters)
        for one in known:
            if len(one) != 1:
                raise _check.invalid("characters", "single characters", one)
        codes = self._folded(code_points("".join(known)))
        _, first = np.unique(codes, return_index=True)
        if len(first) < len(codes):
            twice = int(np.setdiff1d(np.arange(len(codes)), first)[0])
            raise _check.invalid("characters", "none twice, once normalised", known[twice])
        self.characters = tuple(text_of(codes))

    @classmethod
    def from_texts(
        cls,
        texts: Iterable[str],
        *,
        min_count: int = 1,
        max_size: int | None = None,
        normalize: bool = True,
    ) -> Vocabulary:
        """The characters of texts, the most frequent first, equally frequent ones by code point.

        Args:
            texts: Texts.
            min_count: How often a character must occur.
            max_size: How many characters to keep at most; all by default.
            normalize: As for the class.

        Raises:
            InvalidArgumentError: An argument breaks its rule.

        Complexity:
            Linear in the number of characters.
        """
        least = _check.whole("min_count", min_count, 1)
        most = None if max_size is None else _check.whole("max_size", max_size, 1)
        empty = cls((), normalize=normalize)
        codes, _ = joined_code_points(checked_texts(texts))
        counts = np.bincount(empty._folded(codes), minlength=1)
        kept = np.flatnonzero(counts >= least)
        kept = kept[np.argsort(-counts[kept], kind="stable")][:most]
        return cls(text_of(kept.astype(np.uint32)), normalize=normalize)

    def encode(self, text: str) -> NDArray[np.int32]:
        """The id of each character of a text, int32 of shape (len(text),).

        Raises:
            InvalidArgumentError: It is not a str.
        """
        return self.encode_many([text])[0]

    def encode_many(self, texts: Iterable[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The ids of all texts in one run, and where each begins and the last ends.

        Returns:
            `ids`, int32 of shape (characters,), and `offsets`, int64 of shape (texts + 1,): text i
            is `ids[offsets[i]:offsets[i + 1]]`.

        Raises:
            InvalidArgumentError: One is not a str.
        """
        codes, offsets = joined_code_points(checked_texts(texts))
        return self.ids_of(codes), offsets

    def ids_of(self, codes: NDArray[np.uint32]) -> NDArray[np.int32]:
        """The ids of code points."""
        return np.asarray(self._table[codes])

    def decode(self, ids: ArrayLike) -> str:
        """The characters of ids, padding left out; U+FFFD stands for what is not known.

        Raises:
            InvalidArgumentError: An id is out of range.
        """
        array = np.asarray(ids).reshape(-1)
        if array.size and (array.min() < 0 or array.max() >= len(self)):
            raise _check.invalid("ids", f"between 0 and {len(self) - 1}", array.tolist())
        signs = ("", "\ufffd", *self.characters)
        return "".join([signs[one] for one in array.tolist()])

    def to_config(self) -> dict[str, Any]:
        """What `from_config` makes the vocabulary of again; JSON can hold it."""
        return {"characters": "".join(self.characters), "normalize": self.normalize}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Vocabulary:
        """The vocabulary of `to_config`."""
        return cls(**config)

    def __len__(self) -> int:
        """How many ids there are, those of padding and of what is unknown included."""
        return len(self.characters) + FIRST

    def __contains__(self, character: object) -> bool:
        if not isinstance(character, str) or len(character) != 1:
            return False
        return bool(self.encode(character)[0] != UNKNOWN)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self.to_config() == other.to_config()

    def __hash__(self) -> int:
        return hash((self.characters, self.normalize))

    def __repr__(self) -> str:
        return f"Vocabulary of {len(self.characters):,} characters"

    def _folded(self, codes: NDArray[np.uint32]) -> NDArray[np.uint32]:
        return _normal_forms()[codes] if self.normalize else codes

    @cached_property
    def _table(self) -> NDArray[np.int32]:
        """The id of every code point there is: 4 MB, and no search for any character."""
        table = np.full(CODE_POINTS, UNKNOWN, np.int32)
        codes = code_points("".join(self.characters))
        table[codes] = np.arange(FIRST, len(self), dtype=np.int32)
        return table[_normal_forms()] if self.normalize else table


def checked_texts(texts: Any, argument: str = "texts") -> list[str]:
    """A list of str.

    Raises:
        InvalidArgumentError: It is none; names the place.
    """
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise _check.invalid(argument, "an iterable of str", texts)
    many = list(texts)
    for place, text in enumerate(many):
        if not isinstance(text, str):
            raise _check.invalid(f"{argument}[{place}]", "a str", text)
    return many


def code_points(text: str) -> NDArray[np.uint32]:
    """The code points of a text; half a surrogate pair counts as one."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def text_of(codes: NDArray[np.uint32]) -> str:
    """The text of code points."""
    return codes.tobytes().decode("utf-32-le", "surrogatepass")


def joined_code_points(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The code points of texts in one run, and where each begins and the last ends."""
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=offsets[1:])
    return code_points("".join(texts)), offsets


@cache
def _normal_forms() -> NDArray[np.uint32]:
    """What NFKC makes of each code point, where that is one code point; else itself."""
    forms = np.arange(CODE_POINTS, dtype=np.uint32)
    for block in COMPATIBLE:
        for code in block:
            form = unicodedata.normalize("NFKC", chr(code))
            if len(form) == 1:
                forms[code] = ord(form)
    return forms
