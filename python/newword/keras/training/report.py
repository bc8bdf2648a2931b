"""How a model's loss and metrics fall with the size of a perturbation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from newword import _check
from newword._optional import optional_module
from newword.keras._backend import compiled
from newword.keras.training.forward import Batch, Forward
from newword.keras.training.hook import check_model
from newword.keras.training.options import NORMS
from newword.keras.training.perturbation import keepdims_norm, scaled_per_unit, unit
from newword.keras.training.search import Search
from newword.keras.training.sites import sites_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["PerturbationReport", "perturbation_report"]

EPSILONS = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True)
class PerturbationReport:
    """A model's loss and metrics by the size of the perturbation."""

    epsilons: NDArray[np.float64]
    """The sizes, float64 of shape (sizes,)."""
    measures: dict[str, NDArray[np.float64]] = field(repr=False)
    """"loss" and the compiled metrics by name, float64 of shape (sizes,)."""
    gradient_norm: float
    """The mean over the samples of the norm of the gradient of their loss, unperturbed."""

    def to_pandas(self) -> pd.DataFrame:
        """A data frame with a row for each size.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        pandas = optional_module("pandas", "pandas", "Data frames")
        frame: pd.DataFrame = pandas.DataFrame({"epsilon": self.epsilons, **self.measures})
        return frame

    def plot(self, measures: Any = None, ax: Axes | None = None, label: str | None = None) -> Axes:
        """Draws measures against the size.

        Args:
            measures: Names; by default the first metric, or "loss" if there is none.
            ax: Where to draw; a new figure by default. Reports of several models fit into one.
            label: The name of the model in the legend.

        Raises:
            InvalidArgumentError: A measure is unknown.
            MissingDependencyError: matplotlib is not installed.
        """
        if measures is None:
            measures = [*[one for one in self.measures if one != "loss"], "loss"][:1]
        names = [measures] if isinstance(measures, str) else list(measures)
        names = [_check.choice("measures", name, list(self.measures)) for name in names]
        pyplot = optional_module("matplotlib.pyplot", "plot", "Pictures")
        if ax is None:
            _, ax = pyplot.subplots(layout="constrained")
        assert ax is not None
        for name in names:
            shown = name if label is None else f"{label}: {name}"
            ax.plot(self.epsilons, self.measures[name], marker="o", label=shown)
        ax.set_xlabel("epsilon")
        ax.legend(frameon=False)
        return ax


def perturbation_report(
    model: Any,
    x: Any,
    y: Any,
    layer: Any = None,
    *,
    epsilons: Iterable[float] = EPSILONS,
    norm: str = "l2",
    sample_weight: Any = None,
    batch_size: int = 32,
) -> PerturbationReport:
    """Evaluates a model with perturbed embeddings, by the size of the perturbation.

    The outputs of the layer are moved by epsilon in the direction of the gradient of the loss,
    each sample by itself (FGM), in inference mode. Epsilon 0 gives what `evaluate` gives. The state
    of the model's metrics is reset.

    Args:
        model: A compiled model, with adversarial training or without.
        x: An array, or a dict or list of arrays, with one row per sample.
        y: Labels, an array or a nest of arrays.
        layer: As for `adversarial_training`.
        epsilons: The sizes, each a finite number of at least 0.
        norm: `"l2"`: the L2 norm of a sample's perturbation is epsilon. `"sign"`: its largest
            element is. `"raw"`: it is epsilon times the gradient of the sample's loss.
        sample_weight: Weights, an array with one row per sample.
        batch_size: Samples per batch.

    Returns:
        A `PerturbationReport` with `epsilons`, `measures`, `gradient_norm`, `to_pandas` and
        `plot`.

    Raises:
        InvalidArgumentError: An argument is invalid, or as for `adversarial_training`.

    Complexity:
        A pass forward and backward, and a pass forward for each size.

    Examples:
        >>> import keras, numpy as np
        >>> ids = keras.Input((None,), dtype="int32")
        >>> x = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(9, 4)(ids))
        >>> model = keras.Model(ids, keras.layers.Dense(2, activation="softmax")(x))
        >>> model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        >>> x, y = np.arange(1, 9).reshape(4, 2), np.array([0, 1, 0, 1])
        >>> report = perturbation_report(model, x, y, epsilons=[0, 1])
        >>> bool(report.measures["loss"][1] > report.measures["loss"][0])
        True
    """
    check_model(model)
    _check.choice("norm", norm, NORMS)
    sizes = _sizes(epsilons)
    batch_size = _check.whole("batch_size", batch_size, 1)
    forward = Forward(model, _plain_loss(model), sites_of(model, layer, "outputs"), training=False)
    given = _each(np.asarray, Batch(x, y, sample_weight))
    total = len(keras.tree.flatten(given.x)[0])
    directions = compiled(_directions(forward, norm), model.variables)
    perturbed = compiled(_perturbed(forward), model.variables)
    losses, length = np.zeros(len(sizes)), 0.0
    found = []
    for index, size in enumerate(sizes):
        model.reset_metrics()
        for batch in _batches(given, total, batch_size):
            rows = len(keras.tree.flatten(batch.x)[0])
            deltas, norms = directions(batch)
            if index == 0:
                length += float(ops.convert_to_numpy(norms).sum())
            outputs, loss = perturbed(batch, deltas, ops.convert_to_tensor(size, "float32"))
            losses[index] += float(ops.convert_to_numpy(loss)) * rows / total
            found_now = model.compute_metrics(batch.x, batch.y, outputs, batch.sample_weight)
        found.append(_numbers(found_now))
    model.reset_metrics()
    measures = {name: np.array([one[name] for one in found]) for name in found[0]}
    return PerturbationReport(sizes, {"loss": losses, **measures}, length / total)


def _directions(forward: Forward, norm: str) -> Any:
    """A function of a batch: the directions, and the gradient's norm of each sample."""

    def function(batch: Batch) -> tuple[Any, Any]:
        gradients = Search(forward, batch, new_masks=False).gradients().gradients
        gradients = [scaled_per_unit(one, "sample") for one in gradients]
        squares = sum(
            ops.square(ops.reshape(keepdims_norm(one, "sample"), (-1,))) for one in gradients
        )
        return [unit(one, norm, "sample") for one in gradients], ops.sqrt(squares)

    return function


