"""Layer normalisation whose scale and shift depend on a condition."""

from typing import Any

import keras
from keras import ops

from newword._check import whole

__all__ = ["SelfModulatedLayerNormalization"]


@keras.saving.register_keras_serializable(package="newword")
class SelfModulatedLayerNormalization(keras.layers.Layer):
    """Layer normalisation with scale and shift computed from a condition: n(x) (1 + g(c)) + b(c).

    n is layer normalisation without weights; g and b are each a `Dense` layer with ReLU and a
    linear one. A decoder conditioned on the pooled source so sees the source at every step.

    Args:
        units: Hidden units of g and b.
        epsilon: Added to the variance.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Input:
        `inputs`, a tensor of shape (batch, ..., features), and `condition`, (batch, conditions).

    Output:
        Tensor of the shape of `inputs`, with its mask.

    Raises:
        InvalidArgumentError: `units` is below 1.

    Source:
        Chen et al., On self modulation for generative adversarial networks, 2018; in a decoder:
        Su Jianlin, https://kexue.fm/archives/6877.

    Examples:
        >>> norm = SelfModulatedLayerNormalization(4)
        >>> tuple(norm(keras.ops.ones((2, 5, 3)), keras.ops.ones((2, 6))).shape)
        (2, 5, 3)
    """

    def __init__(self, units: int, *, epsilon: float = 1e-3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units, self.epsilon = whole("units", units, 1), float(epsilon)
        self.supports_masking = True
        self.norm = keras.layers.LayerNormalization(
            epsilon=self.epsilon, center=False, scale=False, dtype=self.dtype_policy, name="norm"
        )
        self.hidden = [
            keras.layers.Dense(self.units, "relu", dtype=self.dtype_policy, name=f"{name}_hidden")
            for name in ("scale", "shift")
        ]

    def build(self, inputs_shape: Any, condition_shape: Any) -> None:
        """Creates the weights for the features of both inputs."""
        features = inputs_shape[-1]
        self.norm.build(inputs_shape)
        self.outer = [
            keras.layers.Dense(features, dtype=self.dtype_policy, name=name)
            for name in ("scale", "shift")
        ]
        for hidden, outer in zip(self.hidden, self.outer, strict=True):
            hidden.build(condition_shape)
            outer.build((condition_shape[0], self.units))

    def call(self, inputs: Any, condition: Any) -> Any:
        """The modulated inputs."""
        return self.modulate(inputs, *self.modulation(condition))

    def modulation(self, condition: Any) -> tuple[Any, Any]:
        """The scale and the shift of a condition, each (batch, features)."""
        scale, shift = (
            outer(hidden(condition)) for hidden, outer in zip(self.hidden, self.outer, strict=True)
        )
        return scale, shift

    def modulate(self, inputs: Any, scale: Any, shift: Any) -> Any:
        """The inputs normalised and modulated by the results of `modulation`."""
        for _ in range(len(inputs.shape) - 2):
            scale, shift = ops.expand_dims(scale, 1), ops.expand_dims(shift, 1)
        return self.norm(inputs) * (1 + scale) + shift

    def compute_output_shape(self, inputs_shape: Any, condition_shape: Any) -> Any:  # noqa: ARG002
        """The shape of the inputs."""
        return tuple(inputs_shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "units": self.units, "epsilon": self.epsilon}
