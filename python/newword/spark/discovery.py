"""Word discovery on a Spark cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword._advice import warn_about
from newword._arguments import Alphabet, Running
from newword._call import lexicon_of
from newword._core import core
from newword.discovery import COUNTS, KNOWN_ACTIONS, LARGEST_ORDER, scoring_options
from newword.errors import InvalidArgumentError
from newword.lexicon.known import known_words, with_known
from newword.progress import Progress, reporting
from newword.spark._plan import in_tasks
from newword.spark._session import check_frame, texts_of, typed_errors
from newword.spark._tasks import COUNTED, ENCODED, GATHERED, REPORT
from newword.spark.counts import task_settings, together

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyspark.sql import DataFrame

    from newword.lexicon import Lexicon

Path = str | os.PathLike[str]

FIRST_WORD = b"\x03"
"""The keys of words begin with this byte or a larger one; those of other counts with a smaller."""


class WordFrame:
    """Words as a Spark DataFrame, with everything that a DataFrame has.

    Attributes:
        frame: The DataFrame, with the columns of a `Lexicon`.
        summary: The summary of the discovery, as in `Lexicon.summary`.
    """

    def __init__(self, frame: DataFrame, lexicon: Lexicon) -> None:
        self.frame = frame
        self.summary = lexicon.summary
        self._lexicon = lexicon

    def to_lexicon(self) -> Lexicon:
        """The words as a Lexicon, which segments and saves."""
        return self._lexicon

    def __getattr__(self, name: str) -> Any:
        # A copy asks for names before it has a frame.
        if name == "frame":
            raise AttributeError(name)
        return getattr(self.frame, name)


def discover(
    df: DataFrame,
    column: str = "text",
    *,
    order: int = 4,
    min_count: int | None = None,
    method: str | None = None,
    min_pmi: float | Sequence[float] | None = None,
    min_entropy: float | None = None,
    max_length: int | None = None,
    counts: str = "exact",
    known: Path | Iterable[str] | Lexicon | None = None,
    known_action: str = "mark",
    edge_stops: str | Iterable[str] = (),
    reasons: bool = False,
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
    temp_dir: Path | None = None,
    progress: bool | Callable[[Progress], object] | None = None,
) -> WordFrame:
    """Finds the words of a column of texts, as `newword.discover` does on one machine.

    The tasks count n-grams and the neighbours of those that are kept. The driver scores them, and
    sends what the text is cut with to the tasks; each cut is a pass over the texts. All that tasks
    send back are integers that Spark adds up, so the result is that of one machine to the last
    digit, for any partitions.

    The texts are read once. Spark keeps them on the disks of the executors for the passes, in two
    bytes a character, with their counts. What it loses it reads again, so persist a DataFrame that
    is random. The driver holds the n-grams that occur `min_count` times.

    Args:
        df: A DataFrame.
        column: The column of the texts: strings, or UTF-8 as binary. Nulls are left out, and
            counted in `summary["missing"]`.
        counts: `"exact"`; `"kenlm"` is refused, because the published script counts in one stream.
        errors: Handling of invalid UTF-8: `"strict"` raises an error, `"replace"` replaces it by
            U+FFFD, which is a break, `"skip"` leaves the row out.
        drop_duplicates: Refused if True: tasks do not see each other's texts. Use
            `df.dropDuplicates([column])`.
        partitions: Number of partitions of the counts; by default that of Spark's shuffles.
        threads: Number of threads of a task; by default `spark.task.cpus`.
        memory: Memory limit of a task, as for `count_ngrams`. The driver takes half the free
            memory of its machine.
        temp_dir: Directory for temporary files on the workers; by default Spark's own.
        progress: As for `newword.discover`; tells the work of the driver.

    All other arguments are those of `newword.discover`.

    Returns:
        The words: a DataFrame with the columns of a Lexicon, in the Lexicon's order until it is
        partitioned anew; `to_lexicon()` returns the Lexicon.

    Raises:
        InvalidArgumentError: An argument is invalid; the column is missing or holds no texts.
        CorpusError: There is no text, or it changed between two passes.
        DecodeError: A text is not UTF-8.
        MemoryBudgetError: A task has too little memory.
        MissingDependencyError: pyspark or pyarrow is missing or too old.

    Time is linear in the size of the texts; memory of a task is bounded by `memory`.

    Source:
        As `newword.discover`.

    Examples:
        >>> from newword.spark import discover
        >>> df = spark.read.parquet("crawl/")  # doctest: +SKIP
        >>> discover(df, "text", min_count=50).to_lexicon().save("words.tsv")  # doctest: +SKIP
    """
    check_frame("df", df)
    texts = texts_of(df, column)
    if _check.choice("counts", counts, COUNTS) == "kenlm":
        raise InvalidArgumentError(
            "counts: must be 'exact' on a cluster, because the published script counts in one "
            "stream, got 'kenlm'"
        )
    options = scoring_options(
        _check.whole("order", order, 2, LARGEST_ORDER),
        min_count=min_count,
        method="combined" if method is None else method,
        min_pmi=min_pmi,
        min_entropy=min_entropy,
        max_length=max_length,
        edge_stops=edge_stops,
        reasons=reasons,
    )
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
    # Pairs are all that this method looks at.
    settings["options"]["order"] = 2 if options["method"] == "bigram" else options["order"]
    running = Running(threads=None, memory=None, temp_dir=None, progress=progress)
    action = _check.choice("known_action", known_action, KNOWN_ACTIONS)
    already = known_words(known, nfkc=settings["options"]["nfkc"])
    settings["encoded"] = True
    with typed_errors(), _on_disk(in_tasks(texts, "encode", settings, ENCODED)) as encoded:
        report = _report(encoded)
        needed = core().needed_counts(options, report.pop("total"))
        table = _counts(encoded, settings | {"needed": needed})
        found = _found(table, encoded, settings, options, running)
    found["summary"] |= {"files": 0, "duplicates": 0, **report}
    words = lexicon_of(found)
    warn_about(words)
    lexicon = with_known(words, already, action)
    return WordFrame(df.sparkSession.createDataFrame(_signed(lexicon.to_arrow())), lexicon)


def _signed(table: Any) -> Any:
    """A table of Arrow without the unsigned numbers, which Spark does not have."""
    import pyarrow as pa

    fields = [
        field.with_type(pa.int64()) if pa.types.is_unsigned_integer(field.type) else field
        for field in table.schema
    ]
    return table.cast(pa.schema(fields))


@contextmanager
def _on_disk(df: DataFrame) -> Iterator[DataFrame]:
    """A DataFrame that is used several times; Spark keeps it on the disks of the executors."""
    from pyspark import StorageLevel

    kept = df.persist(StorageLevel.DISK_ONLY)
    try:
        yield kept
    finally:
        kept.unpersist()


def _report(encoded: DataFrame) -> dict[str, int]:
    """What is known of the texts."""
    from pyspark.sql import functions

    sums = [functions.sum(name).alias(name) for name in REPORT]
    [row] = encoded.agg(*sums).collect()
    return {name: count or 0 for name, count in row.asDict().items()}


def _counts(encoded: DataFrame, settings: dict[str, Any]) -> Any:
    """The counts of all n-grams that are kept."""
    from pyspark.sql import functions

    counted = in_tasks(encoded.select("text", "last"), "count", settings, COUNTED)
    gathered = in_tasks(together(counted, settings), "gather", settings, GATHERED)
    with _on_disk(gathered) as gathered:
        kept = gathered.where("counts is null").drop("counts").toArrow()
        ends, text = _joined(kept.column("ngram"))
        count, low, high = (_numbers(kept.column(name)) for name in ("count", "low", "high"))
        table = core().RemoteCounts(ends, text, count, (low, high), settings["needed"])
        told = {"request": table.request(), "temp_dir": settings["temp_dir"]}
        files = gathered.where("counts is not null").select("counts")
        shares = in_tasks(files, "shares", told, "number bigint, low bigint, high bigint")
        halves = [functions.sum(half).alias(half) for half in ("low", "high")]
        added = shares.groupBy("number").agg(*halves).toArrow()
        table.add(*(_numbers(added.column(name)) for name in ("number", "low", "high")))
    return table


def _found(
    table: Any,
    encoded: DataFrame,
    settings: dict[str, Any],
    options: dict[str, Any],
    running: Running,
) -> dict[str, Any]:
    """The words of the counts, with passes over the texts."""
    from pyspark.sql import functions

    texts = encoded.select("text", "last")

    def passes(request: bytes, min_count: int) -> tuple[bytes, Any, Any]:
        told = settings | {"request": request}
        parts = in_tasks(texts, "pass", told, "key binary, count bigint")
        added = parts.groupBy("key").agg(functions.sum("count").alias("count"))
        is_word = functions.substring("key", 1, 1) >= functions.lit(bytearray(FIRST_WORD))
        frequent = functions.col("count") >= min_count
        kept = added.filter(~is_word | frequent).toArrow()
        ends, keys = _joined(kept.column("key"))
        return keys, ends, _numbers(kept.column("count"))

    with reporting(running.progress) as callback:
        job = {**running.options(), "progress": callback}
        return dict(table.discover(options, job, passes))


def _joined(column: Any) -> tuple[NDArray[np.int64], bytes]:
    """Where the strings of a column end in the bytes of all, and these bytes."""
    ends: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    texts: list[bytes] = []
    size = 0
    for chunk in column.chunks:
        wide = "large" in str(chunk.type)
        _, places, data = chunk.buffers()
        offsets = np.frombuffer(places, np.int64 if wide else np.int32).astype(np.int64)
        offsets = offsets[chunk.offset : chunk.offset + len(chunk) + 1]
        if len(chunk) == 0 or data is None:
            ends.append(np.full(len(chunk), size, np.int64))
            continue
        texts.append(data.to_pybytes()[offsets[0] : offsets[-1]])
        ends.append(offsets[1:] - offsets[0] + size)
        size += len(texts[-1])
    return np.concatenate(ends), b"".join(texts)


def _numbers(column: Any) -> NDArray[np.int64]:
    return np.ascontiguousarray(column.to_numpy(), np.int64)
