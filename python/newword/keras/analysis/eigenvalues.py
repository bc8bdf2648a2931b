"""Extreme eigenvalues of the Hessian of the loss of a model, for all weights or some of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from newword.keras.analysis.checks import UndefinedMeasureError
from newword.keras.analysis.functions import PRODUCT_COST
from newword.keras.analysis.lanczos import lanczos

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from newword.keras.analysis.functions import LossFunctions

__all__ = ["HessianEigenvalues", "hessian_eigenvalues"]


@dataclass(frozen=True)
class HessianEigenvalues:
    """Eigenvalues of the Hessian of the loss, and what they cost."""

    values: NDArray[np.float64]
    """The eigenvalues in the order asked for, float64 of shape (count,)."""
    errors: NDArray[np.float64]
    """The estimated error of each, (count,)."""
    converged: bool
    """Whether every error is within the tolerance."""
    gradient_evaluations: int
    """The cost: a Hessian-vector product counts as two gradients."""

    @property
    def edge(self) -> float:
        """2 / λ for the largest eigenvalue found.

        At a higher rate gradient descent leaves a minimum with this Hessian. Infinite if no
        eigenvalue is positive.
        """
        largest = float(self.values.max())
        return 2 / largest if largest > 0 else float("inf")


def hessian_eigenvalues(
    functions: LossFunctions,
    places: NDArray[np.bool_] | None,
    count: int,
    which: str,
    tolerance: float,
    products: int,
    seed: int,
) -> HessianEigenvalues:
    """See `LossLandscape.eigenvalues`; `places` are those of some weights, None for all."""
    product = functions.product if places is None else _block(functions, places)
    size = functions.size if places is None else int(places.sum())
    found = lanczos(product, size, count, which, tolerance, products, seed)
    if not found.values.any() and functions.gradient()[1].any():
        raise UndefinedMeasureError(
            "model: must have a loss with second derivatives, got a Hessian of zeros: the loss "
            "is piecewise linear, or saturated; gradient_lipschitz needs none"
        )
    cost = PRODUCT_COST * found.products
    return HessianEigenvalues(found.values, found.errors, found.converged, cost)


def _block(
    functions: LossFunctions, places: NDArray[np.bool_]
) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Products with the diagonal block of some weights."""

    def product(vector: NDArray[Any]) -> NDArray[Any]:
        whole = np.zeros(functions.size, functions.dtype)
        whole[places] = vector
        return functions.product(whole)[places]

    return product
