"""Evaluation of generated texts against references: ROUGE and BLEU on characters."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword._optional import optional_module

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GenerationScore", "evaluate_generation"]

MEASURES = ("rouge_1", "rouge_2", "rouge_l", "bleu", "exact")


@dataclass(frozen=True, slots=True)
class GenerationScore:
    """Means over texts, each from 0 to 1."""

    texts: int
    """Number of texts."""
    rouge_1: float
    """F1 of the sets of characters."""
    rouge_2: float
    """F1 of the sets of character bigrams."""
    rouge_l: float
    """F1 by the longest common subsequence."""
    bleu: float
    """BLEU of up to four characters, for each text with smoothing."""
    exact: float
    """Share of the texts that equal their reference."""
    per_text: dict[str, NDArray[np.float64]] = field(repr=False, compare=False)
    """The measures of each text by name, for paired tests; float64 of shape (texts,)."""

    def to_dict(self) -> dict[str, float]:
        """The means by name."""
        return {name: getattr(self, name) for name in MEASURES}


def evaluate_generation(references: Iterable[str], generated: Iterable[str]) -> GenerationScore:
    """Evaluates generated texts, each against one reference.

    Tokens are the characters in lower case, without white space. ROUGE is computed by the package
    `rouge`, which compares sets of n-grams; BLEU by `nltk`, for each text with its smoothing method
    1. Both are means over the texts, and 0 for an empty one. Figures on characters
    cannot be compared with figures on words.

    Args:
        references: The references.
        generated: The generated texts, in the same order.

    Raises:
        InvalidArgumentError: The numbers of texts differ, there are none, or a reference is empty.
        MissingDependencyError: `rouge` or `nltk` is not installed (extra `metrics`).

    Complexity:
        O(characters of the reference times those of the text), for ROUGE-L.

    Source:
        The evaluation of https://kexue.fm/archives/7259. Lin, ROUGE, 2004; Papineni et al., BLEU,
        2002; Chen and Cherry, Smoothing techniques for sentence-level BLEU, 2014.

    Examples:
        >>> score = evaluate_generation(["今天天气很好"], ["今天天气好"])
        >>> round(score.rouge_1, 3), round(score.rouge_l, 3), round(score.bleu, 3)
        (0.889, 0.889, 0.579)
    """
    wanted = _texts("references", references)
    found = _texts("generated", generated)
    if len(wanted) != len(found):
        raise _check.invalid("generated", f"{len(wanted)} texts like the references", len(found))
    if not wanted:
        raise _check.invalid("references", "at least one", wanted)
    pairs = [(_tokens(want), _tokens(text)) for want, text in zip(wanted, found, strict=True)]
    for place, (want, _) in enumerate(pairs):
        if not want:
            raise _check.invalid(f"references[{place}]", "not empty", wanted[place])
    columns = dict(zip(MEASURES, np.array(_measures(pairs)).T, strict=True))
    means = {name: float(column.mean()) for name, column in columns.items()}
    return GenerationScore(len(pairs), **means, per_text=columns)


def _texts(argument: str, value: Any) -> list[str]:
    many = list(_check.iterable(argument, value, "an iterable of str"))
    for place, text in enumerate(many):
        if not isinstance(text, str):
            raise _check.invalid(f"{argument}[{place}]", "a str", text)
    return many


def _tokens(text: str) -> list[str]:
    return [one for one in text.lower() if not one.isspace()]


def _measures(pairs: list[tuple[list[str], list[str]]]) -> list[list[float]]:
    """The measures of each pair of tokens."""
    rouge = optional_module("rouge", "metrics", "ROUGE scores")
    bleu = optional_module("nltk.translate.bleu_score", "metrics", "BLEU scores")
    score = rouge.Rouge(metrics=["rouge-1", "rouge-2", "rouge-l"])
    smooth = bleu.SmoothingFunction().method1
    rows = []
    with _deep_recursion(max(len(want) + len(text) for want, text in pairs)):
        for want, text in pairs:
            row = [0.0, 0.0, 0.0]
            # The package takes a full stop for the end of a sentence, and no text without one.
            if set(text) - {"."} and set(want) - {"."}:
                found = score.get_scores(" ".join(text), " ".join(want))[0]
                row = [found[name]["f"] for name in ("rouge-1", "rouge-2", "rouge-l")]
            one = bleu.sentence_bleu([want], text, smoothing_function=smooth) if text else 0.0
            rows.append([*row, float(one), float(want == text)])
    return rows


@contextmanager
def _deep_recursion(depth: int) -> Iterator[None]:
    """Allows the recursion of the package `rouge`, as deep as two texts are long."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, depth + 500))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
