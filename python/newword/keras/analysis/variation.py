"""How loss and gradient vary around the weights: along the gradient, and in the worst direction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from newword.keras.analysis import checks
from newword.keras.analysis.table import GradientVariation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from newword.keras.analysis.functions import LossFunctions

__all__ = ["gradient_lipschitz", "gradient_variation"]

TINY = 1e-30
"""Keeps quotients of zeros defined."""


def gradient_variation(functions: LossFunctions, steps: NDArray[np.float64]) -> GradientVariation:
    """See `LossLandscape.variation`."""
    loss, gradient = functions.gradient()
    checks.finite(loss)
    norm = float(np.linalg.norm(gradient))
    rows = [_after(functions, gradient, norm, float(step)) for step in steps]
    losses, distances, cosines = np.array(rows, np.float64).T
    smoothness = distances / np.maximum(steps * norm, TINY)
    largest = np.maximum.accumulate(smoothness)
    columns = {
        "step": steps,
        "loss": losses,
        "gradient_distance": distances,
        "smoothness": smoothness,
        "cosine": cosines,
        "bound": loss + (largest * steps**2 / 2 - steps) * norm**2,
    }
    weight_norm = float(np.linalg.norm(functions.values()))
    summary = {"loss": loss, "gradient_norm": norm, "weight_norm": weight_norm}
    return GradientVariation(columns, summary)


def _after(
    functions: LossFunctions, gradient: NDArray[Any], norm: float, step: float
) -> tuple[float, float, float]:
    """Loss, distance and cosine of the gradients after a step."""
    loss, other = functions.gradient(-step * gradient)
    distance = float(np.linalg.norm(other - gradient))
    cosine = float(gradient @ other) / max(norm * float(np.linalg.norm(other)), TINY)
    return loss, distance, cosine


def gradient_lipschitz(
    functions: LossFunctions, radius: float, directions: int, refinements: int, seed: int
) -> float:
    """See `LossLandscape.gradient_lipschitz`."""
    rng = np.random.default_rng(seed)
    loss, gradient = functions.gradient()
    checks.finite(loss)
    starts = [gradient, *(rng.normal(size=functions.size) for _ in range(directions))]
    best, difference = 0.0, gradient
    for start in starts:
        slope, change = _change(functions, gradient, start, radius)
        if slope > best:
            best, difference = slope, change
    for _ in range(refinements):
        # The change of the gradient points to where the gradient changes faster.
        slope, difference = _change(functions, gradient, difference, radius)
        best = max(best, slope)
    return best


def _change(
    functions: LossFunctions, gradient: NDArray[Any], direction: NDArray[Any], radius: float
) -> tuple[float, NDArray[Any]]:
    """The change of the gradient by a step of length `radius`: per unit of length, and itself."""
    length = float(np.linalg.norm(direction))
    if not length:
        return 0.0, direction
    _, other = functions.gradient(direction * (radius / length))
    change = other - gradient
    return float(np.linalg.norm(change)) / radius, change
