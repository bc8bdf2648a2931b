"""Results of probes: columns of equal length, as tables of other libraries and as plots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword._optional import optional_module
from newword.lexicon import exchange

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["GradientVariation", "LayerEigenvalues", "LossSurface", "ProbeHistory", "ProbeTable"]


@dataclass(frozen=True, repr=False)
class ProbeTable:
    """Columns of equal length, and numbers that hold for all of them."""

    columns: dict[str, NDArray[Any]]
    """The columns by name."""
    summary: dict[str, Any]
    """Single numbers by name."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A column by its name."""
        return self.columns[name]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} rows: {', '.join(self.columns)})"

    def to_pandas(self) -> pd.DataFrame:
        """Converts to a pandas data frame.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        return exchange.to_pandas(self.columns)

    def to_polars(self) -> pl.DataFrame:
        """Converts to a Polars data frame.

        Raises:
            MissingDependencyError: Polars is not installed.
        """
        return exchange.to_polars(self.columns)

    def to_arrow(self) -> pa.Table:
        """Converts to an Arrow table with the summary in its metadata.

        Raises:
            MissingDependencyError: pyarrow is not installed.
        """
        return exchange.to_arrow(self.columns, self.summary)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Exports the table through the Arrow C-stream interface, for Polars, DuckDB and others."""
        stream: object = self.to_arrow().__arrow_c_stream__(requested_schema)
        return stream


def axes_for(ax: Axes | None) -> Axes:
    """The axes given, or those of a new figure."""
    pyplot = optional_module("matplotlib.pyplot", "plot", "Pictures")
    if ax is None:
        _, ax = pyplot.subplots(layout="constrained")
    assert ax is not None
    return ax


@dataclass(frozen=True, repr=False)
class GradientVariation(ProbeTable):
    """Loss and gradient at steps along the negative gradient.

    Columns, float64 of shape (steps,), with η the step, g the gradient at the weights and g′ the
    gradient after the step: `step`, η; `loss`; `gradient_distance`, |g′ - g|; `smoothness`,
    |g′ - g| / (η |g|); `cosine` of g and g′; `bound`, the loss that the descent inequality allows:
    loss + (L η² / 2 - η) |g|², with L the largest smoothness up to this step.

    The summary has `loss`, `gradient_norm` and `weight_norm` at the weights.
    """

    @property
    def loss_range(self) -> tuple[float, float]:
        """Least and greatest loss over the steps."""
        return float(self["loss"].min()), float(self["loss"].max())

    @property
    def effective_smoothness(self) -> float:
        """The largest smoothness over the steps: "effective β-smoothness"."""
        return float(self["smoothness"].max())

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draws the loss and the bound of the descent inequality against the step.

        Args:
            ax: Where to draw; a new figure by default.

        Raises:
            MissingDependencyError: matplotlib is not installed.
        """
        ax = axes_for(ax)
        ax.plot(self["step"], self["loss"], marker="o", label="loss")
        ax.plot(self["step"], self["bound"], linestyle="--", label="bound by smoothness")
        ax.axhline(self.summary["loss"], color="0.6", linewidth=1, label="loss before the step")
        ax.set_xscale("log")
        ax.set_xlabel("step along the negative gradient")
        ax.set_ylabel("loss")
        ax.legend(frameon=False)
        return ax


@dataclass(frozen=True, repr=False)
class LayerEigenvalues(ProbeTable):
    """The top Hessian eigenvalue of each layer, others held fixed.

    Columns of shape (layers,): `layer`, its name; `parameters`, the number of its trainable
    weights; `top_eigenvalue`; `error`, the estimated error.
    """

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draws a bar for each layer.

        Args:
            ax: Where to draw; a new figure by default.

        Raises:
            MissingDependencyError: matplotlib is not installed.
        """
        ax = axes_for(ax)
        ax.barh(self["layer"].tolist(), self["top_eigenvalue"], xerr=self["error"])
        ax.invert_yaxis()
        ax.set_xlabel("top eigenvalue of the Hessian")
        return ax


@dataclass(frozen=True, repr=False)
class LossSurface(ProbeTable):
    """The loss along one or two directions from the weights.

    Columns, float64 of shape (points,): `a`, the distance along the first direction; `b` along the
    second, for surfaces; `loss`. The points of a surface are in row-major order, `b` fastest.
    """

    def grid(self) -> NDArray[np.float64]:
        """The losses as (points along a,), or (points along a, points along b)."""
        if "b" not in self.columns:
            return self["loss"]
        return self["loss"].reshape(len(np.unique(self["a"])), -1)

    def plot(self, ax: Axes | None = None, highest: float | None = None) -> Axes:
        """Draws a curve, or contours.

        Args:
            ax: Where to draw; a new figure by default.
            highest: Losses above this are cut off; by default none is.

        Raises:
            MissingDependencyError: matplotlib is not installed.
        """
        ax = axes_for(ax)
        losses = self.grid()
        if highest is not None:
            losses = np.minimum(losses, _check.threshold("highest", highest))
        if losses.ndim == 1:
            ax.plot(self["a"], losses)
            ax.set_ylabel("loss")
        else:
            a, b = np.unique(self["a"]), np.unique(self["b"])
            shapes = ax.contourf(a, b, losses.T, levels=20)
            ax.figure.colorbar(shapes, ax=ax, label="loss")
            ax.plot(0, 0, marker="+", color="white", markersize=10)
            ax.set_ylabel("second direction")
        ax.set_xlabel("direction" if losses.ndim == 1 else "first direction")
        return ax


@dataclass(frozen=True, repr=False)
class ProbeHistory(ProbeTable):
    """What a `LandscapeProbe` measured, a row per probe.

    Columns of shape (probes,): `step`, the number of training steps done; `epoch`, from 0; and the
    measures of the chosen probes.
    """

    def plot(self, measure: str, ax: Axes | None = None) -> Axes:
        """Draws a measure against training steps; with `loss`, also its range.

        Args:
            measure: The name of a column.
            ax: Where to draw; a new figure by default.

        Raises:
            InvalidArgumentError: There is no such column.
            MissingDependencyError: matplotlib is not installed.
        """
        measure = _check.choice("measure", measure, list(self.columns))
        ax = axes_for(ax)
        (line,) = ax.plot(self["step"], self[measure], label=measure)
        low, high = f"{measure}_min", f"{measure}_max"
        if low in self.columns and high in self.columns:
            area = (self["step"], self[low], self[high])
            ax.fill_between(*area, color=line.get_color(), alpha=0.25, linewidth=0)
        ax.set_xlabel("training step")
        ax.set_ylabel(measure.replace("_", " "))
        return ax
