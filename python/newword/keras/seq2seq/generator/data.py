"""Pairs of texts and their ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword.keras.vocabulary import checked_texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from newword.keras.vocabulary import Vocabulary

__all__ = ["Texts", "checked_pairs", "checked_pseudo", "checked_sources", "checked_targets"]


@dataclass(frozen=True, eq=False)
class Texts:
    """The ids of texts, end to end: text i is `ids[offsets[i]:offsets[i + 1]]`."""

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, texts: list[str], vocabulary: Vocabulary) -> Texts:
        """Encodes texts."""
        return cls(*vocabulary.encode_many(texts))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def backward(self) -> Texts:
        """Each text from its last character to its first."""
        place = np.arange(len(self.ids))
        ends = np.repeat(self.offsets[:-1] + self.offsets[1:], self.lengths)
        return Texts(self.ids[ends - 1 - place], self.offsets)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The length of each text."""
        return np.diff(self.offsets)


def checked_pairs(pairs: Any, argument: str = "pairs") -> tuple[list[str], list[str]]:
    """Validates pairs of texts; returns sources and targets.

    Raises:
        InvalidArgumentError: There is no pair, an item is not a pair of str, or one of them is
            empty; names the index.
    """
    many = list(_check.iterable(argument, pairs, "an iterable of pairs (source, target)"))
    if not many:
        raise _check.invalid(argument, "at least one pair (source, target)", many)
    for place, pair in enumerate(many):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise _check.invalid(f"{argument}[{place}]", "a pair (source, target)", pair)
        for side, text in enumerate(pair):
            if not isinstance(text, str) or not text:
                raise _check.invalid(f"{argument}[{place}][{side}]", "a non-empty str", text)
    return [source for source, _ in many], [target for _, target in many]


def checked_sources(
    texts: Any, most: int, truncate: bool, argument: str = "texts", place: str = "[{}]"
) -> list[str]:
    """Validates sources and cuts those that are too long, if wanted.

    Args:
        texts: The sources.
        most: The largest number of characters.
        truncate: Whether longer ones are cut; otherwise they are an error.
        argument: The name of the argument in errors.
        place: How errors name an item, such as "[{}][0]".

    Raises:
        InvalidArgumentError: A source is not a str, empty or too long.
    """
    many = checked_texts(texts, argument)
    for index, text in enumerate(many):
        name = argument + place.format(index)
        if not text:
            raise _check.invalid(name, "a non-empty str", text)
        if len(text) > most and not truncate:
            rule = f"of at most {most} characters (max_source_length), unless truncate=True"
            raise _check.invalid(name, rule, f"{len(text)} characters")
    return [text[:most] for text in many]


def checked_targets(targets: list[str], most: int, argument: str) -> None:
    """Raises for a target that is longer than the model may generate."""
    for index, text in enumerate(targets):
        if len(text) > most:
            rule = f"of at most {most} characters (max_target_length)"
            raise _check.invalid(f"{argument}[{index}][1]", rule, f"{len(text)} characters")


def checked_pseudo(pseudo: Any, count: int, most: int) -> list[str]:
    """Validates the texts that the other direction reads instead of gold targets.

    Raises:
        InvalidArgumentError: They are not `count` str of at most `most` characters.
    """
    many = checked_texts(pseudo, "pseudo")
    if len(many) != count:
        raise _check.invalid("pseudo", f"{count} texts, one for each pair", f"{len(many)} texts")
    for index, text in enumerate(many):
        if len(text) > most:
            rule = f"of at most {most} characters (max_target_length)"
            raise _check.invalid(f"pseudo[{index}]", rule, f"{len(text)} characters")
    return many
