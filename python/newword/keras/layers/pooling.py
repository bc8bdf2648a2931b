"""Layers that make one vector of a sequence and leave padding out of it."""

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
    """What the poolings share: a reduction of the steps that obeys the mask.

    Args:
        keepdims: Whether the axis of the steps stays, with length 1.
        **kwargs: Name, dtype and so on, as for every Keras layer.
    """

    reduction: Callable[..., Any]

    def __init__(self, *, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keepdims = flag("keepdims", keepdims)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Reduces the steps."""
        sequence_shape(inputs.shape)
        # Keras casts floats alone; a pooling takes integers, too.
        inputs = ops.cast(inputs, self.compute_dtype)
        return type(self).reduction(inputs, mask, axis=1, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:  # noqa: ARG002
        """None: the steps are gone."""
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
    """The mean of the valid steps; zeros for a sequence without one.

    Args:
        keepdims: Whether the axis of the steps stays, with length 1.
        **kwargs: Name, dtype and so on, as for every Keras layer.

    Input:
        Numbers of shape (batch, steps, ...), and their mask of shape (batch, steps). Without a
        mask all steps count.

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
    """The largest of the valid steps; arguments, shapes and errors as for `MaskedMeanPooling`.

    Padding never wins, not even where all valid steps are negative. A sequence without a valid
    step gives zeros.

    Examples:
        >>> x = keras.ops.convert_to_tensor([[-3.0, -2, 0]])
        >>> mask = keras.ops.convert_to_tensor([[1, 1, 0]], "bool")
        >>> print(keras.ops.convert_to_numpy(MaskedMaxPooling()(x, mask=mask)))
        [-2.]
    """

    reduction = staticmethod(masked_max)


@register
class MaskedMinPooling(MaskedPooling):
    """The smallest of the valid steps; arguments, shapes and errors as for `MaskedMeanPooling`.

    A sequence without a valid step gives zeros.

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

    Arguments, shapes and errors as for `MaskedMeanPooling`. Where all valid steps are equal, and
    for a sequence without one, it is zero and has a zero gradient.

    Examples:
        >>> x = keras.ops.convert_to_tensor([[1.0, 3, 9]])
        >>> mask = keras.ops.convert_to_tensor([[1, 1, 0]], "bool")
        >>> print(keras.ops.convert_to_numpy(MaskedStdPooling()(x, mask=mask)))
        [1.]
    """

    reduction = staticmethod(masked_std)
