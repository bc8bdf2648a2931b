"""Masked pooling layers, from a sequence to one vector."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from newword._check import flag
from newword.keras.layers._shapes import sequence_shape
from newword.keras.layers.masks import masked_max, masked_mean, masked_min, masked_std, masked_sum

__all__ = [
    "MaskedMaxPooling",
    "MaskedMeanPooling",
    "MaskedMinPooling",
    "MaskedStdPooling",
    "MaskedSumPooling",
]

register = keras.saving.register_keras_serializable(package="newword")


class MaskedPooling(keras.layers.Layer):
    """Base class of the poolings: a masked reduction over the steps.

    Args:
        keepdims: Whether the axis of the steps stays, with length 1.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.
    """

    reduction: Callable[..., Any]

    def __init__(self, *, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keepdims = flag("keepdims", keepdims)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Reduces the steps."""
        sequence_shape(inputs.shape)
        # Keras casts only floats, but a pooling takes integers too.
        inputs = ops.cast(inputs, self.compute_dtype)
        return type(self).reduction(inputs, mask, axis=1, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:  # noqa: ARG002
        """None, because the output has no steps."""
        return

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """The input's shape without its steps."""
        batch, _, *rest = sequence_shape(input_shape)
        return (batch, 1, *rest) if self.keepdims else (batch, *rest)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "keepdims": self.keepdims}


@register
class MaskedMeanPooling(MaskedPooling):
    """The mean of the valid steps; zero for a sequence without valid steps.

    Args:
        keepdims: Whether the axis of the steps stays, with length 1.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Input:
        Numbers of shape (batch, steps, ...), and their mask of shape (batch, steps). Without a
        mask all steps are valid.

    Output:
        Tensor of shape (batch, ...) in the layer's compute dtype, without a mask. Half precision
        is summed in float32.

    Raises:
        InvalidArgumentError: `keepdims` is not a bool; an input has no steps or does not fit its
            mask.

    Source:
        Su Jianlin, 层中层与mask, https://kexue.fm/archives/6810.

    Examples:
        >>> x = keras.ops.convert_to_tensor([[1.0, 0, 3, 4, 5, 0, 0, 0]])
        >>> mask = keras.ops.convert_to_tensor([[1, 1, 1, 1, 1, 0, 0, 0]], "bool")
        >>> print(keras.ops.convert_to_numpy(MaskedMeanPooling()(x, mask=mask)))
        [2.6]
    """

    reduction = staticmethod(masked_mean)


@register
class MaskedSumPooling(MaskedPooling):
    """The sum of the valid steps; arguments, shapes and errors as for `MaskedMeanPooling`.

    Examples:
        >>> x = keras.ops.convert_to_tensor([[1.0, 2, 9]])
        >>> mask = keras.ops.convert_to_tensor([[1, 1, 0]], "bool")
        >>> print(keras.ops.convert_to_numpy(MaskedSumPooling()(x, mask=mask)))
        [3.]
    """

    reduction = staticmethod(masked_sum)


@register
class MaskedMaxPooling(MaskedPooling):
    """The maximum of the valid steps; arguments, shapes and errors as for `MaskedMeanPooling`.

    Padding is ignored, even if all valid steps are negative. The result is zero for a sequence
    without valid steps.

    Examples:
        >>> x = keras.ops.convert_to_tensor([[-3.0, -2, 0]])
        >>> mask = keras.ops.convert_to_tensor([[1, 1, 0]], "bool")
        >>> print(keras.ops.convert_to_numpy(MaskedMaxPooling()(x, mask=mask)))
        [-2.]
    """

    reduction = staticmethod(masked_max)


@register
class MaskedMinPooling(MaskedPooling):
    """The minimum of the valid steps; arguments, shapes and errors as for `MaskedMeanPooling`.

    The result is zero for a sequence without valid steps.

    Examples:
        >>> x = keras.ops.convert_to_tensor([[3.0, 2, 0]])
        >>> mask = keras.ops.convert_to_tensor([[1, 1, 0]], "bool")
        >>> print(keras.ops.convert_to_numpy(MaskedMinPooling()(x, mask=mask)))
        [2.]
    """

    reduction = staticmethod(masked_min)


@register
class MaskedStdPooling(MaskedPooling):
    """The population standard deviation of the valid steps.

    Arguments, shapes and errors as for `MaskedMeanPooling`. The result and its gradient are zero if
    all valid steps are equal or there are none.

    Examples:
        >>> x = keras.ops.convert_to_tensor([[1.0, 3, 9]])
        >>> mask = keras.ops.convert_to_tensor([[1, 1, 0]], "bool")
        >>> print(keras.ops.convert_to_numpy(MaskedStdPooling()(x, mask=mask)))
        [1.]
    """

    reduction = staticmethod(masked_std)
