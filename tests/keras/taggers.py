"""Small tasks for taggers, with a right answer for every text."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from newword import TagScheme
from newword.keras import Tagger

WORDS = (
    *("今天", "天气", "很", "好", "不", "5G网络"),
    *("𠮷野家", "ＡＢ", "e\u0301te\u0301", "👩\u200d👧"),
)
NAMES = {"𠮷田": "PER", "王小明": "PER", "北京": "LOC", "上海": "LOC"}
FILLERS = ("去", "在", "和", " ", "Ａ")
TYPES = ("PER", "LOC")


def sentences(many: int, seed: int, longest: int = 12) -> list[list[str]]:
    """Random words in a row, from 1 to `longest`."""
    rng = np.random.default_rng(seed)
    return [
        [str(WORDS[one]) for one in rng.integers(0, len(WORDS), rng.integers(1, longest + 1))]
        for _ in range(many)
    ]


def entities(many: int, seed: int) -> tuple[list[str], list[list[tuple[int, int, str]]]]:
    """Texts with names and their spans."""
    rng = np.random.default_rng(seed)
    pieces = [*NAMES, *FILLERS]
    texts, spans = [], []
    for _ in range(many):
        text, found = "在", []
        for one in rng.integers(0, len(pieces), rng.integers(1, 9)):
            piece = pieces[one]
            if piece in NAMES:
                found.append((len(text), len(text) + len(piece), NAMES[piece]))
            text += piece
        texts.append(text)
        spans.append(found)
    return texts, spans


def small(**options: Any) -> Any:
    """A tagger of words that is quick to compile."""
    given = {"encoder": "dgcnn", "units": 16, "embedding_dim": 16, "num_layers": 1, **options}
    scheme = given.pop("scheme", TagScheme("BMES"))
    return Tagger(scheme, **given)


def eager(tagger: Any, texts: Any) -> Any:
    """The tagger, built, and compiled to run step by step where that saves the time of tracing.

    JAX would compile each operation by itself, which takes longer.
    """
    tagger.build(texts)
    stepwise = keras.backend.backend() != "jax"
    tagger.model.compile("adam", tagger.head.loss(), run_eagerly=stepwise)
    return tagger
