"""Attention over the steps of a sequence: masked softmax and attention pooling."""

from typing import Any

import keras
from keras import ops

from newword._check import whole
from newword.keras.layers._shapes import feature_count, sequence_shape
from newword.keras.layers.masks import apply_mask, masked_softmax, masked_sum

__all__ = ["AttentionPooling", "MaskedSoftmax"]

register = keras.saving.register_keras_serializable(package="newword")


@register
class MaskedSoftmax(keras.layers.Layer):
    """Softmax over the valid steps; the probability of padding is zero.

    For attention weights and pointer networks. (`keras.layers.Softmax` takes no mask of
    shape (batch, steps) for logits of shape (batch, steps, features).)

    Args:
        axis: The axis that sums to one, counted from 0 for the batch. The mask must cover it.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Input:
        Logits of shape (batch, steps, ...), and their mask of shape (batch, steps) or, if `axis`
        is not 1, one that can be broadcast to all axes. Without a mask all steps are valid.

    Output:
        Probabilities of the same shape in the layer's compute dtype, with the same mask; zero
        for a sequence without valid steps.

    Raises:
        InvalidArgumentError: `axis` is below 1 or out of range; the mask does not fit.

    Source:
        Su Jianlin, 层中层与mask, https://kexue.fm/archives/6810.

    Examples:
        >>> logits = keras.ops.convert_to_tensor([[1.0, 1.0, 5.0]])
        >>> mask = keras.ops.convert_to_tensor([[1, 1, 0]], "bool")
        >>> print(keras.ops.convert_to_numpy(MaskedSoftmax()(logits, mask=mask)))
        [[0.5 0.5 0. ]]
    """

    def __init__(self, axis: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = whole("axis", axis, 1)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The probabilities."""
        # Keras casts only floats, but the result has the compute dtype for integers too.
        return masked_softmax(ops.cast(inputs, self.compute_dtype), mask, axis=self.axis)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """The shape of the input."""
        return sequence_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "axis": self.axis}


@register
class AttentionPooling(keras.layers.Layer):
    """A weighted mean of the steps with learnt weights: sum of a_t x_t, a = softmax(v·act(W x_t)).

    Args:
        units: Size of the hidden layer that scores a step.
        activation: Its activation.
        kernel_initializer: Initialiser of W and v.
        kernel_regularizer: Regulariser of W and v.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Input:
        Tensor of shape (batch, steps, features), and its mask of shape (batch, steps). Without a
        mask all steps are valid.

    Output:
        Tensor of shape (batch, features) in the layer's compute dtype, without a mask; zero for
        a sequence without valid steps. Takes O(batch · steps · features · units).

    Raises:
        InvalidArgumentError: `units` is below 1; an input does not have three axes or does not fit
            its mask.

    Source:
        Su Jianlin, 基于CNN的阅读理解式问答模型：DGCNN, https://kexue.fm/archives/5409; masked as in
        https://kexue.fm/archives/6810.

    Examples:
        >>> pooling = AttentionPooling(units=4)
        >>> pooling(keras.ops.ones((2, 5, 3)), mask=keras.ops.ones((2, 5), "bool")).shape[1]
        3
    """

    def __init__(
        self,
        units: int,
        *,
        activation: Any = "tanh",
        kernel_initializer: Any = "glorot_uniform",
        kernel_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = whole("units", units, 1)
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.supports_masking = True
        self.hidden = self._dense(self.units, self.activation, "hidden")
        self.score = self._dense(1, None, "score")

    def _dense(self, units: int, activation: Any, name: str) -> Any:
        return keras.layers.Dense(
            units,
            activation=activation,
            use_bias=False,
            # Keras warns if two layers share a random initialiser.
            kernel_initializer=clone(self.kernel_initializer),
            kernel_regularizer=self.kernel_regularizer,
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape: Any) -> None:
        """Creates the weights."""
        feature_count(input_shape)
        self.hidden.build(input_shape)
        self.score.build((*input_shape[:2], self.units))

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The weighted mean."""
        sequence_shape(inputs.shape, rank=3)
        # Zero before the products: padding must not affect the gradients of the weights.
        x = apply_mask(inputs, mask)
        weights = masked_softmax(self.score(self.hidden(x)), mask)
        return masked_sum(weights * x, mask)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:  # noqa: ARG002
        """None, because the output has no steps."""
        return

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        """(batch, features)."""
        batch, _, features = sequence_shape(input_shape, rank=3)
        return (batch, features)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


def clone(initializer: Any) -> Any:
    """Copies an initialiser, so that it draws its own random numbers; functions are shared."""
    if isinstance(initializer, keras.initializers.Initializer):
        return type(initializer).from_config(initializer.get_config())
    return initializer
