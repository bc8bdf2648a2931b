"""Conditional random fields, normalised over whole sequences."""

from typing import Any

import keras
from keras import ops

from newword.keras.tagging.heads import TransitionHead
from newword.keras.tagging.packing import Layout

__all__ = ["CRF"]


@keras.saving.register_keras_serializable(package="newword")
class CRF(TransitionHead):
    """A linear-chain conditional random field.

    P(y|x) = exp(sum_t f_t(y_t) + sum_t g(y_{t-1}, y_t)) / Z, where Z sums over all tag sequences.
    Masked steps are ignored in any position: end, beginning or inside.

    Args:
        num_tags: Number of tags.
        use_boundary: Whether to learn scores of the first and the last tag.
        rank: Rank of low-rank transitions, g(i, j) = <l_i, r_j>: fewer parameters, but Z needs
            the whole matrix. None for a full matrix.
        lr_multiplier: Factor on the learning rate of transitions and boundary scores, under any
            optimizer: see `newword.keras.tagging.learning_rate`. Use at least 100 with a
            pretrained encoder and its small rate, or they are hardly learnt.
        transition_initializer: Zeros by default, glorot_uniform for `rank`.
        **kwargs: The arguments of `SoftmaxTagging`; Z excludes forbidden transitions.

    Input shape:
        (batch, steps, features), with an optional mask of (batch, steps).

    Output shape:
        (batch, steps + layout.rows, num_tags + 1), float32: see `newword.keras.tagging.packing`.

    Raises:
        InvalidArgumentError: An argument is invalid.

    Complexity:
        The loss takes O(batch * steps * tags^2) time, in a loop of `steps` iterations.

    Source:
        kexue.fm/archives/5542, kexue.fm/archives/7196.

    Examples:
        >>> import keras
        >>> head = CRF(4, lr_multiplier=100)
        >>> inputs = keras.Input((None, 8))
        >>> model = keras.Model(inputs, head(inputs))
        >>> model.compile("adam", head.loss(), metrics=[head.accuracy()])
    """

    model = "crf"

    @property
    def layout(self) -> Layout:
        """The layout of the packed tensor."""
        return Layout(
            model="crf",
            num_tags=self.num_tags,
            boundary=self.use_boundary,
            dense=True,
            constrained=self.constrained,
        )

    def parameter_rows(self) -> list[Any]:
        """The matrices to pack, without constraints."""
        rows = super().parameter_rows()
        if self.rank is not None:
            left, right = rows[-1][: self.rank], rows[-1][self.rank :]
            rows[-1] = ops.matmul(ops.transpose(left), right)
        return rows
