"""Merging of the masks of several inputs."""

from typing import Any

import keras
from keras import ops

from newword._check import choice, invalid
from newword.keras.layers.masks import MERGE_MODES, apply_mask, merge_masks

__all__ = ["MergeMasks"]


@keras.saving.register_keras_serializable(package="newword")
class MergeMasks(keras.layers.Layer):
    """Sets the merged mask of all inputs on the first input.

    For inputs with different masks, and for a tensor that has lost its mask: `Flatten`, `Lambda`,
    most functions of `keras.ops` and an `Add` with one unmasked input drop it.
    `MergeMasks()([y, x])` restores the mask of `x` on `y`.

    Args:
        mode: "and": valid where all inputs are; "or": valid where any is.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Input:
        A list of tensors of shape (batch, steps, ...). A tensor without a mask is valid
        everywhere.

    Output:
        The first tensor, with the merged mask. It is zero at the padding of the merged mask and at
        its own, which with `mode="or"` may be valid for another input. So the sum of
        `MergeMasks("or")([a, b])` and `MergeMasks("or")([b, a])` adds up valid steps only.

    Raises:
        InvalidArgumentError: `mode` is unknown; the input is not a list; the masks differ in
            rank or do not fit the first input.

    Source:
        The mask algebra of Su Jianlin, 层中层与mask, https://kexue.fm/archives/6810.

    Examples:
        >>> ids = keras.Input((None,), dtype="int32")
        >>> x = keras.layers.Embedding(9, 4, mask_zero=True)(ids)
        >>> rectified = MergeMasks()([keras.ops.relu(x), x])
        >>> pooled = keras.layers.GlobalAveragePooling1D()(rectified)  # knows the mask again
    """

    def __init__(self, mode: str = "and", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mode = choice("mode", mode, MERGE_MODES)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The first input, zero at the padding of the merged mask."""
        merged, first = self.compute_mask(inputs, mask), _inputs(inputs)[0]
        first = apply_mask(first, None if mask is None else mask[0])
        # Not the tensor itself, because Keras would overwrite its mask.
        return ops.copy(first) if merged is None else apply_mask(first, merged)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The merged mask; None if it is true everywhere."""
        if previous_mask is None:
            return None
        given = isinstance(previous_mask, (list, tuple))
        if not given or len(_inputs(inputs)) != len(previous_mask):
            raise invalid("mask", "a list of one mask or None for each input", previous_mask)
        return merge_masks(previous_mask, self.mode)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """The shape of the first input."""
        return tuple(input_shape[0])

    def compute_output_spec(self, inputs: Any, mask: Any = None) -> Any:  # noqa: ARG002
        """Shape and dtype of the first input, which may hold integers."""
        first = _inputs(inputs)[0]
        return keras.KerasTensor(first.shape, dtype=first.dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "mode": self.mode}


def _inputs(inputs: Any) -> Any:
    if not isinstance(inputs, (list, tuple)) or not inputs:
        raise invalid("inputs", "a list of tensors", inputs)
    return inputs
