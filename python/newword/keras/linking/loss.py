"""The loss of independent yes-or-no decisions, some of which are unknown."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["IGNORED", "MaskedBinaryCrossentropy"]

IGNORED = -1
"""The label of a decision that does not count."""


@keras.saving.register_keras_serializable(package="newword")
class MaskedBinaryCrossentropy(keras.losses.Loss):  # type: ignore[misc, unused-ignore]
    """The binary cross-entropy of logits, a mean over the decisions of a batch that count.

    Labels are 1, 0, or -1 for a decision that is ignored. The loss is the sum over the last axis of
    the means over the others: for starts and ends of mentions, the sum of two means over
    characters.

    Args:
        reduction: As for every Keras loss.
        name: The name of the loss.
        dtype: As for every Keras loss.
    """

    def __init__(
        self,
        reduction: str = "sum_over_batch_size",
        name: str = "masked_binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            name=name, reduction=reduction, dtype="float32" if dtype is None else dtype
        )

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each row, (batch,), for labels and logits (batch, ..., decisions)."""
        labels, logits = ops.cast(y_true, "float32"), ops.cast(y_pred, "float32")
        known = ops.cast(labels > IGNORED, "float32")
        # log(1 + exp(x)) - label x
        losses = known * (ops.softplus(logits) - labels * logits)
        for _ in range(len(logits.shape) - 2):
            losses, known = ops.sum(losses, axis=1), ops.sum(known, axis=1)
        return ops.sum(losses / ops.maximum(ops.mean(known, axis=0), 1e-7), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"reduction": self.reduction, "name": self.name}
