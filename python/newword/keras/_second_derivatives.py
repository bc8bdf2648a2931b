"""Second derivatives through batch normalization, which TensorFlow otherwise gets wrong.

`tf.nn.moments` holds the mean constant where it computes the variance. First derivatives are
right, because the variance has its minimum there, but second derivatives lack a term, without any
error. Keras computes the moments itself where there is a mask.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from newword.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["exact_moments"]


@contextmanager
def exact_moments(model: Any) -> Iterator[None]:
    """In the block layers of a model are computed so that they can be differentiated twice.

    Values and first derivatives are the same up to rounding. `GroupNormalization` takes no mask; it
    raises.
    """
    changed = []
    if keras.backend.backend() == "tensorflow":
        changed = [one for one in model._flatten_layers() if _uses_moments(one)]
    own = [one.__dict__.get("call") for one in changed]
    try:
        for layer in changed:
            object.__setattr__(layer, "call", _exact(layer))
        yield
    finally:
        for layer, call in zip(changed, own, strict=True):
            object.__delattr__(layer, "call")
            if call is not None:
                object.__setattr__(layer, "call", call)


def _uses_moments(layer: Any) -> bool:
    return isinstance(layer, (keras.layers.BatchNormalization, keras.layers.GroupNormalization))


def _exact(layer: Any) -> Any:
    """The call of a layer with a mask that keeps everything, or an error."""
    call = layer.call

    def masked(inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if mask is None:
            mask = ops.ones(ops.shape(inputs)[:-1], dtype="bool")
        return call(inputs, training=training, mask=mask)

    def refused(_: Any) -> Any:
        raise InvalidArgumentError(
            f"layer {layer.name!r}: GroupNormalization has no right second derivatives on "
            "TensorFlow; use JAX"
        )

    return masked if isinstance(layer, keras.layers.BatchNormalization) else refused
