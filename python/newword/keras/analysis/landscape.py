"""Probes of the loss of a compiled model around its weights, without changing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword.keras.analysis import checks
from newword.keras.analysis.eigenvalues import hessian_eigenvalues
from newword.keras.analysis.functions import LossFunctions
from newword.keras.analysis.lanczos import WHICH
from newword.keras.analysis.stability import largest_stable_rate
from newword.keras.analysis.surfaces import NORMALIZATIONS, direction_of, loss_surface
from newword.keras.analysis.table import LayerEigenvalues
from newword.keras.analysis.variation import gradient_lipschitz, gradient_variation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from newword.keras.analysis.eigenvalues import HessianEigenvalues
    from newword.keras.analysis.table import GradientVariation, LossSurface

__all__ = ["STATISTICS", "STEPS", "LossLandscape"]

STATISTICS = ("batch", "running")
STEPS = (0.01, 0.03, 0.1, 0.3)


class LossLandscape:
    """The loss of a compiled model on one batch, as a function of the trainable weights.

    Probes change nothing: weights, statistics of batch normalization, random states and metrics
    are read only, and equal calls give equal results. Each probe starts from the weights that the
    model has at the time of the call. The loss is the one that `evaluate` reports, with
    regularization.

    Functions are compiled at their first call. After a change of `trainable` or a new `compile`
    make a new `LossLandscape`.

    Args:
        model: A built and compiled Keras model, on any backend.
        x: The inputs, an array or a nest of arrays; all rows are one batch.
        y: The targets, of equal length.
        statistics: What batch normalization uses: `"batch"`, the statistics of this batch, as in
            training (dropout is then active too, with the same mask in every call); `"running"`,
            the moving averages, as at inference.
        sample_weight: Weights of the rows, or None.

    Raises:
        InvalidArgumentError: The model is no Keras model, not built, not compiled, or without
            trainable weights; the batch is empty; lengths differ; `statistics` is unknown.

    Source:
        Santurkar et al., How Does Batch Normalization Help Optimization? (2018), arXiv 1805.11604;
        Li et al., Visualizing the Loss Landscape of Neural Nets (2018), arXiv 1712.09913;
        Su Jianlin, https://kexue.fm/archives/6992.

    Examples:
        >>> import keras
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
        >>> model.compile("sgd", "mse")
        >>> x, y = np.array([[1.0, 0.0], [0.0, 3.0]]), np.zeros(2)
        >>> landscape = LossLandscape(model, x, y, statistics="running")
        >>> found = landscape.eigenvalues()  # the Hessian is the second moment of x, times 2
        >>> round(float(found.values[0]), 3), round(found.edge, 3)
        (9.0, 0.222)
    """

    def __init__(
        self,
        model: Any,
        x: Any,
        y: Any,
        statistics: str = "batch",
        *,
        sample_weight: Any = None,
    ) -> None:
        self.model = checks.compiled_model(model)
        self.statistics = _check.choice("statistics", statistics, STATISTICS)
        data = checks.batch_of(x, y, sample_weight)
        self._functions = LossFunctions(model, data, training=self.statistics == "batch")

    @property
    def size(self) -> int:
        """The number of trainable weights."""
        return self._functions.size

    @property
    def gradient_evaluations(self) -> int:
        """Gradients computed so far; a Hessian-vector product counts as two."""
        return self._functions.gradient_evaluations

    def loss(self) -> float:
        """The loss at the weights."""
        return self._functions.loss()

    def gradients(self) -> dict[str, NDArray[Any]]:
        """The gradients at the weights, arrays of their shapes by their paths."""
        _, gradient = self._functions.gradient()
        parts = self._functions.parts(gradient)
        return {one.path: part for one, part in zip(self._functions.weights, parts, strict=True)}

    def variation(self, steps: Sequence[float] | NDArray[Any] = STEPS) -> GradientVariation:
        """Loss and gradient at steps along the negative gradient.

        The ranges over the steps are "variation of the loss", "gradient predictiveness" and
        "effective β-smoothness" of Santurkar et al.

        Args:
            steps: Step sizes η, positive and increasing, as learning rates: the weights move by
                -η times the gradient.

        Returns:
            A row for each step; see `GradientVariation`.

        Raises:
            InvalidArgumentError: Step sizes are not positive and increasing; the loss is not
                finite.

        Complexity:
            One gradient, and one more for each step.
        """
        sizes = checks.step_sizes("steps", steps)
        return gradient_variation(self._functions, sizes)

    def gradient_lipschitz(
        self, radius: float = 0.01, directions: int = 4, refinements: int = 4, *, seed: int = 0
    ) -> float:
        """An estimate of the Lipschitz constant of the gradient near the weights.

        It is the largest |g(θ + d) - g(θ)| / |d| found for |d| = `radius`: in the direction of the
        gradient, in random directions, and in those that follow from the largest by iteration. The
        true constant is no smaller. It needs no second derivatives.

        Args:
            radius: The length of d.
            directions: Number of random directions.
            refinements: Number of iterations; with a small radius they are those of the power
                method.
            seed: Seed of the random directions.

        Raises:
            InvalidArgumentError: An argument is out of range; the loss is not finite.

        Complexity:
            `2 + directions + refinements` gradients.
        """
        radius = checks.positive("radius", radius)
        directions = _check.whole("directions", directions, 0)
        refinements = _check.whole("refinements", refinements, 0)
        seed = _check.whole("seed", seed, 0)
        return gradient_lipschitz(self._functions, radius, directions, refinements, seed)

    def eigenvalues(
        self,
        count: int = 1,
        layer: str | None = None,
        *,
        which: str = "largest",
        tolerance: float = 1e-3,
        max_products: int = 30,
        seed: int = 0,
    ) -> HessianEigenvalues:
        """Extreme eigenvalues of the Hessian of the loss, by the Lanczos method.

        Args:
            count: How many.
            layer: The name of a layer, for the Hessian with respect to its weights only; None for
                all weights. `"outer/inner"` is a layer of a model within the model.
            which: `"largest"`, `"smallest"`, or the largest in `"magnitude"`.
            tolerance: Relative error at which to stop.
            max_products: Number of Hessian-vector products after which to stop in any case.
            seed: Seed of the first vector.

        Returns:
            The eigenvalues, their estimated errors and whether they converged. An eigenvalue that
            occurs several times is found once.

        Raises:
            InvalidArgumentError: An argument is out of range; there is no such layer; the loss is
                not finite, or has no second derivatives, as that of a piecewise linear model.

        Complexity:
            At most `max_products` products, each of the cost of two gradients, and memory for as
            many vectors of the size of the weights.
        """
        places = None if layer is None else self._places(layer)
        size = self.size if places is None else int(places.sum())
        count = _check.whole("count", count, 1, size)
        products = _check.whole("max_products", max_products, count)
        which = _check.choice("which", which, WHICH)
        tolerance = checks.positive("tolerance", tolerance)
        seed = _check.whole("seed", seed, 0)
        self._check_loss()
        options = (count, which, tolerance, products, seed)
        return hessian_eigenvalues(self._functions, places, *options)

    def layer_eigenvalues(
        self, *, tolerance: float = 1e-3, max_products: int = 30, seed: int = 0
    ) -> LayerEigenvalues:
        """The top Hessian eigenvalue of each layer with trainable weights.

        Args:
            tolerance: As for `eigenvalues`.
            max_products: As for `eigenvalues`, for each layer.
            seed: As for `eigenvalues`.

        Returns:
            A row for each layer; see `LayerEigenvalues`.

        Raises:
            InvalidArgumentError: As for `eigenvalues`.

        Complexity:
            As for `eigenvalues`, for each layer; products are those of the whole model.
        """
        options: Any = {"tolerance": tolerance, "max_products": max_products, "seed": seed}
        names = list(checks.layers_by_name(self.model))
        found = [self.eigenvalues(1, name, **options) for name in names]
        columns = {
            "layer": np.array(names, object),
            "parameters": np.array([int(self._places(name).sum()) for name in names]),
            "top_eigenvalue": np.array([one.values[0] for one in found]),
            "error": np.array([one.errors[0] for one in found]),
        }
        return LayerEigenvalues(columns, {"converged": all(one.converged for one in found)})

    def line(
        self,
        direction: Sequence[Any] | None = None,
        *,
        reach: float = 1.0,
        points: int = 21,
        normalization: str = "filter",
        seed: int = 0,
    ) -> LossSurface:
        """The loss along a direction.

        Args:
            direction: Arrays of the shapes of `model.trainable_variables`, such as the difference
                to other weights; None for a random direction.
            reach: The greatest distance, in units of the direction.
            points: Number of points, from -reach to reach.
            normalization: What the random direction is scaled by: `"filter"`, each filter to the
                norm of the weights' filter; `"layer"`, each weight to its norm; `"none"`. With the
                first two, weights of one axis do not move: biases, and those of normalization
                layers. A filter is a slice at one index of the last axis, or a row of embeddings.
            seed: Seed of the random direction.

        Returns:
            Columns `a` and `loss`; see `LossSurface`. Losses far away may be infinite or NaN.

        Raises:
            InvalidArgumentError: An argument is out of range; the loss is not finite.

        Complexity:
            A loss for each point.

        Source:
            Li et al. (2018), section 4.
        """
        return self._surface([direction], reach, points, normalization, seed)

    def surface(
        self,
        directions: tuple[Sequence[Any] | None, Sequence[Any] | None] = (None, None),
        *,
        reach: float = 1.0,
        points: int = 21,
        normalization: str = "filter",
        seed: int = 0,
    ) -> LossSurface:
        """The loss on a plane.

        Args:
            directions: Two directions; see `line`.
            reach: As for `line`.
            points: Number of points along each direction.
            normalization: As for `line`.
            seed: Seed of the random directions.

        Returns:
            Columns `a`, `b` and `loss`; see `LossSurface`.

        Raises:
            InvalidArgumentError: As for `line`.

        Complexity:
            points² losses.
        """
        if not isinstance(directions, (tuple, list)) or len(directions) != 2:
            raise _check.invalid("directions", "two directions", directions)
        return self._surface(list(directions), reach, points, normalization, seed)

    def largest_stable_rate(
        self,
        start: float = 0.1,
        *,
        steps: int = 50,
        tolerance: float = 0.05,
        highest: float = 1e4,
    ) -> float:
        """The largest rate at which gradient descent on the batch does not diverge, by trial.

        Gradient descent takes `steps` steps at a constant rate from the weights, which are not
        changed. A rate is stable if the last loss is finite and not above the first. The largest
        one is found by bisection, so that it is assumed that lower rates are stable too. Compare
        with `eigenvalues().edge`, 2 / λ, which holds for quadratic losses.

        Args:
            start: The rate to begin with.
            steps: Number of steps.
            tolerance: Relative accuracy of the result.
            highest: The result is not above this. With normalization every rate may be stable.

        Raises:
            InvalidArgumentError: An argument is out of range; the loss is not finite.

        Complexity:
            `steps + 1` gradients for each of about 10 rates.
        """
        start = checks.positive("start", start)
        steps = _check.whole("steps", steps, 1)
        tolerance = checks.positive("tolerance", tolerance)
        highest = checks.positive("highest", highest)
        self._check_loss()
        return largest_stable_rate(self._functions, start, steps, tolerance, highest)

    def _surface(
        self, directions: list[Any], reach: float, points: int, normalization: str, seed: int
    ) -> LossSurface:
        reach = checks.positive("reach", reach)
        points = _check.whole("points", points, 2)
        normalization = _check.choice("normalization", normalization, NORMALIZATIONS)
        rng = np.random.default_rng(_check.whole("seed", seed, 0))
        self._check_loss()
        made = [direction_of(self._functions, one, normalization, rng) for one in directions]
        return loss_surface(self._functions, made, reach, points)

    def _check_loss(self) -> None:
        checks.finite(self._functions.loss())

    def _places(self, layer: str) -> NDArray[np.bool_]:
        return self._functions.places(checks.layer_named(self.model, layer))
