"""What every layer that works with masks is held to.

A `Case` names a layer and an oracle: what the layer must give for one sequence without padding,
in plain NumPy. The checks then pad the same sequences in every way the layer allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from tests.support.tensors import Array, numpy

FEATURES = 3
PADDINGS = ("right", "left", "inner")
# Of what padding may hold, the two that show: what is not a number, and what is large.
JUNK = (float("nan"), 1e4)


@dataclass(frozen=True)
class Case:
    """A layer under test."""

    name: str
    make: Callable[[], Any]
    """Makes a fresh layer."""
    oracle: Callable[[Any, Array], Array]
    """From the built layer and one sequence (steps, features), its output."""
    paddings: tuple[str, ...] = PADDINGS
    """Where padding may stand without making a difference."""
    reads: str = "sequences"
    """Or "scores": an input of shape (batch, steps)."""

    def __str__(self) -> str:
        return self.name


def samples(features: int = FEATURES) -> list[Array]:
    """Sequences of unlike lengths: zeros inside, all negative, all equal, one step, none."""
    random = np.random.default_rng(7)
    with_zeros = random.normal(size=(5, features))
    with_zeros[1] = 0
    with_zeros[4, 0] = 0
    negative = -1 - random.random((3, features))
    equal = np.full((4, features), 0.5)
    one = random.normal(size=(1, features))
    return [with_zeros, negative, equal, one, np.zeros((0, features))]


def pad(
    sequences: list[Array], steps: int, where: str, junk: float = float("nan")
) -> tuple[Array, Array]:
    """The sequences as one batch of that many steps, and its mask."""
    random = np.random.default_rng(steps)
    x = np.full((len(sequences), steps, *sequences[0].shape[1:]), junk, "float32")
    mask = np.zeros((len(sequences), steps), bool)
    for row, sequence in enumerate(sequences):
        length = len(sequence)
        if where == "right":
            places = np.arange(length)
        elif where == "left":
            places = np.arange(steps - length, steps)
        else:
            places = np.sort(random.permutation(steps)[:length])
        x[row, places] = sequence
        mask[row, places] = True
    return x, mask


def one_batch(case: Case, where: str = "right", junk: float = JUNK[0]) -> tuple[Array, Array]:
    """The samples padded in one way."""
    x, mask = pad(samples(), 6, where, junk)
    return (x[..., 0] if case.reads == "scores" else x), mask


def batches(case: Case, junk: tuple[float, ...] = JUNK) -> Iterator[tuple[Array, Array]]:
    """The samples padded in every way the layer allows."""
    for where in case.paddings:
        # Without padding in the longest row, and with; JAX compiles for each number of steps.
        for steps, filling in ((5, junk[0]), (6, junk[0]), (6, junk[-1])):
            x, mask = pad(samples(), steps, where, filling)
            yield (x[..., 0] if case.reads == "scores" else x), mask


def run(layer: Any, x: Array, mask: Array | None) -> tuple[Any, Any]:
    """Output and output mask, outside of any model."""
    x = keras.ops.convert_to_tensor(x)
    mask = None if mask is None else keras.ops.convert_to_tensor(mask)
    return layer(x, mask=mask), layer.compute_mask(x, mask)


def expected(case: Case, layer: Any) -> list[Array]:
    """What the oracle says for every sample that has a step."""
    sequences = [one[:, 0] if case.reads == "scores" else one for one in samples()]
    return [case.oracle(layer, one) for one in sequences if len(one)]


def check_invariance(case: Case, layer: Any, junk: tuple[float, ...] = JUNK) -> None:
    """However padded, the output is what the unpadded sequence gives, and zero at padding."""
    for x, mask in batches(case, junk):
        output, output_mask = run(layer, x, mask)
        check_output(expected(case, layer), numpy(output), output_mask)


def check_output(wanted: list[Array], output: Array, output_mask: Any, atol: float = 1e-6) -> None:
    """Valid parts as wanted for all rows but the last, which has nothing valid; zeros elsewhere."""
    assert len(output) == len(wanted) + 1
    assert np.isfinite(output).all()
    kept = None if output_mask is None else numpy(output_mask)
    for row, want in enumerate(wanted):
        got = output[row] if kept is None else output[row][kept[row]]
        np.testing.assert_allclose(got, want, atol=atol, rtol=max(atol, 1e-6))
    if kept is not None:
        assert not kept[-1].any()
        assert not output[~kept].any()
    assert not output[-1].any()


def input_gradient(function: Callable[[Any], Any], x: Array) -> Array:
    """The gradient of the sum of squares plus the sum of an output, by the backend in use."""

    def loss(tensor: Any) -> Any:
        output = keras.ops.cast(function(tensor), "float32")
        return keras.ops.sum(keras.ops.square(output)) + keras.ops.sum(output)

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        tensor = tf.convert_to_tensor(x)
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            total = loss(tensor)
        return numpy(tape.gradient(total, tensor))
    if backend == "jax":
        import jax

        return numpy(jax.grad(loss)(jax.numpy.asarray(x)))
    import torch

    leaf = torch.tensor(x, requires_grad=True)
    loss(leaf).backward()
    return numpy(leaf.grad)


@keras.saving.register_keras_serializable(package="newword-tests")
class MaskProbe(keras.layers.Layer):
    """Shows the mask that arrives: 1 valid, 0 padding, -1 if there is none."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        shown = keras.ops.zeros_like(inputs if len(inputs.shape) == 2 else inputs[..., 0])
        return shown - 1 if mask is None else shown + keras.ops.cast(mask, shown.dtype)


@keras.saving.register_keras_serializable(package="newword-tests")
class Wrapper(keras.layers.Layer):
    """A layer made of another layer."""

    def __init__(self, inner: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = inner
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        if not self.inner.built:
            self.inner.build(input_shape)

    def call(self, inputs: Any, mask: Any = None) -> Any:
        return self.inner(inputs, mask=mask)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return self.inner.compute_mask(inputs, previous_mask)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return self.inner.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "inner": keras.saving.serialize_keras_object(self.inner)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**{**config, "inner": keras.saving.deserialize_keras_object(config["inner"])})


def check_gradient(layer: Any, x: Array, mask: Array) -> None:
    """Every valid step matters to the output, and no padding does."""

    def output(tensor: Any) -> Any:
        return layer(tensor, mask=keras.ops.convert_to_tensor(mask))

    gradient = input_gradient(output, x)
    assert np.isfinite(gradient).all()
    assert not gradient[~mask].any()
    assert gradient[mask].any()


def model_of(layer: Any, x: Array) -> Any:
    """A model with two inputs, the batch with any number of steps, and its mask."""
    inputs = keras.Input((None, *x.shape[2:]))
    mask = keras.Input((None,), dtype="bool")
    return keras.Model([inputs, mask], layer(inputs, mask=mask))
