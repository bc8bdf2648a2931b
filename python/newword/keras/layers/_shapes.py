"""Validation of input shapes."""

from collections.abc import Sequence
from typing import Any

from newword._check import invalid


def sequence_shape(shape: Any, rank: int | None = None) -> tuple[int | None, ...]:
    """Returns the shape of a batch of sequences as a tuple.

    Raises:
        InvalidArgumentError: The shape has no axis of steps, or not the required rank.
    """
    sizes = tuple(shape) if isinstance(shape, Sequence) or hasattr(shape, "__iter__") else ()
    if rank is None and len(sizes) < 2:
        raise invalid("inputs", "of shape (batch, steps, ...)", f"shape {sizes}")
    if rank is not None and len(sizes) != rank:
        axes = "(batch, steps, features)" if rank == 3 else f"rank {rank}"
        raise invalid("inputs", f"of shape {axes}", f"shape {sizes}")
    return sizes


def feature_count(shape: Any) -> int:
    """Returns the number of features of a batch of sequences.

    Raises:
        InvalidArgumentError: The shape is not (batch, steps, features), or features is None.
    """
    features = sequence_shape(shape, rank=3)[2]
    if features is None:
        rule = "of shape (batch, steps, features) with a known number of features"
        raise invalid("inputs", rule, f"shape {tuple(shape)}")
    return features
