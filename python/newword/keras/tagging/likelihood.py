"""The negative log-likelihood of gold tags under each tagging model.

All functions take left-aligned sequences: emissions (batch, steps, tags) float32, tags (batch,
steps) int32 within range everywhere, lengths (batch,) int32. They return (batch,) float32.
"""

from typing import Any

from keras import ops

from newword.keras.tagging.alignment import fold_boundary, pick
from newword.keras.tagging.log_partition import NOTHING, chain_log_partition, path_score
from newword.keras.tagging.packing import Layout, TagScores

__all__ = ["conditional_logits", "crf_nll", "memm_nll", "softmax_nll"]


def softmax_nll(scores: TagScores, tags: Any, lengths: Any, smoothing: float = 0.0) -> Any:
    """Independent steps: -sum_t log softmax(e_t)(y_t)."""
    return _summed(_cross_entropy(scores.emissions, tags, smoothing), lengths)


def memm_nll(
    layout: Layout, scores: TagScores, tags: Any, lengths: Any, smoothing: float = 0.0
) -> Any:
    """-sum_t log p(y_t | y_{t-1}, x), each factor a softmax of e_t + a(y_{t-1}, .).

    The first factor is softmax(e_1). A bidirectional model takes the mean of both directions; from
    right to left it is p(y_t | y_{t+1}, x), with the transposed scores.
    """
    emissions = fold_boundary(scores.emissions, scores.start, scores.end, lengths)
    scores = scores._replace(emissions=emissions)
    losses = _cross_entropy(conditional_logits(layout, scores, tags, lengths), tags, smoothing)
    if layout.model == "bidirectional_memm":
        backwards = conditional_logits(layout, scores, tags, lengths, backwards=True)
        losses = 0.5 * (losses + _cross_entropy(backwards, tags, smoothing))
    return _summed(losses, lengths)


def crf_nll(
    scores: TagScores, tags: Any, known: Any, lengths: Any, twice_differentiable: bool = False
) -> Any:
    """Log Z minus the score of the gold tags, marginalised over unknown tags.

    `known`, bool of (batch, steps), marks the steps with a known gold tag.
    """
    start, end, transitions = scores.start, scores.end, scores.transitions
    if scores.transition_penalty is not None:
        transitions = transitions + scores.transition_penalty
    emissions = fold_boundary(scores.emissions, start, end, lengths)
    emissions = fold_boundary(emissions, scores.start_penalty, scores.end_penalty, lengths)
    position = ops.arange(ops.shape(tags)[1], dtype="int32")[None]
    all_known = ops.all(ops.logical_or(known, position >= lengths[:, None]))

    def gold() -> Any:
        return path_score(emissions, transitions, tags, lengths)

    def filled_in() -> Any:
        choices = ops.arange(emissions.shape[-1], dtype="int32")
        agrees = ops.logical_or(ops.logical_not(known)[..., None], tags[..., None] == choices)
        kept = ops.where(agrees, emissions, NOTHING)
        return chain_log_partition(kept, transitions, lengths, twice_differentiable)

    log_z = chain_log_partition(emissions, transitions, lengths, twice_differentiable)
    return log_z - ops.cond(all_known, gold, filled_in)


def conditional_logits(
    layout: Layout, scores: TagScores, tags: Any, lengths: Any, backwards: bool = False
) -> Any:
    """The logits of each tag given the previous or the next gold tag, (batch, steps, tags).

    Low-rank transitions are used as factors, <l_i, r_j>, without a matrix of tags x tags.
    """
    position = ops.arange(ops.shape(tags)[1], dtype="int32")[None]
    near = _neighbour(tags, 1, backwards)
    has_near = position + 1 < lengths[:, None] if backwards else position >= 1
    history = _first_order(scores, near, backwards)
    if scores.second_order is not None:
        far = _neighbour(tags, 2, backwards)
        rows = ops.reshape(scores.second_order, (-1, layout.num_tags))
        further = ops.take(rows, far * layout.num_tags + near, axis=0)
        history = history + ops.where((position >= 2)[..., None], further, 0.0)
    logits = scores.emissions + history
    if layout.halve_history:
        logits = 0.5 * logits
    return ops.where(has_near[..., None], logits, scores.emissions)


def _first_order(scores: TagScores, near: Any, backwards: bool) -> Any:
    """The transition scores given a neighbouring tag, (batch, steps, tags)."""
    if scores.left is not None:
        left, right = (scores.right, scores.left) if backwards else (scores.left, scores.right)
        return ops.matmul(ops.take(ops.transpose(left), near, axis=0), right)
    matrix = ops.transpose(scores.transitions) if backwards else scores.transitions
    return ops.take(matrix, near, axis=0)


def _neighbour(tags: Any, distance: int, backwards: bool) -> Any:
    """The tags some steps before or after; 0 where there are none."""
    steps = ops.shape(tags)[1]
    side = (0, distance) if backwards else (distance, 0)
    padded = ops.pad(tags, ((0, 0), side))
    return padded[:, distance:] if backwards else padded[:, :steps]


def _cross_entropy(logits: Any, tags: Any, smoothing: float) -> Any:
    """-log softmax(logits)(tags) with label smoothing; (batch, steps)."""
    logs = ops.log_softmax(logits, axis=-1)
    losses = -pick(logs, tags)
    if smoothing:
        losses = (1.0 - smoothing) * losses - smoothing * ops.mean(logs, axis=-1)
    return losses


def _summed(losses: Any, lengths: Any) -> Any:
    """The sum of the losses over the valid steps."""
    position = ops.arange(ops.shape(losses)[1], dtype="int32")[None]
    return ops.sum(ops.where(position < lengths[:, None], losses, 0.0), axis=1)
