"""Data and models for the study of batch normalization."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newword._optional import optional_module
from newword.errors import InvalidArgumentError

__all__ = [
    "POSITIONS",
    "VARIANTS",
    "Array",
    "Bench",
    "Task",
    "bench",
    "digits",
    "draw",
    "synthetic",
    "texts",
]

Array = NDArray[Any]
PROBED = 256
"""So many rows of the training data are probed, as one batch."""
HIDDEN, LAYERS = 32, 2
POSITIONS = ("before", "between", "after")
"""Of the normalization: before the dense layer, between it and the activation, after both."""


@dataclass(frozen=True, eq=False)
class Task:
    """Inputs and one-hot targets, for training and for test."""

    name: str
    train: tuple[Array, Array]
    test: tuple[Array, Array]

    @property
    def probed(self) -> tuple[Array, Array]:
        """The batch for probes."""
        x, y = self.train
        return x[:PROBED], y[:PROBED]


def task(name: str, x: Array, classes: Array, test: int) -> Task:
    """A task whose last so many rows are for test."""
    y = np.eye(classes.max() + 1, dtype="float32")[classes]
    return Task(name, (x[:-test], y[:-test]), (x[-test:], y[-test:]))


@functools.cache
def digits() -> Task:
    """The 1,797 images of 8 x 8 that come with scikit-learn, with values from 0 to 1."""
    datasets = optional_module("sklearn.datasets", "dev", "The digits (scikit-learn)")
    x, classes = datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    return task("digits", (x[order] / 16).astype("float32"), classes[order], test=500)


@functools.cache
def synthetic() -> Task:
    """20 features with unlike means and scales, and four classes that a noisy teacher gives."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(1_800, 20))
    scores = np.tanh(z @ rng.normal(size=(20, 8))) @ rng.normal(size=(8, 4))
    classes = (scores + 0.5 * rng.normal(size=scores.shape)).argmax(axis=1)
    x = 2 * rng.normal(size=20) + z * np.exp(rng.uniform(np.log(0.1), np.log(3), 20))
    return task("synthetic", x.astype("float32"), classes, test=500)


@functools.cache
def texts(folder: Path, rows: int = 4_000, steps: int = 64, vocabulary: int = 2_000) -> Task:
    """Reviews with their sentiment: ids of the first characters, 0 for padding, 1 for rare ones."""
    lines = (folder / "cls" / "sentiment.train.tsv").read_text("utf-8").splitlines()
    pairs = [line.rsplit("\t", 1) for line in lines if "\t" in line]
    chosen = np.random.default_rng(0).permutation(len(pairs))[: rows + 1_000]
    found = [pairs[place] for place in chosen]
    characters, counts = np.unique(list("".join(text for text, _ in found)), return_counts=True)
    common = characters[np.argsort(-counts, kind="stable")[: vocabulary - 2]]
    ids = {character: number for number, character in enumerate(common, 2)}
    x = np.zeros((len(found), steps), "int32")
    for row, (text, _) in enumerate(found):
        numbers = [ids.get(character, 1) for character in text[:steps]]
        x[row, : len(numbers)] = numbers
    return task("sentiment", x, np.array([int(label) for _, label in found]), test=1_000)


def variants() -> dict[str, Callable[[], Any] | None]:
    """The kinds of normalization by name."""
    from keras import layers

    from newword.keras import PartialBatchNormalization

    part = functools.partial(PartialBatchNormalization, momentum=0.9)
    return {
        "none": None,
        "centre": functools.partial(part, True, "none"),
        "scale": functools.partial(part, False, "std"),
        "RMS": functools.partial(part, False, "rms"),
        "centre, scale": functools.partial(part, True, "std"),
        "batch": functools.partial(layers.BatchNormalization, momentum=0.9),
        "layer": layers.LayerNormalization,
        "RMS of a sample": layers.RMSNormalization,
    }


VARIANTS = ("none", "centre", "scale", "RMS", "centre, scale", "batch", "layer", "RMS of a sample")


def network(data: Task, kind: str, position: str, depth: int) -> Any:
    """A network with `depth` hidden layers of tanh; a linear model with none."""
    import keras

    normalization = variants()[kind]

    def normalized(h: Any, here: bool) -> Any:
        return normalization()(h) if normalization and here else h

    x, y = data.train
    inputs = keras.Input(x.shape[1:], dtype=x.dtype.name)
    h = inputs
    if x.dtype.kind == "i":
        h = keras.layers.Embedding(int(x.max()) + 1, HIDDEN, mask_zero=True)(h)
        h = keras.layers.GlobalAveragePooling1D()(h)
    for _ in range(depth):
        h = keras.layers.Dense(HIDDEN)(normalized(h, position == "before"))
        h = keras.layers.Activation("tanh")(normalized(h, position == "between"))
        h = normalized(h, position == "after")
    last = keras.layers.Dense(y.shape[-1])
    return keras.Model(inputs, last(normalized(h, position == "before")))


