"""Decoding with the compiled decoder, from a packed tensor or a model."""

from typing import Any

import numpy as np
from keras import ops
from numpy.typing import NDArray

import newword
from newword import _check
from newword._chain_scores import chain_scores
from newword._core import core
from newword.keras.tagging.best_path import METHODS
from newword.keras.tagging.packing import Layout, TagScores, unpack
from newword.keras.tagging.viterbi import best_unpacked

__all__ = ["decode", "decode_unpacked", "predict_tags"]


def decode(packed: Any, method: str = "map", threads: int | None = None) -> NDArray[np.int32]:
    """Decodes the packed output of a tagging head with the compiled decoder.

    The tensor identifies the model. A second-order MEMM is decoded by the backend.

    Args:
        packed: The output of a head, a tensor or an array.
        method: `"map"`: the most probable tags under the trained model; for two directions
            the largest mean of both log-probabilities, which is not itself a distribution.
            `"numerator"`: the largest sum of emissions and transitions, as the published MEMM
            scripts decode; its path usually differs. For a CRF both are the same.
        threads: Number of threads; all cores by default.

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
    return decode_unpacked(layout, unpack(layout, values), method, threads)


def decode_unpacked(
    layout: Layout, scores: TagScores, method: str, threads: int | None = None
) -> NDArray[np.int32]:
    """Decodes unpacked arrays; `method` is not validated."""
    if layout.second_order:
        return np.asarray(ops.convert_to_numpy(best_unpacked(layout, scores, method)), np.int32)
    transitions = scores.transitions
    if scores.left is not None:
        transitions = scores.left.T @ scores.right
    if method == "map" and layout.model in ("memm", "bidirectional_memm"):
        scores, transitions = _log_probabilities(layout, scores, transitions, threads)
    # The normaliser of a softmax does not change the order of paths, nor does that of a CRF.
    return newword.viterbi(
        scores.emissions,
        _sum(transitions, scores.transition_penalty),
        mask=scores.mask,
        start=_sum(scores.start, scores.start_penalty),
        end=_sum(scores.end, scores.end_penalty),
        threads=threads,
    ).paths


def _log_probabilities(
    layout: Layout, scores: TagScores, transitions: Any, threads: int | None
) -> tuple[TagScores, Any]:
    """Emissions and transitions whose sum along a path is its log-probability in a MEMM.

    Penalties are not included: they restrict the paths but do not change the probabilities.
    """
    if layout.halve_history:
        transitions = np.float32(0.5) * transitions
    normalization = "local" if layout.model == "memm" else "bidirectional"
    problem = chain_scores(
        scores.emissions,
        transitions,
        None,
        scores.mask,
        scores.start,
        scores.end,
        None,
        normalization,
    )
    emissions = core().local_emissions(problem, layout.halve_history, _check.thread_count(threads))
    return scores._replace(emissions=emissions, start=None, end=None), transitions


def _sum(one: Any, other: Any) -> Any:
    """The sum of the arguments that are not None."""
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
    """Predicts and decodes the tags of inputs with a model that ends in a tagging head.

    Args:
        model: A Keras model.
        x: Inputs as for `model.predict`; all batches must have the same number of steps.
        method: As for `decode`.
        batch_size: As for `model.predict`.
        threads: As for `decode`.
        verbose: As for `model.predict`.

    Returns:
        int32 of shape (samples, steps), -1 at masked steps.

    Raises:
        InvalidArgumentError: The model does not end in a head, or `method` is unknown.

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
