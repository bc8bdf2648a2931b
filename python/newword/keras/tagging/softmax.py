"""Independent tags: a softmax at every step."""

import keras

from newword.keras.tagging.heads import TaggingHead

__all__ = ["SoftmaxTagging"]


@keras.saving.register_keras_serializable(package="newword")
class SoftmaxTagging(TaggingHead):
    """A softmax at every step, with the interface of the structured heads.

    P(y|x) = prod_t softmax(f(x)_t)(y_t). Forbidden transitions matter only in decoding.

    Args:
        num_tags: Number of tags.
        **kwargs: The arguments of `TaggingHead`: `use_kernel`, `kernel_initializer`,
            `bias_initializer`, `allowed_transitions`, `allowed_start`, `allowed_end`; and those of
            `keras.layers.Layer`.

    Input shape:
        (batch, steps, features), with an optional mask of (batch, steps).

    Output shape:
        (batch, steps + layout.rows, num_tags + 1), float32: see `newword.keras.tagging.packing`.

    Raises:
        InvalidArgumentError: An argument is invalid.

    Complexity:
        O(batch * steps * features * tags).

    Examples:
        >>> import keras
        >>> head = SoftmaxTagging(4)
        >>> inputs = keras.Input((None, 8))
        >>> model = keras.Model(inputs, head(inputs))
        >>> model.compile("adam", head.loss(), metrics=[head.accuracy()])
    """

    model = "softmax"
