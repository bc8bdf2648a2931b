"""N-gram counts on a Spark cluster, as DataFrames and as count files."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newword import _check
from newword._arguments import ERRORS, Alphabet, Running
from newword._atomic import check_writable
from newword._core import core
from newword.discovery import LARGEST_ORDER
from newword.discovery import merge_counts as merge_files
from newword.errors import CorpusError, FormatError, InvalidArgumentError
from newword.spark._plan import in_tasks, labels
from newword.spark._session import (
    check_frame,
    check_library,
    check_session,
    texts_of,
    typed_errors,
)
from newword.spark._tasks import COUNTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import DataFrame, SparkSession

ROWS = "ngram string, n tinyint, count bigint"
"""The columns of counts."""
KEY = "newword"
"""The key of what is known of counts, in the metadata of the column `ngram`."""
MOST_PARTITIONS = 1 << 15


@dataclass(frozen=True)
class CountSettings:
    """What counts have to share to be added up."""

    order: int
    min_count: int
    alphabet: str

    def of_frame(self, counts: DataFrame) -> DataFrame:
        """The same counts, with these settings."""
        from pyspark.sql import functions

        known = {
            "order": self.order,
            "min_count": self.min_count,
            "alphabet": self.alphabet,
        }
        ngram = functions.col("ngram").alias("ngram", metadata={KEY: known})
        return counts.select(ngram, "n", "count")


def count_ngrams(
    df: DataFrame,
    column: str = "text",
    *,
    order: int = 4,
    min_count: int = 1,
    errors: str = "strict",
    strip_html: bool = False,
    letters: str = "unit",
    digits: str = "unit",
    nfkc: bool = False,
    skip_variation_selectors: bool = False,
    drop_duplicates: bool = False,
    partitions: int | None = None,
    threads: int | None = None,
    memory: str | int | None = None,
    temp_dir: str | os.PathLike[str] | None = None,
) -> DataFrame:
    """Counts all n-grams of a column of texts, exactly.

    Each task counts its partition with the core and sends its counts as count files, one for each
    group of first symbols. Spark brings the files of a group together, where they are added up. The
    counts are those of `newword.count_ngrams` on one machine, for any partitions. Nothing runs
    before the result is used; errors of the tasks arrive then, within Spark's own.

    Args:
        df: A DataFrame.
        column: The column of the texts: strings, or UTF-8 as binary. Nulls are left out.
        order: Length of the longest n-grams to score, 1 to 8 symbols. N-grams of one symbol more
            are counted too: they are the neighbours of these.
        min_count: Minimum count of an n-gram, applied to the sums. Above 1 the result is pruned,
            and cannot be added to others or written as a count file.
        errors: Handling of invalid UTF-8: `"strict"` raises an error, `"replace"` replaces it by
            U+FFFD, which is a break, `"skip"` leaves the row out.
        drop_duplicates: Refused if True: tasks do not see each other's texts. Use
            `df.dropDuplicates([column])`.
        partitions: Number of partitions of the result; by default that of Spark's shuffles.
        threads: Number of threads of a task; by default `spark.task.cpus`.
        memory: Memory limit of a task, such as `"2GB"` or in bytes; by default what
            `spark.executor.pyspark.memory` leaves to a worker, or else its part of half the
            free memory of the machine.
        temp_dir: Directory for temporary files on the workers; by default Spark's own.

    All other arguments are those of `newword.discover`.

    Returns:
        A DataFrame with a row for each n-gram: `ngram` (str), its symbols with a space between
        them; `n` (int8), their number; `count` (int64). In no particular order.

    Raises:
        InvalidArgumentError: An argument is invalid; the column is missing or holds no texts.
        MissingDependencyError: pyspark or pyarrow is missing or too old.

    Time is linear in the size of the texts; memory of a task is bounded by `memory`.

    Examples:
        >>> from newword.spark import count_ngrams
        >>> df = spark.read.parquet("crawl/")  # doctest: +SKIP
        >>> count_ngrams(df, "text").write.parquet("counts/")  # doctest: +SKIP
    """
    check_frame("df", df)
    texts = texts_of(df, column)
    alphabet = Alphabet(
        letters=letters,
        digits=digits,
        nfkc=nfkc,
        skip_variation_selectors=skip_variation_selectors,
        drop_duplicates=drop_duplicates,
    )
    settings = task_settings(
        df,
        alphabet=alphabet,
        errors=errors,
        strip_html=strip_html,
        partitions=partitions,
        threads=threads,
        memory=memory,
        temp_dir=temp_dir,
    )
    options = settings["options"]
    options["order"] = _check.whole("order", order, 1, LARGEST_ORDER)
    settings["min_count"] = _check.whole("min_count", min_count, 1)
    counted = in_tasks(texts, "count", settings, COUNTED)
    rows = in_tasks(together(counted, settings), "add", settings, ROWS)
    name = core().alphabet_name(options)
    return CountSettings(options["order"], settings["min_count"], name).of_frame(rows)


def merge_counts(frames: Iterable[DataFrame]) -> DataFrame:
    """Adds up counts, as if their texts had been counted together.

    Args:
        frames: Exact counts with the same order and alphabet, as `count_ngrams` returns them; they
            may have been written and read in between.

    Returns:
        A DataFrame like that of `count_ngrams`.

    Raises:
        InvalidArgumentError: `frames` is empty or has something else in it.
        FormatError: Counts are pruned, or do not match the first.
    """
    rule = "several DataFrames of counts"
    given = list(_check.iterable("frames", frames, rule))
    if not given:
        raise _check.invalid("frames", "at least one DataFrame of counts", given)
    first = _exact("frames[0]", given[0])
    total = given[0].select("ngram", "n", "count")
    for at, frame in enumerate(given[1:], 1):
        if (settings := _exact(f"frames[{at}]", frame)) != first:
            raise FormatError(
                f"frames[{at}]: counted with {settings}, but frames[0] with {first}; "
                "count one of them again"
            )
        total = total.unionByName(frame.select("ngram", "n", "count"))
    from pyspark.sql import functions

    added = total.groupBy("ngram", "n").agg(functions.sum("count").alias("count"))
    return first.of_frame(added)


def write_counts(
    counts: DataFrame, output: str | os.PathLike[str], *, memory: str | int | None = None
) -> dict[str, Any]:
    """Writes counts as one count file on the driver, for `newword merge` and `newword score`.

    The tasks make files of their parts, which the driver merges: it holds one of them in memory.
    Rows of the same n-gram are added up.

    Args:
        counts: Exact counts, as `count_ngrams` returns them.
        output: The count file, written atomically. As much space again is needed beside it.
        memory: Memory limit of merging, as for `newword.merge_counts`.

    Returns:
        The summary of the count file: `order`, `total` characters, and more.

    Raises:
        InvalidArgumentError: An argument is invalid.
        FormatError: The counts are pruned.
        CorpusError: There are no counts.
        OSError: The file cannot be written.
    """
    settings = _exact("counts", counts)
    target = Path(_check.path("output", output))
    check_writable(target)
    from pyspark.sql import functions

    rows = counts.select(
        "ngram", "count", functions.substring_index("ngram", " ", 1).alias("first")
    )
    # All that begins with a symbol in one partition, so that each n-gram is behind what it extends.
    together = rows.repartition("first").sortWithinPartitions("ngram").select("ngram", "count")
    told = {"order": settings.order, "alphabet": settings.alphabet, "temp_dir": None}
    packed = in_tasks(together, "pack", told, "counts binary")
    with tempfile.TemporaryDirectory(prefix=".newword-", dir=target.resolve().parent) as folder:
        parts: list[Path] = []
        with typed_errors():
            for row in packed.toLocalIterator():
                parts.append(Path(folder) / str(len(parts)))
                parts[-1].write_bytes(row["counts"])
        if not parts:
            raise CorpusError("counts: the DataFrame has no rows, nothing to write")
        return merge_files(parts, target, memory=memory)


def read_counts(session: SparkSession, paths: Iterable[str | os.PathLike[str]]) -> DataFrame:
    """Reads exact count files, as `newword count` writes them, and adds them up.

    Args:
        session: The session of the DataFrame.
        paths: Count files with the same order and alphabet, in folders that the driver and the
            workers share. Each is read by one task.

    Returns:
        A DataFrame like that of `count_ngrams`.

    Raises:
        InvalidArgumentError: `paths` is empty, or an argument is invalid.
        FormatError: A file is no count file, is pruned, or does not match the first.
        OSError: A file cannot be read.
    """
    check_library()
    if not all(hasattr(session, name) for name in ("createDataFrame", "version")):
        raise _check.invalid("session", "a SparkSession", type(session).__name__)
    check_session("session", session)
    given = _check.iterable("paths", paths, "several paths")
    names = [str(Path(_check.path("paths", path)).resolve()) for path in given]
    if not names:
        raise _check.invalid("paths", "at least one count file", names)
    found: list[CountSettings] = []
    for name in names:
        summary = core().count_file_summary(name)
        one = CountSettings(summary["order"], summary["min_count"], summary["alphabet"])
        if one.min_count > 1:
            raise FormatError(f"{name}: pruned at min_count {one.min_count}; count it with 1")
        if found and one != found[0]:
            raise FormatError(
                f"{name}: counted with {one}, but {names[0]} with {found[0]}; count one again"
            )
        found.append(one)
    files = session.createDataFrame([(name,) for name in names], "path string")
    rows = in_tasks(files.repartition(len(names)), "unpack", {"min_count": 1}, ROWS)
    counts = found[0].of_frame(rows)
    return counts if len(names) == 1 else merge_counts([counts])


def task_settings(
    df: DataFrame,
    *,
    alphabet: Alphabet,
    errors: Any,
    strip_html: Any,
    partitions: Any,
    threads: Any,
    memory: Any,
    temp_dir: Any,
) -> dict[str, Any]:
    """What the tasks over the texts are told, of arguments that are checked here.

    Raises:
        InvalidArgumentError: An argument is invalid, or what a cluster cannot do.
    """
    options = alphabet.options()
    if options.pop("drop_duplicates"):
        raise InvalidArgumentError(
            "drop_duplicates: must be False on a cluster, whose tasks do not see each other's "
            "texts, got True; use df.dropDuplicates of the column"
        )
    running = Running(threads=threads, memory=memory, temp_dir=None, progress=None).options()
    return {
        "options": options,
        "errors": _check.choice("errors", errors, ERRORS),
        "strip_html": _check.flag("strip_html", strip_html),
        "labels": labels(_partitions(df, partitions)),
        "encoded": False,
        "threads": running["threads"],
        "memory": _bytes(running["memory"]),
        # A folder of the workers, which the driver may not have.
        "temp_dir": None if temp_dir is None else _check.path("temp_dir", temp_dir),
    }


def together(counted: DataFrame, settings: dict[str, Any]) -> DataFrame:
    """The count files of all tasks, those of a group in one partition."""
    return counted.repartition(len(settings["labels"]), "group_id")


def settings_of(argument: str, counts: DataFrame) -> CountSettings:
    """What a DataFrame of counts was counted with.

    Raises:
        InvalidArgumentError: It is none.
    """
    check_frame(argument, counts)
    fields = {field.name: field for field in counts.schema.fields}
    known = fields["ngram"].metadata.get(KEY) if {"ngram", "n", "count"} <= set(fields) else None
    if known is None:
        raise InvalidArgumentError(
            f"{argument}: must be counts made by newword.spark, with the metadata of their column "
            f"ngram, got the columns {', '.join(fields)}"
        )
    return CountSettings(int(known["order"]), int(known["min_count"]), str(known["alphabet"]))


def _exact(argument: str, counts: DataFrame) -> CountSettings:
    settings = settings_of(argument, counts)
    if settings.min_count > 1:
        raise FormatError(
            f"{argument}: pruned at min_count {settings.min_count}, so sums with it would be "
            "wrong; count it again with min_count=1"
        )
    return settings


def _partitions(df: DataFrame, partitions: int | None) -> int:
    if partitions is None:
        partitions = int(df.sparkSession.conf.get("spark.sql.shuffle.partitions") or 200)
    return _check.whole("partitions", partitions, 1, MOST_PARTITIONS)


def _bytes(memory: str | None) -> int | None:
    from newword.spark._share import SMALLEST

    if memory is None:
        return None
    size = int(core().memory_bytes(memory))
    if size < SMALLEST:
        rule = f"at least {SMALLEST // 1_000_000}MB for a task"
        raise _check.invalid("memory", rule, memory)
    return size
