"""The mapping between characters and ids."""

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
# The code points that NFKC changes: in plane 0 outside ideographs and Hangul, in plane 1, and in
# this part of plane 2. (The tests compare with all code points.)
COMPATIBLE = (
    range(0xA0, 0x3400),
    range(0xA000, 0xAC00),
    range(0xE000, 0x20000),
    range(0x2F800, 0x2FA20),
)


class Vocabulary:
    """Maps characters to ids: 0 is padding, 1 is unknown.

    A character is a code point of any plane. With `normalize`, a character shares an id with its
    NFKC form if that is a single character too: full-width and half-width forms, compatibility
    ideographs, circled digits. The length of a text does not change, so offsets are those of the
    original text.

    Args:
        characters: The known characters, each a str of length 1; the first gets id 2.
        normalize: Whether characters with the same normal form share an id.

    Raises:
        InvalidArgumentError: An item is not a single character, or is duplicated.

    Examples:
        >>> vocabulary = Vocabulary.from_texts(["今天天气", "𠮷野家Ａ"])
        >>> len(vocabulary), vocabulary.characters[:2]
        (9, ('天', 'A'))
        >>> vocabulary.encode("天𠮷A?").tolist()
        [2, 8, 3, 1]
    """

    characters: tuple[str, ...]
    """The known characters in the order of their ids, from 2."""
    normalize: bool
    """Whether characters with the same normal form share an id."""

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
        """Creates a vocabulary from texts, the most frequent characters first.

        Ties are ordered by code point.

        Args:
            texts: Texts.
            min_count: Minimum count of a character.
            max_size: Maximum number of characters; all by default.
            normalize: As for the class.

        Raises:
            InvalidArgumentError: An argument is invalid.

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
        """Returns the id of each character of a text, int32 of shape (len(text),).

        Raises:
            InvalidArgumentError: `text` is not a str.
        """
        return self.encode_many([text])[0]

    def encode_many(self, texts: Iterable[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Returns the concatenated ids of all texts, and their offsets.

        Returns:
            `ids`, int32 of shape (characters,), and `offsets`, int64 of shape (texts + 1,): text i
            is `ids[offsets[i]:offsets[i + 1]]`.

        Raises:
            InvalidArgumentError: An item is not a str.
        """
        codes, offsets = joined_code_points(checked_texts(texts))
        return self.ids_of(codes), offsets

    def ids_of(self, codes: NDArray[np.uint32]) -> NDArray[np.int32]:
        """The ids of code points."""
        return np.asarray(self._table[codes])

    def decode(self, ids: ArrayLike) -> str:
        """Converts ids to text, without padding; unknown characters become U+FFFD.

        Raises:
            InvalidArgumentError: An id is out of range.
        """
        array = np.asarray(ids).reshape(-1)
        if array.size and (array.min() < 0 or array.max() >= len(self)):
            raise _check.invalid("ids", f"between 0 and {len(self) - 1}", array.tolist())
        signs = ("", "\ufffd", *self.characters)
        return "".join([signs[one] for one in array.tolist()])

    def to_config(self) -> dict[str, Any]:
        """Returns a JSON-serializable configuration for `from_config`."""
        return {"characters": "".join(self.characters), "normalize": self.normalize}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Vocabulary:
        """Creates a vocabulary from the configuration of `to_config`."""
        return cls(**config)

    def __len__(self) -> int:
        """The number of ids, including those of padding and unknown."""
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
        return normal_forms()[codes] if self.normalize else codes

    @cached_property
    def _table(self) -> NDArray[np.int32]:
        """The id of every code point, a look-up table of 4 MB."""
        table = np.full(CODE_POINTS, UNKNOWN, np.int32)
        codes = code_points("".join(self.characters))
        table[codes] = np.arange(FIRST, len(self), dtype=np.int32)
        return table[normal_forms()] if self.normalize else table


def checked_texts(texts: Any, argument: str = "texts") -> list[str]:
    """Validates a list of str.

    Raises:
        InvalidArgumentError: An item is not a str; names the index.
    """
    if isinstance(texts, str) or not isinstance(texts, Iterable):
        raise _check.invalid(argument, "an iterable of str", texts)
    many = list(texts)
    for place, text in enumerate(many):
        if not isinstance(text, str):
            raise _check.invalid(f"{argument}[{place}]", "a str", text)
    return many


def code_points(text: str) -> NDArray[np.uint32]:
    """The code points of a text; a lone surrogate counts as one."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def text_of(codes: NDArray[np.uint32]) -> str:
    """The text of code points."""
    return codes.tobytes().decode("utf-32-le", "surrogatepass")


def joined_code_points(texts: Sequence[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The concatenated code points of texts, and their offsets."""
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text) for text in texts], out=offsets[1:])
    return code_points("".join(texts)), offsets


@cache
def normal_forms() -> NDArray[np.uint32]:
    """The NFKC form of each code point if it is a single code point, else itself."""
    forms = np.arange(CODE_POINTS, dtype=np.uint32)
    for block in COMPATIBLE:
        for code in block:
            form = unicodedata.normalize("NFKC", chr(code))
            if len(form) == 1:
                forms[code] = ord(form)
    return forms
