"""Layers in plain NumPy, for one sequence of shape (steps, features) without padding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.support.tensors import Array, numpy


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def softmax(x: Array) -> Array:
    weight = np.exp(x - x.max(0))
    return np.asarray(weight / weight.sum(0))


def windows(layer: Any, x: Array) -> Array:
    """What each window sees, of shape (windows, kernel steps, features)."""
    size, stride = layer.kernel_size[0], layer.strides[0]
    dilation = layer.dilation_rate[0]
    reach = (size - 1) * dilation
    before = {"same": reach // 2, "causal": reach, "valid": 0}[layer.padding]
    after = {"same": reach - reach // 2, "causal": 0, "valid": 0}[layer.padding]
    x = np.pad(x, ((before, after), (0, 0)))
    starts = range(0, max(len(x) - reach, 0), stride)
    seen = [x[start : start + reach + 1 : dilation] for start in starts]
    return np.asarray(seen).reshape(len(seen), size, x.shape[1])


def convolution(layer: Any, x: Array) -> Array:
    y = np.einsum("wkf,kfo->wo", windows(layer, x), numpy(layer.kernel)) + numpy(layer.bias)
    return np.asarray(np.maximum(y, 0) if layer.activation.__name__ == "relu" else y)


def separable_convolution(layer: Any, x: Array) -> Array:
    depthwise, pointwise = numpy(layer.depthwise_kernel), numpy(layer.pointwise_kernel)
    each = np.einsum("wkf,kfm->wfm", windows(layer, x), depthwise)
    return np.asarray(each.reshape(len(each), -1) @ pointwise[0] + numpy(layer.bias))


def gated_convolution(layer: Any, x: Array) -> Array:
    gate = sigmoid(convolution(layer.gate, x))
    return np.asarray(x * (1 - gate) + convolution(layer.candidate, x) * gate)


def dgcnn(layer: Any, x: Array) -> Array:
    for block in layer.blocks:
        x = gated_convolution(block, x)
    return x


def attention_pooling(layer: Any, x: Array) -> Array:
    scores = np.tanh(x @ numpy(layer.hidden.kernel)) @ numpy(layer.score.kernel)
    return np.asarray((softmax(scores) * x).sum(0))


def simple_rnn(layer: Any, x: Array) -> Array:
    kernel, recurrent, bias = (numpy(weight) for weight in layer.weights)
    state, states = np.zeros(len(bias)), []
    for step in x:
        state = np.tanh(step @ kernel + state @ recurrent + bias)
        states.append(state)
    return np.asarray(states)


def lstm(layer: Any, x: Array) -> Array:
    kernel, recurrent, bias = (numpy(weight) for weight in layer.weights)
    state = memory = np.zeros(len(recurrent))
    states = []
    for step in x:
        enter, forget, new, leave = np.split(step @ kernel + state @ recurrent + bias, 4)
        memory = sigmoid(forget) * memory + sigmoid(enter) * np.tanh(new)
        state = sigmoid(leave) * np.tanh(memory)
        states.append(state)
    return np.asarray(states)


def bidirectional(recurrent: Any, layer: Any, x: Array) -> list[Array]:
    """Both directions, at each step or at their ends."""
    forward = recurrent(layer.forward_layer, x)
    backward = recurrent(layer.backward_layer, x[::-1])
    return [forward, backward[::-1]] if layer.return_sequences else [forward[-1], backward[-1]]


def bilstm_encoder(layer: Any, x: Array) -> Array:
    for block in layer.blocks:
        x = np.concatenate(bidirectional(lstm, block, x), -1)
    return x


def dense(layer: Any, x: Array) -> Array:
    kernel, *bias = (numpy(weight) for weight in layer.weights)
    return np.asarray(x @ kernel + (bias[0] if bias else 0))


def dgcnn_encoder(layer: Any, x: Array) -> Array:
    return dgcnn(layer, dense(layer.projection, x))


def layer_norm(layer: Any, x: Array) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    scale = np.sqrt((centred**2).mean(-1, keepdims=True) + layer.epsilon)
    return np.asarray(centred / scale * numpy(layer.gamma) + numpy(layer.beta))


def gelu(x: Array) -> Array:
    return np.asarray(x * (1 + np.vectorize(math.erf)(x / 2**0.5)) / 2)


def attention(block: Any, x: Array) -> Array:
    """Each head by itself; positions as factors of modulus one on pairs of features."""
    steps, features = x.shape
    size = features // block.num_heads
    turn = np.exp(1j * np.arange(steps)[:, None] * 10_000.0 ** (-np.arange(0, size, 2) / size))
    joint = dense(block.joint, x).reshape(steps, 3, block.num_heads, size)
    mixed = []
    for head in range(block.num_heads):
        query, key, value = joint[:, 0, head], joint[:, 1, head], joint[:, 2, head]
        turned = [(one[:, : size // 2] + 1j * one[:, size // 2 :]) * turn for one in (query, key)]
        scores = (turned[0] @ turned[1].conj().T).real / size**0.5
        mixed.append(softmax(scores.T).T @ value)
    return dense(block.merge, np.concatenate(mixed, -1))


def transformer_encoder(layer: Any, x: Array) -> Array:
    x = dense(layer.projection, x)
    for block in layer.blocks:
        x = x + attention(block, layer_norm(block.attention_norm, x))
        hidden = gelu(dense(block.widen, layer_norm(block.feedforward_norm, x)))
        x = x + dense(block.narrow, hidden)
    return layer_norm(layer.norm, x)
