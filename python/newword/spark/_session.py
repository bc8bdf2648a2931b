"""What is asked of a DataFrame and of its session, before any work begins."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from newword import _check, errors
from newword._optional import optional_module
from newword.errors import (
    InvalidArgumentError,
    MemoryBudgetError,
    MissingDependencyError,
    NewwordError,
)
from newword.spark._tasks import ERROR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame

OLDEST = 4
"""The oldest major version of Spark that is supported."""


def check_library() -> None:
    """Raises an error unless pyspark and pyarrow are there and new enough.

    Raises:
        MissingDependencyError: One of them is missing or too old.
    """
    version = optional_module("pyspark", "spark", "Spark DataFrames").__version__
    optional_module("pyarrow", "spark", "Spark DataFrames")
    if _major(version) < OLDEST:
        message = (
            f"newword.spark needs pyspark >= {OLDEST}.0, got {version}: "
            'pip install --upgrade "newword[spark]"'
        )
        raise MissingDependencyError(message, name="pyspark")


def check_session(argument: str, session: Any) -> None:
    """Raises an error for a server that is too old.

    Raises:
        InvalidArgumentError: Its version is not supported.
    """
    version = str(session.version)
    if _major(version) < OLDEST:
        raise _check.invalid(argument, f"of a session of Spark {OLDEST}.0 or later", version)


def check_frame(argument: str, frame: Any) -> None:
    """Raises an error unless `frame` is a DataFrame of a Spark that is supported.

    Raises:
        MissingDependencyError: pyspark or pyarrow is missing or too old.
        InvalidArgumentError: `frame` is no Spark DataFrame, or its server is too old.
    """
    check_library()
    if not all(hasattr(frame, name) for name in ("mapInArrow", "schema", "sparkSession")):
        raise _check.invalid(argument, "a Spark DataFrame", type(frame).__name__)
    check_session(argument, frame.sparkSession)


def texts_of(df: DataFrame, column: str) -> DataFrame:
    """The column of texts alone, as strings of the name `text`.

    Raises:
        InvalidArgumentError: There is no such column, or it holds neither strings nor bytes.
    """
    from pyspark.sql import functions
    from pyspark.sql.types import BinaryType, CharType, StringType, VarcharType

    fields = {field.name: field.dataType for field in df.schema.fields}
    if _check.text("column", column) not in fields:
        names = ", ".join(fields)
        raise InvalidArgumentError(
            f"column: must name a column of the DataFrame ({names}), got {column!r}"
        )
    kind = fields[column]
    if not isinstance(kind, (BinaryType, CharType, StringType, VarcharType)):
        raise InvalidArgumentError(
            f"column: must hold strings, or UTF-8 as binary, got {kind.simpleString()} "
            f"in {column!r}"
        )
    # A name with a dot would be read as a member of a struct.
    quoted = functions.col("`" + column.replace("`", "``") + "`")
    return df.select(quoted.cast("string").alias("text"))


@contextmanager
def typed_errors() -> Iterator[None]:
    """Raises what a task raised as an exception of this package, where Spark wraps its text.

    Raises:
        NewwordError: The exception of the task, of its class; other exceptions are left alone.
        MemoryBudgetError: The results are more than Spark lets the driver take.
    """
    try:
        yield
    except _wrappers() as error:
        raised = error_in(str(error))
        if raised is None:
            raise
        raise raised from error


def _wrappers() -> tuple[type[Exception], ...]:
    """The exceptions in which Spark wraps the text of others."""
    from pyspark.errors import PySparkException

    try:
        from py4j.protocol import Py4JJavaError
    except ImportError:
        # A client of Spark Connect alone has no Java.
        return (PySparkException,)
    return (PySparkException, Py4JJavaError)


def error_in(message: str) -> NewwordError | None:
    """The exception of this package that the text of a traceback ends in, if any."""
    if "spark.driver.maxResultSize" in message:
        return MemoryBudgetError(
            "min_count: the n-grams that occur so often do not fit in "
            "spark.driver.maxResultSize; raise min_count or that setting"
        )
    found = ERROR.search(message)
    if found is None:
        return None
    kind = getattr(errors, found["kind"], NewwordError)
    raised = kind(found["message"].strip())
    return raised if isinstance(raised, NewwordError) else None


def _major(version: str) -> int:
    digits = version.partition(".")[0]
    return int(digits) if digits.isdigit() else 0
