"""Word discovery on a Spark cluster."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from newword import _check
from newword._advice import warn_about
from newword._arguments import Alphabet, Running
from newword._call import lexicon_of
from newword._core import core
from newword.discovery import COUNTS, KNOWN_ACTIONS, LARGEST_ORDER, scoring_options
from newword.errors import InvalidArgumentError
from newword.lexicon.known import known_words, with_known
from newword.progress import Progress, reporting
from newword.spark._pieces import joined
from newword.spark._plan import in_tasks
from newword.spark._session import check_frame, texts_of, typed_errors
from newword.spark._tasks import COUNTED, ENCODED, GATHERED, SUMS
from newword.spark._texts import REPORT
from newword.spark.counts import task_settings, together

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from newword.lexicon import Lexicon

Path = str | os.PathLike[str]

FEW = 16
"""The driver adds up the sums of as many tasks, of more tasks other tasks do."""


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
    send back are integers, which are added up, so the result is that of one machine to the last
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
        table, report = _counts(encoded, settings | {"scoring": options})
        few = report.pop("texts") <= FEW
        passes = partial(_pass, encoded, settings, few)
        with reporting(running.progress) as callback:
            job = {**running.options(), "progress": callback}
            found = dict(table.discover(options, job, passes))
    report.pop("total")
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


def _counts(encoded: DataFrame, settings: dict[str, Any]) -> tuple[Any, dict[str, int]]:
    """The counts of all n-grams that are kept, and what is known of the texts."""
    counted = in_tasks(encoded, "count", settings, COUNTED)
    gathered = in_tasks(together(counted, settings), "gather", settings, GATHERED)
    with _on_disk(gathered) as gathered:
        kept = gathered.where("counts is null").select("kept", "report").toArrow()
        report = dict.fromkeys(REPORT, 0)
        for found in kept.column("report").drop_null().to_pylist():
            report |= json.loads(found)
        needed = core().needed_counts(settings["scoring"], report["total"])
        table = core().RemoteCounts(_bytes(kept.column("kept")), needed)
        told = settings | {"request": table.request()}
        files = gathered.where("counts is not null").select("counts")
        shares = in_tasks(files, "shares", told, SUMS)
        # A few groups of many texts may have more shares than the driver can take.
        few = max(report["texts"], len(settings["labels"])) <= FEW
        table.add(_summed(shares, few))
    return table, report


def _pass(
    encoded: DataFrame, settings: dict[str, Any], few: bool, request: bytes, min_count: int
) -> bytes:
    """Goes through the texts, of which there may be `few`."""
    told = settings | {"request": request}
    return _summed(in_tasks(encoded, "pass", told, SUMS), few, min_count)


def _summed(parts: DataFrame, few: bool, min_count: int = 0) -> bytes:
    """The sums of what tasks found, those of words if they occur `min_count` times.

    Those of `few` tasks are added up here, which takes less time than a stage of Spark.
    """
    if few:
        sums = core().Sums()
        sums.add(_bytes(parts.select("sums").toArrow().column(0)))
        return b"".join(sums.pieces(min_count))
    # Without a number of partitions, so that Spark takes few for few sums.
    together = parts.repartition("group_id")
    told = {"min_count": min_count}
    return _bytes(in_tasks(together, "sum", told, SUMS).select("sums").toArrow().column(0))


def _bytes(column: Any) -> bytes:
    """The values of a column without nulls, end to end."""
    return b"".join(joined(chunk.drop_null()) for chunk in column.chunks)
