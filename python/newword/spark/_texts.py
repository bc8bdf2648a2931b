"""The texts of a partition, as Spark hands them over and encoded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from newword._core import core
from newword.errors import DecodeError
from newword.spark._pieces import joined
from newword.spark._share import folder_of, job_of, release, share_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    Batches = Iterable[pa.RecordBatch]

REPORT = (
    "texts",
    "total",
    "bytes",
    "documents",
    "replaced",
    "skipped",
    "ignored",
    "missing",
    "markup",
)
"""What is known of encoded texts. Sums over all tasks; all but `texts` are those of one machine."""


def encoded_texts(
    batches: Batches, settings: dict[str, Any]
) -> Iterator[tuple[Any, dict[str, int]]]:
    """The texts of a partition in ids, as much at a time as the share of memory holds.

    What is known of each text comes with it.
    """
    share = share_of(settings["memory"], settings["threads"])
    texts = Texts(batches, settings["errors"])
    for piece in _pieces(texts, share.text):
        with folder_of(settings) as folder:
            source, job = _source(piece, settings), job_of(share, folder)
            text = core().EncodedText(source, settings["options"], job)
            del piece, source
            release()
            report = {"texts": 1, "total": text.total(), **text.report(), **texts.told()}
            yield text, {name: report[name] for name in REPORT}


def read_texts(batches: Batches) -> Iterator[Any]:
    """The encoded texts of these rows."""
    held: list[pa.Buffer] = []
    for batch in batches:
        start = 0
        is_last = batch.column("report").is_valid().to_numpy(zero_copy_only=False)
        for last in np.flatnonzero(is_last).tolist():
            held.append(joined(batch.column("text")[start : last + 1]))
            text = core().EncodedText.from_bytes(b"".join(held))
            held.clear()
            release()
            yield text
            del text
            start = last + 1
        held.append(joined(batch.column("text")[start:]))


def _binary(texts: pa.Array) -> pa.DataType:
    import pyarrow as pa

    return pa.large_binary() if pa.types.is_large_string(texts.type) else pa.binary()


def _pieces(texts: Iterable[pa.Array], limit: int) -> Iterator[pa.ChunkedArray]:
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


class Texts:
    """The texts of batches, UTF-8 for sure: Spark hands over whatever bytes it was given."""

    def __init__(self, batches: Batches, errors: str) -> None:
        self._batches = batches
        self._errors = errors
        self._row = 0
        self._told = {"replaced": 0, "skipped": 0}

    def __iter__(self) -> Iterator[pa.Array]:
        """The texts, batch by batch.

        Raises:
            DecodeError: A text is not UTF-8, and that is an error.
        """
        import pyarrow as pa

        for batch in self._batches:
            texts = batch.column(0)
            try:
                texts.validate(full=True)
            except pa.ArrowInvalid:
                texts = self._repaired(texts)
            self._row += len(batch)
            yield texts

    def told(self) -> dict[str, int]:
        """What was replaced and skipped since this was asked last."""
        told, self._told = self._told, {"replaced": 0, "skipped": 0}
        return told

    def _repaired(self, texts: pa.Array) -> pa.Array:
        import pyarrow as pa

        repaired: list[str | None] = []
        for at, value in enumerate(texts.view(_binary(texts)).to_pylist()):
            try:
                repaired.append(None if value is None else value.decode())
            except UnicodeDecodeError as error:
                if self._errors == "strict":
                    message = (
                        f"text: row {self._row + at} of the partition is not UTF-8 at byte "
                        f"{error.start}; convert it, or pass errors='replace' or errors='skip'"
                    )
                    raise DecodeError(message) from None
                if self._errors == "skip":
                    self._told["skipped"] += 1
                    continue
                text = value.decode(errors="replace")
                sign = "\ufffd"
                self._told["replaced"] += text.count(sign) - value.count(sign.encode())
                repaired.append(text)
        return pa.array(repaired, texts.type)


def _source(texts: pa.ChunkedArray, settings: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "arrow",
        "data": texts,
        "format": "auto",
        "field": "text",
        "encoding": "utf-8",
        "errors": "strict",
        "strip_html": settings["strip_html"],
    }
