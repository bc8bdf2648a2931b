"""Arithmetic of perturbations: units of a norm, steps, projection, random starts."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

__all__ = ["inside", "keepdims_norm", "random_inside", "scaled_per_unit", "unit"]

SMALLEST = 1e-30


def axes_of(tensor: Any, over: str) -> tuple[int, ...]:
    """The axes that share a norm: all, all but the first, or the last one."""
    rank = len(tensor.shape)
    if over == "token":
        return (rank - 1,)
    return tuple(range(1 if over == "sample" else 0, rank))


def keepdims_norm(tensor: Any, over: str) -> Any:
    """The L2 norm of each unit, with its axes kept; its gradient at zero is zero."""
    squares = ops.sum(ops.square(tensor), axis=axes_of(tensor, over), keepdims=True)
    positive = squares > 0
    root = ops.sqrt(ops.where(positive, squares, ops.ones_like(squares)))
    return ops.where(positive, root, ops.zeros_like(squares))


def unit(gradient: Any, norm: str, over: str) -> Any:
    """The direction of an ascent step.

    Args:
        gradient: A gradient.
        norm: `"l2"` divides by the L2 norm, `"sign"` takes signs, `"raw"` returns the gradient.
        over: What has a norm of its own: the `"batch"`, a `"sample"` or a `"token"`.

    Returns:
        The direction; zeros where the gradient is zero or not finite.
    """
    if norm == "sign":
        return ops.where(ops.isfinite(gradient), ops.sign(gradient), ops.zeros_like(gradient))
    size = keepdims_norm(gradient, over)
    good = ops.isfinite(size)
    if norm == "raw":
        return ops.where(good, gradient, ops.zeros_like(gradient))
    good = ops.logical_and(good, size > 0)
    return ops.where(good, gradient / ops.maximum(size, SMALLEST), ops.zeros_like(gradient))


def inside(delta: Any, epsilon: Any, norm: str, over: str) -> Any:
    """Projects on the ball of radius epsilon: of the L2 norm, or for `"sign"` of the maximum."""
    epsilon = ops.cast(epsilon, delta.dtype)
    if norm == "sign":
        return ops.minimum(ops.maximum(delta, -epsilon), epsilon)
    size = ops.maximum(keepdims_norm(delta, over), SMALLEST)
    return delta * ops.minimum(ops.ones_like(size), epsilon / size)


def random_inside(uniform: Any, epsilon: Any, norm: str, over: str) -> Any:
    """A random start in the ball, from uniform numbers between -1 and 1.

    In the L2 ball each coordinate is uniform between plus and minus epsilon divided by the root of
    the number of coordinates, as in FreeLB.
    """
    epsilon = ops.cast(epsilon, uniform.dtype)
    if norm == "sign":
        return epsilon * uniform
    return epsilon * uniform / ops.cast(ops.sqrt(_count(uniform, over)), uniform.dtype)


def scaled_per_unit(gradient: Any, over: str) -> Any:
    """From the gradient of a mean loss to that of each sample's own loss.

    With a norm over samples or tokens, a perturbation belongs to one sample, whose loss is the
    mean over the batch times the number of samples. With one norm for the batch it does not.
    """
    if over == "batch":
        return gradient
    return gradient * ops.cast(ops.shape(gradient)[0], gradient.dtype)


def _count(tensor: Any, over: str) -> Any:
    """The number of coordinates of a unit, as a float32 scalar."""
    shape = ops.shape(tensor)
    sizes = [shape[axis] for axis in axes_of(tensor, over)]
    if all(isinstance(size, int) for size in sizes):
        return ops.convert_to_tensor(float(math.prod(sizes)), "float32")
    total = ops.cast(1.0, "float32")
    for size in sizes:
        total = total * ops.cast(size, "float32")
    return total
