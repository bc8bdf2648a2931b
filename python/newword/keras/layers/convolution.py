"""Convolutions over steps that neither read padding nor write to it."""

from collections.abc import Sequence
from typing import Any

import keras

from newword._check import choice, invalid, whole
from newword.keras.layers._shapes import feature_count
from newword.keras.layers.masks import apply_mask, as_mask

__all__ = ["MaskedConv1D", "MaskedSeparableConv1D"]

register = keras.saving.register_keras_serializable(package="newword")


class MaskedConvolution(keras.layers.Layer):
    """Mixin of the masked convolutions; precedes a Keras convolution in the list of bases."""

    def build(self, input_shape: Any) -> None:
        """Creates the weights."""
        feature_count(input_shape)
        super().build(input_shape)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The convolution, with zeros at padding in the input and the output."""
        if mask is None:
            return super().call(inputs)
        return apply_mask(super().call(apply_mask(inputs, mask)), self.compute_mask(inputs, mask))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:  # noqa: ARG002
        """The mask of the output: the steps that an unpadded sequence would have."""
        if previous_mask is None:
            return None
        mask = as_mask(previous_mask)
        if len(mask.shape) != 2:
            raise invalid("mask", "of shape (batch, steps)", f"one of shape {tuple(mask.shape)}")
        stride, dilation = single(self.strides), single(self.dilation_rate)
        if self.padding != "valid":
            return mask[:, ::stride]
        # Only complete windows have an output.
        reach = (single(self.kernel_size) - 1) * dilation
        valid = mask[:, : -reach or None : stride]
        for offset in range(dilation, reach + 1, dilation):
            valid = valid & mask[:, offset : offset - reach or None : stride]
        return valid


@register
class MaskedConv1D(MaskedConvolution, keras.layers.Conv1D):
    """A convolution over steps with the same result as for sequences without padding.

    `keras.layers.Conv1D` drops the mask, and its windows read padding. Here padding is zero
    before and after: x·m, convolution with bias and activation, y·m.

    Args:
        filters: Number of output features.
        kernel_size: Steps in a window.
        strides: Steps between windows. Above 1 only with padding on the right of the sequences,
            and not with `padding="same"`.
        padding: "same", "causal" or "valid". The default is "same", so that the mask fits.
        dilation_rate: Steps between the steps of a window.
        **kwargs: Other arguments of `keras.layers.Conv1D`.

    Input:
        Tensor of shape (batch, steps, features), and its mask of shape (batch, steps). Padding on
        the right or left has no effect; inside a sequence it counts as steps of zeros.
        Without a mask all steps are valid.

    Output:
        Tensor of shape (batch, output steps, filters) in the layer's compute dtype, zero at
        padding. The mask is every `strides`-th step of the input mask; with `padding="valid"`
        a window is valid if all its steps are. Takes O(batch · output steps ·
        kernel_size · features · filters).

    Raises:
        InvalidArgumentError: An argument is out of range; `data_format` is
            "channels_first"; an input has more than three axes or an unknown number of features;
            a mask does not have the shape (batch, steps).

    Source:
        Su Jianlin, 层中层与mask, https://kexue.fm/archives/6810.

    Examples:
        >>> convolution = MaskedConv1D(4, 3)
        >>> x = keras.ops.ones((1, 5, 2))
        >>> y = convolution(x, mask=keras.ops.convert_to_tensor([[1, 1, 1, 0, 0]], "bool"))
        >>> alone = convolution(x[:, :3])
        >>> bool(keras.ops.all(y[:, :3] == alone)), bool(keras.ops.all(y[:, 3:] == 0))
        (True, True)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        *,
        strides: int | Sequence[int] = 1,
        padding: str = "same",
        dilation_rate: int | Sequence[int] = 1,
        **kwargs: Any,
    ) -> None:
        choice("padding", padding, ("same", "causal", "valid"))
        shape = checked(filters, kernel_size, strides, padding, dilation_rate)
        super().__init__(**shape, **{"data_format": "channels_last", **kwargs})
        if self.data_format != "channels_last":
            raise invalid("data_format", "'channels_last'", self.data_format)
        self.supports_masking = True


@register
class MaskedSeparableConv1D(MaskedConvolution, keras.layers.SeparableConv1D):
    """A depthwise and then a pointwise convolution that neither read nor write padding.

    As `MaskedConv1D`, but without `padding="causal"`, which Keras does not support here.

    Args:
        filters: Number of output features.
        kernel_size: Steps in a window.
        strides: Steps between windows, 1 with `padding="same"`.
        padding: "same" or "valid".
        dilation_rate: Steps between the steps of a window.
        **kwargs: Other arguments of `keras.layers.SeparableConv1D`.

    Raises:
        InvalidArgumentError: As for `MaskedConv1D`.

    Examples:
        >>> x = keras.ops.ones((1, 5, 2))
        >>> MaskedSeparableConv1D(4, 3)(x, mask=keras.ops.ones((1, 5), "bool")).shape[2]
        4
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        *,
        strides: int | Sequence[int] = 1,
        padding: str = "same",
        dilation_rate: int | Sequence[int] = 1,
        **kwargs: Any,
    ) -> None:
        choice("padding", padding, ("same", "valid"))
        shape = checked(filters, kernel_size, strides, padding, dilation_rate)
        super().__init__(**shape, **{"data_format": "channels_last", **kwargs})
        if self.data_format != "channels_last":
            raise invalid("data_format", "'channels_last'", self.data_format)
        self.supports_masking = True


def checked(
    filters: Any, kernel_size: Any, strides: Any, padding: str, dilation_rate: Any
) -> dict[str, Any]:
    """Validates the arguments of a convolution, whose result must not depend on padding."""
    stride, dilation = single(strides, "strides"), single(dilation_rate, "dilation_rate")
    if stride > 1 and padding == "same":
        rule = "1 with padding='same', whose windows lie by the padded length"
        raise invalid("strides", rule, stride)
    if stride > 1 and dilation > 1:
        raise invalid("strides", "1 with a dilation_rate above 1", stride)
    return {
        "filters": whole("filters", filters, 1),
        "kernel_size": single(kernel_size, "kernel_size"),
        "strides": stride,
        "padding": padding,
        "dilation_rate": dilation,
    }


def single(value: Any, argument: str = "value") -> int:
    """An integer of at least 1, alone or in a sequence of length 1, as in saved configs."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    return whole(argument, value, 1)
