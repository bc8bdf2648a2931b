"""What docs/keras-layers.md says of layers made of layers: Keras keeps account of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import newword.keras as nk
from tests.support.tensors import Array, numpy

X = np.random.default_rng(1).normal(size=(4, 5, 3)).astype("float32")
package = keras.saving.register_keras_serializable(package="newword-tests")


@package
class Block(keras.layers.Layer):
    """Made of a layer that it is given, one with a regulariser, and one with moving averages."""

    def __init__(self, first: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.first = first
        self.second = keras.layers.Dense(3, kernel_regularizer="l2")
        self.norm = keras.layers.BatchNormalization()

    def build(self, input_shape: Any) -> None:
        if not self.first.built:
            self.first.build(input_shape)
        shape = self.first.compute_output_shape(input_shape)
        for layer in (self.second, self.norm):
            layer.build(shape)

    def call(self, inputs: Any) -> Any:
        return self.norm(self.second(self.first(inputs)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "first": keras.saving.serialize_keras_object(self.first)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        first = keras.saving.deserialize_keras_object(config.pop("first"))
        return cls(first, **config)


@package
class Pair(keras.layers.Layer):
    """Takes a list of inputs; two blocks, whose first layer is the same."""

    def __init__(self, shared: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shared = keras.layers.Dense(3) if shared is None else shared
        self.blocks = [Block(self.shared), Block(self.shared)]

    def build(self, input_shape: Any) -> None:
        for block, shape in zip(self.blocks, input_shape, strict=True):
            block.build(shape)

    def call(self, inputs: Any) -> Any:
        return self.blocks[0](inputs[0]) + self.blocks[1](inputs[1])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shared": keras.saving.serialize_keras_object(self.shared)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        shared = keras.saving.deserialize_keras_object(config.pop("shared"))
        return cls(shared, **config)


def pair_model() -> tuple[Any, Any]:
    inputs = [keras.Input((None, 3)), keras.Input((None, 3))]
    pair = Pair()
    return keras.Model(inputs, pair(inputs)), pair


def test_weights_and_losses_are_found_and_counted_once() -> None:
    model, pair = pair_model()
    # Shared: kernel, bias. Each block: kernel, bias, scale, offset, and two moving averages.
    assert (len(pair.trainable_weights), len(pair.non_trainable_weights)) == (2 + 2 * 4, 2 * 2)
    assert len({id(one) for one in model.weights}) == len(model.weights) == 14
    assert len(model.losses) == 2
    pair.shared.trainable = False
    assert len(model.trainable_weights) == 8


def test_training_moves_shared_weights_and_averages() -> None:
    model, pair = pair_model()
    model.compile("sgd", "mse", jit_compile=False)
    before = [numpy(one).copy() for one in model.weights]
    model.fit([X, X], np.ones((4, 5, 3)), verbose=0)
    moved = [(was != numpy(now)).any() for was, now in zip(before, model.weights, strict=True)]
    # Only the bias before a normalisation does not matter.
    names = [one.path for one, has in zip(model.weights, moved, strict=True) if not has]
    assert all("dense" in name and name.endswith("bias") for name in names)
    assert all(block.first is pair.shared for block in pair.blocks)


@pytest.mark.contract
def test_shared_layers_are_shared_after_loading(tmp_path: Path) -> None:
    model, _ = pair_model()
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(numpy(again([X, X])), numpy(model([X, X])))
    assert len(again.weights) == 14
    loaded = next(one for one in again.layers if isinstance(one, Pair))
    assert loaded.blocks[0].first is loaded.blocks[1].first


def test_an_inner_layer_that_is_built_keeps_its_weights() -> None:
    dense = keras.layers.Dense(3)
    want: Array = numpy(dense(X))
    block = Block(dense)
    block(X)
    assert len(dense.weights) == 2
    np.testing.assert_array_equal(numpy(dense(X)), want)


def test_layers_of_this_package_are_inner_layers_like_others() -> None:
    block = Block(nk.DGCNN((1, 2), kernel_regularizer="l2"))
    block(X)
    # Two kernels and two biases for each gated block, and those of the outer block.
    assert len(block.trainable_weights) == 2 * 4 + 4
    assert len(block.losses) == 4 + 1
