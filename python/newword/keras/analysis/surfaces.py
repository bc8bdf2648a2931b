"""Loss surfaces along random directions with filter normalization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword.keras.analysis.table import LossSurface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from newword.keras.analysis.functions import LossFunctions

__all__ = ["NORMALIZATIONS", "direction_of", "loss_surface"]

NORMALIZATIONS = ("filter", "layer", "none")


def direction_of(
    functions: LossFunctions, given: Any, normalization: str, rng: np.random.Generator
) -> NDArray[Any]:
    """A direction of shape (size,): a given one as it is, otherwise a random one, normalized."""
    if given is None:
        parts = [
            normalized(rng.normal(size=value.shape), value, weight.name, normalization)
            for value, weight in zip(
                functions.parts(functions.values()), functions.weights, strict=True
            )
        ]
    else:
        parts = [np.asarray(one) for one in given]
        shapes = [tuple(one.shape) for one in functions.weights]
        found = [one.shape for one in parts]
        if found != shapes:
            rule = f"arrays of the shapes of the trainable weights, {shapes}"
            raise _check.invalid("direction", rule, found)
    return np.concatenate([one.ravel() for one in parts]).astype(functions.dtype)


def normalized(
    random: NDArray[Any], value: NDArray[Any], name: str, normalization: str
) -> NDArray[Any]:
    """Random numbers scaled to the norms of the filters of a weight.

    Weights of one axis, biases and the parameters of normalization, do not move, as in the article.
    """
    if normalization == "none":
        return random
    if value.ndim < 2:
        return np.zeros_like(random)
    axes = tuple(range(value.ndim))
    if normalization == "filter":
        # A row of a table of embeddings, and otherwise what makes one output feature.
        axes = axes[1:] if name == "embeddings" else axes[:-1]
    lengths = np.sqrt((random**2).sum(axis=axes, keepdims=True))
    wanted = np.sqrt((value.astype(np.float64) ** 2).sum(axis=axes, keepdims=True))
    scaled: NDArray[Any] = random * (wanted / np.maximum(lengths, np.finfo(np.float64).tiny))
    return scaled


def loss_surface(
    functions: LossFunctions,
    directions: list[NDArray[Any]],
    reach: float,
    points: int,
) -> LossSurface:
    """The losses at equal distances in both senses of one or two directions."""
    places = np.linspace(-reach, reach, points)
    grids = np.meshgrid(*[places] * len(directions), indexing="ij")
    columns = {name: grid.ravel() for name, grid in zip("ab", grids, strict=False)}
    offsets = np.stack(list(columns.values()), axis=1)
    losses = [
        functions.loss(sum(a * one for a, one in zip(place, directions, strict=True)))
        for place in offsets
    ]
    return LossSurface({**columns, "loss": np.array(losses)}, {"reach": reach})
