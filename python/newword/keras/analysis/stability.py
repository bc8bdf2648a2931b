"""The largest learning rate at which gradient descent does not diverge, by trial."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from newword.keras.analysis.functions import LossFunctions

__all__ = ["largest_stable_rate"]


def largest_stable_rate(
    functions: LossFunctions, start: float, steps: int, tolerance: float, highest: float
) -> float:
    """See `LossLandscape.largest_stable_rate`."""
    low, high = 0.0, math.inf
    rate = start
    while high > low * (1 + tolerance):
        if descends(functions, rate, steps):
            low = rate
            if low >= highest:
                return highest
        else:
            high = rate
            if high < np.finfo(np.float32).tiny:
                return 0.0
        if not math.isfinite(high):
            rate = min(2 * low, highest)
        elif not low:
            rate = high / 2
        else:
            rate = math.sqrt(low * high)
    return low


def descends(functions: LossFunctions, rate: float, steps: int) -> bool:
    """Whether gradient descent at a constant rate ends with no higher loss than it began with."""
    offset = np.zeros(functions.size, functions.dtype)
    first, gradient = functions.gradient(offset)
    value = first
    for _ in range(steps):
        offset -= rate * gradient
        value, gradient = functions.gradient(offset)
        if not math.isfinite(value) or not np.isfinite(gradient).all():
            return False
    return value <= first
