"""Other ways to write log Z of a linear chain, to measure ours against.

Every function takes what `chain_log_partition` takes: emissions (batch, steps, tags), transitions
(tags, tags), lengths (batch,) of at least 2; and returns (batch,). All but `linear_sweep` are
differentiated as they stand.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from newword.keras.tagging.alignment import take_steps
from newword.keras.tagging.log_partition import chain_log_partition


def advance(logs, emission, transitions):
    """One step of the forward recursion in the log domain."""
    return ops.logsumexp(logs[:, :, None] + transitions[None], axis=1) + emission


def plain_scan(emissions, transitions, lengths):
    return chain_log_partition(emissions, transitions, lengths, twice_differentiable=True)


def while_loop(emissions, transitions, lengths, bounded=False):
    steps = emissions.shape[1]

    def body(step, logs):
        emission = ops.take(emissions, step, axis=1)
        live = (step < lengths)[:, None]
        return step + 1, ops.where(live, advance(logs, emission, transitions), logs)

    start = (ops.convert_to_tensor(1, "int32"), emissions[:, 0])
    limit = steps if bounded else None
    _, logs = ops.while_loop(lambda step, _: step < steps, body, start, maximum_iterations=limit)
    return ops.logsumexp(logs, axis=-1)


def bounded_while_loop(emissions, transitions, lengths):
    return while_loop(emissions, transitions, lengths, bounded=True)


def recurrent_layer(emissions, transitions, lengths):
    class Cell(keras.layers.Layer):
        state_size = output_size = emissions.shape[2]

        def build(self, _):
            self.built = True

        def call(self, inputs, states):
            logs = advance(states[0], inputs, transitions)
            return logs, [logs]

    live = ops.arange(1, emissions.shape[1], dtype="int32")[None] < lengths[:, None]
    layer = keras.layers.RNN(Cell())
    logs = layer(emissions[:, 1:], initial_state=[emissions[:, 0]], mask=live)
    return ops.logsumexp(logs, axis=-1)


def tf_scan(emissions, transitions, lengths):
    import tensorflow as tf

    live = ops.arange(1, emissions.shape[1], dtype="int32")[:, None, None] < lengths[None, :, None]

    def body(logs, step):
        return tf.where(step[1], advance(logs, step[0], transitions), logs)

    each = ops.transpose(emissions, (1, 0, 2))
    return ops.logsumexp(tf.scan(body, (each[1:], live), each[0])[-1], axis=-1)


def unrolled(emissions, transitions, lengths):
    logs = emissions[:, 0]
    for step in range(1, emissions.shape[1]):
        live = (step < lengths)[:, None]
        logs = ops.where(live, advance(logs, emissions[:, step], transitions), logs)
    return ops.logsumexp(logs, axis=-1)


def multiply(one, other):
    """The product of two matrices, each with the logarithm of a factor it was divided by."""
    product = ops.matmul(one[0], other[0])
    top = ops.max(product, axis=(-2, -1), keepdims=True)
    return product / top, one[1] + other[1] + ops.log(top)


def step_matrices(emissions, transitions, lengths):
    """The matrix of each step as `multiply` wants it; unit matrices behind a sequence's end."""
    logs = transitions + emissions[:, 1:, None, :]
    live = ops.arange(1, emissions.shape[1], dtype="int32")[None] < lengths[:, None]
    live = live[..., None, None]
    top = ops.where(live, ops.max(logs, axis=(-2, -1), keepdims=True), 0.0)
    unit = ops.eye(emissions.shape[2], dtype="float32")
    return ops.where(live, ops.exp(logs - top), unit), top


def over_all_tags(emissions, product):
    top = ops.max(emissions[:, 0], axis=-1, keepdims=True)
    first = ops.exp(emissions[:, 0] - top)
    total = ops.sum(ops.matmul(first[:, None], product[0])[:, 0], axis=-1)
    return ops.log(total) + top[:, 0] + product[1][:, 0, 0]


def matrix_tree(emissions, transitions, lengths):
    product = step_matrices(emissions, transitions, lengths)
    while product[0].shape[1] > 1:
        many = product[0].shape[1]
        even = tuple(part[:, 0 : many - 1 : 2] for part in product)
        odd = tuple(part[:, 1::2] for part in product)
        rest = tuple(part[:, many - many % 2 :] for part in product)
        halved = multiply(even, odd)
        product = tuple(ops.concatenate(pair, 1) for pair in zip(halved, rest, strict=True))
    return over_all_tags(emissions, tuple(part[:, 0] for part in product))


def associative_scan(emissions, transitions, lengths):
    matrices = step_matrices(emissions, transitions, lengths)
    product = ops.associative_scan(multiply, matrices, axis=1)
    return over_all_tags(emissions, tuple(part[:, -1] for part in product))


