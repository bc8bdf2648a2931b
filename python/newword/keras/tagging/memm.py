"""Maximum-entropy Markov models: transitions with a softmax at every step."""

from typing import Any

import keras

from newword import _check
from newword.keras.tagging.heads import TransitionHead
from newword.keras.tagging.learning_rate import with_rate
from newword.keras.tagging.packing import Layout

__all__ = ["MEMM", "BidirectionalMEMM"]


@keras.saving.register_keras_serializable(package="newword")
class MEMM(TransitionHead):
    """A maximum-entropy Markov model: each tag given the previous one.

    P(y|x) = softmax(f_1)(y_1) prod_t softmax(f_t + g(y_{t-1}, .))(y_t). Training needs no loop over
    the steps and costs little more than a softmax. Local normalisation causes label bias: if a tag
    can be followed by only one other, the transition alone minimises the loss, and the emission of
    the following tag is hardly trained.

    Args:
        num_tags: Number of tags.
        bidirectional: Whether to train and decode with the mean log-probability of both
            directions, with the same f and g; see `BidirectionalMEMM`.
        order: 1, or 2 for additional scores of y_{t-2}, y_{t-1}, y_t: tags^3 parameters. Not with
            `bidirectional` or `rank`.
        halve_history: Whether to use (f_t + g) / 2 at steps with a known neighbouring tag, as the
            published code does.
        use_boundary: Whether to learn scores of the first tag and, for two directions, of the last.
        rank: Rank of low-rank transitions, g(i, j) = <l_i, r_j>, for which training takes
            O(tags * rank) memory: for very large tag sets. Decoding forms the matrix. None for a
            full matrix.
        lr_multiplier: Factor on the learning rate of transitions and boundary scores, under any
            optimizer: see `newword.keras.tagging.learning_rate`. Use at least 100 with a
            pretrained encoder and its small rate.
        transition_initializer: Zeros by default, glorot_uniform for `rank`.
        **kwargs: The arguments of `SoftmaxTagging`.

    Input shape:
        (batch, steps, features), with an optional mask of (batch, steps).

    Output shape:
        (batch, steps + layout.rows, num_tags + 1), float32: see `newword.keras.tagging.packing`.

    Raises:
        InvalidArgumentError: An argument is invalid.

    Complexity:
        The loss takes O(batch * steps * tags) time and memory, times `rank` if given.

    Source:
        kexue.fm/archives/7213.

    Examples:
        >>> import keras
        >>> head = MEMM(4, bidirectional=True)
        >>> inputs = keras.Input((None, 8))
        >>> model = keras.Model(inputs, head(inputs))
        >>> model.compile("adam", head.loss(), metrics=[head.accuracy()])
    """

    def __init__(
        self,
        num_tags: int,
        *,
        bidirectional: bool = False,
        order: int = 1,
        halve_history: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_tags, **kwargs)
        self.bidirectional = _check.flag("bidirectional", bidirectional)
        self.order = _check.whole("order", order, 1, 2)
        self.halve_history = _check.flag("halve_history", halve_history)
        if self.order == 2 and (self.bidirectional or self.rank is not None):
            raise _check.invalid("order", "1 for two directions or a rank", order)

    @property
    def layout(self) -> Layout:
        """The layout of the packed tensor."""
        return Layout(
            model="bidirectional_memm" if self.bidirectional else "memm",
            num_tags=self.num_tags,
            boundary=self.use_boundary,
            dense=self.rank is None,
            rank=self.rank or 0,
            second_order=self.order == 2,
            constrained=self.constrained,
            halve_history=self.halve_history,
        )

    def build_parameters(self) -> None:
        """Creates the scores of two and three successive tags."""
        super().build_parameters()
        if self.order == 2:
            shape = (self.num_tags**2, self.num_tags)
            initializer = keras.initializers.Zeros()
            self.stored_second_order = self._stored("second_order", shape, initializer)

    def parameter_rows(self) -> list[Any]:
        """The matrices to pack, without constraints."""
        rows = super().parameter_rows()
        if self.order == 2:
            rows.append(with_rate(self.stored_second_order, self.lr_multiplier))
        return rows

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "bidirectional": self.bidirectional,
            "order": self.order,
            "halve_history": self.halve_history,
        }


@keras.saving.register_keras_serializable(package="newword")
class BidirectionalMEMM(MEMM):
    """A MEMM in both directions; the same as `MEMM(num_tags, bidirectional=True)`.

    The loss is the mean of -log P(y|x) from left to right and from right to left. Both use the same
    f and g, the second with g(y_t, y_{t+1}) as the score of y_t; no parameters are added, because
    in both directions g scores a pair of neighbours. If the transition determines a tag in one
    direction, its emission must predict it in the other, which removes most of the label bias.
    Decoding maximises the mean of the two log-probabilities.

    Arguments, shapes, errors and complexity are those of `MEMM`; `order` must be 1.

    Source:
        kexue.fm/archives/7213.

    Examples:
        >>> BidirectionalMEMM(4).layout.model
        'bidirectional_memm'
    """

    def __init__(self, num_tags: int, **kwargs: Any) -> None:
        if not kwargs.pop("bidirectional", True):
            raise _check.invalid("bidirectional", "True here", False)
        super().__init__(num_tags, bidirectional=True, **kwargs)
