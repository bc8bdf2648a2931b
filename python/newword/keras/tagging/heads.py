"""Base classes of the tagging heads: emissions, constraints, packing, the matching loss."""

from typing import Any

import keras
import numpy as np
from keras import ops

from newword import _check
from newword.keras.tagging.learning_rate import with_rate
from newword.keras.tagging.losses import TaggingLoss
from newword.keras.tagging.metrics import EmissionAccuracy
from newword.keras.tagging.packing import FORBIDDEN, Layout, pack
from newword.keras.tagging.viterbi import ViterbiDecoder

__all__ = ["TaggingHead"]


class TaggingHead(keras.layers.Layer):  # type: ignore[misc, unused-ignore]
    """Base class of `SoftmaxTagging`, `MEMM`, `BidirectionalMEMM` and `CRF`.

    A head takes the output of an encoder, (batch, steps, features), with its mask, and returns one
    float32 tensor with emissions, mask and its own parameters. `loss()`, `accuracy()` and
    `decoder()` create the matching loss, metric and decoder; `newword.keras.decode` decodes the
    tensor with the compiled decoder.

    Args:
        num_tags: Number of tags.
        use_kernel: Whether the head maps features to emissions with its own `Dense` layer; if
            False, its input must be emissions.
        kernel_initializer: As for `Dense`.
        bias_initializer: As for `Dense`; the initial emission of each tag.
        allowed_transitions: Bool of shape (tags, tags): whether the tag of the row may be followed
            by the tag of the column. Forbidden transitions are excluded in decoding, and in
            the loss of a CRF.
        allowed_start: Bool of shape (tags,): the tags allowed at the first step.
        allowed_end: Bool of shape (tags,): the tags allowed at the last step.
    """

    model = ""

    def __init__(
        self,
        num_tags: int,
        *,
        use_kernel: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        allowed_transitions: Any = None,
        allowed_start: Any = None,
        allowed_end: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.num_tags = _check.whole("num_tags", num_tags, 1)
        self.use_kernel = _check.flag("use_kernel", use_kernel)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        tags = self.num_tags
        self.allowed_transitions = _allowed(
            "allowed_transitions", allowed_transitions, (tags, tags)
        )
        self.allowed_start = _allowed("allowed_start", allowed_start, (tags,))
        self.allowed_end = _allowed("allowed_end", allowed_end, (tags,))
        self.kernel = None
        if self.use_kernel:
            self.kernel = keras.layers.Dense(
                tags,
                kernel_initializer=self.kernel_initializer,
                bias_initializer=self.bias_initializer,
                dtype=self.dtype_policy,
                name="emissions",
            )

    @property
    def layout(self) -> Layout:
        """The layout of the packed tensor."""
        return Layout(self.model, self.num_tags, constrained=self.constrained)

    @property
    def constrained(self) -> bool:
        """Whether the head has constraints."""
        given = (self.allowed_transitions, self.allowed_start, self.allowed_end)
        return any(one is not None for one in given)

    def build(self, input_shape: Any) -> None:
        """Creates the weights for an input of shape (batch, steps, features)."""
        if len(input_shape) != 3 or input_shape[-1] is None:
            rule = "of shape (batch, steps, features) with features known"
            raise _check.invalid("inputs", rule, tuple(input_shape))
        if self.kernel is not None:
            self.kernel.build(input_shape)
        elif input_shape[-1] != self.num_tags:
            rule = f"emissions of {self.num_tags} tags where use_kernel is False"
            raise _check.invalid("inputs", rule, tuple(input_shape))
        self.build_parameters()
        self.built = True

    def build_parameters(self) -> None:
        """Creates the weights other than the kernel's."""

    def parameter_rows(self) -> list[Any]:
        """The matrices to pack, without constraints."""
        return []

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """The packed tensor of (batch, steps, features) and a mask of (batch, steps)."""
        emissions = inputs if self.kernel is None else self.kernel(inputs)
        rows = self.parameter_rows()
        if self.constrained:
            rows.append(ops.convert_to_tensor(self._penalties()))
        return pack(self.layout, emissions, mask, rows)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> None:
        """None: the tensor holds the mask, and Keras must not weight the sequence losses by it."""
        del inputs, previous_mask

    def compute_output_spec(self, inputs: Any, mask: Any = None) -> Any:
        """A float32 tensor under every dtype policy."""
        del mask
        steps = None if inputs.shape[1] is None else inputs.shape[1] + self.layout.rows
        shape = (inputs.shape[0], steps, self.num_tags + 1)
        return keras.KerasTensor(shape, dtype="float32")

    def loss(self, normalization: str = "token", **options: Any) -> TaggingLoss:
        """The loss of this head, for `model.compile`; options are those of `TaggingLoss`."""
        return TaggingLoss(self.layout, normalization=normalization, **options)

    def accuracy(self, name: str = "emission_accuracy") -> EmissionAccuracy:
        """The cheap metric for training; see `EmissionAccuracy`."""
        return EmissionAccuracy(name=name)

    def decoder(self, method: str = "map", **kwargs: Any) -> ViterbiDecoder:
        """A layer that decodes the packed tensor, for export; see `ViterbiDecoder`."""
        return ViterbiDecoder(self.layout, method=method, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "num_tags": self.num_tags,
            "use_kernel": self.use_kernel,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "allowed_transitions": _listed(self.allowed_transitions),
            "allowed_start": _listed(self.allowed_start),
            "allowed_end": _listed(self.allowed_end),
        }

    def _penalties(self) -> Any:
        """0 if allowed and `FORBIDDEN` otherwise: start, end, then transitions."""
        tags = self.num_tags
        parts = (self.allowed_start, self.allowed_end, self.allowed_transitions)
        shapes = ((1, tags), (1, tags), (tags, tags))
        rows = [
            np.zeros(shape, np.float32)
            if part is None
            else np.where(part, 0.0, FORBIDDEN).astype(np.float32).reshape(shape)
            for part, shape in zip(parts, shapes, strict=True)
        ]
        return np.concatenate(rows)


class TransitionHead(TaggingHead):
    """Base class of heads with transition scores: `MEMM` and `CRF`."""

    def __init__(
        self,
        num_tags: int,
        *,
        use_boundary: bool = False,
        rank: int | None = None,
        lr_multiplier: float = 1.0,
        transition_initializer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_tags, **kwargs)
        self.use_boundary = _check.flag("use_boundary", use_boundary)
        self.rank = None if rank is None else _check.whole("rank", rank, 1)
        self.lr_multiplier = _check.threshold("lr_multiplier", lr_multiplier)
        if self.lr_multiplier == 0:
            raise _check.invalid("lr_multiplier", "greater than 0", lr_multiplier)
        if transition_initializer is None:
            # Two factors of zeros would have no gradient.
            transition_initializer = "zeros" if rank is None else "glorot_uniform"
        self.transition_initializer = keras.initializers.get(transition_initializer)

    def build_parameters(self) -> None:
        """Creates the scores of transitions, first and last tags."""
        tags = self.num_tags
        shape = (tags, tags) if self.rank is None else (2 * self.rank, tags)
        self.stored_transitions = self._stored("transitions", shape, self.transition_initializer)
        self.stored_boundary = None
        if self.use_boundary:
            self.stored_boundary = self._stored("boundary", (2, tags), keras.initializers.Zeros())

    @property
    def transitions(self) -> Any:
        """The scores of transitions from row to column as a float32 tensor.

        With `rank`, both factors are stacked, of shape (2 rank, tags).
        """
        return with_rate(self.stored_transitions, self.lr_multiplier)

    @property
    def boundary(self) -> Any:
        """The scores of the first and the last tag, (2, tags), or None."""
        if self.stored_boundary is None:
            return None
        return with_rate(self.stored_boundary, self.lr_multiplier)

    def parameter_rows(self) -> list[Any]:
        """The matrices to pack, without constraints."""
        rows = [] if self.stored_boundary is None else [self.boundary]
        return [*rows, self.transitions]

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "use_boundary": self.use_boundary,
            "rank": self.rank,
            "lr_multiplier": self.lr_multiplier,
            "transition_initializer": keras.initializers.serialize(self.transition_initializer),
        }

    def _stored(self, name: str, shape: tuple[int, ...], initializer: Any) -> Any:
        """A float32 weight, stored divided by the multiplier of its learning rate."""

        def divided(shape: Any, dtype: Any = None) -> Any:
            return initializer(shape, dtype=dtype) / self.lr_multiplier

        # float32 under every policy: sums over paths are no work for halves.
        return self.add_weight(
            name=name, shape=shape, initializer=divided, dtype="float32", autocast=False
        )


def _allowed(argument: str, value: Any, shape: tuple[int, ...]) -> Any:
    """Validates None or a bool array of the given shape."""
    if value is None:
        return None
    array = np.asarray(value)
    if array.shape != shape or array.dtype != np.bool_:
        found = f"{array.dtype} of shape {array.shape}"
        raise _check.invalid(argument, f"bool of shape {shape}", found)
    return array


def _listed(array: Any) -> Any:
    return None if array is None else array.tolist()
