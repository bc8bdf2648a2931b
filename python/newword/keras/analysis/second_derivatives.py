"""Second derivatives through batch normalization, which TensorFlow otherwise gets wrong.

`tf.nn.moments` holds the mean constant where it computes the variance. First derivatives are
right, because the variance has its minimum there, but second derivatives lack a term, without any
error. Keras computes the moments itself where there is a mask.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from newword.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["exact_moments"]

ONE_AT_A_TIME = threading.RLock()


@contextmanager
def exact_moments() -> Iterator[None]:
    """In the block layers of Keras are computed so that they can be differentiated twice.

    Values and first derivatives are the same up to rounding. It changes classes of Keras, which is
    safe while models run in other threads, because there is no difference for them.
    `GroupNormalization` takes no mask; for this thread it raises.
    """
    if keras.backend.backend() != "tensorflow":
        yield
        return
    thread = threading.get_ident()
    batch, group = keras.layers.BatchNormalization, keras.layers.GroupNormalization
    with ONE_AT_A_TIME:
        batch_call, group_call = batch.call, group.call

        def masked(self: Any, inputs: Any, training: Any = None, mask: Any = None) -> Any:
            if mask is None:
                mask = ops.ones(ops.shape(inputs)[:-1], dtype="bool")
            return batch_call(self, inputs, training=training, mask=mask)

        def refused(self: Any, inputs: Any) -> Any:
            if threading.get_ident() == thread:
                raise InvalidArgumentError(
                    f"layer {self.name!r}: GroupNormalization has no right second derivatives "
                    "on TensorFlow; use JAX"
                )
            return group_call(self, inputs)

        batch.call, group.call = masked, refused
        try:
            yield
        finally:
            batch.call, group.call = batch_call, group_call
