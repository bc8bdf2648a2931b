"""Decoding with the compiled decoder, from a packed tensor or straight from a model."""

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

import newword
from newword import _check
from newword.keras.best_path import METHODS
from newword.keras.memm_paths import memm_paths
from newword.keras.packing import Layout, TagScores, unpack
from newword.keras.viterbi import best_tags

__all__ = ["decode", "predict_tags"]


def decode(packed: Any, method: str = "map", threads: int | None = None) -> NDArray[np.int32]:
    """The best tags of what a tagging head packed, by the compiled decoder.

    The tensor says itself which model made it. A second-order MEMM is decoded by the backend.

    Args:
        packed: The output of a head, a tensor or an array.
        method: `"map"`: the most probable tags under the model that was trained; for two directions
            the largest mean of both log-probabilities, which belong to no single distribution.
            `"numerator"`: the largest sum of emissions and transitions, as the published MEMM
            scripts decode; for random scores that is another path most of the time. For a CRF both
            are the same.
        threads: How many threads; all cores by default.

    Returns:
        int32 of shape (batch, steps), -1 at masked steps.

    Raises:
        InvalidArgumentError: `packed` is not the output of a head, or `method` is unknown.

    Complexity:
        O(batch * steps * tags^2).

    Examples:
        >>> import numpy as np
        >>> from newword.keras import SoftmaxTagging
        >>> head = SoftmaxTagging(2, use_kernel=False)
        >>> packed = head(np.array([[[1.0, 0.0], [0.0, 1.0]]], "float32"))
        >>> decode(packed).tolist()
        [[0, 1]]
    """
    method = _check.choice("method", method, METHODS)
    values = np.asarray(ops.convert_to_numpy(packed), np.float32)
    if values.ndim == 3 and not len(values):
        raise _check.invalid("packed", "of at least one sequence", values.shape)
    layout = Layout.read(values)
    if layout.second_order:
        return np.asarray(ops.convert_to_numpy(best_tags(layout, values, method)), np.int32)
    scores = unpack(layout, values)
    if method == "numerator" or layout.model in ("softmax", "crf"):
        found = _best(scores, _matrix(scores), threads, scores.start, scores.end)
    else:
        found = _best_of_memm(layout, scores, threads)
    return np.where(scores.mask, found, np.int32(-1))


def _best(
    scores: TagScores, transitions: Any, threads: int | None, start: Any = None, end: Any = None
) -> NDArray[np.int32]:
    """The best tags where emissions, transitions and penalties are all there is to a path.

    The normaliser of a softmax does not change the order of paths. NumPy alone: each of the thirty
    calls of the backend that `path_scores` takes costs as much as decoding a batch.
    """
    return newword.viterbi(
        scores.emissions,
        _sum(transitions, scores.transition_penalty),
        mask=scores.mask,
        start=_sum(start, scores.start_penalty),
        end=_sum(end, scores.end_penalty),
        threads=threads,
    ).paths


def _best_of_memm(layout: Layout, scores: TagScores, threads: int | None) -> NDArray[np.int32]:
    """The best tags of a first-order MEMM, whose normalisers depend on neighbours that count."""
    order = np.argsort(~scores.mask, axis=1, kind="stable")
    lengths = scores.mask.sum(1)
    emissions = np.take_along_axis(scores.emissions, order[..., None], axis=1)
    some = np.flatnonzero(lengths)
    if scores.start is not None:
        emissions[some, 0] += scores.start
    if scores.end is not None:
        emissions[some, lengths[some] - 1] += scores.end
    unary, pairs = memm_paths(layout, emissions, _matrix(scores), lengths)
    aligned = np.take_along_axis(scores.mask, order, axis=1)
    found = _best(scores._replace(emissions=unary, mask=aligned), pairs, threads)
    tags = np.empty_like(found)
    np.put_along_axis(tags, order, found, axis=1)
    return tags


def _matrix(scores: TagScores) -> Any:
    """Transitions as a matrix, whether or not they are kept as one; None where there are none."""
    return scores.transitions if scores.left is None else scores.left.T @ scores.right


def _sum(one: Any, other: Any) -> Any:
    """The sum of what is there."""
    if one is None or other is None:
        return other if one is None else one
    return one + other


def predict_tags(
    model: Any,
    x: Any,
    *,
    method: str = "map",
    batch_size: int | None = None,
    threads: int | None = None,
    verbose: int | str = 0,
) -> NDArray[np.int32]:
    """The best tags of inputs, by a model whose output is that of a tagging head.

    Args:
        model: A Keras model.
        x: What `model.predict` takes; batches must agree in their number of steps.
        method: As for `decode`.
        batch_size: As for `model.predict`.
        threads: As for `decode`.
        verbose: As for `model.predict`.

    Returns:
        int32 of shape (samples, steps), -1 at masked steps.

    Raises:
        InvalidArgumentError: The model's output is not that of a head, or `method` is unknown.

    Complexity:
        That of the model and of `decode`.

    Examples:
        >>> import keras, numpy as np
        >>> from newword.keras import SoftmaxTagging
        >>> model = keras.Sequential([keras.Input((None, 2)), SoftmaxTagging(2, use_kernel=False)])
        >>> predict_tags(model, np.array([[[1.0, 0.0], [0.0, 1.0]]])).tolist()
        [[0, 1]]
    """
    _check.choice("method", method, METHODS)
    packed = model.predict(x, batch_size=batch_size, verbose=verbose)
    return decode(packed, method=method, threads=threads)
