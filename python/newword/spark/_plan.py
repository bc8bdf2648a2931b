"""Tasks as functions that Spark sends to its workers, and rows by their destination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import newword

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pyspark.sql import DataFrame


def in_tasks(df: DataFrame, name: str, settings: dict[str, Any], schema: str) -> DataFrame:
    """Runs a task of `newword.spark._tasks` on each partition."""
    return df.mapInArrow(task(name, settings, newword.__version__), schema)


def task(name: str, settings: dict[str, Any], version: str) -> Callable[[Any], Iterator[Any]]:
    """The function of a task. It is sent by value: a worker without this package can say so.

    Args:
        name: The task's name in `newword.spark._tasks`.
        settings: What it is told.
        version: The version of this package on the driver.
    """

    def run(batches: Any) -> Any:
        import socket

        where = f"the worker on {socket.gethostname()}"
        remedy = f"install newword {version} on the driver and on every worker"
        try:
            import newword
            from newword.errors import NewwordError
            from newword.spark import _tasks
        except ImportError as error:
            message = f"{where} cannot import newword: {error}; {remedy}"
            raise ImportError(message) from error
        if newword.__version__ != version:
            message = (
                f"newword is {newword.__version__} on {where}, {version} on the driver; {remedy}"
            )
            raise NewwordError(message)
        return _tasks.run(name, settings, batches)

    return run


def labels(partitions: int) -> list[int]:
    """Numbers that `repartition(partitions, column)` sends to the partitions 0, 1, 2, ... in turn.

    Spark sends a row to the partition that the hash of the column says; numbers in sequence would
    leave some partitions empty and others with several. O(partitions * log partitions).
    """
    found: dict[int, int] = {}
    number = 0
    while len(found) < partitions:
        found.setdefault(spark_hash(number) % partitions, number)
        number += 1
    return [found[partition] for partition in range(partitions)]


def spark_hash(number: int) -> int:
    """Spark's hash of an int: 32-bit Murmur3 (Appleby 2008), seed 42, as a signed number."""
    mask = 0xFFFFFFFF

    def rotated(value: int, bits: int) -> int:
        return (value << bits | value >> (32 - bits)) & mask

    mixed = rotated((number & mask) * 0xCC9E2D51 & mask, 15) * 0x1B873593 & mask
    value = (rotated(42 ^ mixed, 13) * 5 + 0xE6546B64) & mask
    # One number of 4 bytes.
    value ^= 4
    value = (value ^ value >> 16) * 0x85EBCA6B & mask
    value = (value ^ value >> 13) * 0xC2B2AE35 & mask
    value ^= value >> 16
    return value - (1 << 32) if value >> 31 else value
