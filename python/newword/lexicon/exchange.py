"""Conversion of a lexicon to and from tables of other libraries."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from newword._optional import optional_module
from newword.lexicon.columns import ALL, Columns

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from numpy.typing import NDArray

SUMMARY_KEY = b"newword.summary"
"""The key of the summary, as JSON, in the metadata of an Arrow schema."""


def to_numpy(columns: Columns) -> "NDArray[np.void]":
    """Converts columns to a structured array, one field per column."""
    dtype = np.dtype([(name, column.dtype) for name, column in columns.items()])
    table = np.empty(len(columns["word"]), dtype)
    for name, column in columns.items():
        table[name] = column
    return table


def to_pandas(columns: Columns) -> "pd.DataFrame":
    """Converts columns to a pandas data frame; numeric dtypes are kept."""
    pandas = optional_module("pandas", "pandas", "Data frames")
    return pandas.DataFrame({name: column.copy() for name, column in columns.items()})


def to_polars(columns: Columns) -> "pl.DataFrame":
    """Converts columns to a Polars data frame."""
    polars = optional_module("polars", "polars", "Polars data frames")
    return polars.DataFrame(
        {
            name: polars.Series(name, column.tolist(), dtype=polars.String)
            if column.dtype == np.dtype(object)
            else column
            for name, column in columns.items()
        }
    )


def to_arrow(columns: Columns, summary: dict[str, Any]) -> "pa.Table":
    """Converts columns to an Arrow table, with the summary in its metadata."""
    arrow = optional_module("pyarrow", "arrow", "Arrow tables")
    arrays = {
        name: arrow.array(column.tolist(), arrow.string())
        if column.dtype == np.dtype(object)
        else arrow.array(column)
        for name, column in columns.items()
    }
    return arrow.table(arrays).replace_schema_metadata({SUMMARY_KEY: json.dumps(summary)})


def from_arrow(table: "pa.Table") -> tuple[dict[str, Any], dict[str, Any]]:
    """Returns the columns and the summary of an Arrow table.

    Raises:
        ValueError: A column is unknown, or a column without missing values has nulls.
    """
    columns: dict[str, Any] = {}
    for name in table.column_names:
        if name not in ALL:
            raise ValueError(f"no column of a lexicon is called {name!r}")
        column = table.column(name)
        if column.null_count and ALL[name].kind != "f":
            raise ValueError(f"column {name!r} holds nulls")
        text = ALL[name].kind == "O"
        columns[name] = column.to_pylist() if text else column.to_numpy(zero_copy_only=False)
    metadata = table.schema.metadata or {}
    return columns, json.loads(metadata.get(SUMMARY_KEY, b"{}"))
