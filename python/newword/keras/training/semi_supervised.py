"""Batches with labelled and unlabelled samples, for losses that need no labels."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from newword import _check

__all__ = ["SemiSupervisedBatches"]


class SemiSupervisedBatches(keras.utils.PyDataset):  # type: ignore[misc, unused-ignore]
    """Puts unlabelled samples behind the labelled ones of each batch, for `fit` with VAT.

    Unlabelled samples have sample weight 0, and some label that counts nowhere. The weights of
    the others are scaled, so that the loss is the mean over the labelled samples. Compile the model
    with `weighted_metrics` instead of `metrics`, which would count the unlabelled ones. The
    unlabelled samples are repeated as often as there are batches for.

    Args:
        x: The labelled inputs: an array, or a dict or list of arrays, with one row per sample.
        y: Their labels, an array or a nest of arrays.
        unlabelled: Inputs like `x`, with the same shapes but for the number of rows.
        batch_size: Labelled samples per batch.
        unlabelled_batch_size: Unlabelled samples per batch; by default as many.
        sample_weight: Weights of the labelled samples, of shape (samples,).
        seed: Seed of the order, which changes with each epoch.

    Raises:
        InvalidArgumentError: The numbers of rows differ, or the inputs are not alike.

    Examples:
        >>> import numpy as np
        >>> x, y = np.arange(6).reshape(3, 2), np.array([0, 1, 0])
        >>> batches = SemiSupervisedBatches(x, y, np.zeros((8, 2), int), batch_size=2)
        >>> inputs, labels, weights = batches[0]
        >>> inputs.shape, labels.shape, weights.tolist()
        ((4, 2), (4,), [2.0, 2.0, 0.0, 0.0])
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        unlabelled: Any,
        *,
        batch_size: int = 32,
        unlabelled_batch_size: int | None = None,
        sample_weight: Any = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.x, self.y, self.unlabelled = (
            keras.tree.map_structure(np.asarray, one) for one in (x, y, unlabelled)
        )
        self.count, self.others = _rows("x", self.x), _rows("unlabelled", self.unlabelled)
        if _rows("y", self.y) != self.count:
            raise _check.invalid("y", f"of {self.count} rows like x", _rows("y", self.y))
        _check_alike(self.x, self.unlabelled)
        self.batch_size = _check.whole("batch_size", batch_size, 1)
        many = self.batch_size if unlabelled_batch_size is None else unlabelled_batch_size
        self.unlabelled_batch_size = _check.whole("unlabelled_batch_size", many, 1)
        if sample_weight is None:
            sample_weight = np.ones(self.count)
        self.sample_weight = np.asarray(sample_weight, "float32")
        if self.sample_weight.shape != (self.count,):
            rule = f"one number per sample, of shape ({self.count},)"
            raise _check.invalid("sample_weight", rule, self.sample_weight.shape)
        self.random = np.random.default_rng(_check.whole("seed", seed, 0))
        self.on_epoch_end()

    def __len__(self) -> int:
        """The number of batches of an epoch."""
        return math.ceil(self.count / self.batch_size)

    def __getitem__(self, index: int) -> tuple[Any, Any, Any]:
        """Inputs, labels and weights of a batch."""
        start = index * self.batch_size
        mine = self.order[start : start + self.batch_size]
        place = index * self.unlabelled_batch_size + np.arange(self.unlabelled_batch_size)
        others = self.other_order[place % self.others]
        x = keras.tree.map_structure(
            lambda one, other: np.concatenate([one[mine], other[others].astype(one.dtype)]),
            self.x,
            self.unlabelled,
        )
        # Any valid label: it has no weight.
        some = np.concatenate([mine, np.resize(mine, len(others))])
        y = keras.tree.map_structure(lambda one: one[some], self.y)
        weight = np.zeros(len(some), "float32")
        weight[: len(mine)] = self.sample_weight[mine] * (len(some) / len(mine))
        return x, y, weight

    def on_epoch_end(self) -> None:
        """Draws a new order."""
        self.order = self.random.permutation(self.count)
        self.other_order = self.random.permutation(self.others)


def _rows(argument: str, value: Any) -> int:
    """The number of rows of all arrays of a nest."""
    arrays = keras.tree.flatten(value)
    if not arrays or any(one.ndim == 0 or len(one) == 0 for one in arrays):
        raise _check.invalid(argument, "arrays with at least one row", value)
    counts = {len(one) for one in arrays}
    if len(counts) > 1:
        raise _check.invalid(argument, "arrays of the same number of rows", sorted(counts))
    return int(counts.pop())


def _check_alike(x: Any, unlabelled: Any) -> None:
    try:
        keras.tree.assert_same_structure(x, unlabelled)
    except (TypeError, ValueError):
        raise _check.invalid("unlabelled", "of the same structure as x", unlabelled) from None
    for one, other in zip(keras.tree.flatten(x), keras.tree.flatten(unlabelled), strict=True):
        if one.shape[1:] != other.shape[1:]:
            rule = f"of shape (samples, ...) like x, {one.shape}"
            raise _check.invalid("unlabelled", rule, other.shape)