def linear_sweep(emissions, transitions, lengths):
    """Ours in the linear domain: wrong, and silently, where `chain_log_partition` runs again."""
    steps = ops.arange(emissions.shape[1], dtype="int32")[None]
    valid = steps < lengths[:, None]
    turned = ops.where(valid, lengths[:, None] - 1 - steps, steps)
    counts = ops.transpose(ops.cast(valid, "float32"))
    tags = emissions.shape[2]

    @ops.custom_gradient
    def log_z(emissions, transitions):
        top = ops.max(transitions)
        matrix = ops.exp(transitions - top)
        nothing = ops.zeros_like(matrix)
        above = ops.concatenate([matrix, nothing], axis=1)
        below = ops.concatenate([nothing, ops.transpose(matrix)], axis=1)
        weights = ops.concatenate([above, below], axis=0)
        tops = ops.max(emissions, axis=-1, keepdims=True)
        shifted = ops.exp(emissions - tops)
        both = ops.concatenate([shifted, take_steps(shifted, turned)], axis=-1)
        both = ops.transpose(both, (1, 0, 2))

        def normalised(values):
            pair = ops.reshape(values, (-1, 2, tags))
            pair = pair / ops.sum(pair, axis=-1, keepdims=True)
            return ops.reshape(pair, (-1, 2 * tags))

        def body(weighed, emission):
            weighed = normalised(ops.matmul(weighed, weights) * emission)
            return weighed, weighed

        first = normalised(both[0])
        _, rest = ops.scan(body, first, both[1:])
        ahead = ops.concatenate([first[None], rest], axis=0)
        behind = take_steps(ops.transpose(ahead[..., tags:], (1, 0, 2)), turned)
        behind = ops.transpose(behind, (1, 0, 2))
        ahead = ahead[..., :tags]
        predicted = ops.matmul(ahead[:-1], matrix)
        grown = ops.log(ops.sum(predicted * both[1:, :, :tags], axis=-1)) + top
        total = ops.log(ops.sum(both[0, :, :tags], axis=-1)) + ops.sum(grown * counts[1:], axis=0)
        total = total + ops.sum(tops[..., 0] * ops.transpose(counts), axis=1)

        def gradient(*args, upstream=None):
            weight = counts * (args[0] if upstream is None else upstream)[None]
            posterior = ops.concatenate([behind[:1], predicted * behind[1:]], axis=0)
            posterior = posterior / ops.sum(posterior, axis=-1, keepdims=True)
            posterior = posterior * weight[..., None]
            arriving = ops.reshape(posterior[1:] / predicted, (-1, tags))
            left = ops.reshape(ahead[:-1], (-1, tags))
            pairs = matrix * ops.matmul(ops.transpose(left), arriving)
            return ops.transpose(posterior, (1, 0, 2)), pairs

        return total, gradient

    return log_z(emissions, transitions)


def bare_loop(emissions, transitions, lengths):
    """No log Z: a loop over the steps that only adds, which is the least that any loop costs."""
    del lengths

    def body(carry, emission):
        carry = carry + emission
        return carry, carry

    each = ops.stop_gradient(ops.transpose(emissions, (1, 0, 2)))
    last = ops.scan(body, each[0], each[1:])[1][-1]
    # Gradients of nothing, since a function without any cannot be differentiated.
    return ops.sum(last, axis=-1) + 0.0 * (ops.sum(emissions) + ops.sum(transitions))


TENSORFLOW, XLA, JAX = "TensorFlow", "TensorFlow with jit_compile", "JAX"
EVERYWHERE = frozenset({TENSORFLOW, XLA, JAX})
# Where each can be differentiated at all: elsewhere the backend raises an error.
RIVALS = {
    "both directions, linear domain": (linear_sweep, EVERYWHERE),
    "ops.scan, differentiated": (plain_scan, EVERYWHERE - {XLA}),
    "ops.while_loop, bounded": (bounded_while_loop, EVERYWHERE - {JAX}),
    "ops.while_loop": (while_loop, EVERYWHERE - {XLA, JAX}),
    "keras.layers.RNN": (recurrent_layer, EVERYWHERE),
    "tf.scan": (tf_scan, EVERYWHERE - {JAX}),
    "unrolled in Python": (unrolled, EVERYWHERE),
    "tree of matrix products": (matrix_tree, EVERYWHERE),
    "ops.associative_scan": (associative_scan, EVERYWHERE - {XLA}),
}
# What a quick run leaves out: up to a minute to compile, or of no more use than its neighbours.
SLOW = {"unrolled in Python", "ops.while_loop", "ops.associative_scan"}


def hard_case(rng):
    """Forbidden transitions that meet large gaps between emissions, where products underflow."""
    emissions = (100 * rng.normal(size=(8, 9, 3))).astype("float32")
    transitions = rng.normal(size=(3, 3)).astype("float32")
    transitions[0, 1] = transitions[1, 2] = transitions[2, 2] = -1e4
    return emissions, transitions, np.full(8, 9, np.int32)
