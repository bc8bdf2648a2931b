"""The step that training has reached: epsilon and random numbers are functions of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from newword import _check

if TYPE_CHECKING:
    from newword.keras.training.options import AdversarialTraining

__all__ = ["Steps", "check_schedule"]


class Steps(keras.metrics.Metric):  # type: ignore[misc, unused-ignore]
    """Counts training steps, and gives epsilon and random numbers for the current one.

    It is a metric because on JAX only metrics, besides the model itself, keep a state between
    compiled steps. Its result is epsilon. Nothing resets it.
    """

    def __init__(self, options: AdversarialTraining) -> None:
        super().__init__(name="epsilon", dtype="float32")
        self.options = options
        # The replicas of a batch have the same values, and do not share one.
        given: dict[str, Any] = {"shape": (), "initializer": "zeros", "aggregation": "mean"}
        self.taken = self.add_variable(name="steps", **given)
        self.last = self.add_variable(name="last_epsilon", **given)
        self.generator = keras.random.SeedGenerator(options.seed)

    def epsilon(self) -> Any:
        """Epsilon of the current step, a float32 scalar."""
        epsilon = self.options.epsilon
        found = epsilon(self.taken.value) if callable(epsilon) else epsilon
        return ops.cast(found, "float32")

    def started(self) -> Any:
        """Whether plain training is over."""
        return self.taken.value >= self.options.start_step

    def update_state(self, epsilon: Any) -> None:
        """Ends the current step."""
        self.taken.assign(self.taken.value + 1)
        self.last.assign(epsilon)

    def result(self) -> Any:
        """Epsilon of the last step."""
        return ops.convert_to_tensor(self.last)

    def reset_state(self) -> None:
        """Does nothing: steps are counted over all epochs."""

    def random(self, shape: Any, index: int) -> Any:
        """Uniform numbers between -1 and 1 that depend on the seed, the step and the index alone.

        Args:
            shape: Their shape.
            index: Distinguishes several draws of a step.
        """
        place = ops.cast(self.taken.value, "int32") * 64 + index
        seed = ops.stack([ops.cast(self.options.seed, "int32"), place])
        seed = ops.cast(seed, self.generator.state.dtype)
        # The state is given, so there is none to keep.
        with keras.StatelessScope([(self.generator.state, seed)]):
            return keras.random.uniform(shape, -1.0, 1.0, dtype="float32", seed=self.generator)


def check_schedule(options: AdversarialTraining) -> None:
    """Raises if a schedule gives no usable epsilon at its first step."""
    if not callable(options.epsilon):
        return
    try:
        first = np.asarray(ops.convert_to_numpy(options.epsilon(ops.cast(0.0, "float32"))))
    except Exception as error:
        rule = "a function of the step, a float32 scalar, made of keras.ops"
        raise _check.invalid("epsilon", rule, f"one that raises {error!r}") from error
    if first.shape != () or not np.isfinite(first) or first < 0:
        raise _check.invalid("epsilon", "a function with a finite result of at least 0", first)
