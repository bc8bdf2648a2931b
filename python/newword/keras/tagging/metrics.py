"""Training metrics that need no decoding."""

from typing import Any

import keras
from keras import ops

__all__ = ["EmissionAccuracy"]


@keras.saving.register_keras_serializable(package="newword")
class EmissionAccuracy(keras.metrics.Metric):  # type: ignore[misc, unused-ignore]
    """The share of tokens whose best emission is the gold tag, from a head's packed output.

    It is cheap, because nothing is decoded. With a well-trained encoder it is slightly
    below the accuracy of decoded tags. It uses no gold history, unlike the loss of a MEMM.
    Masked steps and negative labels are ignored. Sample weights have one number per sequence.

    Args:
        name: The name of the metric.
        dtype: As for every Keras metric.

    Examples:
        >>> import numpy as np
        >>> from newword.keras import SoftmaxTagging
        >>> head = SoftmaxTagging(2, use_kernel=False)
        >>> packed = head(np.array([[[1.0, 0.0], [1.0, 0.0]]], "float32"))
        >>> metric = EmissionAccuracy()
        >>> metric.update_state(np.array([[0, 1]]), packed)
        >>> float(metric.result())
        0.5
    """

    def __init__(self, name: str = "emission_accuracy", dtype: Any = "float32") -> None:
        super().__init__(name=name, dtype=dtype)
        self.hits = self.add_weight(name="hits", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch: labels (batch, steps), the packed tensor, weights (batch,)."""
        # As floats: a cast to integers would hide NaN, which counts as wrong.
        labels = ops.cast(y_true, "float32")
        # The parameter rows follow one row per label.
        steps = y_pred[:, : ops.shape(labels)[1]]
        counted = ops.logical_and(steps[..., -1] > 0.5, ops.logical_not(labels < 0))
        weight = ops.cast(counted, self.dtype)
        if sample_weight is not None:
            weight = weight * ops.reshape(ops.cast(sample_weight, self.dtype), (-1, 1))
        best = ops.cast(ops.argmax(steps[..., :-1], axis=-1), "float32")
        hits = weight * ops.cast(best == labels, self.dtype)
        self.hits.assign_add(ops.sum(hits))
        self.count.assign_add(ops.sum(weight))

    def result(self) -> Any:
        """The accuracy so far, 0 if no token was counted."""
        return ops.divide_no_nan(self.hits, self.count)
