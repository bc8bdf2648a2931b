"""Small linkers, and what makes them quick to test."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from newword.keras import EntityLinker

SMALL = {"embedding_dim": 16, "units": 8, "num_heads": 2, "dropout": 0.1, "min_count": 1}
# No loops over steps, which take longest to compile and to run step by step.
CONVOLUTIONS = {"encoder": "dgcnn", "num_layers": 1}


def small(**options: Any) -> Any:
    """A linker that is quick to compile."""
    return EntityLinker(**{**SMALL, **CONVOLUTIONS, **options})


@contextmanager
def stepwise() -> Iterator[None]:
    """On TensorFlow, runs everything step by step: tracing takes longer than a few small steps."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    try:
        with warnings.catch_warnings():
            # It is said of tf.data, which is traced all the same.
            warnings.filterwarnings("ignore", "Even though the `tf.config", UserWarning)
            yield
    finally:
        tf.config.run_functions_eagerly(False)


class Characters:
    """A lexicon of single characters, but for the names and words that it knows."""

    def __init__(self, *words: str) -> None:
        self.words = sorted(words, key=len, reverse=True)

    def segment_many(self, texts: Any) -> list[list[str]]:
        return [self.segment(text) for text in texts]

    def segment(self, text: str) -> list[str]:
        words, at = [], 0
        while at < len(text):
            found = next((one for one in self.words if text.startswith(one, at)), text[at])
            words.append(found)
            at += len(found)
        return words
