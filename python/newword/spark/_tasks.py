"""What the tasks of a cluster do; runs in the Python workers of the executors."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from newword._core import core
from newword.errors import FormatError
from newword.spark._pieces import cut, joined, whole
from newword.spark._rows import fields
from newword.spark._share import folder_of, job_of, release, share_of
from newword.spark._texts import encoded_texts, read_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pyarrow as pa

    Batches = Iterable[pa.RecordBatch]
    Settings = dict[str, Any]

ERROR = re.compile(r"newword\.errors\.(?P<kind>\w+): (?P<message>.*)")
"""The last line of a traceback that ends in an exception of this package."""
ENCODED = "text binary, report string"
"""The columns of `encode`."""
COUNTED = "group_id int, counts binary, report string"
"""The columns of `count`; `group` is a keyword of SQL."""
GATHERED = "counts binary, kept binary, report string"
"""The columns of `gather`."""
SUMS = "group_id int, sums binary"
"""The columns of `shares`, `pass` and `sum`."""
READ = 1 << 24
"""Bytes of a file that are read at once."""
ROWS = 1 << 16
"""Rows of a batch that goes out."""
PACKED = 1 << 18
"""Rows of a count file that goes to the driver: some megabytes."""


def run(name: str, settings: Settings, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Runs a task on the batches of its partition."""
    tasks: dict[str, Callable[[Batches, Settings], Iterator[pa.RecordBatch]]] = {
        "fields": fields,
        "encode": encode,
        "count": count,
        "add": add,
        "gather": gather,
        "shares": shares,
        "pass": go_through,
        "sum": add_up,
        "pack": pack,
        "unpack": unpack,
    }
    try:
        yield from tasks[name](batches, settings)
    finally:
        release()


def encode(batches: Batches, settings: Settings) -> Iterator[pa.RecordBatch]:
    """Encodes the texts of a partition, as much at a time as the share of memory holds.

    Yields batches of `text`, a piece of an encoded text, and in the row of the last piece `report`,
    what is known of the text, as JSON. O(text), within the memory of the share.
    """
    import pyarrow as pa

    for text, report in encoded_texts(batches, settings):
        data = text.to_bytes()
        del text
        left = len(data)
        for pieces in cut(data):
            left -= len(joined(pieces))
            reports = [None] * (len(pieces) - 1) + [None if left else json.dumps(report)]
            yield _batch(ENCODED, text=pieces, report=pa.array(reports, pa.string()))


def count(batches: Batches, settings: Settings) -> Iterator[pa.RecordBatch]:
    """Counts the texts of a partition, which may be `encoded`.

    Yields batches of `group_id`, which decides where Spark sends a row, and `counts`, the count
    file of the n-grams of that group. If the texts are encoded, each group gets a row with their
    `report`. O(text), within the memory of the share.
    """
    import pyarrow as pa

    share, labels = share_of(settings["memory"], settings["threads"]), settings["labels"]
    options = settings["options"] | {"groups": len(labels)}
    reports: Counter[str] = Counter()
    if settings["encoded"]:
        texts = read_texts(_noted(batches, reports))
    else:
        texts = (text for text, _ in encoded_texts(batches, settings))
    for text in texts:
        with folder_of(settings) as folder:
            # Without a name, so that what is left of the files goes before their folder.
            for group, counts in iter(text.count_groups(options, job_of(share, folder)).next, None):
                label = pa.array([labels[group]], pa.int32())
                yield _batch(COUNTED, group_id=label, counts=whole(counts))
    if settings["encoded"]:
        report = pa.array([json.dumps(reports)] * len(labels))
        yield _batch(COUNTED, group_id=pa.array(labels, pa.int32()), report=report)


def add(batches: Batches, settings: Settings) -> Iterator[pa.RecordBatch]:
    """Adds up the count files of a group.

    Yields batches of `ngram`, `n` and `count`. O(n-grams * log files); files lie on the disk.
    """
    share = share_of(settings["memory"], settings["threads"])
    with folder_of(settings) as folder:
        files = list(_saved(batches, folder))
        if not files:
            return
        total = folder / "total"
        core().merge_counts(files, str(total), job_of(share, folder))
        for file in files:
            Path(file).unlink()
        yield from _rows(total, settings["min_count"])


def gather(batches: Batches, settings: Settings) -> Iterator[pa.RecordBatch]:
    """Adds up the count files of a group.

    Yields batches of rows of three kinds: those with `counts` have pieces of the file of the sums
    in order, those with `kept` pieces of its n-grams that are kept, with counts and right sums. The
    first group has the `report` of all texts. O(n-grams * log files); files lie on the disk.
    """
    import pyarrow as pa

    share = share_of(settings["memory"], settings["threads"])
    reports: Counter[str] = Counter()
    groups: set[int] = set()
    with folder_of(settings) as folder:
        files = list(_saved(_noted(batches, reports, groups), folder))
        if settings["labels"][0] in groups:
            yield _batch(GATHERED, report=pa.array([json.dumps(reports)]))
        if not files:
            return
        needed = core().needed_counts(settings["scoring"], reports["total"])
        total = folder / "total"
        # Of n-grams that occur once, sums need few.
        merge = core().merge_for_sums if needed[1] > 1 else core().merge_counts
        merge(files, str(total), job_of(share, folder))
        for file in files:
            Path(file).unlink()
        for data in _read(total):
            yield from (_batch(GATHERED, counts=pieces) for pieces in cut(data))
        kept = core().right_sums(str(total), *needed)
    yield from (_batch(GATHERED, kept=pieces) for pieces in cut(kept))


