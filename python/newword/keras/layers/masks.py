"""Masks, and masked sums, means, extremes and softmaxes.

A mask is true where a step holds data and false where it is padding. It comes from ids or lengths,
never from values: a zero inside a sequence is data. Its axes are the leading axes of its tensor: a
mask of shape (batch, steps) applies to tensors of shape (batch, steps, ...). A mask may also have
all axes of the tensor and is then broadcast. `None` means that all steps are valid.

Results do not depend on the values at padding (NaN included), and the gradient there is zero:
padding is replaced, not multiplied by 0. Half precision is computed in float32 and cast back;
integers are cast to `keras.config.floatx()`. A row without valid steps returns zeros, with zero
gradients. Time and memory are linear in the size of the tensor.

Source:
    Su Jianlin, 层中层与mask, https://kexue.fm/archives/6810, which multiplies by the mask and
    subtracts 1e10. That number overflows half precision, and the softmax over a row of padding
    sums to one.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from newword._check import choice, invalid, whole

__all__ = [
    "apply_mask",
    "mask_from_ids",
    "mask_from_lengths",
    "masked_max",
    "masked_mean",
    "masked_min",
    "masked_softmax",
    "masked_std",
    "masked_sum",
    "merge_masks",
]

MERGE_MODES = ("and", "or")


def mask_from_ids(ids: Any, pad: int = 0) -> Any:
    """The mask of a batch of ids: true where an id is not `pad`.

    Keep the id of unknown symbols apart from `pad`: unknown symbols are data.

    Args:
        ids: Integers of any shape.
        pad: The id that padding holds.

    Returns:
        Booleans of the same shape.

    Examples:
        >>> print(keras.ops.convert_to_numpy(mask_from_ids([[5, 1, 0], [7, 0, 0]])))
        [[ True  True False]
         [ True False False]]
    """
    return ops.not_equal(ops.convert_to_tensor(ids), pad)


def mask_from_lengths(lengths: Any, maxlen: Any) -> Any:
    """The mask of a batch padded on the right: true for the first `lengths[i]` steps of row i.

    Args:
        lengths: Integers of shape (batch,).
        maxlen: Number of steps of the padded batch, an int or an integer tensor such as
            `keras.ops.shape(x)[1]`.

    Returns:
        Booleans of shape (batch, maxlen).

    Raises:
        InvalidArgumentError: `lengths` is not a vector of integers, or `maxlen` is negative.

    Examples:
        >>> print(keras.ops.convert_to_numpy(mask_from_lengths([2, 0], 3)))
        [[ True  True False]
         [False False False]]
    """
    lengths = ops.convert_to_tensor(lengths)
    dtype = keras.backend.standardize_dtype(lengths.dtype)
    if len(lengths.shape) != 1 or not keras.backend.is_int_dtype(dtype):
        raise invalid("lengths", "a vector of integers", f"{dtype} of shape {lengths.shape}")
    if not ops.is_tensor(maxlen):
        maxlen = whole("maxlen", maxlen, 0)
    return ops.arange(maxlen, dtype=dtype)[None] < lengths[:, None]


def merge_masks(masks: Sequence[Any], mode: str = "and") -> Any:
    """One mask for several inputs.

    Args:
        masks: Masks of equal rank. None is true everywhere, so "and" ignores it and "or" returns
            None if any of them is None.
        mode: "and": valid where all are; "or": valid where any is.

    Returns:
        The mask, or None if it is true everywhere because masks are missing.

    Raises:
        InvalidArgumentError: `masks` is empty or has masks of different ranks; `mode` is neither.

    Examples:
        >>> ours, theirs = mask_from_ids([[5, 1, 0]]), mask_from_ids([[5, 0, 0]])
        >>> print(keras.ops.convert_to_numpy(merge_masks([ours, theirs, None])))
        [[ True False False]]
        >>> print(keras.ops.convert_to_numpy(merge_masks([ours, theirs], mode="or")))
        [[ True  True False]]
    """
    choice("mode", mode, MERGE_MODES)
    if not isinstance(masks, (list, tuple)) or not masks:
        raise invalid("masks", "a list of at least one mask", masks)
    given = [as_mask(mask) for mask in masks if mask is not None]
    if not given or (mode == "or" and len(given) < len(masks)):
        return None
    if len({len(mask.shape) for mask in given}) > 1:
        raise invalid("masks", "of equal rank", [tuple(mask.shape) for mask in given])
    merged = given[0]
    for mask in given[1:]:
        both = ops.logical_and if mode == "and" else ops.logical_or
        merged = both(merged, mask)
    return merged


def apply_mask(x: Any, mask: Any) -> Any:
    """Returns `x` with zeros at padding and the same dtype.

    Examples:
        >>> print(keras.ops.convert_to_numpy(apply_mask([[1.0, 2.0, 3.0]], [[1, 1, 0]])))
        [[1. 2. 0.]]
    """
    x = ops.convert_to_tensor(x)
    if mask is None:
        return x
    return ops.where(aligned(mask, x), x, ops.zeros_like(x))


def masked_softmax(x: Any, mask: Any, axis: int = 1) -> Any:
    """Softmax over the valid steps; the probability of padding is zero.

    Args:
        x: Logits.
        mask: Mask that covers `axis`, or None. For attention scores of shape (batch, queries,
            keys) and `axis=-1` give the key mask as `mask[:, None, :]`.
        axis: The axis that sums to one.

    Returns:
        Probabilities of the shape and dtype of `x`. A row without valid steps is zero.

    Raises:
        InvalidArgumentError: `axis` is no axis of `x`, or the mask does not cover it.

    Examples:
        >>> print(keras.ops.convert_to_numpy(masked_softmax([[2.0, 2.0, 9.0]], [[1, 1, 0]])))
        [[0.5 0.5 0. ]]
    """
    x, mask, axis, dtype = _prepared(x, mask, axis)
    # Exponents are relative to the largest valid logit, if it is finite.
    peak = ops.max(ops.where(mask, x, -float("inf")), axis=axis, keepdims=True)
    peak = ops.stop_gradient(ops.where(ops.isfinite(peak), peak, ops.zeros_like(peak)))
    exponent = ops.where(mask, x - peak, ops.zeros_like(x))
    weight = ops.where(mask, ops.exp(exponent), ops.zeros_like(x))
    total = ops.sum(weight, axis=axis, keepdims=True)
    return ops.cast(weight / ops.where(total > 0, total, ops.ones_like(total)), dtype)


def masked_sum(x: Any, mask: Any, axis: int = 1, keepdims: bool = False) -> Any:
    """The sum over the valid steps.

    Args:
        x: Tensor of shape (batch, steps, ...) for the default axis.
        mask: Mask that covers `axis`, or None.
        axis: The axis to reduce.
        keepdims: Whether the axis stays, with length 1.

    Raises:
        InvalidArgumentError: `axis` is no axis of `x`, or the mask does not cover it.

    Examples:
        >>> print(keras.ops.convert_to_numpy(masked_sum([[1.0, 2.0, 9.0]], [[1, 1, 0]])))
        [3.]
    """
    x, mask, axis, dtype = _prepared(x, mask, axis)
    return ops.cast(_sum(x, mask, axis, keepdims), dtype)


def masked_mean(x: Any, mask: Any, axis: int = 1, keepdims: bool = False) -> Any:
    """The mean over the valid steps; arguments and errors as for `masked_sum`.

    Examples:
        The article's example, whose mean over all eight steps would be 1.625.

        >>> x, mask = [[1.0, 0, 3, 4, 5, 0, 0, 0]], [[1, 1, 1, 1, 1, 0, 0, 0]]
        >>> print(keras.ops.convert_to_numpy(masked_mean(x, mask)))
        [2.6]
    """
    x, mask, axis, dtype = _prepared(x, mask, axis)
    return ops.cast(_mean(x, mask, axis, keepdims), dtype)


def masked_std(x: Any, mask: Any, axis: int = 1, keepdims: bool = False) -> Any:
    """The population standard deviation over the valid steps; arguments as for `masked_sum`.

    If all valid steps are equal, the result and its gradient are zero.

    Examples:
        >>> print(keras.ops.convert_to_numpy(masked_std([[1.0, 3.0, 9.0]], [[1, 1, 0]])))
        [1.]
    """
    x, mask, axis, dtype = _prepared(x, mask, axis)
    # Shifted by one of the values, because equal values may differ from their rounded mean.
    x = x - ops.stop_gradient(_max(x, mask, axis, True))
    centred = ops.where(mask, x - _mean(x, mask, axis, True), ops.zeros_like(x))
    variance = _mean(ops.square(centred), mask, axis, keepdims)
    # The gradient of the square root is infinite at zero, so zeros are replaced before the root.
    positive = variance > 0
    root = ops.sqrt(ops.where(positive, variance, ops.ones_like(variance)))
    return ops.cast(ops.where(positive, root, ops.zeros_like(root)), dtype)


def masked_max(x: Any, mask: Any, axis: int = 1, keepdims: bool = False) -> Any:
    """The maximum over the valid steps; arguments and errors as for `masked_sum`.

    Examples:
        >>> print(keras.ops.convert_to_numpy(masked_max([[-3.0, -2.0, 0.0]], [[1, 1, 0]])))
        [-2.]
    """
    x, mask, axis, dtype = _prepared(x, mask, axis)
    return ops.cast(_max(x, mask, axis, keepdims), dtype)


def masked_min(x: Any, mask: Any, axis: int = 1, keepdims: bool = False) -> Any:
    """The minimum over the valid steps; arguments and errors as for `masked_sum`.

    Examples:
        >>> print(keras.ops.convert_to_numpy(masked_min([[3.0, 2.0, 0.0]], [[1, 1, 0]])))
        [2.]
    """
    x, mask, axis, dtype = _prepared(x, mask, axis)
    return ops.cast(-_max(-x, mask, axis, keepdims), dtype)


def as_mask(mask: Any) -> Any:
    """Converts a mask of any dtype to booleans: nonzero is valid."""
    return ops.cast(ops.convert_to_tensor(mask), "bool")


def aligned(mask: Any, x: Any) -> Any:
    """Converts a mask to booleans of the rank of `x`.

    Raises:
        InvalidArgumentError: The shape of the mask is not a prefix of the shape of `x`.
    """
    mask = as_mask(mask)
    missing = len(x.shape) - len(mask.shape)
    pairs = zip(mask.shape, x.shape, strict=False)
    # The backend checks unknown lengths, and full masks may be broadcast.
    fits = all(
        None in pair or pair[0] == pair[1] or (missing == 0 and pair[0] == 1) for pair in pairs
    )
    if missing < 0 or not fits:
        rule = f"a mask whose shape begins like that of the input, {tuple(x.shape)}"
        raise invalid("mask", rule, f"one of shape {tuple(mask.shape)}")
    for _ in range(missing):
        mask = ops.expand_dims(mask, -1)
    return mask


def _prepared(x: Any, mask: Any, axis: int) -> tuple[Any, Any, int, str]:
    """Tensor to compute on (zero at padding), full-rank mask, axis from 0, dtype of the result."""
    x = ops.convert_to_tensor(x)
    rank = len(x.shape)
    axis = whole("axis", axis, -rank, rank - 1) % rank
    dtype = keras.backend.standardize_dtype(x.dtype)
    if not keras.backend.is_float_dtype(dtype):
        dtype = keras.config.floatx()
    x = ops.cast(x, "float32" if dtype in {"float16", "bfloat16"} else dtype)
    if mask is None:
        return x, ops.ones_like(x, dtype="bool"), axis, dtype
    covered = len(ops.convert_to_tensor(mask).shape)
    mask = aligned(mask, x)
    if covered <= axis or (mask.shape[axis] == 1 and x.shape[axis] != 1):
        raise invalid("mask", f"a mask that covers axis {axis}", f"one of shape {mask.shape}")
    return ops.where(mask, x, ops.zeros_like(x)), mask, axis, dtype


def _sum(x: Any, mask: Any, axis: int, keepdims: bool) -> Any:
    return ops.sum(ops.where(mask, x, ops.zeros_like(x)), axis=axis, keepdims=keepdims)


def _mean(x: Any, mask: Any, axis: int, keepdims: bool) -> Any:
    count = ops.sum(ops.cast(mask, x.dtype), axis=axis, keepdims=keepdims)
    return _sum(x, mask, axis, keepdims) / ops.maximum(count, 1)


def _max(x: Any, mask: Any, axis: int, keepdims: bool) -> Any:
    most = ops.max(ops.where(mask, x, -float("inf")), axis=axis, keepdims=keepdims)
    found = ops.any(mask, axis=axis, keepdims=keepdims)
    return ops.where(found, most, ops.zeros_like(most))
