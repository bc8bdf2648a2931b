"""Left alignment: moves the valid steps of sequences with padding anywhere to the front."""

from typing import Any

from keras import ops

from newword.keras.layers.sequences import take_steps

__all__ = ["fold_boundary", "left_align", "pick", "restore"]


def left_align(mask: Any) -> tuple[Any, Any]:
    """Returns the order that puts valid steps first, and their number.

    Masked steps are ignored in any position: the steps on both sides of one become neighbours.

    Args:
        mask: (batch, steps) as bool.

    Returns:
        `order`, int32 of (batch, steps): step `t` of the aligned sequence is step `order[t]` of
        the input; and `lengths`, int32 of (batch,).
    """
    steps = ops.shape(mask)[1]
    position = ops.arange(steps, dtype="int32")[None]
    # Distinct keys, so that the backend's sort need not be stable.
    order = ops.argsort(ops.where(mask, position, position + steps), axis=1)
    return ops.cast(order, "int32"), ops.sum(ops.cast(mask, "int32"), axis=1)


def pick(values: Any, tags: Any) -> Any:
    """values[b, t, tags[b, t]] of (batch, steps, tags), as (batch, steps)."""
    chosen = ops.one_hot(tags, values.shape[-1], dtype=values.dtype)
    return ops.sum(ops.where(chosen > 0, values, 0.0), axis=-1)


def restore(values: Any, order: Any, mask: Any, fill: int) -> Any:
    """Moves aligned (batch, steps) back to their original positions; `fill` at masked steps."""
    back = ops.cast(ops.argsort(order, axis=1), "int32")
    return ops.where(mask, take_steps(values, back), fill)


def fold_boundary(emissions: Any, start: Any, end: Any, lengths: Any) -> Any:
    """Adds the scores of the first and the last tag to aligned emissions."""
    position = ops.arange(ops.shape(emissions)[1], dtype="int32")[None]
    if start is not None:
        emissions = emissions + ops.where((position == 0)[..., None], start, 0.0)
    if end is not None:
        last = position == lengths[:, None] - 1
        emissions = emissions + ops.where(last[..., None], end, 0.0)
    return emissions