def shares(batches: Batches, settings: Settings) -> Iterator[pa.RecordBatch]:
    """The shares of the gathered file in the sums of all n-grams that are kept."""
    with folder_of(settings) as folder:
        if (path := _file(batches, folder)) is not None:
            labels = settings["labels"]
            yield _grouped(core().shares(str(path), settings["request"], len(labels)), labels)


def go_through(batches: Batches, settings: Settings) -> Iterator[pa.RecordBatch]:
    """A pass over the encoded texts of a partition: sums by key, to be added up over all."""
    share = share_of(settings["memory"], settings["threads"])
    asked, labels = core().Pass(settings["request"]), settings["labels"]
    for text in read_texts(batches):
        with folder_of(settings) as folder:
            yield _grouped(asked.run(text, len(labels), job_of(share, folder)), labels)


def add_up(batches: Batches, settings: Settings) -> Iterator[pa.RecordBatch]:
    """Adds up sums; those of rare words are left out. O(bytes), all keys in memory."""
    import pyarrow as pa

    sums = core().Sums()
    for batch in batches:
        sums.add(joined(batch.column("sums")).to_pybytes())
    yield _batch(SUMS, sums=pa.array(sums.pieces(settings["min_count"]), pa.binary()))


def unpack(batches: Batches, settings: Settings) -> Iterator[pa.RecordBatch]:
    """The n-grams of the count files whose paths are in the column `path`."""
    for batch in batches:
        for path in batch.column("path").to_pylist():
            yield from _rows(Path(path), settings["min_count"])


def pack(batches: Batches, settings: Settings) -> Iterator[pa.RecordBatch]:
    """Count files of the n-grams of a partition, which has all of its first symbols and is sorted.

    Yields batches of `counts`. O(n-grams), one file at a time in memory.
    """
    import pyarrow as pa

    for table in _tables(batches, PACKED):
        ngrams = table.column("ngram").combine_chunks().cast(pa.string())
        counts = table.column("count").combine_chunks()
        if ngrams.null_count or counts.null_count:
            raise FormatError("counts: must hold no null")
        offsets = np.frombuffer(ngrams.buffers()[1], np.int32)
        offsets = offsets[ngrams.offset : ngrams.offset + len(ngrams) + 1]
        text = ngrams.buffers()[2]
        with folder_of(settings) as folder:
            path = folder / "counts"
            core().write_columns(
                np.ascontiguousarray(offsets),
                b"" if text is None else text.to_pybytes(),
                np.ascontiguousarray(counts.to_numpy(zero_copy_only=False), np.int64),
                settings["order"],
                settings["alphabet"],
                str(path),
            )
            packed = pa.array([path.read_bytes()], pa.binary())
        yield pa.RecordBatch.from_arrays([packed], ["counts"])


def _batch(columns: str, **given: pa.Array) -> pa.RecordBatch:
    """A batch of columns as Spark names them; those that are not given are null."""
    import pyarrow as pa

    kinds = {
        "int": pa.int32(),
        "bigint": pa.int64(),
        "binary": pa.binary(),
        "string": pa.string(),
    }
    rows = len(next(iter(given.values())))
    arrays = {}
    for column in columns.split(", "):
        name, kind = column.split(" ")
        arrays[name] = given[name] if name in given else pa.nulls(rows, kinds[kind])
    return pa.RecordBatch.from_pydict(arrays)


def _grouped(pieces: list[tuple[int, bytes]], labels: list[int]) -> pa.RecordBatch:
    """Pieces of sums, each with the label of its group."""
    import pyarrow as pa

    groups = pa.array([labels[group] for group, _ in pieces], pa.int32())
    sums = pa.array([piece for _, piece in pieces], pa.binary())
    return _batch(SUMS, group_id=groups, sums=sums)


def _noted(
    batches: Batches, reports: Counter[str], groups: set[int] | None = None
) -> Iterator[pa.RecordBatch]:
    """The same batches, whose reports are added up and whose groups are noted on the way."""
    for batch in batches:
        for report in batch.column("report").drop_null().to_pylist():
            reports.update(json.loads(report))
        if groups is not None:
            groups.update(batch.column("group_id").unique().to_pylist())
        yield batch


def _tables(batches: Batches, rows: int) -> Iterator[pa.Table]:
    """The batches as tables of at least `rows` rows, but for the last."""
    import pyarrow as pa

    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(map(len, held)) >= rows:
            yield pa.Table.from_batches(held)
            held = []
    if any(map(len, held)):
        yield pa.Table.from_batches(held)


def _saved(batches: Batches, folder: Path) -> Iterator[str]:
    """Writes each count file to the folder, so that memory holds one of them."""
    number = 0
    for batch in batches:
        for counts in batch.column("counts").drop_null():
            path = folder / f"{number}.counts"
            path.write_bytes(counts.as_buffer())
            number += 1
            yield str(path)


def _read(path: Path) -> Iterator[bytes]:
    """A file in pieces."""
    with path.open("rb") as file:
        while piece := file.read(READ):
            yield piece


def _file(batches: Batches, folder: Path) -> Path | None:
    """The file whose pieces these are, None without any."""
    path = folder / "joined"
    with path.open("wb") as file:
        for batch in batches:
            file.write(joined(batch.column("counts")))
        return path if file.tell() else None


def _rows(path: Path, min_count: int) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    from pyarrow import compute

    rows = core().CountRows(str(path))
    while (columns := rows.next(ROWS)) is not None:
        offsets, text, lengths, counts = columns
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(text)]
        ngrams = pa.Array.from_buffers(pa.string(), len(counts), buffers)
        arrays = [ngrams, pa.array(lengths), pa.array(counts)]
        batch = pa.RecordBatch.from_arrays(arrays, ["ngram", "n", "count"])
        if min_count > 1:
            batch = batch.filter(compute.greater_equal(batch.column(2), min_count))
        yield batch
