"""The log partition function of a linear chain: the log of the sum over all tag sequences."""

from typing import Any, NamedTuple

import keras
from keras import ops

from newword.keras.layers.sequences import take_steps
from newword.keras.tagging.alignment import pick

__all__ = ["chain_log_partition", "path_score"]

# Replaces minus infinity in the inputs: sums with it stay finite, and its exp is 0.
NOTHING = -1e8
# The relative error from underflow is at most K 1e-38 / 1e-30 < 1e-6 for sums above this.
SAFE = 1e-30


def chain_log_partition(
    emissions: Any, transitions: Any, lengths: Any, twice_differentiable: bool = False
) -> Any:
    """Log Z of left-aligned sequences.

    Z is the sum over all tag sequences y of exp(sum_t e_t(y_t) + sum_t a(y_t, y_{t+1})). One loop
    over the steps runs the forward and the backward recursion together, as products of
    weights that add up to 1. The gradient is the posterior, which the same loop computes, so
    the loop is not differentiated. Forbidden transitions together with emissions more than
    69 nats apart make the products underflow; the loop is then run again in the log domain.

    Args:
        emissions: (batch, steps, tags) float32; rows beyond a length are ignored.
        transitions: (tags, tags) float32 from row to column; values of at most -1e4 forbid.
        lengths: (batch,) int32; log Z is 0 for a length of 0.
        twice_differentiable: Whether to differentiate a plain loop, at several times the cost, so
            that second derivatives are correct. Always so on PyTorch, whose custom gradients
            have wrong second derivatives. Not with TensorFlow's `jit_compile=True`.

    Returns:
        (batch,) float32.

    Complexity:
        O(batch * steps * tags^2).

    Source:
        kexue.fm/archives/5542.

    Examples:
        >>> import numpy as np
        >>> emissions, transitions = np.zeros((1, 3, 4)), np.zeros((4, 4))
        >>> log_z = chain_log_partition(emissions, transitions, np.array([3]))
        >>> round(float(np.exp(ops.convert_to_numpy(log_z)[0])))  # 4^3 sequences that weigh 1 each
        64
    """
    emissions = ops.maximum(ops.convert_to_tensor(emissions, "float32"), NOTHING)
    transitions = ops.maximum(ops.convert_to_tensor(transitions, "float32"), NOTHING)
    lengths = ops.cast(lengths, "int32")
    steps = ops.arange(ops.shape(emissions)[1], dtype="int32")
    valid = steps[None] < lengths[:, None]
    emissions = ops.where(valid[..., None], emissions, 0.0)
    # One more step, which is ignored, because TensorFlow cannot scan over zero steps.
    emissions = ops.pad(emissions, ((0, 0), (0, 1), (0, 0)))
    last = ops.maximum(lengths, 1)
    if twice_differentiable or keras.backend.backend() == "torch":
        log_z = _plain(emissions, transitions, last)
    else:
        log_z = _with_posterior(emissions, transitions, last)
    return ops.where(lengths > 0, log_z, 0.0)


def path_score(emissions: Any, transitions: Any, tags: Any, lengths: Any) -> Any:
    """The score of one tag sequence: the sum of its emissions and transitions.

    Shapes are those of `chain_log_partition`; `tags` is int32 of (batch, steps), within range
    everywhere. Returns (batch,).
    """
    emissions = ops.convert_to_tensor(emissions, "float32")
    transitions = ops.convert_to_tensor(transitions, "float32")
    tags, lengths = ops.cast(tags, "int32"), ops.cast(lengths, "int32")
    steps = ops.arange(ops.shape(tags)[1], dtype="int32")[None]
    valid = ops.cast(steps < lengths[:, None], "float32")
    score = ops.sum(pick(emissions, tags) * valid, axis=1)
    count = transitions.shape[-1]
    pairs = ops.take(ops.reshape(transitions, (-1,)), tags[:, :-1] * count + tags[:, 1:], axis=0)
    return score + ops.sum(pairs * valid[:, 1:], axis=1)


