"""Lexicons in the hands of NumPy, pandas, Polars and Arrow."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from newword import Lexicon


@pytest.fixture
def lexicon() -> Lexicon:
    columns: dict[str, Any] = {
        "word": ["时间", "𠮷野家"],
        "count": [2**64 - 1, 4],
        "pmi": [np.nan, 7.5],
    }
    return Lexicon(columns, summary={"min_count": 4})


def test_numpy(lexicon: Lexicon) -> None:
    table = lexicon.to_numpy()
    assert table.dtype.names == lexicon.columns
    assert table["word"].tolist() == ["时间", "𠮷野家"]
    assert table["count"].dtype == np.uint64
    table["count"][0] = 0
    assert lexicon["count"][0] == 2**64 - 1


def test_pandas(lexicon: Lexicon) -> None:
    pytest.importorskip("pandas")
    frame = lexicon.to_pandas()
    assert list(frame.columns) == list(lexicon.columns)
    assert frame["word"].tolist() == ["时间", "𠮷野家"]
    assert frame["count"].dtype == np.uint64
    assert frame["length"].dtype == np.int32
    frame.loc[0, "length"] = 9
    assert lexicon["length"][0] == 2


def test_polars(lexicon: Lexicon) -> None:
    polars = pytest.importorskip("polars")
    frame = lexicon.to_polars()
    assert frame.columns == list(lexicon.columns)
    assert frame.schema["word"] == polars.String
    assert frame.schema["count"] == polars.UInt64
    assert frame["word"].to_list() == ["时间", "𠮷野家"]
    assert lexicon[:0].to_polars().schema == frame.schema


def test_arrow(lexicon: Lexicon) -> None:
    arrow = pytest.importorskip("pyarrow")
    table = lexicon.to_arrow()
    assert table.schema.field("word").type == arrow.string()
    assert table.schema.field("count").type == arrow.uint64()
    assert table.column("count").to_pylist() == [2**64 - 1, 4]
    assert json.loads(table.schema.metadata[b"newword.summary"]) == {"min_count": 4}
    assert lexicon[:0].to_arrow().schema.field("word").type == arrow.string()


def test_arrow_stream(lexicon: Lexicon) -> None:
    arrow = pytest.importorskip("pyarrow")
    polars = pytest.importorskip("polars")
    assert arrow.table(lexicon).num_rows == 2
    assert polars.DataFrame(lexicon)["word"].to_list() == ["时间", "𠮷野家"]
