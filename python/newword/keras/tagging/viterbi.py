"""Decoding inside a Keras graph, for models exported with their decoder."""

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from newword import _check
from newword.keras.tagging.alignment import restore
from newword.keras.tagging.best_path import METHODS, PathScores, path_scores
from newword.keras.tagging.log_partition import NOTHING
from newword.keras.tagging.packing import Layout, TagScores, unpack

__all__ = ["ViterbiDecoder", "best_tags", "best_unpacked"]


@keras.saving.register_keras_serializable(package="newword")
class ViterbiDecoder(keras.layers.Layer):  # type: ignore[misc, unused-ignore]
    """A layer that decodes the packed output of a tagging head to tags.

    Create it with `head.decoder()`, apply it to the output of a trained model and export the
    result. In Python, `newword.keras.decode` is faster. Ties between paths are broken arbitrarily.

    Args:
        layout: Layout of the packed tensor.
        method: `"map"` or `"numerator"`; see `newword.keras.decode`.

    Input shape:
        The packed tensor, (batch, steps + layout.rows, num_tags + 1).

    Output shape:
        (batch, steps), int32, -1 at masked steps.

    Raises:
        InvalidArgumentError: `method` is unknown.

    Complexity:
        O(batch * steps * tags^2); tags^3 for a second-order MEMM.

    Examples:
        >>> import keras, numpy as np
        >>> from newword.keras import CRF
        >>> head = CRF(2, use_kernel=False)
        >>> packed = head(np.array([[[1.0, 0.0], [0.0, 1.0]]], "float32"))
        >>> keras.ops.convert_to_numpy(head.decoder()(packed)).tolist()
        [[0, 1]]
    """

    def __init__(
        self, layout: Layout | Mapping[str, Any], method: str = "map", **kwargs: Any
    ) -> None:
        super().__init__(**{"autocast": False, **kwargs})
        self.layout = layout if isinstance(layout, Layout) else Layout(**layout)
        self.method = _check.choice("method", method, METHODS)

    def call(self, inputs: Any) -> Any:
        """The tags of a packed tensor."""
        return best_tags(self.layout, inputs, self.method)

    def compute_output_spec(self, inputs: Any) -> Any:
        """int32 tags, one per step."""
        steps = None if inputs.shape[1] is None else inputs.shape[1] - self.layout.rows
        return keras.KerasTensor((inputs.shape[0], steps), dtype="int32")

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "layout": self.layout.to_config(),
            "method": self.method,
        }


def best_tags(layout: Layout, packed: Any, method: str = "map") -> Any:
    """The best tags of a packed tensor, int32 of (batch, steps), -1 at masked steps."""
    return best_unpacked(layout, unpack(layout, ops.cast(packed, "float32")), method)


def best_unpacked(layout: Layout, scores: TagScores, method: str = "map") -> Any:
    """Decodes unpacked tensors or arrays."""
    # Converted to tensors, because PyTorch does not add arrays to tensors.
    scores = TagScores(*(None if one is None else ops.convert_to_tensor(one) for one in scores))
    paths = path_scores(layout, scores, method)
    aligned = _first_order(paths) if paths.triples is None else _second_order(paths)
    return restore(ops.cast(aligned, "int32"), paths.order, scores.mask, -1)


