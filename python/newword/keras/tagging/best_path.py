"""The objective of a decoder as a sum of scores along a path, for every tagging model.

A locally normalised log-probability is such a sum too: the normaliser of step t depends only on
the previous tag, so its logarithm can be subtracted from the score of that tag.
"""

from typing import Any, NamedTuple

from keras import ops

from newword.keras.layers.sequences import take_steps
from newword.keras.tagging.alignment import fold_boundary, left_align
from newword.keras.tagging.packing import Layout, TagScores

__all__ = ["METHODS", "PathScores", "path_scores"]

METHODS = ("map", "numerator")


class PathScores(NamedTuple):
    """Left-aligned scores whose sum along a path a decoder maximises.

    Shapes: `unary` (batch, steps, tags); `pairs` (tags, tags), or (batch, steps, tags, tags) for
    a second-order model, where [:, t] scores steps t - 1 and t; `triples` (tags, tags, tags) or
    None; `order` (batch, steps) and `lengths` (batch,) as from `left_align`.
    """

    unary: Any
    pairs: Any
    triples: Any
    order: Any
    lengths: Any


def path_scores(layout: Layout, scores: TagScores, method: str = "map") -> PathScores:
    """The scores to maximise.

    Args:
        layout: Layout of the packed tensor.
        scores: The unpacked scores.
        method: `"map"`: the most probable path under the model; for two directions, the largest
            mean of both log-probabilities. `"numerator"`: the largest sum of emissions and
            transitions without normalisers, as the published MEMM code decodes.
    """
    order, lengths = left_align(scores.mask)
    emissions = take_steps(scores.emissions, order)
    emissions = fold_boundary(emissions, scores.start, scores.end, lengths)
    scores = scores._replace(emissions=emissions)
    triples = scores.second_order
    if layout.model == "softmax":
        unary = emissions if method == "numerator" else ops.log_softmax(emissions, axis=-1)
        pairs = ops.zeros((layout.num_tags, layout.num_tags), dtype="float32")
    elif layout.model == "crf" or method == "numerator":
        unary, pairs = emissions, _matrix(scores)
    elif triples is None:
        unary, pairs = _first_order(layout, scores, lengths)
    else:
        unary, pairs, triples = _second_order(layout, scores, lengths)
    if triples is not None and len(pairs.shape) == 2:
        pairs = ops.broadcast_to(pairs[None, None], (*ops.shape(emissions), layout.num_tags))
    # Constraints restrict the paths but do not change the probabilities of a MEMM.
    if layout.constrained:
        unary = fold_boundary(unary, scores.start_penalty, scores.end_penalty, lengths)
        pairs = pairs + scores.transition_penalty
    return PathScores(unary, pairs, triples, order, lengths)


def _matrix(scores: TagScores) -> Any:
    """Transitions as a matrix, formed from the factors if necessary."""
    if scores.left is None:
        return scores.transitions
    return ops.matmul(ops.transpose(scores.left), scores.right)


def _first_order(layout: Layout, scores: TagScores, lengths: Any) -> tuple[Any, Any]:
    """The log-probability of a MEMM as unary scores and a matrix; the mean for two directions."""
    ahead = _directed(layout, scores.emissions, _matrix(scores), lengths, backwards=False)
    if layout.model == "memm":
        return ahead
    behind = _directed(layout, scores.emissions, _matrix(scores), lengths, backwards=True)
    return 0.5 * (ahead[0] + behind[0]), ahead[1]


def _directed(
    layout: Layout, emissions: Any, matrix: Any, lengths: Any, backwards: bool
) -> tuple[Any, Any]:
    """`_first_order` for one direction, in which the first factor has no neighbour."""
    share = 0.5 if layout.halve_history else 1.0
    position = ops.arange(ops.shape(emissions)[1], dtype="int32")[None]
    follows = position < lengths[:, None] - 1 if backwards else position >= 1
    follows = ops.logical_and(follows, position < lengths[:, None])[..., None]
    towards = ops.transpose(matrix) if backwards else matrix
    # normaliser[b, t, k]: the log of the sum over tags of step t, given neighbour k.
    normaliser = ops.where(follows, _normalisers(share * emissions, share * towards), 0.0)
    alone = ops.log_softmax(emissions, axis=-1)
    unary = ops.where(follows, share * emissions, alone)
    unary = unary - _shift(normaliser, backwards)
    return unary, share * matrix


def _shift(values: Any, backwards: bool) -> Any:
    """The values of the next or the previous step; 0 where there is none."""
    rest = [(0, 0)] * (len(values.shape) - 2)
    if backwards:
        return ops.pad(values, [(0, 0), (1, 0), *rest])[:, :-1]
    return ops.pad(values, [(0, 0), (0, 1), *rest])[:, 1:]


def _normalisers(emissions: Any, matrix: Any) -> Any:
    """logsumexp_j(e_t(j) + g(k, j)) for all t and all rows k, row by row to save memory."""
    rows = [ops.logsumexp(emissions + matrix[k], axis=-1) for k in range(matrix.shape[0])]
    return ops.stack(rows, axis=-1)


def _second_order(layout: Layout, scores: TagScores, lengths: Any) -> tuple[Any, Any, Any]:
    """The log-probability of a second-order MEMM."""
    share = 0.5 if layout.halve_history else 1.0
    emissions, matrix, triples = scores.emissions, scores.transitions, scores.second_order
    tags = layout.num_tags
    position = ops.arange(ops.shape(emissions)[1], dtype="int32")[None]
    valid = position < lengths[:, None]
    second = ops.logical_and(position == 1, valid)[..., None]
    later = ops.logical_and(position >= 2, valid)[..., None]
    near = ops.where(second, _normalisers(share * emissions, share * matrix), 0.0)
    unary = ops.where(position[..., None] == 0, ops.log_softmax(emissions), share * emissions)
    unary = unary - _shift(near, backwards=False)
    # Given the pair (i, j): logsumexp_k(e_t(k) + g(j, k) + h(i, j, k)).
    rows = ops.reshape(triples + matrix[None], (tags * tags, tags))
    far = _normalisers(share * emissions, share * rows)
    far = _shift(ops.where(later, far, 0.0), backwards=False)
    shape = (*ops.shape(emissions), tags)
    return unary, share * matrix - ops.reshape(far, shape), share * triples
