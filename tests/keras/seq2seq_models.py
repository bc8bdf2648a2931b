"""Small encoder-decoders with random weights, and the slow way to decode."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

import newword.keras as nk
from tests.support.tensors import Array, numpy

CHARACTERS = 7
"""Ids of the vocabulary, with padding and unknown."""
LENGTHS = (5, 3, 1)
STEPS = 4
MODELS: dict[str, Any] = {
    "lstm": nk.LSTMEncoderDecoder,
    "transformer": nk.TransformerEncoderDecoder,
}


def small(name: str, **options: Any) -> Any:
    """A model with weights that are no special values."""
    model = MODELS[name](CHARACTERS, 8, **{"num_layers": 1, "num_heads": 2, **options})
    random = np.random.default_rng(3)
    for weight in model.trainable_variables:
        weight.assign(random.normal(0, 0.5, weight.shape))
    return model


def inputs(model: Any, source_steps: int = 6, steps: int = STEPS) -> dict[str, Array]:
    """Sources of unlike lengths, with padding, and targets without."""
    random = np.random.default_rng(5)
    source = np.zeros((len(LENGTHS), source_steps), "int32")
    for row, length in enumerate(LENGTHS):
        source[row, :length] = random.integers(2, CHARACTERS, length)
    target = np.zeros((len(LENGTHS), steps), "int32")
    target[:, :STEPS] = random.integers(2, CHARACTERS, (len(LENGTHS), STEPS))
    target[:, 0] = model.start_token
    return {"source": source, "target": target}


def log_probs(model: Any, given: dict[str, Array]) -> Array:
    """The log-probabilities of every next token, in one pass."""
    return numpy(keras.ops.log_softmax(model(given)))
