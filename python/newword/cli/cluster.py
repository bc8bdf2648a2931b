"""Discovery on a Spark cluster from the command line."""

import os
import shutil
import sys
import warnings
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newword._optional import optional_module
from newword.errors import CorpusError, InvalidArgumentError, MissingDependencyError
from newword.lexicon import Lexicon

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import DataFrame, SparkSession

BY_EXTENSION = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
"""The formats that are known by their extension, as `newword.discover` knows them."""
LOOPBACK = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
}
"""Options by which Spark on this machine alone is not seen by others."""
READABLE = ("text", "jsonl", "csv", "tsv", "parquet")


def discover_on(master: str, files: Sequence[str], arguments: dict[str, Any]) -> Lexicon:
    """Finds the words of files that all machines of a cluster can read.

    Args:
        master: The master of a cluster, such as "local[4]", "yarn" or "spark://HOST:7077", or a
            Spark Connect server, "sc://HOST".
        files: Paths, globs or addresses as Spark knows them, all of one format.
        arguments: Those of `newword.discover` without its source.

    Raises:
        InvalidArgumentError: A format or an encoding is not read on a cluster, or Spark does not
            start with this master.
        CorpusError: Spark cannot read the files.
        MissingDependencyError: pyspark or Java is missing.
    """
    optional_module("pyspark", "spark", "Spark clusters")
    from newword.spark import discover

    rest = dict(arguments)
    kind = format_of_all(files, rest.pop("format"))
    field = rest.pop("field")
    if (encoding := rest.pop("encoding").lower().replace("_", "-")) not in ("utf-8", "utf8"):
        raise InvalidArgumentError(f"encoding: must be utf-8 with --spark, got {encoding!r}")
    with session(master) as spark, readable(), warnings.catch_warnings():
        # PySpark 4 of pandas 3, which it does not need here.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support", FutureWarning)
        if master.startswith("local"):
            # Spark's own default, 200, is for a cluster.
            rest["partitions"] = 2 * spark.sparkContext.defaultParallelism
        texts = texts_in(spark, files, kind, field, rest["errors"])
        return discover(texts, "text", **rest).to_lexicon()


def format_of_all(files: Sequence[str], given: str) -> str:
    """The one format of all files.

    Raises:
        InvalidArgumentError: They differ, or Spark is not asked to read theirs.
    """
    for name in files:
        _check_readable(name)
    found = {name: _format(name) if given == "auto" else given for name in files}
    for name, kind in found.items():
        if kind not in READABLE:
            rule = f"one of {', '.join(READABLE)} with --spark"
            raise InvalidArgumentError(f"format: must be {rule}, got {kind!r} for {name!r}")
    if len(kinds := sorted(set(found.values()))) > 1:
        raise InvalidArgumentError(
            f"files: must be of one format with --spark, got {' and '.join(kinds)}"
        )
    return kinds[0]


def _check_readable(name: str) -> None:
    if name == "-":
        raise InvalidArgumentError(
            "files: must be files with --spark, which no worker reads from here, got '-'"
        )
    if Path(name).suffix.lower() in (".zst", ".xz"):
        raise InvalidArgumentError(f"files: must be plain or .gz with --spark, got {name!r}")


def _format(name: str) -> str:
    path = Path(name)
    suffix = path.suffix.lower()
    if suffix == ".gz":
        suffix = Path(path.stem).suffix.lower()
    if suffix in (".csv", ".tsv"):
        return suffix[1:]
    return BY_EXTENSION.get(suffix, "text")


def texts_in(
    spark: "SparkSession", files: Sequence[str], kind: str, field: str, errors: str
) -> "DataFrame":
    """The texts of files as the column `text`."""
    from pyspark.sql import functions

    from newword.spark._files import texts_of_rows

    paths = list(files)
    if kind == "text":
        return spark.read.text(paths).withColumnRenamed("value", "text")
    if kind in ("csv", "tsv"):
        return texts_of_rows(spark, paths, kind, field, errors)
    # A line that is no JSON is an error, not a null.
    reader = spark.read.option("mode", "FAILFAST")
    rows = reader.json(paths) if kind == "jsonl" else reader.parquet(*paths)
    return rows.select(functions.col(field).alias("text"))


@contextmanager
def session(master: str) -> "Iterator[SparkSession]":
    """A session, stopped at the end unless it was there before.

    Raises:
        InvalidArgumentError: Spark does not start with this master.
        MissingDependencyError: Java is missing.
    """
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    remote = master.startswith("sc://")
    if not (remote or os.environ.get("JAVA_HOME") or shutil.which("java")):
        message = "Spark needs Java 17 or later, which is neither in JAVA_HOME nor in PATH"
        raise MissingDependencyError(message, name="java")
    # Workers on this machine have this Python; those of a cluster have their own setting.
    options = {"spark.ui.showConsoleProgress": "false"}
    if master.startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        options |= LOOPBACK
    builder: Any = SparkSession.builder
    before = SparkSession.getActiveSession()
    for name, value in options.items():
        builder = builder.config(name, value)
    try:
        spark = (builder.remote(master) if remote else builder.master(master)).getOrCreate()
    except PySparkException as error:
        rule = "a master with which Spark starts; its own messages say more"
        raise InvalidArgumentError(f"spark: must be {rule}, got {master!r}") from error
    try:
        yield spark
    finally:
        if before is None:
            spark.stop()


@contextmanager
def readable() -> "Iterator[None]":
    """Raises Spark's own errors, of several lines of Java, as one of this package."""
    from pyspark.errors import PySparkException

    try:
        yield
    except PySparkException as error:
        first = str(error).strip().partition("\n")[0]
        raise CorpusError(f"Spark: {first}") from error
