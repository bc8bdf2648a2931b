"""The second moments of what a layer reads, before and after centring and scaling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from newword import _check
from newword.errors import InvalidArgumentError
from newword.keras._backend import keeping_random_state
from newword.keras.analysis import checks
from newword.keras.analysis.landscape import STATISTICS
from newword.keras.analysis.table import ProbeTable, axes_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["FORMS", "SecondMomentSpectrum", "second_moment_spectrum", "spectrum_of"]

FORMS = ("raw", "centred", "scaled", "standardized")


@dataclass(frozen=True, repr=False)
class SecondMomentSpectrum(ProbeTable):
    """Eigenvalues of the second-moment matrix E[x xᵀ] of a layer's inputs.

    Columns, float64 of shape (features,), in descending order: `raw`, of x; `centred`, of x less
    its mean; `scaled`, of x over its root mean square; `standardized`, of x less its mean, over its
    standard deviation. The summary has the number of `rows` and the norm of the mean, `mean_norm`.

    For a function λ of the samples |E[λ x]| is at most √E[λ²] times `bound(form)`.
    """

    def trace(self, form: str) -> float:
        """The sum of the eigenvalues, E[|x|²]."""
        return float(self[_check.choice("form", form, FORMS)].sum())

    def bound(self, form: str, *, spectral: bool = True) -> float:
        """The factor of the bound on a gradient difference.

        Args:
            form: `"raw"`, `"centred"`, `"scaled"` or `"standardized"`.
            spectral: Whether to take the largest eigenvalue, the tightest factor that holds for
                every λ; otherwise the trace, as the article does with its element-wise product.

        Returns:
            The square root of the largest eigenvalue, or of the trace.

        Raises:
            InvalidArgumentError: There is no such form.
        """
        form = _check.choice("form", form, FORMS)
        return float(np.sqrt(self[form][0] if spectral else self[form].sum()))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draws the eigenvalues of each form in descending order.

        Args:
            ax: Where to draw; a new figure by default.

        Raises:
            MissingDependencyError: matplotlib is not installed.
        """
        ax = axes_for(ax)
        for form in FORMS:
            values = self[form]
            ax.plot(np.arange(1, len(values) + 1), np.where(values > 0, values, np.nan), label=form)
        ax.set_yscale("log")
        ax.set_xlabel("eigenvalue")
        ax.set_ylabel("second moment")
        ax.legend(frameon=False)
        return ax


def second_moment_spectrum(
    model: Any, layer: str, x: Any, statistics: str = "running"
) -> SecondMomentSpectrum:
    """Eigenvalues of the second moments of a layer's inputs, before and after normalization.

    Args:
        model: A built Keras model.
        layer: The name of the layer; `"outer/inner"` in a model within the model. Its first input
            must be of shape (batch, ..., features): all axes but the last count as samples.
            Positions that a mask excludes are left out.
        x: The inputs of the model, an array or a nest of arrays.
        statistics: What batch normalization before the layer uses, `"batch"` or `"running"`; see
            `LossLandscape`. The model is not changed.

    Returns:
        The eigenvalues of x as it is, centred, scaled, and both; see `SecondMomentSpectrum`.

    Raises:
        InvalidArgumentError: The model is not built; there is no such layer, or the model does not
            call it; the batch is empty.

    Complexity:
        A forward pass, and a singular value decomposition of (samples, features) for each form.

    Source:
        Su Jianlin, https://kexue.fm/archives/6992.

    Examples:
        >>> import keras
        >>> dense = keras.layers.Dense(1, name="dense")
        >>> model = keras.Sequential([keras.Input((2,)), dense])
        >>> x = np.array([[3.0, 1.0], [3.0, -1.0]])
        >>> found = second_moment_spectrum(model, "dense", x)
        >>> found["raw"].round(6).tolist(), found["centred"].round(6).tolist()
        ([9.0, 1.0], [1.0, 0.0])
    """
    if not isinstance(model, keras.Model):
        raise _check.invalid("model", "a Keras model", model)
    if not model.built:
        raise InvalidArgumentError(
            f"model: must be built, got {model.name!r} without weights; call it on a batch first"
        )
    training = _check.choice("statistics", statistics, STATISTICS) == "batch"
    found = checks.layer_named(model, layer, trainable=False)
    data, _, _ = checks.batch_of(x, None)
    return spectrum_of(_inputs_of(model, found, layer, data, training))


def _inputs_of(model: Any, layer: Any, name: str, x: Any, training: bool) -> NDArray[np.float64]:
    """The rows that a layer reads when the model is called, (rows, features)."""
    rows: list[NDArray[np.float64]] = []
    usual = layer.call

    def call(inputs: Any, *others: Any, **named: Any) -> Any:
        values = ops.convert_to_numpy(ops.cast(keras.tree.flatten(inputs)[0], "float32"))
        flat = np.asarray(values, np.float64).reshape(-1, values.shape[-1])
        mask = named.get("mask")
        if mask is not None and len(keras.tree.flatten(mask)) == 1:
            flat = flat[ops.convert_to_numpy(mask).astype(bool).ravel()]
        rows.append(flat)
        return usual(inputs, *others, **named)

    layer.call = call
    try:
        with keeping_random_state(), keras.StatelessScope(collect_losses=True):
            model(x, training=training)
    finally:
        del layer.call
    if not rows or not sum(map(len, rows)):
        raise _check.invalid("layer", "a layer that the model calls on x", name)
    return np.concatenate(rows)


def spectrum_of(rows: NDArray[np.float64]) -> SecondMomentSpectrum:
    """The spectrum of samples of shape (rows, features)."""
    mean = rows.mean(axis=0)
    centred = rows - mean
    forms = {
        "raw": rows,
        "centred": centred,
        "scaled": _divided(rows, np.sqrt((rows**2).mean(axis=0))),
        "standardized": _divided(centred, rows.std(axis=0)),
    }
    columns = {form: _eigenvalues(values) for form, values in forms.items()}
    summary = {"rows": len(rows), "mean_norm": float(np.linalg.norm(mean))}
    return SecondMomentSpectrum(columns, summary)


def _divided(rows: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features divided by their scales; features that are all zero stay so."""
    # What rounding leaves of a constant feature is not scaled up.
    still = by <= 1e-12 * np.abs(rows).max(axis=0, initial=1e-300)
    quotient: NDArray[np.float64] = rows / np.where(still, 1, by)
    return np.where(still, 0, quotient)


def _eigenvalues(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Eigenvalues of the second-moment matrix in descending order, a value for each feature."""
    values = np.zeros(rows.shape[1])
    found = np.linalg.svd(rows / np.sqrt(len(rows)), compute_uv=False) ** 2
    values[: len(found)] = found
    return values
