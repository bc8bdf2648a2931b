"""Encoders and heads for the studies, and how a pair of them is trained and judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from _datasets import Sentence, Task
from newword import TagScheme, evaluate_spans

__all__ = [
    "ENCODERS",
    "HEADS",
    "Characters",
    "Model",
    "batches",
    "fit",
    "head_layer",
    "judge",
    "model_of",
]

UNITS = 64
DROPOUT = 0.2
BATCH = 32
STEPS = 8
"""Batches are padded to a multiple of so many steps."""
ENCODERS = ("characters", "convolution", "bilstm", "dgcnn")
"""From shallow to deep; see `encoded`."""
HEADS = ("softmax", "memm", "bidirectional_memm", "crf")


class Characters:
    """The ids of characters: 0 for padding, 1 for those that training has once or never."""

    def __init__(self, texts: Sequence[str]) -> None:
        counts = Counter(character for text in texts for character in text)
        known = sorted(one for one, count in counts.items() if count > 1)
        self.ids = {character: number for number, character in enumerate(known, start=2)}

    def __len__(self) -> int:
        return len(self.ids) + 2

    def padded(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """Ids of shape (texts, steps)."""
        rows = [[self.ids.get(character, 1) for character in text] for text in texts]
        return pad(rows, 0)


def pad(rows: Sequence[Sequence[int] | NDArray[np.int32]], value: int) -> NDArray[np.int32]:
    """Rows as one array, padded to a multiple of `STEPS`."""
    steps = -(-max(map(len, rows)) // STEPS) * STEPS
    array = np.full((len(rows), steps), value, np.int32)
    for place, row in enumerate(rows):
        array[place, : len(row)] = row
    return array


def encoded(name: str, x: Any) -> Any:
    """What an encoder makes of embedded characters."""
    from keras import layers

    from newword.keras import DGCNN, MaskedConv1D

    if name == "characters":  # A character's score depends on itself alone.
        return x
    if name == "convolution":  # Sees one character on each side.
        return MaskedConv1D(UNITS, 3, padding="same", activation="relu")(x)
    if name == "bilstm":  # Two layers, each in both directions.
        for _ in range(2):
            lstm = layers.LSTM(UNITS, return_sequences=True)
            x = layers.Dropout(DROPOUT)(layers.Bidirectional(lstm)(x))
        return x
    if name == "dgcnn":  # Six gated convolutions; sees 17 characters on each side.
        return DGCNN((1, 2, 4, 8, 1, 1))(x)
    raise ValueError(f"no encoder {name!r}")


def head_layer(name: str, tags: int, multiplier: float, **options: Any) -> Any:
    """A head by its name."""
    from newword import keras as heads

    classes = {
        "softmax": heads.SoftmaxTagging,
        "memm": heads.MEMM,
        "bidirectional_memm": heads.BidirectionalMEMM,
        "crf": heads.CRF,
    }
    if name != "softmax":
        options["lr_multiplier"] = multiplier
    return classes[name](tags, **options)


class Model:
    """An encoder and a head, with decoding as the scores are and under the scheme's rules.

    The head is trained without rules: a CRF then learns what is illegal, as the others do. The
    weights are those of `start`.
    """

    def __init__(
        self,
        encoder: str,
        head: str,
        scheme: TagScheme,
        vocabulary: int,
        multiplier: float = 1.0,
        **compiled: Any,
    ) -> None:
        import keras

        self.scheme = scheme
        self.structured = head != "softmax"
        self.made_of = (encoder, head, vocabulary, multiplier)
        self.keras, self.head = self.new()
        rules = {
            name: getattr(scheme, name)
            for name in ("allowed_transitions", "allowed_start", "allowed_end")
        }
        self.ruled = head_layer(head, scheme.num_tags, multiplier, use_kernel=False, **rules)
        self.ruled.build((None, None, scheme.num_tags))
        self.keras.compile(keras.optimizers.Adam(clipnorm=5.0), self.head.loss(), **compiled)
        # TensorFlow traces a step that creates variables twice.
        self.keras.optimizer.build(self.keras.trainable_variables)

    def new(self) -> tuple[Any, Any]:
        """A Keras model and its head, with new weights."""
        import keras

        encoder, head, vocabulary, multiplier = self.made_of
        layer = head_layer(head, self.scheme.num_tags, multiplier)
        inputs = keras.Input((None,), dtype="int32")
        x = keras.layers.Embedding(vocabulary, UNITS, mask_zero=True)(inputs)
        x = encoded(encoder, keras.layers.Dropout(DROPOUT)(x))
        return keras.Model(inputs, layer(x)), layer

    def start(self, seed: int, learning_rate: float) -> Model:
        """This model with the weights of a seed; what was compiled stays in use."""
        import keras

        keras.utils.set_random_seed(seed)
        fresh, _ = self.new()
        for variable, value in zip(self.keras.variables, fresh.variables, strict=True):
            variable.assign(value)
        optimizer = self.keras.optimizer
        for variable in optimizer.variables:
            variable.assign(keras.ops.zeros(variable.shape, variable.dtype))
        optimizer.learning_rate = learning_rate
        return self

    def tags(
        self, ids: NDArray[np.int32], *, rules: bool = True, method: str = "map"
    ) -> NDArray[np.int32]:
        """The best tags of shape (texts, steps), -1 at padding."""
        return self.decoded(self.packed(ids), rules=rules, method=method)

    def packed(self, ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """What the head says about a batch; see `newword.keras.tagging.packing`."""
        return self.keras.predict_on_batch(ids)

    def decoded(
        self, packed: NDArray[np.float32], *, rules: bool, method: str
    ) -> NDArray[np.int32]:
        """The best tags by what the head has said."""
        from newword.keras import decode

        if rules:
            if self.structured:
                self.ruled.stored_transitions.assign(self.head.stored_transitions)
            steps = packed.shape[1] - self.head.layout.rows
            emissions, mask = packed[:, :steps, :-1], packed[:, :steps, -1] > 0.5
            packed = self.ruled(emissions, mask=mask)
        return decode(packed, method=method, threads=1)

    @property
    def transitions(self) -> NDArray[np.float32]:
        """The scores of transitions, (tags, tags)."""
        from keras import ops

        return ops.convert_to_numpy(self.head.transitions)


@lru_cache(maxsize=1)
def model_of(
    encoder: str, head: str, scheme: TagScheme, vocabulary: int, multiplier: float = 1.0
) -> Model:
    """A model, compiled once for the seeds that come one after the other."""
    return Model(encoder, head, scheme, vocabulary, multiplier)


def batches(
    sentences: Sequence[Sentence], rng: np.random.Generator | None = None, size: int = BATCH
) -> Iterator[list[int]]:
    """The places of sentences in batches of like lengths; shuffled where there is a generator."""
    lengths = np.array([len(one.text) for one in sentences])
    # Halves of a step keep the order by length but for those that are about equal.
    noise = 0 if rng is None else rng.uniform(-STEPS, STEPS, len(lengths))
    order = np.argsort(lengths + noise, kind="stable")
    parts = [order[start : start + size].tolist() for start in range(0, len(order), size)]
    if rng is not None:
        rng.shuffle(parts)
    yield from parts


def fit(
    task: Task, model: Model, characters: Characters, *, epochs: int, patience: int, seed: int
) -> dict[str, Any]:
    """Trains until the F1 on the development part has not risen for `patience` epochs.

    The model is left with the weights of its best epoch.

    Returns:
        `history`, the F1 after each epoch; `best_epoch`, counted from 1; `dev_f1`.
    """
    rng = np.random.default_rng(seed)
    targets = [task.scheme.encode(one.spans, len(one.text)) for one in task.train]
    history: list[float] = []
    best: list[NDArray[Any]] = []
    for _ in range(epochs):
        for places in batches(task.train, rng):
            ids = characters.padded([task.train[place].text for place in places])
            model.keras.train_on_batch(ids, pad([targets[place] for place in places], -1))
        history.append(judge(task.dev, model, characters)["rules, map"])
        if history[-1] == max(history):
            best = model.keras.get_weights()
        # Rare entities: nothing at all is found in the first epochs.
        if max(history) > 0 and len(history) - int(np.argmax(history)) > patience:
            break
    model.keras.set_weights(best)
    best_epoch = int(np.argmax(history)) + 1
    return {"history": history, "best_epoch": best_epoch, "dev_f1": max(history)}


WAYS = {"rules, map": (True, "map")}
"""How `judge` decodes where it is not told."""
ALL_WAYS = {
    **WAYS,
    "free, map": (False, "map"),
    "rules, numerator": (True, "numerator"),
    "free, numerator": (False, "numerator"),
}


def judge(
    sentences: Sequence[Sentence],
    model: Model,
    characters: Characters,
    ways: dict[str, tuple[bool, str]] = WAYS,
) -> dict[str, float]:
    """The F1 of each way to decode, and as `illegal` the share of illegal pairs where free."""
    found: dict[str, list[Any]] = {way: [None] * len(sentences) for way in ways}
    wrong = pairs = 0
    for places in batches(sentences, size=4 * BATCH):
        packed = model.packed(characters.padded([sentences[place].text for place in places]))
        for way, (rules, method) in ways.items():
            tags = model.decoded(packed, rules=rules, method=method)
            for place, spans in zip(places, model.scheme.decode_batch(tags), strict=True):
                found[way][place] = spans
            if way == "free, map":
                inner = (tags[:, :-1] >= 0) & (tags[:, 1:] >= 0)
                legal = model.scheme.allowed_transitions[tags[:, :-1], tags[:, 1:]]
                wrong, pairs = wrong + int((inner & ~legal).sum()), pairs + int(inner.sum())
    gold = [one.spans for one in sentences]
    scores = {way: evaluate_spans(gold, spans).f1 for way, spans in found.items()}
    return {**scores, "illegal": wrong / pairs} if pairs else scores
