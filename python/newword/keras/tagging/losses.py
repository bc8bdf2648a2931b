"""The loss of the tagging heads."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from newword import _check
from newword.keras.layers.sequences import take_steps
from newword.keras.tagging.alignment import left_align
from newword.keras.tagging.likelihood import crf_nll, memm_nll, softmax_nll
from newword.keras.tagging.packing import Layout, TagScores, unpack

__all__ = ["TaggingLoss"]

NORMALIZATIONS = ("token", "sequence")


@keras.saving.register_keras_serializable(package="newword")
class TaggingLoss(keras.losses.Loss):  # type: ignore[misc, unused-ignore]
    """The negative log-likelihood of gold tags, from the packed output of a tagging head.

    Create it with `head.loss()`. It is stateless: the tensor holds all it needs.

    Labels are integers of shape (batch, steps). Labels at masked steps are ignored. A negative
    label (-1, -100) at a valid step means that the tag is unknown. Softmax and MEMMs ignore such a
    step, like the continuation of a word split into subwords, and the history of the next step
    is the last known tag. A CRF sums over all tags it could be. A label that is out of range, NaN,
    infinite or fractional makes the loss NaN; in a NumPy array passed to a direct call, it raises.

    Sample weights have one number per sequence.

    Args:
        layout: Layout of the packed tensor.
        normalization: `"token"`: the negative log-likelihood of a sequence is divided by the
            mean number of labelled steps of the batch's sequences. The mean over the batch
            is then the mean over tokens, as for a masked cross-entropy and the same for all
            heads. `"sequence"`: it is not divided.
        label_smoothing: The share of the target that is spread over all tags, at least 0 and below
            1. Not supported by a CRF, for which it is not cheap to compute.
        twice_differentiable: See `chain_log_partition`; CRF only.
        reduction: As for every Keras loss.
        name: The name of the loss.

    Raises:
        InvalidArgumentError: An argument is invalid.

    Complexity:
        O(batch * steps * tags) for softmax and a MEMM; times tags for a CRF.

    Source:
        kexue.fm/archives/7213, kexue.fm/archives/5542.

    Examples:
        >>> import keras, numpy as np
        >>> from newword.keras import CRF
        >>> head = CRF(4, use_kernel=False)
        >>> packed = head(np.zeros((1, 3, 4), "float32"))
        >>> loss = head.loss()(np.array([[0, 1, 2]]), packed)
        >>> np.allclose(keras.ops.convert_to_numpy(loss), np.log(4))
        True
    """

    def __init__(
        self,
        layout: Layout | Mapping[str, Any],
        normalization: str = "token",
        label_smoothing: float = 0.0,
        twice_differentiable: bool = False,
        reduction: str = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        self.layout = layout if isinstance(layout, Layout) else Layout(**layout)
        self.normalization = _check.choice("normalization", normalization, NORMALIZATIONS)
        self.label_smoothing = _check.threshold("label_smoothing", label_smoothing)
        if self.label_smoothing >= 1:
            raise _check.invalid("label_smoothing", "less than 1", label_smoothing)
        if self.label_smoothing and self.layout.model == "crf":
            raise _check.invalid("label_smoothing", "0 for a CRF", label_smoothing)
        self.twice_differentiable = _check.flag("twice_differentiable", twice_differentiable)
        # float32 always: Keras casts labels to this type, and a half has no odd numbers past 2048.
        super().__init__(
            name=name or f"{self.layout.model}_loss",
            reduction=reduction,
            dtype="float32" if dtype is None else dtype,
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "layout": self.layout.to_config(),
            "normalization": self.normalization,
            "label_smoothing": self.label_smoothing,
            "twice_differentiable": self.twice_differentiable,
            "reduction": self.reduction,
            "name": self.name,
        }

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Validates the shapes and returns the reduced loss of a batch."""
        _check_shapes(self.layout, y_true, y_pred)
        if sample_weight is not None:
            sample_weight = _per_sequence(sample_weight)
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """The loss of each sequence, (batch,); see the class."""
        scores = unpack(self.layout, y_pred)
        # Checked before they become integers, which would hide NaN, infinity and fractions.
        labels = ops.cast(y_true, "float32")
        whole = ops.logical_and(ops.isfinite(labels), labels == ops.floor(labels))
        valid = ops.logical_and(whole, labels < self.layout.num_tags)
        wrong = ops.any(ops.logical_and(scores.mask, ops.logical_not(valid)), axis=1)
        known = ops.logical_and(scores.mask, labels >= 0)
        tags = ops.cast(ops.where(valid, ops.maximum(labels, 0.0), 0.0), "int32")
        # NaN, because a compiled step cannot raise an exception.
        losses = ops.where(wrong, float("nan"), self._nll(scores, tags, known))
        if self.normalization == "sequence":
            return losses
        per_sequence = ops.sum(ops.cast(known, "float32"), axis=1)
        return losses / ops.maximum(ops.mean(per_sequence), 1e-7)

    def _nll(self, scores: TagScores, tags: Any, known: Any) -> Any:
        model = self.layout.model
        kept = scores.mask if model == "crf" else known
        order, lengths = left_align(kept)
        scores = scores._replace(emissions=take_steps(scores.emissions, order))
        tags = take_steps(tags, order)
        if model == "softmax":
            return softmax_nll(scores, tags, lengths, self.label_smoothing)
        if model == "crf":
            known = take_steps(ops.cast(known, "int32"), order) > 0
            return crf_nll(scores, tags, known, lengths, self.twice_differentiable)
        return memm_nll(self.layout, scores, tags, lengths, self.label_smoothing)


