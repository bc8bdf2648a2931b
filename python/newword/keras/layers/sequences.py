"""Masked reversal, packing and last step of sequences.

All functions take tensors of shape (batch, steps, ...) and masks of shape (batch, steps), with
padding anywhere: right, left or inside. They sort the steps of each row once or twice and then
gather them: O(batch · steps · (log steps + features)).
"""

from typing import Any

from keras import ops

from newword._check import invalid
from newword.keras.layers.masks import aligned, apply_mask, as_mask

__all__ = ["last_valid", "pack_by_mask", "reverse_by_mask", "take_steps", "unpack_by_mask"]


def reverse_by_mask(x: Any, mask: Any) -> Any:
    """Reverses the order of the valid steps; padding keeps its position.

    Applying it twice returns `x`.

    Args:
        x: Tensor of shape (batch, steps, ...), of any dtype.
        mask: Mask of shape (batch, steps), or None.

    Raises:
        InvalidArgumentError: The mask does not have the shape (batch, steps) of `x`.

    Source:
        Su Jianlin, 层中层与mask, https://kexue.fm/archives/6810, for padding on the right.

    Examples:
        >>> x, mask = [[1, 0, 3, 4, 5, 0, 0, 0]], [[1, 1, 1, 1, 1, 0, 0, 0]]
        >>> print(ops.convert_to_numpy(reverse_by_mask(x, mask)))
        [[5 4 3 0 1 0 0 0]]
    """
    x = ops.convert_to_tensor(x)
    if mask is None:
        return ops.flip(x, axis=1)
    backward = _order(_places(x, mask, reverse=True))
    # The source of each step: packed in reverse, then unpacked in order.
    source = ops.take_along_axis(backward, _places(x, mask, reverse=False), axis=1)
    return take_steps(x, source)


def pack_by_mask(x: Any, mask: Any, reverse: bool = False) -> Any:
    """Moves the valid steps to the front, in order or in reverse order, then the padding.

    All padding is then on the right, where it does not affect a layer that runs from left to
    right. Arguments and errors as for `reverse_by_mask`.

    Examples:
        >>> print(ops.convert_to_numpy(pack_by_mask([[0, 7, 0, 8]], [[0, 1, 0, 1]])))
        [[7 8 0 0]]
    """
    x = ops.convert_to_tensor(x)
    if mask is None:
        return ops.flip(x, axis=1) if reverse else x
    return take_steps(x, _order(_places(x, mask, reverse)))


def unpack_by_mask(x: Any, mask: Any, reverse: bool = False) -> Any:
    """Reverses what `pack_by_mask` did with the same mask and direction.

    Examples:
        >>> print(ops.convert_to_numpy(unpack_by_mask([[7, 8, 0, 0]], [[0, 1, 0, 1]])))
        [[0 7 0 8]]
    """
    x = ops.convert_to_tensor(x)
    if mask is None:
        return ops.flip(x, axis=1) if reverse else x
    return take_steps(x, _places(x, mask, reverse))


def last_valid(x: Any, mask: Any) -> Any:
    """The last valid step of each row, of shape (batch, ...); zero for a row without valid steps.

    Arguments and errors as for `reverse_by_mask`.

    Examples:
        >>> print(ops.convert_to_numpy(last_valid([[0, 7, 8, 0]], [[0, 1, 1, 0]])))
        [8]
    """
    x = ops.convert_to_tensor(x)
    if mask is None:
        return x[:, -1]
    mask = _checked(x, mask)
    steps = ops.cumsum(ops.ones_like(mask, dtype="int32"), axis=1)
    last = ops.max(ops.where(mask, steps, ops.zeros_like(steps)), axis=1, keepdims=True)
    step = take_steps(x, ops.maximum(last - 1, 0))
    # For a row without valid steps, the first step was gathered.
    return apply_mask(step, last > 0)[:, 0]


def _checked(x: Any, mask: Any) -> Any:
    mask = as_mask(mask)
    if len(mask.shape) != 2 or len(x.shape) < 2:
        rule = f"of shape (batch, steps) for an input of shape {tuple(x.shape)}"
        raise invalid("mask", rule, f"one of shape {tuple(mask.shape)}")
    aligned(mask, x)
    return mask


def _places(x: Any, mask: Any, reverse: bool) -> Any:
    """The packed position of each step: a permutation of the steps of each row."""
    mask = _checked(x, mask)
    valid = ops.cast(mask, "int32")
    count = ops.sum(valid, axis=1, keepdims=True)
    rank = ops.cumsum(valid, axis=1) - 1
    behind = count + ops.cumsum(1 - valid, axis=1) - 1
    return ops.where(mask, count - 1 - rank if reverse else rank, behind)


def _order(places: Any) -> Any:
    """The step at each place."""
    return ops.cast(ops.argsort(places, axis=1), "int32")


def take_steps(x: Any, index: Any) -> Any:
    """`y[b, i] = x[b, index[b, i]]`, for an int32 index of (batch, any number of steps) in range.

    Whole steps are gathered, which is several times as fast as `ops.take_along_axis`.
    """
    batch, steps = ops.shape(x)[0], ops.shape(x)[1]
    index = index + steps * ops.arange(batch, dtype="int32")[:, None]
    return ops.take(ops.reshape(x, (-1, *x.shape[2:])), index, axis=0)
