"""What the tasks of a cluster do; runs in the Python workers of the executors."""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from newword._core import core
from newword.errors import DecodeError, FormatError
from newword.spark._share import Share, share_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pyarrow as pa

    Batches = Iterable[pa.RecordBatch]
    Settings = dict[str, Any]

ERROR = re.compile(r"newword\.errors\.(?P<kind>\w+): (?P<message>.*)")
"""The last line of a traceback that ends in an exception of this package."""
ROWS = 1 << 16
"""Rows of a batch that goes out."""
PACKED = 1 << 18
"""Rows of a count file that goes to the driver: some megabytes."""


def run(name: str, settings: Settings, batches: Batches) -> Iterator[pa.RecordBatch]:
    """Runs a task on the batches of its partition."""
    tasks: dict[str, Callable[[Batches, Settings], Iterator[pa.RecordBatch]]] = {
        "count": count,
        "add": add,
        "pack": pack,
        "unpack": unpack,
    }
    return tasks[name](batches, settings)


def count(batches: Batches, settings: Settings) -> Iterator[pa.RecordBatch]:
    """Counts the texts of a partition, as much at a time as the share of memory holds.

    Yields batches of `bucket`, which decides where Spark sends a row, and `counts`, the count file
    of the n-grams of that bucket. O(text), within the memory of the share.
    """
    import pyarrow as pa

    share = share_of(settings["memory"], settings["threads"])
    options = settings["options"] | {"buckets": len(settings["labels"]), "drop_duplicates": False}
    for texts in _pieces(_valid(batches, settings["errors"]), share.text):
        source = {
            "kind": "arrow",
            "data": texts,
            "format": "auto",
            "field": "text",
            "encoding": "utf-8",
            "errors": "strict",
            "strip_html": settings["strip_html"],
        }
        with _folder(settings) as folder:
            job = _job(share, folder)
            found = core().count_buckets(source, str(folder), options, job)
            del source, texts
            for bucket, path in found:
                label = pa.array([settings["labels"][bucket]], pa.int32())
                counts = pa.array([Path(path).read_bytes()], pa.binary())
                Path(path).unlink()
                yield pa.RecordBatch.from_arrays([label, counts], ["bucket", "counts"])


def add(batches: Batches, settings: Settings) -> Iterator[pa.RecordBatch]:
    """Adds up the count files of a bucket.

    Yields batches of `ngram`, `n` and `count`. O(n-grams * log files); files lie on the disk.
    """
    share = share_of(settings["memory"], settings["threads"])
    with _folder(settings) as folder:
        files = list(_saved(batches, folder))
        if not files:
            return
        total = folder / "total"
        core().merge_counts(files, str(total), _job(share, folder))
        for file in files:
            Path(file).unlink()
        yield from _rows(total, settings["min_count"])


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
        with _folder(settings) as folder:
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


def _valid(batches: Batches, errors: str) -> Iterator[pa.Array]:
    """The texts of the batches, UTF-8 for sure: Spark hands over whatever bytes it was given."""
    import pyarrow as pa

    row = 0
    for batch in batches:
        texts = batch.column(0)
        try:
            texts.validate(full=True)
        except pa.ArrowInvalid:
            texts = _repaired(texts, errors, row)
        row += len(batch)
        yield texts


def _repaired(texts: pa.Array, errors: str, row: int) -> pa.Array:
    import pyarrow as pa

    repaired: list[str | None] = []
    for at, value in enumerate(texts.view(_binary(texts)).to_pylist()):
        try:
            repaired.append(None if value is None else value.decode())
        except UnicodeDecodeError as error:
            if errors == "strict":
                message = (
                    f"text: row {row + at} of the partition is not UTF-8 at byte {error.start}; "
                    "convert it, or pass errors='replace' or errors='skip'"
                )
                raise DecodeError(message) from None
            repaired.append(value.decode(errors="replace") if errors == "replace" else None)
    return pa.array(repaired, texts.type)


def _binary(texts: pa.Array) -> pa.DataType:
    import pyarrow as pa

    return pa.large_binary() if pa.types.is_large_string(texts.type) else pa.binary()


def _pieces(texts: Iterator[pa.Array], limit: int) -> Iterator[pa.ChunkedArray]:
    """The texts in pieces of about `limit` bytes."""
    import pyarrow as pa

    held: list[pa.Array] = []
    size = 0
    for array in texts:
        held.append(array)
        size += array.nbytes
        if size >= limit:
            yield pa.chunked_array(held)
            held, size = [], 0
    if held:
        yield pa.chunked_array(held)


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
        for counts in batch.column("counts"):
            path = folder / f"{number}.counts"
            path.write_bytes(counts.as_buffer())
            number += 1
            yield str(path)


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


@contextmanager
def _folder(settings: Settings) -> Iterator[Path]:
    """A folder for the files of a task, gone at its end."""
    from newword.spark._share import scratch

    with tempfile.TemporaryDirectory(prefix="newword-", dir=scratch(settings["temp_dir"])) as name:
        yield Path(name)


def _job(share: Share, folder: Path) -> dict[str, Any]:
    return {
        "threads": share.threads,
        "memory": str(share.core),
        "temp_dir": str(folder),
        "progress": None,
    }
