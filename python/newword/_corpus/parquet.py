"""A column of Parquet files as a stream of record batches."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from newword._optional import optional_module
from newword.errors import FormatError, InvalidArgumentError

BATCH_ROWS = 4096
"""Rows per batch: a few megabytes of ordinary documents."""


def parquet_stream(paths: Sequence[str], field: str) -> Any:
    """Returns a `pyarrow.RecordBatchReader` over the column `field` of all files in order.

    The schemas of all files are checked first, so that an invalid file is reported before hours
    of work. Memory: one batch.

    Raises:
        InvalidArgumentError: A file has no such column, or the column is not of strings.
        FormatError: A file is not Parquet.
        MissingDependencyError: pyarrow is not installed.
        OSError: A file cannot be read.
    """
    arrow = optional_module("pyarrow", "arrow", "Parquet files")
    parquet = optional_module("pyarrow.parquet", "arrow", "Parquet files")
    for path in paths:
        with Path(path).open("rb") as file:
            try:
                schema = parquet.read_schema(file)
            except arrow.ArrowInvalid as error:
                raise FormatError(f"{path}: not a Parquet file: {error}") from error
        _check_column(arrow, schema, field, path)
    schema = arrow.schema([(field, arrow.large_string())])

    def batches() -> Iterator[Any]:
        for path in paths:
            with Path(path).open("rb") as file:
                reader = parquet.ParquetFile(file)
                for batch in reader.iter_batches(BATCH_ROWS, columns=[field]):
                    text = batch.column(0).cast(arrow.large_string())
                    yield arrow.record_batch([text], schema=schema)

    return arrow.RecordBatchReader.from_batches(schema, batches())


def _check_column(arrow: Any, schema: Any, field: str, path: str) -> None:
    if field not in schema.names:
        raise InvalidArgumentError(
            f"field: must name a column of {path} ({', '.join(schema.names)}), got {field!r}"
        )
    kind = schema.field(field).type
    if arrow.types.is_dictionary(kind):
        kind = kind.value_type
    if not (arrow.types.is_string(kind) or arrow.types.is_large_string(kind)):
        raise InvalidArgumentError(f"field: must name a column of strings, {field!r} holds {kind}")
