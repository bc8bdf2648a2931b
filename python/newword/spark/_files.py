"""CSV and TSV files as a DataFrame of texts.

Spark's own reader gives a null for an empty field and for a row that ends too early, reads quotes
within a field in another way, and replaces invalid UTF-8. It only splits the files into lines here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from newword.spark._plan import in_tasks

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

AS_LINES = {
    # One byte is one character, which is never one of these: invalid UTF-8 arrives as it is.
    "encoding": "ISO-8859-1",
    "sep": "\u0100",
    "quote": "\u0101",
    "escape": "\u0102",
    "nullValue": "\u0103",
    "lineSep": "\n",
    # Spark splits no file in the middle of what may be a quoted field.
    "multiLine": True,
    "maxCharsPerColumn": -1,
    "ignoreLeadingWhiteSpace": False,
    "ignoreTrailingWhiteSpace": False,
}
"""Options of Spark's reader of CSV files by which a row is a line of bytes."""


def texts_of_rows(
    session: SparkSession, paths: list[str], kind: str, field: str, errors: str
) -> DataFrame:
    """The fields of files with a header, as the binary column `text`.

    Args:
        session: A session of Spark.
        paths: Paths, globs or addresses as Spark knows them.
        kind: `"csv"` or `"tsv"`.
        field: The name of the column, in the header of each file.
        errors: Handling of invalid UTF-8, as for `newword.spark.discover`. A row that ends before
            the column is skipped where invalid UTF-8 is.
    """
    rows = session.read.options(**AS_LINES).csv(paths, schema="line string")
    told = {"kind": kind, "field": field, "skip": errors == "skip"}
    return in_tasks(rows.select("_metadata.file_path", "line"), "fields", told, "text binary")
