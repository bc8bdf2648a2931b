"""Extreme eigenvalues of a symmetric matrix that is known by its products with vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["WHICH", "Eigenvalues", "lanczos"]

WHICH = ("largest", "smallest", "magnitude")


@dataclass(frozen=True)
class Eigenvalues:
    """Eigenvalues and how well they are known."""

    values: NDArray[np.float64]
    """The eigenvalues in the order asked for, float64 of shape (count,)."""
    errors: NDArray[np.float64]
    """Estimated error of each, from its residual and the gap to the next one, (count,)."""
    converged: bool
    """Whether every error is within the tolerance."""
    products: int
    """Number of products with vectors."""


def lanczos(
    product: Callable[[NDArray[Any]], NDArray[Any]],
    size: int,
    count: int,
    which: str,
    tolerance: float,
    most: int,
    seed: int,
) -> Eigenvalues:
    """Finds extreme eigenvalues by the Lanczos method with full reorthogonalization.

    Args:
        product: The matrix times a vector of shape (size,).
        size: Number of rows of the matrix.
        count: How many eigenvalues, at most `size`.
        which: One of `WHICH`.
        tolerance: Relative error at which to stop.
        most: Number of products after which to stop in any case, at least `count`.
        seed: Seed of the first vector.

    Complexity:
        At most `most` products; with j of them memory of j vectors, and O(j² size) operations.

    Source:
        Y. Saad, Numerical Methods for Large Eigenvalue Problems (2011), section 6.6; the error is
        the smaller of the residual norm and its square over the gap (theorem 3.9 and corollary).
    """
    rng = np.random.default_rng(seed)
    basis = np.empty((min(most, size), size), np.float32 if size > 4096 else np.float64)
    diagonal: list[float] = []
    side: list[float] = []
    vector = _orthogonal(rng.normal(size=size), basis[:0])[0]
    for step in range(len(basis)):
        basis[step] = vector
        image = np.asarray(product(basis[step]), basis.dtype)
        diagonal.append(float(basis[step].astype(np.float64) @ image))
        vector, length = _orthogonal(image, basis[: step + 1])
        found = _ritz(diagonal, side, length, count, which)
        enough = step + 1 >= count
        if enough and (found[1] <= tolerance * np.abs(found[0])).all():
            return Eigenvalues(*found, converged=True, products=step + 1)
        # In an invariant subspace the search goes on from a vector outside of it.
        if length <= np.finfo(basis.dtype).eps * max(np.abs(diagonal)):
            vector, length = _orthogonal(rng.normal(size=size), basis[: step + 1])[0], 0.0
        side.append(length)
    whole = len(basis) == size
    values, errors = found
    return Eigenvalues(
        values, np.zeros_like(errors) if whole else errors, converged=whole, products=len(basis)
    )


def _orthogonal(vector: NDArray[Any], basis: NDArray[Any]) -> tuple[NDArray[Any], float]:
    """The part of a vector that is orthogonal to a basis, as a unit vector, and its length."""
    rest = vector.astype(basis.dtype)
    # Twice is enough: what rounding left in the first pass is removed in the second.
    for _ in range(2):
        rest -= (basis @ rest) @ basis
    length = float(np.linalg.norm(rest))
    return (rest / length if length else rest), length


def _ritz(
    diagonal: list[float], side: list[float], residual: float, count: int, which: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues of the projected matrix in the order asked for, and their estimated errors."""
    matrix = np.diag(diagonal) + np.diag(side, 1) + np.diag(side, -1)
    values, vectors = np.linalg.eigh(matrix)
    keys = {"largest": -values, "smallest": values, "magnitude": -np.abs(values)}
    order = np.argsort(keys[which], kind="stable")[:count]
    norms = np.abs(residual * vectors[-1, order])
    gaps = np.abs(values[order][:, None] - values[None])
    gaps[np.arange(len(order)), order] = np.inf
    nearest = gaps.min(axis=1)
    # With one value there is no gap yet, and nothing but the residual is known.
    known = np.isfinite(nearest) & (nearest > 0)
    better = np.where(known, norms**2 / np.where(known, nearest, 1), np.inf)
    return values[order], np.minimum(norms, better)
