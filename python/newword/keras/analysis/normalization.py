"""Batch normalization in parts: only centring, only scaling, by input element."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from newword import _check
from newword.errors import InvalidArgumentError

__all__ = ["PartialBatchNormalization"]

DIVISORS = ("std", "rms", "none")


@keras.saving.register_keras_serializable(package="newword")
class PartialBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc, unused-ignore]
    """Batch normalization that subtracts the mean, or divides by a scale, or both.

    `keras.layers.BatchNormalization` always does both; its `center` and `scale` are about the
    learnt shift β and factor γ that follow. Here these are off by default, so that only the
    statistics act. Moving averages, and the difference between training and inference, are those of
    Keras.

    ====================  ============  =================================
    `subtract_mean`       `divide_by`   the result for x
    ====================  ============  =================================
    True                  `"std"`       (x - mean) / √(variance + epsilon)
    True                  `"none"`      x - mean
    False                 `"std"`       x / √(variance + epsilon)
    False                 `"rms"`       x / √(mean of x² + epsilon)
    ====================  ============  =================================

    Args:
        subtract_mean: Whether to subtract the mean of the batch.
        divide_by: `"std"`, the standard deviation of the batch; `"rms"`, its root mean square;
            `"none"`.
        per_input: Whether each element of an input, such as (step, feature), has statistics of its
            own, taken over the batch only. By default those of a feature are taken over all other
            axes.
        center: Whether to add a learnt β.
        scale: Whether to multiply by a learnt γ.
        **kwargs: Arguments of `keras.layers.BatchNormalization`, such as `momentum`, `epsilon` and
            `name`; not `axis`, which is the last, `renorm` or `synchronized`.

    Shapes:
        (batch, ..., features) to the same; with `per_input` all axes but the first must be known.
        A mask of shape (batch, steps) excludes positions from the statistics; the output is zero
        there.

    Raises:
        InvalidArgumentError: An argument is out of range; a shape has unknown axes.

    Source:
        Su Jianlin, https://kexue.fm/archives/6992.

    Examples:
        >>> layer = PartialBatchNormalization(divide_by="none")
        >>> keras.ops.convert_to_numpy(layer(np.array([[1.0], [5.0]]), training=True)).tolist()
        [[-2.0], [2.0]]
    """

    def __init__(
        self,
        subtract_mean: bool = True,
        divide_by: str = "std",
        *,
        per_input: bool = False,
        center: bool = False,
        scale: bool = False,
        **kwargs: Any,
    ) -> None:
        for name, usual in (("axis", -1), ("renorm", False), ("synchronized", False)):
            if kwargs.get(name, usual) != usual:
                raise _check.invalid(name, repr(usual), kwargs[name])
        super().__init__(center=center, scale=scale, **kwargs)
        self.subtract_mean = _check.flag("subtract_mean", subtract_mean)
        self.divide_by = _check.choice("divide_by", divide_by, DIVISORS)
        self.per_input = _check.flag("per_input", per_input)

    def build(self, input_shape: Any) -> None:
        """Makes the weights, one entry per feature or per element of an input."""
        shape = tuple(input_shape)
        if self.per_input:
            if None in shape[1:]:
                raise InvalidArgumentError(
                    f"per_input: must be False where a shape has unknown axes, got {shape}"
                )
            super().build((None, int(np.prod(shape[1:]))))
        else:
            super().build(shape)
        self.input_spec = keras.layers.InputSpec(ndim=len(shape), axes={-1: shape[-1]})

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalizes by the statistics of the batch in training, by moving averages otherwise."""
        shape = ops.shape(inputs)
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        weight = ops.ones_like(x[..., :1])
        if mask is not None:
            weight = ops.cast(ops.broadcast_to(_trailing(mask, x), ops.shape(weight)), x.dtype)
            # Padding may hold anything, NaN too.
            x = ops.where(weight > 0, x, ops.zeros_like(x))
        rows = (-1, int(self.moving_mean.shape[0]))
        if self.per_input:
            weight = ops.reshape(ops.broadcast_to(weight, shape), rows)
        x, weight = ops.reshape(x, rows), ops.reshape(weight, (-1, weight.shape[-1]))
        mean, divisor = self._statistics(x, weight, bool(training) and self.trainable)
        normalized = (x - mean) / ops.sqrt(divisor + self.epsilon) if self.divides else x - mean
        if self.scale:
            normalized = normalized * self.gamma
        if self.center:
            normalized = normalized + self.beta
        return ops.cast(ops.reshape(normalized * weight, shape), self.compute_dtype)

    @property
    def divides(self) -> bool:
        """Whether there is a division."""
        return self.divide_by != "none"

    def _statistics(self, x: Any, weight: Any, training: bool) -> tuple[Any, Any]:
        """What is subtracted and the square of what divides, each of shape (entries,)."""
        if training:
            total = ops.maximum(ops.sum(weight, axis=0), 1.0)
            mean = ops.sum(x * weight, axis=0) / total
            about = mean if self.divide_by != "rms" else ops.zeros_like(mean)
            square = ops.sum(weight * ops.square(x - about), axis=0) / total
            for moving, now in ((self.moving_mean, mean), (self.moving_variance, square)):
                kept = ops.cast(now, moving.dtype)
                moving.assign(moving * self.momentum + kept * (1.0 - self.momentum))
        else:
            mean, square = (
                ops.cast(one, x.dtype) for one in (self.moving_mean, self.moving_variance)
            )
        return mean if self.subtract_mean else ops.zeros_like(mean), square

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        own = {
            "subtract_mean": self.subtract_mean,
            "divide_by": self.divide_by,
            "per_input": self.per_input,
        }
        return {**super().get_config(), **own}


def _trailing(mask: Any, x: Any) -> Any:
    """A mask with axes of length one behind it, as many as `x` has more."""
    for _ in range(len(x.shape) - len(mask.shape)):
        mask = ops.expand_dims(mask, -1)
    return mask