def _check_shapes(layout: Layout, y_true: Any, y_pred: Any) -> None:
    """Raises if labels and scores do not match, as far as shapes are known."""
    labels, scores = tuple(np.shape(y_true)), tuple(np.shape(y_pred))
    if len(labels) != 2:
        raise _check.invalid("y_true", "integer tags of shape (batch, steps)", labels)
    if len(scores) != 3 or scores[2] not in (None, layout.num_tags + 1):
        rule = f"the output of a tagging head of {layout.num_tags} tags, of 3 axes"
        raise _check.invalid("y_pred", rule, scores)
    steps = None if scores[1] is None else scores[1] - layout.rows
    if 0 in (labels[1], steps):
        raise _check.invalid("y_true", "of at least one step", labels)
    if steps is not None and labels[1] is not None and labels[1] != steps:
        raise _check.invalid("y_true", f"of {steps} steps like the scores", labels)
    if isinstance(y_true, np.ndarray) and not _are_tags(layout, y_true).all():
        _check_tags(layout, y_true, y_pred)


def _are_tags(layout: Layout, labels: np.ndarray[Any, Any]) -> Any:
    """The mask of labels that are integers below the number of tags; negative ones are unknown."""
    return np.isfinite(labels) & (labels == np.floor(labels)) & (labels < layout.num_tags)


def _check_tags(layout: Layout, y_true: Any, y_pred: Any) -> None:
    """Raises for an invalid label at a valid step, if the values are known."""
    try:
        values = np.asarray(ops.convert_to_numpy(y_pred))
    except (TypeError, NotImplementedError):
        return  # Inside a traced function: there the loss turns into NaN.
    mask = values[:, : y_true.shape[1], -1] > 0.5
    wrong = y_true[mask & ~_are_tags(layout, y_true)]
    if wrong.size:
        raise _check.invalid("y_true", f"integer tags below {layout.num_tags}", wrong[0].item())


def _per_sequence(sample_weight: Any) -> Any:
    """Validates weights of shape (batch,); one per token would broadcast if batch == steps."""
    shape = tuple(np.shape(sample_weight))
    if len(shape) == 2 and shape[1] == 1:
        return sample_weight[:, 0]
    if len(shape) != 1:
        raise _check.invalid("sample_weight", "one number per sequence, of shape (batch,)", shape)
    return sample_weight
