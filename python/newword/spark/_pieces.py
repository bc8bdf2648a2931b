"""Large values as many small rows, because Spark hands 10,000 rows to a task at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

PIECE = 1 << 11
"""Bytes of a row."""
ROWS = 1 << 12
"""Rows of an array."""


def cut(data: bytes) -> Iterator[pa.Array]:
    """The bytes as arrays of binary values, in order and without a copy."""
    import pyarrow as pa

    for start in range(0, len(data), PIECE * ROWS):
        # A slice of a buffer refers to the whole.
        values = pa.py_buffer(data)[start : start + PIECE * ROWS]
        ends = np.arange(0, len(values) + PIECE, PIECE, dtype=np.int32).clip(max=len(values))
        yield pa.Array.from_buffers(pa.binary(), len(ends) - 1, [None, pa.py_buffer(ends), values])


def whole(data: bytes) -> pa.Array:
    """The bytes as an array of one binary value, without a copy."""
    import pyarrow as pa

    ends = np.array([0, len(data)], np.int32)
    return pa.Array.from_buffers(pa.binary(), 1, [None, pa.py_buffer(ends), pa.py_buffer(data)])


def joined(pieces: pa.Array) -> pa.Buffer:
    """The bytes of the values of an array without nulls, end to end and without a copy."""
    import pyarrow as pa

    _, places, values = pieces.buffers()
    if len(pieces) == 0 or values is None:
        return pa.py_buffer(b"")
    # As `spark.sql.execution.arrow.useLargeVarTypes` has it.
    kind = np.int64 if pa.types.is_large_binary(pieces.type) else np.int32
    ends = np.frombuffer(places, kind)
    return values[int(ends[pieces.offset]) : int(ends[pieces.offset + len(pieces)])]
