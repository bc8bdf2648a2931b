"""Rotary positions: pairs of features are rotated by angles proportional to the position."""

from typing import Any

from keras import ops

from newword.keras.layers.masks import as_mask

__all__ = ["positions", "rotated"]

BASE = 10_000.0
"""The longest wavelength of rotary positions, divided by 2 pi."""


def positions(x: Any, mask: Any) -> Any:
    """The position of each step among the valid steps, from 1; float32 of shape (batch, steps).

    Args:
        x: Tensor of shape (batch, steps, features).
        mask: Mask of shape (batch, steps), or None.
    """
    valid = ops.ones_like(x[..., 0], dtype="float32")
    if mask is not None:
        valid = ops.cast(as_mask(mask), "float32")
    return ops.cumsum(valid, axis=1)


def rotated(x: Any, place: Any) -> Any:
    """Rotates pairs of features, one from each half, by the angles of their position.

    The product of two rotated vectors depends only on the difference of their positions.

    Args:
        x: Tensor of shape (batch, steps, heads, size), with an even size.
        place: Positions, float32 of shape (batch, steps).

    Returns:
        Tensor of the shape and dtype of `x`.
    """
    half = x.shape[-1] // 2
    # float32 under every policy, because half precision cannot resolve large angles.
    rate = BASE ** (-2.0 * ops.arange(half, dtype="float32") / (2 * half))
    angle = place[..., None, None] * rate
    cosine, sine = ops.cast(ops.cos(angle), x.dtype), ops.cast(ops.sin(angle), x.dtype)
    one, other = x[..., :half], x[..., half:]
    return ops.concatenate([one * cosine - other * sine, one * sine + other * cosine], axis=-1)
