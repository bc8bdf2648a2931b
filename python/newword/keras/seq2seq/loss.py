"""The loss and the metric of next tokens."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from newword import _check

__all__ = ["TokenAccuracy", "TokenCrossEntropy", "mean_over_tokens", "token_losses"]

register = keras.saving.register_keras_serializable(package="newword")


def token_losses(y_true: Any, logits: Any) -> tuple[Any, Any]:
    """The cross-entropy of each token, zero at padding, and the mask; both (batch, steps)."""
    labels = ops.cast(y_true, "int32")
    mask = ops.cast(labels != 0, "float32")
    log_probs = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
    gold = ops.take_along_axis(log_probs, labels[..., None], axis=-1)[..., 0]
    return ops.where(mask > 0, -gold, ops.zeros_like(gold)), mask


def mean_over_tokens(values: Any, mask: Any) -> Any:
    """The mean of values at real tokens; 0 if there is none."""
    return ops.sum(values * mask) / ops.maximum(ops.sum(mask), 1.0)


@register
class TokenCrossEntropy(keras.losses.Loss):  # type: ignore[misc, unused-ignore]
    """The cross-entropy of the next token, a mean over the real tokens of a batch.

    Labels are ids of shape (batch, steps): the target and the end token, padded with 0, which is
    ignored. Predictions are logits of shape (batch, steps, tokens). Sample weights have one number
    per row.

    Args:
        normalization: `"token"`: the loss of a row is divided by the mean number of tokens
            of the batch's rows, so the mean over the rows is the mean over the tokens.
            `"sequence"`: it is the negative log-likelihood of the row.
        reduction: As for every Keras loss.
        name: The name of the loss.
        dtype: As for every Keras loss; float32 by default.

    Raises:
        InvalidArgumentError: `normalization` is unknown; labels and logits do not match; sample
            weights are not one per row.

    Complexity:
        O(batch steps tokens).

    Examples:
        >>> logits = np.zeros((1, 2, 4), "float32")
        >>> loss = TokenCrossEntropy()(np.array([[3, 0]]), logits)
        >>> np.allclose(keras.ops.convert_to_numpy(loss), np.log(4))
        True
    """

    def __init__(
        self,
        normalization: str = "token",
        reduction: str = "sum_over_batch_size",
        name: str = "token_cross_entropy",
        dtype: Any = None,
    ) -> None:
        self.normalization = _check.choice("normalization", normalization, ("token", "sequence"))
        # float32 always: Keras casts labels to this type, and a half has no odd ids past 2048.
        super().__init__(
            name=name, reduction=reduction, dtype="float32" if dtype is None else dtype
        )

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Validates the shapes and returns the reduced loss of a batch."""
        labels, logits = tuple(np.shape(y_true)), tuple(np.shape(y_pred))
        if len(labels) != 2 or len(logits) != 3:
            rule = "ids of shape (batch, steps), for logits of shape (batch, steps, tokens)"
            raise _check.invalid("y_true", rule, (labels, logits))
        if None not in (labels[1], logits[1]) and labels[1] != logits[1]:
            raise _check.invalid("y_true", f"of {logits[1]} steps like the logits", labels)
        if sample_weight is not None and len(np.shape(sample_weight)) != 1:
            rule = "one number per row, of shape (batch,)"
            raise _check.invalid("sample_weight", rule, np.shape(sample_weight))
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each row, (batch,); see the class."""
        losses, mask = token_losses(y_true, y_pred)
        losses = ops.sum(losses, axis=1)
        if self.normalization == "sequence":
            return losses
        return losses / ops.maximum(ops.mean(ops.sum(mask, axis=1)), 1e-7)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "normalization": self.normalization,
            "reduction": self.reduction,
            "name": self.name,
        }


@register
class TokenAccuracy(keras.metrics.Metric):  # type: ignore[misc, unused-ignore]
    """The share of real tokens that have the largest logit.

    In training the input is the gold prefix, possibly corrupted, so it says little about generated
    texts.

    Args:
        name: The name of the metric.
        dtype: As for every Keras metric.

    Examples:
        >>> metric = TokenAccuracy()
        >>> metric.update_state(np.array([[1, 0]]), np.array([[[0.0, 1.0], [0.0, 1.0]]]))
        >>> float(metric.result())
        1.0
    """

    def __init__(self, name: str = "token_accuracy", dtype: Any = "float32") -> None:
        super().__init__(name=name, dtype=dtype)
        self.hits = self.add_weight(name="hits", initializer="zeros")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Adds a batch: ids (batch, steps), logits (batch, steps, tokens), weights (batch,)."""
        labels = ops.cast(y_true, "int32")
        weight = ops.cast(labels != 0, self.dtype)
        if sample_weight is not None:
            weight = weight * ops.reshape(ops.cast(sample_weight, self.dtype), (-1, 1))
        best = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
        self.hits.assign_add(ops.sum(weight * ops.cast(best == labels, self.dtype)))
        self.count.assign_add(ops.sum(weight))

    def result(self) -> Any:
        """The accuracy so far, 0 if no token was counted."""
        return ops.divide_no_nan(self.hits, self.count)
