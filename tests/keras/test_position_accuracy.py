"""Accuracy by position, against counting by hand, and its symmetry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newword.errors import InvalidArgumentError
from newword.keras import position_accuracy

texts = st.text("abc", max_size=7)
pairs = st.lists(st.tuples(texts, texts), min_size=1, max_size=5)


def same(text: str, at: int, other: str) -> bool:
    return at < len(text) and at < len(other) and text[at] == other[at]


@given(pairs, st.integers(1, 3))
def test_it_counts_positions(many: list[tuple[str, str]], tokens: int) -> None:
    wanted, found = (list(side) for side in zip(*many, strict=True))
    score = position_accuracy(wanted, found, tokens=tokens)
    hits: dict[str, list[bool]] = {"first": [], "middle": [], "last": [], "overall": []}
    for want, text in many:
        for at in range(len(want)):
            left = same(want, at, text)
            right = same(want[::-1], len(want) - 1 - at, text[::-1])
            hits["overall"] += [left, right]
            if at < tokens:
                hits["first"].append(left)
            if at >= len(want) - tokens:
                hits["last"].append(right)
            if tokens <= at < len(want) - tokens:
                hits["middle"] += [left, right]
    for name, values in hits.items():
        expected = np.mean(values) if values else np.nan
        assert getattr(score, name) == pytest.approx(expected, nan_ok=True)
    for at in range(tokens):
        values = [same(want, at, text) for want, text in many if at < len(want)]
        expected = np.mean(values) if values else np.nan
        assert score.from_left[at] == pytest.approx(expected, nan_ok=True)


@given(pairs, st.integers(1, 3))
def test_reversing_all_texts_exchanges_first_and_last(
    many: list[tuple[str, str]], tokens: int
) -> None:
    wanted, found = (list(side) for side in zip(*many, strict=True))
    one = position_accuracy(wanted, found, tokens=tokens)
    other = position_accuracy(
        [text[::-1] for text in wanted], [text[::-1] for text in found], tokens=tokens
    )
    expected = (one.last, one.middle, one.first, one.overall)
    found_values = (other.first, other.middle, other.last, other.overall)
    np.testing.assert_allclose(found_values, expected)
    np.testing.assert_array_equal(one.from_left, other.from_right)


def test_invalid_arguments() -> None:
    with pytest.raises(InvalidArgumentError, match="tokens: must be"):
        position_accuracy(["a"], ["a"], tokens=0)
    with pytest.raises(InvalidArgumentError, match="generated: must be 1 texts like"):
        position_accuracy(["a"], [])
    with pytest.raises(InvalidArgumentError, match="references: must be at least one"):
        position_accuracy([], [])
    with pytest.raises(InvalidArgumentError, match="references: must be an iterable"):
        position_accuracy("a", ["a"])
