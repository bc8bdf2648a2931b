"""A callback that probes the loss landscape while a model is trained."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from newword import _check
from newword.keras.analysis import checks
from newword.keras.analysis.landscape import STATISTICS, STEPS, LossLandscape
from newword.keras.analysis.table import ProbeHistory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["LandscapeProbe"]

MEASURES = {
    "variation": (
        *("loss", "gradient_norm", "weight_norm", "loss_min", "loss_max"),
        *("distance_min", "distance_max", "smoothness", "cosine"),
    ),
    "lipschitz": ("lipschitz",),
    "eigenvalue": ("top_eigenvalue", "edge"),
}
"""The columns of each probe."""


class LandscapeProbe(keras.callbacks.Callback):  # type: ignore[misc, unused-ignore]
    """Probes the loss on a fixed batch every few training steps.

    Training is not affected: with and without the probe the trained variables are equal bit for
    bit. Results are in `history()`, during training and after it; a second `fit` adds to them.

    Args:
        x: The inputs of the fixed batch, an array or a nest of arrays.
        y: Its targets.
        every: Number of training steps between probes.
        probes: Names of probes, or one of them. `"variation"` measures along the gradient, one
            gradient more than there are `steps`: `loss`, `gradient_norm`, `weight_norm`,
            `loss_min` and `loss_max`, `distance_min` and `distance_max` (gradient
            predictiveness), `smoothness` (effective β-smoothness) and `cosine`, the least one.
            `"lipschitz"`, 10 gradients: `lipschitz`. `"eigenvalue"`, two gradients a product:
            `top_eigenvalue` and `edge`, 2 / λ. Where the loss is not finite, measures are NaN.
        steps: Step sizes of `"variation"`, positive and increasing.
        statistics: `"batch"` or `"running"`; see `LossLandscape`.
        sample_weight: Weights of the rows, or None.
        max_products: Most Hessian-vector products of `"eigenvalue"`.

    Raises:
        InvalidArgumentError: An argument is out of range; at the first probe of an eigenvalue: the
            backend has no second derivatives of the loss.

    Complexity:
        With the defaults five gradients of the batch a probe. The first probe also compiles.

    Examples:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.eye(2), np.ones(2)
        >>> probe = LandscapeProbe(x, y, every=2)
        >>> _ = model.fit(x, y, batch_size=1, epochs=3, callbacks=[probe], verbose=0)
        >>> probe.history()["step"].tolist()
        [2, 4, 6]
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        every: int = 100,
        probes: str | Sequence[str] = ("variation",),
        *,
        steps: Sequence[float] | NDArray[Any] = STEPS,
        statistics: str = "batch",
        sample_weight: Any = None,
        max_products: int = 30,
    ) -> None:
        super().__init__()
        checks.batch_of(x, y, sample_weight)
        self.data = (x, y)
        self.sample_weight = sample_weight
        self.every = _check.whole("every", every, 1)
        names = [probes] if isinstance(probes, str) else list(probes)
        self.probes = [_check.choice("probes", name, list(MEASURES)) for name in names]
        if not self.probes:
            raise _check.invalid("probes", "at least one of " + ", ".join(list(MEASURES)), names)
        self.steps = checks.step_sizes("steps", steps)
        self.statistics = _check.choice("statistics", statistics, STATISTICS)
        self.max_products = _check.whole("max_products", max_products, 1)
        self.rows: list[dict[str, float]] = []
        self._landscape: LossLandscape | None = None
        self._probed: list[Any] = []
        self._done = self._before = self._epoch = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Forgets the compiled functions of an earlier `fit` if the model has changed since."""
        del logs
        model = self.model
        now = [model, model.optimizer, model.loss, *model.trainable_variables]
        same = len(now) == len(self._probed) and all(map(operator.is_, now, self._probed))
        if not same:
            self._landscape, self._probed = None, now
        self._before = self._done

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the number of steps before the epoch."""
        del logs
        self._epoch, self._before = epoch, self._done

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Probes if a multiple of `every` steps is done."""
        del logs
        # With steps_per_execution several steps end at once.
        done = self._before + batch + 1
        due = done // self.every > self._done // self.every
        self._done = done
        if due:
            self._probe(done)

    def history(self) -> ProbeHistory:
        """What was measured so far, a row per probe; see `ProbeHistory`."""
        names = list(self.rows[0]) if self.rows else ["step", "epoch"]
        whole = {"step", "epoch"}
        columns = {
            name: np.array(
                [row[name] for row in self.rows], np.int64 if name in whole else np.float64
            )
            for name in names
        }
        return ProbeHistory(columns, {"every": self.every, "statistics": self.statistics})

    def _probe(self, step: int) -> None:
        # On JAX this gives the variables their values, so it comes first.
        model = self.model
        if self._landscape is None:
            self._landscape = LossLandscape(
                model, *self.data, self.statistics, sample_weight=self.sample_weight
            )
        row: dict[str, float] = {"step": step, "epoch": self._epoch}
        measured = {
            "variation": self._variation,
            "lipschitz": self._lipschitz,
            "eigenvalue": self._eigenvalue,
        }
        for name in self.probes:
            try:
                row |= measured[name](self._landscape)
            except checks.UndefinedMeasureError:
                # A training that diverges is not ended by its probe.
                row |= dict.fromkeys(MEASURES[name], math.nan)
        self.rows.append(row)

    def _variation(self, landscape: LossLandscape) -> dict[str, float]:
        found = landscape.variation(self.steps)
        distances = found["gradient_distance"]
        low, high = found.loss_range
        return {
            **found.summary,
            "loss_min": low,
            "loss_max": high,
            "distance_min": float(distances.min()),
            "distance_max": float(distances.max()),
            "smoothness": found.effective_smoothness,
            "cosine": float(found["cosine"].min()),
        }

    def _lipschitz(self, landscape: LossLandscape) -> dict[str, float]:
        return {"lipschitz": landscape.gradient_lipschitz()}

    def _eigenvalue(self, landscape: LossLandscape) -> dict[str, float]:
        found = landscape.eigenvalues(max_products=self.max_products)
        return {"top_eigenvalue": float(found.values[0]), "edge": found.edge}
