"""Large values in many rows."""

from __future__ import annotations

import pyarrow as pa
import pytest

from newword.spark import _pieces
from newword.spark._pieces import cut, joined, whole


@pytest.mark.parametrize("size", [0, 1, 4, 5, 6, 19, 20, 21, 43])
def test_pieces_lead_back(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pieces, "PIECE", 5)
    monkeypatch.setattr(_pieces, "ROWS", 4)
    data = bytes(range(size))
    arrays = list(cut(data))
    assert b"".join(b"".join(array.to_pylist()) for array in arrays) == data
    assert b"".join(joined(array) for array in arrays) == data
    assert whole(data).to_pylist() == [data]
    lengths = [len(piece) for array in arrays for piece in array.to_pylist()]
    assert all(length == 5 for length in lengths[:-1])
    assert all(1 <= length <= 5 for length in lengths[-1:])
    assert all(len(array) <= 4 for array in arrays)
    for array in arrays:
        # As Arrow hands over what was cut again.
        assert bytes(joined(array[1:3])) == b"".join(array[1:3].to_pylist())
        assert bytes(joined(array[:0])) == b""
        large = array.cast(pa.large_binary())
        assert bytes(joined(large[1:3])) == b"".join(array[1:3].to_pylist())