def _first_order(paths: PathScores) -> Any:
    """Viterbi's algorithm; aligned tags, as floats.

    Back pointers are floats, because `ops.scan` on TensorFlow needs outputs of the carry's dtype.
    """
    unary = ops.transpose(paths.unary, (1, 0, 2))
    same = ops.arange(unary.shape[-1], dtype="float32")[None]
    tags = unary.shape[-1]

    def forward(carry: Any, step: Any) -> tuple[Any, Any]:
        scores, live = carry[:, :tags], step[:, tags:] > 0
        options = scores[:, :, None] + paths.pairs[None]
        best = ops.max(options, axis=1) + step[:, :tags]
        origin = ops.cast(ops.argmax(options, axis=1), "float32")
        scores, origin = ops.where(live, best, scores), ops.where(live, origin, same)
        carry = ops.concatenate([scores, origin], axis=1)
        return carry, carry

    def backward(tag: Any, origins: Any) -> tuple[Any, Any]:
        index = ops.cast(tag, "int32")[:, None]
        return ops.take_along_axis(origins, index, axis=1)[:, 0], tag

    first = ops.concatenate([unary[0], ops.zeros_like(unary[0])], axis=1)
    steps = _one_more(ops.concatenate([unary, _live(paths)[..., None]], axis=-1)[1:])
    last, states = ops.scan(forward, first, steps)
    tag = ops.cast(ops.argmax(last[:, :tags], axis=-1), "float32")
    tag, path = ops.scan(backward, tag, states[:, :, tags:], reverse=True)
    return ops.transpose(ops.concatenate([tag[None], path], axis=0))[:, :-1]


def _second_order(paths: PathScores) -> Any:
    """Viterbi's algorithm over pairs of successive tags."""
    unary = ops.transpose(paths.unary, (1, 0, 2))
    tags = unary.shape[-1]
    square = tags * tags
    pairs = ops.transpose(paths.pairs, (1, 0, 2, 3)) + unary[:, :, None, :]
    live = _live(paths)[..., None]
    third = ops.where(ops.arange(ops.shape(unary)[0])[:, None, None] >= 2, live, 0.0)
    steps = ops.concatenate([ops.reshape(pairs, (*ops.shape(unary)[:2], square)), live, third], -1)
    # Before the first pair: a dummy tag 0, then the first tag.
    dummy = ops.cast(ops.arange(tags)[:, None] > 0, "float32") * NOTHING
    first = ops.reshape(unary[0][:, None, :] + dummy[None], (-1, square))
    same = ops.cast(ops.arange(square) // tags, "float32")[None]

    def forward(carry: Any, step: Any) -> tuple[Any, Any]:
        scores, alive = carry[:, :square], step[:, square, None] > 0
        options = ops.reshape(scores, (-1, tags, tags, 1))
        options = options + paths.triples[None] * step[:, square + 1, None, None, None]
        best = ops.reshape(ops.max(options, axis=1), (-1, square)) + step[:, :square]
        origin = ops.reshape(ops.cast(ops.argmax(options, axis=1), "float32"), (-1, square))
        scores, origin = ops.where(alive, best, scores), ops.where(alive, origin, same)
        carry = ops.concatenate([scores, origin], axis=1)
        return carry, carry

    def backward(pair: Any, step: Any) -> tuple[Any, Any]:
        index = ops.cast(pair, "int32")
        origin = ops.take_along_axis(step[:, :square], index[:, None], axis=1)[:, 0]
        before = ops.cast(origin, "int32") * tags + index // tags
        return ops.where(step[:, square] > 0, ops.cast(before, "float32"), pair), pair

    first = ops.concatenate([first, ops.zeros_like(first)], axis=1)
    last, states = ops.scan(forward, first, _one_more(steps[1:]))
    best = ops.cast(ops.argmax(last[:, :square], axis=-1), "float32")
    origins = ops.concatenate([states[:, :, square:], _one_more(live[1:])], axis=-1)
    pair, path = ops.scan(backward, best, origins, reverse=True)
    return ops.transpose(ops.concatenate([pair[None], path], axis=0))[:, :-1] % tags


def _one_more(steps: Any) -> Any:
    """Appends an invalid step, because TensorFlow cannot scan over zero steps."""
    return ops.pad(steps, ((0, 1), (0, 0), (0, 0)))


def _live(paths: PathScores) -> Any:
    """1 at the steps of each sequence and 0 after them, (steps, batch)."""
    steps = ops.arange(ops.shape(paths.unary)[1], dtype="int32")[:, None]
    return ops.cast(steps < paths.lengths[None], "float32")
