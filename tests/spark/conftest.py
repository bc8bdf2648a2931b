"""One session for all tests of `newword.spark`, on the loopback address."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.cluster import JAVA


@pytest.fixture(scope="session")
def session() -> Iterator[Any]:
    """A session of two tasks at once, each tried four times."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder: Any = SparkSession.builder
    options = {
        "spark.ui.enabled": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.extraJavaOptions": JAVA,
        "spark.driver.memory": "512m",
        "spark.sql.shuffle.partitions": "3",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "50",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "OFF",
    }
    for name, value in options.items():
        builder = builder.config(name, value)
    spark = builder.master("local[2,4]").getOrCreate()
    yield spark
    spark.stop()
