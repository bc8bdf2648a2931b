"""Sequences with pads anywhere, moved to the left so that what counts stands together."""

from typing import Any

from keras import ops

__all__ = ["fold_boundary", "left_align", "pick", "restore", "take_steps"]


def left_align(mask: Any) -> tuple[Any, Any]:
    """The order that puts valid steps first, and how many there are.

    A masked step is as if it were not there, at the end, the beginning or inside: the steps on
    both sides of it become neighbours.

    Args:
        mask: (batch, steps) as bool.

    Returns:
        `order`, int32 of (batch, steps): step `t` of the aligned sequence is step `order[t]` of
        the given one; and `lengths`, int32 of (batch,).
    """
    steps = ops.shape(mask)[1]
    position = ops.arange(steps, dtype="int32")[None]
    # Distinct keys: the order does not depend on whether the backend's sort is stable.
    order = ops.argsort(ops.where(mask, position, position + steps), axis=1)
    return ops.cast(order, "int32"), ops.sum(ops.cast(mask, "int32"), axis=1)


def take_steps(values: Any, order: Any) -> Any:
    """`values`, of (batch, steps) or (batch, steps, features), in another order of steps.

    `order`, (batch, as many as wanted), is int32 and within range. Whole rows are gathered, which
    is several times as fast as `take_along_axis`.
    """
    batch, steps = ops.shape(values)[0], ops.shape(values)[1]
    index = order + steps * ops.arange(batch, dtype="int32")[:, None]
    return ops.take(ops.reshape(values, (-1, *values.shape[2:])), index, axis=0)


def pick(values: Any, tags: Any) -> Any:
    """values[b, t, tags[b, t]] of (batch, steps, tags), as (batch, steps)."""
    chosen = ops.one_hot(tags, values.shape[-1], dtype=values.dtype)
    return ops.sum(ops.where(chosen > 0, values, 0.0), axis=-1)


def restore(values: Any, order: Any, mask: Any, fill: int) -> Any:
    """Aligned (batch, steps) back in their own places, `fill` at masked ones."""
    back = ops.cast(ops.argsort(order, axis=1), "int32")
    return ops.where(mask, take_steps(values, back), fill)


def fold_boundary(emissions: Any, start: Any, end: Any, lengths: Any) -> Any:
    """Aligned emissions with the scores of the first and the last tag added to them."""
    position = ops.arange(ops.shape(emissions)[1], dtype="int32")[None]
    if start is not None:
        emissions = emissions + ops.where((position == 0)[..., None], start, 0.0)
    if end is not None:
        last = position == lengths[:, None] - 1
        emissions = emissions + ops.where(last[..., None], end, 0.0)
    return emissions
