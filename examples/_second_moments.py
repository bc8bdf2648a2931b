"""Second moments of inputs and the smoothness of a softmax regression on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from _normalized import Array, Task, bench

__all__ = ["FORMS", "HIGHEST", "bound_of", "shift_of"]

Record = dict[str, Any]
FORMS = ("raw", "centred", "scaled", "standardized")
HIGHEST = 1e3
"""Rates above this are not tried."""


def formed(x: Array, form: str) -> Array:
    """Inputs centred, divided by their root mean square, or standardized."""
    moved = x - x.mean(axis=0) if form in {"centred", "standardized"} else x
    if form in {"raw", "centred"}:
        return moved
    scale = np.sqrt((moved**2).mean(axis=0))
    return np.asarray(moved / np.where(scale > 0, scale, 1))


def probabilities(scores: Array) -> Array:
    """Softmax of rows."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def bound_of(data: Task, form: str, seed: int) -> Record:
    """λ is the change of the gradient with respect to the scores by a step of the weights."""
    from newword.keras.analysis.spectrum import spectrum_of

    x = formed(data.probed[0].astype("float64"), form)
    rng = np.random.default_rng(seed)
    spectrum = spectrum_of(x)
    spectral, trace = (spectrum.bound("raw", spectral=one) for one in (True, False))
    sizes = []
    for _ in range(20):
        weights, step = rng.normal(size=(2, x.shape[1], data.train[1].shape[1])) * 0.1
        change = probabilities(x @ (weights + step)) - probabilities(x @ weights)
        # Its mean square over samples, summed over classes, is made 1.
        change /= np.sqrt((change**2).sum(axis=1).mean())
        sizes.append(np.linalg.norm(x.T @ change / len(x)))
    holds = max(sizes) <= spectral * (1 + 1e-9) and spectral <= trace * (1 + 1e-9)
    mean = float(np.mean(sizes))
    return {"difference": mean, "spectral": spectral, "trace": trace, "holds": float(holds)}


def shift_of(data: Task, factor: float, seed: int) -> Record:
    """Second moments of shifted inputs, and the landscape of a softmax regression on them."""
    from newword.keras import LossLandscape
    from newword.keras.analysis.spectrum import spectrum_of

    x, y = data.probed
    network = bench(data, "none", "before", "ce", 0)
    network.restart(seed)
    shifted = x - np.float32(factor) * x.mean(axis=0)
    landscape = LossLandscape(network.model, shifted, y)
    top = float(landscape.eigenvalues(tolerance=1e-2).values[0])
    spectrum = spectrum_of(shifted.astype("float64"))
    rate = landscape.largest_stable_rate(
        min(2 / top, HIGHEST), steps=30, tolerance=0.1, highest=HIGHEST
    )
    return {
        "trace": spectrum.trace("raw"),
        "spectral": float(spectrum["raw"][0]),
        "top": top,
        "rate": rate,
    }