def _with_posterior(emissions: Any, transitions: Any, lengths: Any) -> Any:
    """Log Z, with the posterior of the same loop as its gradient."""

    # The gradient uses only arguments, including the lengths: on JAX, a function with a custom
    # gradient that closes over traced values cannot be used inside `ops.cond`.
    @ops.custom_gradient  # type: ignore[untyped-decorator, unused-ignore]
    def log_z(emissions: Any, transitions: Any, sizes: Any) -> Any:
        lengths = ops.cast(sizes, "int32")
        steps = ops.arange(ops.shape(emissions)[1], dtype="int32")[None]
        valid = steps < lengths[:, None]
        counts = ops.transpose(ops.cast(valid, "float32"))
        # Reverses each sequence within its length; its own inverse.
        turned = ops.where(valid, lengths[:, None] - 1 - steps, steps)
        top = ops.max(transitions)
        matrix = transitions - top
        fast = _sweep_of_products(emissions, matrix, turned)
        # Written so that NaN, from a row that underflowed completely, is unsafe too.
        unsafe = ops.logical_not(ops.all(fast.predicted > SAFE))
        states, predicted, grown = ops.cond(
            unsafe, lambda: _sweep_of_logs(emissions, matrix, turned), lambda: fast
        )
        total = ops.sum((grown + top) * counts[1:], axis=0)
        total = total + ops.logsumexp(emissions[:, 0], axis=-1)

        def gradient(*args: Any, upstream: Any = None) -> tuple[Any, Any, Any]:
            weight = counts * (args[0] if upstream is None else upstream)[None]
            tags = matrix.shape[0]
            behind = take_steps(ops.transpose(states[..., tags:], (1, 0, 2)), turned)
            behind = ops.transpose(behind, (1, 0, 2))
            parts = (states[:-1, :, :tags], predicted[..., :tags], behind, matrix, weight)
            posterior, pairs = ops.cond(
                unsafe, lambda: _posterior_of_logs(*parts), lambda: _posterior_of_products(*parts)
            )
            return ops.transpose(posterior, (1, 0, 2)), pairs, ops.zeros_like(sizes)

        return total, gradient

    return log_z(emissions, transitions, ops.cast(lengths, "float32"))


class _Sweep(NamedTuple):
    """The results of both recursions: weights, or their logarithms from `_sweep_of_logs`.

    Shapes: `states` (steps, batch, 2 tags), the weights after each step, first forward, then
    backward in the order of the reversed sequence, normalised to 1 per direction; `predicted`
    (steps - 1, batch, 2 tags), the same before a step's emission; `grown` (steps - 1, batch), the
    logarithm of the sum of forward weights before normalisation. Steps beyond the end of a
    sequence are ignored.
    """

    states: Any
    predicted: Any
    grown: Any


def _both_directions(emissions: Any, turned: Any) -> Any:
    """(batch, steps, tags) and the same reversed, as (steps, batch, 2 tags)."""
    both = ops.concatenate([emissions, take_steps(emissions, turned)], axis=-1)
    return ops.transpose(both, (1, 0, 2))


def _block_diagonal(forwards: Any, backwards: Any) -> Any:
    """One matrix for both directions, because two products take three times as long."""
    nothing = ops.zeros_like(forwards)
    above = ops.concatenate([forwards, nothing], axis=1)
    below = ops.concatenate([nothing, backwards], axis=1)
    return ops.concatenate([above, below], axis=0)


def _sweep_of_products(emissions: Any, matrix: Any, turned: Any) -> _Sweep:
    """The recursions as products of weights.

    Correct up to rounding if all predictions are above `SAFE`, because underflow is then
    negligible.
    """
    tags = matrix.shape[0]
    moves = ops.exp(matrix)
    moves = _block_diagonal(moves, ops.transpose(moves))
    tops = ops.max(emissions, axis=-1, keepdims=True)
    shares = _both_directions(ops.exp(emissions - tops), turned)

    def normalised(weights: Any) -> Any:
        pair = ops.reshape(weights, (-1, 2, tags))
        return ops.reshape(pair / ops.sum(pair, axis=-1, keepdims=True), (-1, 2 * tags))

    def body(weights: Any, share: Any) -> tuple[Any, Any]:
        weights = normalised(ops.matmul(weights, moves) * share)
        return weights, weights

    first = normalised(shares[0])
    _, rest = ops.scan(body, first, shares[1:])
    states = ops.concatenate([first[None], rest], axis=0)
    # Computed again for all steps at once, which is cheaper than carrying it through the loop.
    predicted = ops.matmul(states[:-1], moves)
    grown = ops.log(ops.sum(predicted[..., :tags] * shares[1:, :, :tags], axis=-1))
    return _Sweep(states, predicted, grown + ops.transpose(tops[:, 1:, 0]))


