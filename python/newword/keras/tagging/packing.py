"""The packed tensor: everything a tagging loss or a decoder needs, in one float32 tensor.

A Keras loss sees one tensor and no mask. A tagging head therefore packs emissions, mask and
parameters together; gradients reach the parameters through the tensor, and saving, exporting and
distribution work as for any other output. Its shape is
`(batch, steps + layout.rows, num_tags + 1)`:

| rows | columns before the last | last column |
|---|---|---|
| the first `steps` | emissions | the mask, 0 or 1 |
| the rest | parameters, the same for the whole batch | a negative code of the content of the row |

From the codes `Layout.read` infers the layout of a tensor without its model.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from newword import _check

__all__ = ["FORBIDDEN", "Layout", "TagScores", "pack", "unpack"]

MODELS = ("softmax", "memm", "bidirectional_memm", "crf")
SECTIONS = ("boundary", "transitions", "factors", "second_order", "constraints")

# What a forbidden transition costs. Finite, so that a gold path that breaks a constraint shows as a
# loss of thousands instead of infinity, and 0 * FORBIDDEN is 0; no encoder outweighs it.
FORBIDDEN = -1e4


@dataclass(frozen=True)
class Layout:
    """The content of a packed tensor; plain values only, so that a loss can save it.

    Args:
        model: `"softmax"`, `"memm"`, `"bidirectional_memm"` or `"crf"`.
        num_tags: Number of tags.
        boundary: Whether there are scores of the first and the last tag.
        dense: Whether there is a matrix of transition scores.
        rank: Rank of low-rank transitions, 0 if there are none.
        second_order: Whether there are scores of three successive tags.
        constrained: Whether there are penalties of forbidden transitions.
        halve_history: Whether scores are halved at steps with a known neighbouring tag.
    """

    model: str
    num_tags: int
    boundary: bool = False
    dense: bool = False
    rank: int = 0
    second_order: bool = False
    constrained: bool = False
    halve_history: bool = False

    @property
    def sections(self) -> list[tuple[str, int]]:
        """The names and lengths of the groups of parameter rows, in order."""
        tags = self.num_tags
        lengths = (
            2 * self.boundary,
            tags * self.dense,
            2 * self.rank,
            tags * tags * self.second_order,
            (tags + 2) * self.constrained,
        )
        return [pair for pair in zip(SECTIONS, lengths, strict=True) if pair[1]]

    @property
    def rows(self) -> int:
        """Number of parameter rows."""
        return sum(length for _, length in self.sections)

    def codes(self) -> "np.ndarray[Any, np.dtype[np.float32]]":
        """The last column of the parameter rows."""
        base = 8 * MODELS.index(self.model) + 64 * self.halve_history
        codes = [
            -(base + 1 + SECTIONS.index(name)) for name, many in self.sections for _ in range(many)
        ]
        return np.array(codes, np.float32)

    def to_config(self) -> dict[str, Any]:
        """The arguments of this layout."""
        return asdict(self)

    @classmethod
    def read(cls, packed: Any) -> "Layout":
        """Reads the layout of a packed tensor from its codes.

        Raises:
            InvalidArgumentError: The array is not a packed tensor.
        """
        values = np.asarray(packed)
        if values.ndim != 3 or values.shape[0] < 1 or values.shape[2] < 2:
            rule = "of shape (batch, rows, num_tags + 1) with a batch of at least 1"
            raise _check.invalid("packed", rule, values.shape)
        tags = values.shape[2] - 1
        codes = values[0, :, -1]
        kinds = -codes[codes < 0].astype(np.int64)
        if not len(kinds):
            return cls("softmax", tags)
        counts = np.bincount(kinds % 8, minlength=8)[1:]
        layout = cls(
            model=MODELS[int(kinds[0]) // 8 % 4],
            num_tags=tags,
            boundary=bool(counts[0]),
            dense=bool(counts[1]),
            rank=int(counts[2]) // 2,
            second_order=bool(counts[3]),
            constrained=bool(counts[4]),
            halve_history=bool(kinds[0] >= 64),
        )
        known = np.array_equal(codes[max(len(codes) - layout.rows, 0) :], layout.codes())
        if not known or layout.rows == len(codes):
            raise _check.invalid("packed", "the output of a tagging head", values.shape)
        return layout


class TagScores(NamedTuple):
    """The parts of a packed tensor; None for parts that the layout lacks.

    Shapes: `emissions` (batch, steps, tags), `mask` (batch, steps) as bool, `start`, `end` and
    their penalties (tags,), `transitions` and its penalties (tags, tags) from row to column,
    `left` and `right` (rank, tags), `second_order` (tags, tags, tags).
    """

    emissions: Any
    mask: Any
    start: Any = None
    end: Any = None
    transitions: Any = None
    left: Any = None
    right: Any = None
    second_order: Any = None
    start_penalty: Any = None
    end_penalty: Any = None
    transition_penalty: Any = None


def pack(layout: Layout, emissions: Any, mask: Any, parameters: Sequence[Any]) -> Any:
    """Packs emissions, mask and parameters into one tensor.

    Args:
        layout: Layout of the parameters.
        emissions: (batch, steps, tags), of any float dtype.
        mask: Bool of (batch, steps), or None if all steps are valid.
        parameters: Matrices with one column per tag and `layout.rows` rows in total, in the order
            of `layout.sections`.

    Returns:
        float32 of shape (batch, steps + layout.rows, tags + 1).
    """
    emissions = ops.cast(emissions, "float32")
    column = ops.ones_like(emissions[..., :1])
    if mask is not None:
        column = ops.cast(mask, "float32")[..., None]
    steps = ops.concatenate([emissions, column], axis=-1)
    if not layout.rows:
        return steps
    rows = ops.concatenate([ops.cast(one, "float32") for one in parameters], axis=0)
    codes = ops.convert_to_tensor(layout.codes()[:, None])
    rows = ops.concatenate([rows, codes], axis=1)
    shape = (ops.shape(emissions)[0], layout.rows, layout.num_tags + 1)
    return ops.concatenate([steps, ops.broadcast_to(rows[None], shape)], axis=1)


def unpack(layout: Layout, packed: Any) -> TagScores:
    """Unpacks a packed tensor, the inverse of `pack`; an array gives arrays."""
    tags = layout.num_tags
    steps = packed[:, : -layout.rows] if layout.rows else packed
    parts: dict[str, Any] = {"emissions": steps[..., :tags], "mask": steps[..., tags] > 0.5}
    if not layout.rows:
        return TagScores(**parts)
    rows = packed[:1, -layout.rows :, :tags]
    if isinstance(packed, np.ndarray):
        rows = rows[0]
    else:
        # The sum of at most one row: a replica of a distributed step may get an empty batch.
        rows = ops.reshape(ops.sum(rows, axis=0), (layout.rows, tags))  # known, if steps are not
    first = 0
    for name, many in layout.sections:
        section = rows[first : first + many]
        first += many
        parts.update(_named(name, section, tags))
    return TagScores(**parts)


def _named(name: str, rows: Any, tags: int) -> dict[str, Any]:
    """The rows of a section under their names in `TagScores`."""
    if name == "boundary":
        return {"start": rows[0], "end": rows[1]}
    if name == "transitions":
        return {"transitions": rows}
    if name == "factors":
        half = rows.shape[0] // 2
        return {"left": rows[:half], "right": rows[half:]}
    if name == "second_order":
        shape = (tags, tags, tags)
        cube = rows.reshape(shape) if isinstance(rows, np.ndarray) else ops.reshape(rows, shape)
        return {"second_order": cube}
    return {
        "start_penalty": rows[0],
        "end_penalty": rows[1],
        "transition_penalty": rows[2:],
    }
