"""Small bidirectional encoder-decoders with random weights, and the slow way to decode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

import newword.keras as nk
from tests.support.tensors import Array, numpy

CHARACTERS = 6
"""Ids of the vocabulary, with padding and unknown."""
LENGTHS = (5, 3, 1)
STEPS = 5
FUSIONS = ("concatenate", "sbnmt")
NAMES = ("forward", "backward")


def small(fusion: str = "concatenate", seed: int = 3, **options: Any) -> Any:
    """A model with weights that are no special values."""
    given = {"num_layers": 1, "num_heads": 2, "fusion": fusion, **options}
    model = nk.BidirectionalLSTMEncoderDecoder(CHARACTERS, 8, **given)
    random = np.random.default_rng(seed)
    for weight in model.trainable_variables:
        weight.assign(random.normal(0, 0.5, weight.shape))
    return model


def sources(steps: int = 6) -> Array:
    """Sources of unlike lengths, padded."""
    random = np.random.default_rng(5)
    source = np.zeros((len(LENGTHS), steps), "int32")
    for row, length in enumerate(LENGTHS):
        source[row, :length] = random.integers(2, CHARACTERS, length)
    return source


def directed(model: Any, texts: list[list[int]], steps: int) -> dict[str, Array]:
    """The inputs of both decoders: start, then the text or the reversed one, then padding."""
    both = np.zeros((2, len(texts), steps), "int32")
    for row, text in enumerate(texts):
        for side, start in enumerate(model.start_tokens):
            ids = [start, *(text[::-1] if side else text)][:steps]
            both[side, row, : len(ids)] = ids
    return dict(zip(NAMES, both, strict=True))


def inputs(model: Any, source_steps: int = 6, steps: int = STEPS) -> dict[str, Array]:
    """Sources, and targets that fill `STEPS` steps."""
    random = np.random.default_rng(6)
    texts = random.integers(2, CHARACTERS, (len(LENGTHS), STEPS - 1)).tolist()
    return {"source": sources(source_steps), **directed(model, texts, steps)}


def log_probs(model: Any, given: dict[str, Array]) -> list[Array]:
    """The log-probabilities of every next token in both directions, in one pass."""
    logits = model(given)
    return [numpy(keras.ops.log_softmax(logits[name])) for name in NAMES]


def other_token(ids: Array) -> Array:
    """Another ordinary token for each."""
    return 2 + (ids - 1) % (CHARACTERS - 2)


@dataclass
class WholePrefixes:
    """The model as the slow twin of the search takes it: each score by a pass over the prefixes."""

    model: Any
    source: Array
    steps: int

    def __post_init__(self) -> None:
        self.known: dict[Any, Array] = {}

    def scores(self, source: int, side: list[int], own: Any, other: Any) -> Array:
        """Log-probabilities after `own`, given `other`; both in the order of their direction."""
        own, other = tuple(own), tuple(other)
        key = (source, side[0], own, other)
        if key not in self.known:
            ids = np.zeros((2, 1, self.steps), "int32")
            for at, text in ((side[0], own), (1 - side[0], other)):
                ids[at, 0, : len(text) + 1] = [self.model.start_tokens[at], *text]
            given = {"source": self.source[source : source + 1], "forward": ids[0]}
            found = self.model.predict_on_batch({**given, "backward": ids[1]})
            logits = np.asarray(found[NAMES[side[0]]][0, len(own)], np.float64)
            self.known[key] = logits - np.log(np.exp(logits).sum())
        return self.known[key]