def _sweep_of_logs(emissions: Any, matrix: Any, turned: Any) -> _Sweep:
    """The recursions in the log domain, with tags^2 exponentials per step."""
    both = _both_directions(emissions, turned)
    pair = ops.stack([matrix, ops.transpose(matrix)])
    tags = matrix.shape[0]

    def normalised(logs: Any) -> Any:
        pair = ops.reshape(logs, (-1, 2, tags))
        return ops.reshape(pair - ops.logsumexp(pair, axis=-1, keepdims=True), (-1, 2 * tags))

    def predict(logs: Any) -> Any:
        sums = ops.logsumexp(ops.reshape(logs, (-1, 2, tags, 1)) + pair, axis=-2)
        return ops.reshape(sums, (-1, 2 * tags))

    def body(logs: Any, emission: Any) -> tuple[Any, Any]:
        logs = normalised(predict(logs) + emission)
        return logs, logs

    first = normalised(both[0])
    _, rest = ops.scan(body, first, both[1:])
    states = ops.concatenate([first[None], rest], axis=0)
    predicted = ops.reshape(predict(states[:-1]), ops.shape(rest))
    grown = ops.logsumexp(predicted[..., :tags] + both[1:, :, :tags], axis=-1)
    return _Sweep(states, predicted, grown)


# Both functions below take `ahead` and `predicted`, (steps - 1, batch, tags), the forward weights
# before a step and predicted for it; `behind`, (steps, batch, tags), the backward weights of a step
# with its emission; the transitions; and the weight of each step, (steps, batch). They return the
# weighed posterior of (steps, batch, tags) and the expected counts of transitions of (tags, tags),
# p(y_t = j) p(y_{t-1} = i | y_t = j), summed up.


def _posterior_of_products(
    ahead: Any, predicted: Any, behind: Any, matrix: Any, weight: Any
) -> tuple[Any, Any]:
    posterior = ops.concatenate([behind[:1], predicted * behind[1:]], axis=0)
    posterior = posterior * (weight / ops.sum(posterior, axis=-1))[..., None]
    tags = matrix.shape[0]
    left = ops.transpose(ops.reshape(ahead, (-1, tags)))
    arriving = ops.reshape(posterior[1:] / predicted, (-1, tags))
    return posterior, ops.exp(matrix) * ops.matmul(left, arriving)


def _posterior_of_logs(
    ahead: Any, predicted: Any, behind: Any, matrix: Any, weight: Any
) -> tuple[Any, Any]:
    posterior = ops.concatenate([behind[:1], predicted + behind[1:]], axis=0)
    # Not `ops.softmax`, which warns if there is only one tag.
    posterior = ops.exp(posterior - ops.logsumexp(posterior, axis=-1, keepdims=True))
    posterior = posterior * weight[..., None]

    def body(total: Any, step: Any) -> tuple[Any, Any]:
        before, after, share = step[0], step[1], step[2]
        given = ops.exp(before[:, :, None] + matrix[None] - after[:, None, :])
        total = total + ops.sum(given * share[:, None, :], axis=0)
        return total, total

    steps = ops.stack([ahead, predicted, posterior[1:]], 1)
    return posterior, ops.scan(body, ops.zeros_like(matrix), steps)[0]


def _plain(emissions: Any, transitions: Any, lengths: Any) -> Any:
    """Log Z by a forward loop with automatic differentiation."""
    each = ops.transpose(emissions, (1, 0, 2))

    def shifted(logs: Any) -> Any:
        top = ops.max(logs, axis=-1, keepdims=True)
        return ops.concatenate([logs - top, top], axis=-1)

    def body(carry: Any, emission: Any) -> tuple[Any, Any]:
        arriving = ops.logsumexp(carry[:, :-1, None] + transitions[None], axis=1)
        carry = shifted(arriving + emission)
        return carry, carry

    first = shifted(each[0])
    states = ops.concatenate([first[None], ops.scan(body, first, each[1:])[1]], axis=0)
    states = ops.transpose(states, (1, 0, 2))
    positions = ops.arange(ops.shape(emissions)[1], dtype="int32")[None]
    counts = ops.cast(positions < lengths[:, None], "float32")
    end = take_steps(states, (lengths - 1)[:, None])[:, 0, :-1]
    return ops.sum(states[..., -1] * counts, axis=1) + ops.logsumexp(end, axis=-1)
