"""A small task for generators: the two words of a source in the other order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partialmethod
from typing import Any

import keras
import numpy as np
import pytest

from newword.keras import Seq2Seq, TeacherForcing

WORDS = ("今天", "天气", "很好", "ＡＢ", "𠮷野家", "不")


def pairs(many: int, seed: int) -> list[tuple[str, str]]:
    """Two words, and the same two swapped."""
    random = np.random.default_rng(seed)
    drawn = random.integers(0, len(WORDS), (many, 2))
    return [(WORDS[a] + WORDS[b], WORDS[b] + WORDS[a]) for a, b in drawn]


def small(model: str = "lstm", **options: Any) -> Any:
    """A generator that is quick to compile."""
    given = {"units": 16, "num_layers": 1, "dropout": 0.0, "max_target_length": 8, **options}
    return Seq2Seq(model, **given)


@contextmanager
def trained_stepwise() -> Iterator[None]:
    """What is compiled here for training runs step by step, which saves the time of tracing.

    JAX would compile each operation by itself, which takes longer.
    """
    compiled = TeacherForcing.compile
    if keras.backend.backend() == "jax":
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TeacherForcing, "compile", partialmethod(compiled, run_eagerly=True))
        yield


def untrained(**options: Any) -> Any:
    """A generator with a vocabulary and random weights."""
    given = small(**options)
    given.build([text for pair in pairs(40, 0) for text in pair])
    random = np.random.default_rng(2)
    for weight in given.model.trainable_variables:
        weight.assign(random.normal(0, 0.5, weight.shape))
    return given
