"""Data sets for the studies of text classification, and a small model for them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["SETS", "Part", "Task", "classifier", "encoded", "synthetic"]

Part = tuple[list[str], list[int]]
"""Texts and the numbers of their classes."""


@dataclass(frozen=True)
class Task:
    """Texts to learn from, to select by and to judge by."""

    name: str
    classes: int
    length: int
    """Longer texts are cut to so many characters."""
    train: Part
    dev: Part
    test: Part

    def cut(self, train: int | None) -> Task:
        """The task with fewer texts to learn from."""
        return replace(self, train=(self.train[0][:train], self.train[1][:train]))


def sentiment(folder: Path) -> Task:
    """Reviews, positive or negative; half of the published validation set selects."""
    train, valid = (
        [line.rsplit("\t", 1) for line in lines(folder / f"cls/sentiment.{part}.tsv")]
        for part in ("train", "valid")
    )
    half = len(valid) // 2
    return task("sentiment", 128, train, valid[:half], valid[half:])


def few_shot(name: str, length: int) -> Callable[[Path], Task]:
    """A task of FewCLUE; half of its development set selects, the other half judges."""

    def read(folder: Path) -> Task:
        train, dev = (
            [
                (one["sentence"], str(one["label"]))
                for one in map(json.loads, lines(folder / f"cls/{name}.{part}.json"))
            ]
            for part in ("train", "dev")
        )
        dev = shuffled(dev)
        half = len(dev) // 2
        return task(name, length, train, dev[:half], dev[half:])

    return read


def titles(folder: Path) -> Task:
    """Titles of news and their section: six tenths to learn from, two to select and to judge."""
    rows = shuffled([line.split("\t") for line in lines(folder / "cls/thucnews_titles.tsv")])
    bounds = np.cumsum([len(rows) * 6 // 10, len(rows) * 2 // 10])
    parts = [rows[: bounds[0]], rows[bounds[0] : bounds[1]], rows[bounds[1] :]]
    return task("thucnews", 32, *parts)


def synthetic() -> Task:
    """Reviews made of good or bad words and of others."""
    rng = np.random.default_rng(0)
    words = {"0": "差坏慢贵脏", "1": "好美快值净"}
    other = "的了店房菜书我在这很"
    rows = []
    for label in rng.integers(2, size=500).astype(str):
        said = rng.choice(list(words[label]), 2).tolist()
        said += rng.choice(list(words[str(1 - int(label))]), 1).tolist()
        said += rng.choice(list(other), 6).tolist()
        rows.append(("".join(rng.permutation(said)), label))
    return task("synthetic", 16, rows[:200], rows[200:300], rows[300:])


SETS: dict[str, Callable[[Path], Task]] = {
    "sentiment": sentiment,
    "tnews": few_shot("tnews", 40),
    "iflytek": few_shot("iflytek", 128),
    "thucnews": titles,
}


def lines(path: Path) -> list[str]:
    """The lines of a file."""
    return [line for line in path.read_text("utf-8").split("\n") if line]


def shuffled(rows: list[Any]) -> list[Any]:
    """The rows in an order that is the same every time."""
    return [rows[place] for place in np.random.default_rng(0).permutation(len(rows))]


def task(name: str, length: int, *parts: Sequence[Sequence[str]]) -> Task:
    """A task of rows of a text and a label."""
    labels = sorted({label for part in parts for _, label in part})
    number = {label: place for place, label in enumerate(labels)}
    split = [([text for text, _ in part], [number[one] for _, one in part]) for part in parts]
    return Task(name, len(labels), length, *split)


def encoded(vocabulary: Any, texts: Sequence[str], length: int) -> NDArray[np.int32]:
    """Ids of characters of shape (texts, length), with zeros behind."""
    ids = np.zeros((len(texts), length), np.int32)
    for row, text in zip(ids, texts, strict=True):
        found = vocabulary.encode(text[:length])
        row[: len(found)] = found
    return ids


def classifier(size: int, classes: int, units: int, dropout: float, seed: int) -> Any:
    """Characters, a convolution of three, the maximum over the text; returns logits."""
    import keras

    from newword.keras import MaskedConv1D, MaskedMaxPooling

    keras.utils.set_random_seed(seed)
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(size, units, mask_zero=True, name="embedding")(ids)
    x = MaskedConv1D(units, 3, padding="same", activation="relu")(x)
    x = MaskedMaxPooling()(x)
    x = keras.layers.Dropout(dropout)(x)
    return keras.Model(ids, keras.layers.Dense(classes)(x))