class Bench:
    """A compiled network with its landscape, to be started anew for each seed.

    Compiling takes longer than most of these trainings; so it is done once.
    """

    def __init__(self, data: Task, kind: str, position: str, loss: str, depth: int) -> None:
        import keras

        from newword.keras import LossLandscape

        self.data, self.kind = data, kind
        self._make = functools.partial(network, data, kind, position, depth)
        self.model = self._make()
        losses = {"mse": "mse", "ce": keras.losses.CategoricalCrossentropy(from_logits=True)}
        self.model.compile(keras.optimizers.SGD(0.1), losses[loss], metrics=["accuracy"])
        self.landscape = LossLandscape(self.model, *data.probed, "batch")

    def restart(self, seed: int) -> None:
        """Weights drawn by a seed."""
        import keras

        keras.utils.set_random_seed(seed)
        self.model.set_weights(self._make().get_weights())

    def train(
        self, rate: float, steps: int, batch: int = 64, callbacks: Sequence[Any] = ()
    ) -> float:
        """Steps of gradient descent at a rate; the loss of the last epoch."""
        x, y = self.data.train
        self.model.optimizer.learning_rate.assign(rate)
        per_epoch = len(x) // batch
        epochs, rest = divmod(steps, per_epoch)
        loss = float("nan")
        for count in [per_epoch] * epochs + [rest] * bool(rest):
            order = np.random.permutation(len(x))[: count * batch]  # noqa: NPY002 (seeded by Keras)
            history = self.model.fit(
                x[order],
                y[order],
                batch_size=batch,
                shuffle=False,
                callbacks=list(callbacks),
                verbose=0,
            )
            loss = history.history["loss"][-1]
            if not np.isfinite(loss):
                break
        return float(loss)

    def accuracy(self) -> float:
        """Of the test data, with running statistics."""
        x, y = self.data.test
        found = np.asarray(self.model.predict(x, batch_size=500, verbose=0))
        return float((found.argmax(axis=1) == y.argmax(axis=1)).mean())

    def loss_of(self, x: Array, y: Array, *, training: bool) -> float:
        """The cross-entropy of a batch, by its own statistics or by the running ones."""
        import keras

        with keras.StatelessScope():
            output = keras.ops.convert_to_numpy(self.model(x, training=training))
        return float((np.logaddexp.reduce(output, axis=1) - (output * y).sum(axis=1)).mean())

    def sharpness(self, prefix: str = "") -> dict[str, float]:
        """The top eigenvalue, and times the squared norm of the weights."""
        import keras

        weights = map(keras.ops.convert_to_numpy, self.model.trainable_variables)
        square = float(sum((one**2).sum() for one in weights))
        try:
            top = float(self.landscape.eigenvalues(tolerance=1e-2).values[0])
        except InvalidArgumentError:  # Saturated: the Hessian is zero to single precision.
            top = float("nan")
        return {f"{prefix}top": top, f"{prefix}scaled": top * square}


def bench(
    data: Task, kind: str, position: str = "before", loss: str = "ce", depth: int = LAYERS
) -> Bench:
    """The one network of its kind."""
    key = (data.name, kind, position, loss, depth)
    if key not in BENCHES:
        BENCHES[key] = Bench(data, kind, position, loss, depth)
    return BENCHES[key]


BENCHES: dict[tuple[Any, ...], Bench] = {}


def draw(path: Path, steps: int) -> None:
    """Loss surfaces without and with batch normalization, and the loss along gradients."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    from newword.keras import LandscapeProbe

    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained")
    probed, kinds = {}, {"none": "without normalization", "batch": "with batch normalization"}
    for place, (kind, title) in zip(axes, kinds.items(), strict=False):
        network = bench(digits(), kind)
        network.restart(0)
        probe = LandscapeProbe(*digits().probed, every=max(steps // 30, 1), steps=(0.1, 0.2, 0.4))
        network.train(0.1, steps, callbacks=[probe])
        probed[title] = probe.history()
        network.landscape.surface(points=17).plot(place)
        place.set_title(title)
    for title, colour in zip(probed, ("#D55E00", "#0072B2"), strict=True):
        table = probed[title]
        axes[2].fill_between(
            np.arange(1, len(table) + 1) * max(steps // 30, 1),
            table["loss_min"],
            table["loss_max"],
            color=colour,
            alpha=0.4,
            linewidth=0,
            label=title,
        )
    axes[2].set(xlabel="training step", ylabel="loss", title="losses along the gradient")
    axes[2].legend(frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