def _perturbed(forward: Forward) -> Any:
    """A function of a batch, directions and epsilon: the outputs and the loss."""

    def function(batch: Batch, directions: list[Any], epsilon: Any) -> tuple[Any, Any]:
        deltas = [one * ops.cast(epsilon, one.dtype) for one in directions]
        done = Search(forward, batch, new_masks=False).live(deltas)
        return done.outputs, done.value

    return function


def _plain_loss(model: Any) -> Any:
    """The loss of evaluation, which a method of training does not change."""

    def loss(**arguments: Any) -> Any:
        if model._compute_loss_has_training_arg:
            arguments["training"] = False
        return model.compute_loss(**arguments)

    return loss


def _batches(given: Batch, total: int, batch_size: int) -> Iterator[Batch]:
    for start in range(0, total, batch_size):
        rows = slice(start, start + batch_size)
        yield _each(lambda one, rows=rows: one[rows], given)


def _each(function: Any, batch: Batch) -> Batch:
    """Applies a function to all arrays of a batch."""
    mapped: Batch = keras.tree.map_structure(
        lambda one: None if one is None else function(one), batch
    )
    return mapped


def _sizes(epsilons: Any) -> NDArray[np.float64]:
    values = list(_check.iterable("epsilons", epsilons, "an iterable of numbers"))
    if not values:
        raise _check.invalid("epsilons", "at least one number", values)
    return np.array(
        [_check.threshold(f"epsilons[{index}]", one) for index, one in enumerate(values)]
    )


def _numbers(found: dict[str, Any]) -> dict[str, float]:
    """The results of metrics, without the loss, which Keras adds up elsewhere."""
    return {
        name: float(ops.convert_to_numpy(value)) for name, value in found.items() if name != "loss"
    }
