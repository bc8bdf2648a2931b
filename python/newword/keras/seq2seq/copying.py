"""The prior for tokens that occur in the source."""

from typing import Any

import keras
from keras import ops

from newword._check import whole

__all__ = ["CopyPrior"]


@keras.saving.register_keras_serializable(package="newword")
class CopyPrior(keras.layers.Layer):
    """Averages logits with a prior that depends on whether a token occurs in the source.

    The prior of token v is exp(s_v) x_v + t_v, where x_v is 1 if v occurs in the source, otherwise
    0. Headlines, for example, consist mostly of characters of the article.

    Args:
        num_tokens: Number of tokens, the last axis of the logits.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Input:
        `logits` of shape (batch, steps, num_tokens), and `source`, ids of shape (batch, source
        steps), where 0 is padding.

    Output:
        float32 logits of the same shape, under every dtype policy.

    Raises:
        InvalidArgumentError: `num_tokens` is below 1.

    Complexity:
        O(batch (source steps + steps num_tokens)).

    Source:
        Su Jianlin, https://kexue.fm/archives/5861 and https://kexue.fm/archives/6877.

    Examples:
        >>> logits, source = keras.ops.zeros((1, 1, 3)), keras.ops.convert_to_tensor([[2, 0]])
        >>> print(keras.ops.convert_to_numpy(CopyPrior(3)(logits, source)))
        [[[0.  0.  0.5]]]
    """

    def __init__(self, num_tokens: int, **kwargs: Any) -> None:
        # Otherwise Keras would cast float32 logits to the compute dtype.
        super().__init__(autocast=False, **kwargs)
        self.num_tokens = whole("num_tokens", num_tokens, 1)

    def build(self, logits_shape: Any = None, source_shape: Any = None) -> None:  # noqa: ARG002
        """Creates a scale and a shift for each token."""
        # float32 under every policy: half precision would round away small differences of logits.
        options = {"shape": (self.num_tokens,), "dtype": "float32", "autocast": False}
        self.scale = self.add_weight(name="scale", initializer="zeros", **options)
        self.shift = self.add_weight(name="shift", initializer="zeros", **options)

    def call(self, logits: Any, source: Any) -> Any:
        """The averaged logits."""
        return self.average(logits, self.prior(source))

    def prior(self, source: Any) -> Any:
        """The prior of each source, float32 of shape (batch, num_tokens)."""
        source = ops.cast(source, "int32")
        rows, steps = ops.shape(source)
        row = ops.broadcast_to(ops.arange(rows, dtype="int32")[:, None], (rows, steps))
        place = ops.stack([ops.reshape(row, (-1,)), ops.reshape(source, (-1,))], axis=1)
        real = ops.reshape(ops.cast(source != 0, "float32"), (-1,))
        counts = ops.scatter(place, real, (rows, self.num_tokens))
        occurs = ops.cast(counts > 0, "float32")
        return ops.exp(self.scale) * occurs + self.shift

    def average(self, logits: Any, prior: Any) -> Any:
        """The mean of logits, (batch, steps, num_tokens), and the result of `prior`."""
        return (ops.cast(logits, "float32") + prior[:, None]) / 2

    def compute_output_spec(self, logits: Any, source: Any) -> Any:  # noqa: ARG002
        """float32 logits."""
        return keras.KerasTensor(logits.shape, dtype="float32")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "num_tokens": self.num_tokens}
