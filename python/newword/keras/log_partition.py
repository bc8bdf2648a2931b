"""The log partition function of a linear chain: the log of the sum over all tag sequences."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from newword.keras.alignment import pick, take_steps

__all__ = ["chain_log_partition", "path_score"]

# Stands for minus infinity where scores come in: sums with it stay finite, exp of it is 0.
NOTHING = -1e8
# A sum of exponentials above this has lost at most K e^-87 / 1e-30 < 1e-6 to underflow.
SAFE_LOG = -69.0


def chain_log_partition(
    emissions: Any, transitions: Any, lengths: Any, twice_differentiable: bool = False
) -> Any:
    """Log Z of left-aligned sequences.

    Z is the sum over all tag sequences y of exp(sum_t e_t(y_t) + sum_t a(y_t, y_{t+1})). One loop
    over the steps runs the forward and the backward recursion side by side, in the log domain
    with one matrix product a step; the gradient is the posterior, which that loop has already
    found, so nothing is differentiated through the loop. Where forbidden transitions meet emission
    gaps beyond 69 nats the products underflow: the loop is then run again with exact sums.

    Args:
        emissions: (batch, steps, tags) float32; rows beyond a length are not read.
        transitions: (tags, tags) float32 from row to column; at most -1e4 forbids.
        lengths: (batch,) int32; 0 gives a log Z of 0.
        twice_differentiable: Differentiate through a plain loop, at several times the cost, so
            that gradients of gradients are right. Always so on torch, whose custom gradients
            have wrong second derivatives; not for TensorFlow's `jit_compile=True`.

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
        >>> round(float(np.exp(log_z[0])))  # 4^3 sequences that weigh 1 each
        64
    """
    emissions = ops.maximum(ops.convert_to_tensor(emissions, "float32"), NOTHING)
    transitions = ops.maximum(ops.convert_to_tensor(transitions, "float32"), NOTHING)
    lengths = ops.cast(lengths, "int32")
    steps = ops.arange(ops.shape(emissions)[1], dtype="int32")
    valid = steps[None] < lengths[:, None]
    emissions = ops.where(valid[..., None], emissions, 0.0)
    # One step more, which nobody reads: TensorFlow cannot scan over nothing.
    emissions = ops.pad(emissions, ((0, 0), (0, 1), (0, 0)))
    last = ops.maximum(lengths, 1)
    if twice_differentiable or keras.backend.backend() == "torch":
        log_z = _plain(emissions, transitions, last)
    else:
        log_z = _with_posterior(emissions, transitions, last)
    return ops.where(lengths > 0, log_z, 0.0)


def path_score(emissions: Any, transitions: Any, tags: Any, lengths: Any) -> Any:
    """The score of one tag sequence: its emissions and transitions added up.

    Shapes are those of `chain_log_partition`; `tags` is int32 of (batch, steps), within range
    everywhere. Returns (batch,).
    """
    steps = ops.arange(ops.shape(tags)[1], dtype="int32")[None]
    valid = ops.cast(steps < lengths[:, None], "float32")
    score = ops.sum(pick(emissions, tags) * valid, axis=1)
    count = transitions.shape[-1]
    pairs = ops.take(ops.reshape(transitions, (-1,)), tags[:, :-1] * count + tags[:, 1:], axis=0)
    return score + ops.sum(pairs * valid[:, 1:], axis=1)


def _shifted(logs: Any) -> Any:
    """Log weights of both directions, (batch, 2 tags), with the largest of each at 0."""
    pair = ops.reshape(logs, (-1, 2, logs.shape[-1] // 2))
    return ops.reshape(pair - ops.max(pair, axis=-1, keepdims=True), (-1, logs.shape[-1]))


def _fast(matrix: Any) -> Callable[[Any], Any]:
    """log(exp(c) @ exp(A)) for both directions of log weights c; exact above `SAFE_LOG`.

    One product with a block-diagonal matrix: TensorFlow takes three times as long for two.
    """
    forwards = ops.exp(matrix)
    nothing = ops.zeros_like(matrix)
    above = ops.concatenate([forwards, nothing], axis=1)
    below = ops.concatenate([nothing, ops.transpose(forwards)], axis=1)
    weights = ops.concatenate([above, below], axis=0)
    return lambda logs: ops.log(ops.matmul(ops.exp(logs), weights))


def _exact(matrix: Any) -> Callable[[Any], Any]:
    """The same without underflow, at tags^2 exponentials instead of tags."""
    both = ops.stack([matrix, ops.transpose(matrix)])
    tags = matrix.shape[0]

    def step(logs: Any) -> Any:
        sums = ops.logsumexp(ops.reshape(logs, (-1, 2, tags, 1)) + both, axis=-2)
        return ops.reshape(sums, (-1, 2 * tags))

    return step


def _recursion(both: Any, step: Callable[[Any], Any]) -> tuple[Any, Any]:
    """The log weights after each step, and those predicted before it.

    `both` is (steps, batch, 2 tags): the emissions forwards and backwards. Steps beyond a
    sequence's end need no mask here, because nobody reads them.
    """
    first = _shifted(both[0])

    def body(logs: Any, emission: Any) -> tuple[Any, Any]:
        logs = _shifted(step(logs) + emission)
        return logs, logs

    _, rest = ops.scan(body, first, both[1:])
    logs = ops.concatenate([first[None], rest], axis=0)
    # `step` a second time, for all steps at once: cheaper than to carry its results along.
    flat = step(ops.reshape(logs[:-1], (-1, both.shape[-1])))
    return logs, ops.reshape(flat, ops.shape(rest))


def _with_posterior(emissions: Any, transitions: Any, lengths: Any) -> Any:
    """Log Z whose gradient is the posterior found along with it."""

    # All that the gradient needs is an argument, lengths included: on JAX, a function with a
    # gradient of its own that closes over traced values cannot be used inside `ops.cond`.
    @ops.custom_gradient  # type: ignore[untyped-decorator, unused-ignore]
    def log_z(emissions: Any, transitions: Any, sizes: Any) -> Any:
        lengths = ops.cast(sizes, "int32")
        steps = ops.arange(ops.shape(emissions)[1], dtype="int32")[None]
        valid = steps < lengths[:, None]
        counts = ops.transpose(ops.cast(valid, "float32"))
        # Reverses each sequence within its length, and undoes that.
        turned = ops.where(valid, lengths[:, None] - 1 - steps, steps)
        top = ops.max(transitions)
        matrix = transitions - top
        both = ops.concatenate([emissions, take_steps(emissions, turned)], axis=-1)
        both = ops.transpose(both, (1, 0, 2))
        logs, predicted = _recursion(both, _fast(matrix))
        # Written so that a NaN, from a row of which nothing was left, also counts as unsafe.
        unsafe = ops.logical_not(ops.all(predicted > SAFE_LOG))
        logs, predicted = ops.cond(
            unsafe,
            lambda: _recursion(both, _exact(matrix)),
            lambda: (logs, predicted),
        )
        tags = matrix.shape[0]
        ahead, predicted = logs[..., :tags], predicted[..., :tags]
        behind = take_steps(ops.transpose(logs[..., tags:], (1, 0, 2)), turned)
        behind = ops.transpose(behind, (1, 0, 2))
        grown = ops.max(predicted + both[1:, :, :tags], axis=-1) + top
        end = take_steps(ops.transpose(ahead, (1, 0, 2)), (lengths - 1)[:, None])[:, 0]
        total = ops.max(emissions[:, 0], axis=-1) + ops.sum(grown * counts[1:], axis=0)
        total = total + ops.logsumexp(end, axis=-1)

        def gradient(*args: Any, upstream: Any = None) -> tuple[Any, Any, Any]:
            weight = counts * (args[0] if upstream is None else upstream)[None]
            posterior = ops.concatenate([behind[:1], predicted + behind[1:]], axis=0)
            posterior = posterior - ops.logsumexp(posterior, axis=-1, keepdims=True)
            posterior = ops.exp(posterior) * weight[..., None]
            pairs = _pair_posterior(ahead[:-1], predicted, posterior[1:], matrix, unsafe)
            return ops.transpose(posterior, (1, 0, 2)), pairs, ops.zeros_like(sizes)

        return total, gradient

    return log_z(emissions, transitions, ops.cast(lengths, "float32"))


def _pair_posterior(ahead: Any, predicted: Any, posterior: Any, matrix: Any, unsafe: Any) -> Any:
    """Expected counts of transitions: p(y_t = j) p(y_{t-1} = i | y_t = j), summed up."""

    def fast() -> Any:
        arriving = posterior * ops.exp(-ops.maximum(predicted, SAFE_LOG))
        tags = matrix.shape[0]
        left = ops.reshape(ops.exp(ahead), (-1, tags))
        return ops.exp(matrix) * ops.matmul(ops.transpose(left), ops.reshape(arriving, (-1, tags)))

    def exact() -> Any:
        def body(total: Any, step: Any) -> tuple[Any, Any]:
            before, after, share = step[0], step[1], step[2]
            given = ops.exp(before[:, :, None] + matrix[None] - after[:, None, :])
            total = total + ops.sum(given * share[:, None, :], axis=0)
            return total, total

        return ops.scan(body, ops.zeros_like(matrix), ops.stack([ahead, predicted, posterior], 1))[
            0
        ]

    return ops.cond(unsafe, exact, fast)


def _plain(emissions: Any, transitions: Any, lengths: Any) -> Any:
    """Log Z by a forward loop that is differentiated as it stands."""
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
