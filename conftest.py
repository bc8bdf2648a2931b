"""What can be collected here: the parts for Keras and for Spark only where these are installed."""

from __future__ import annotations

from importlib.util import find_spec

HAS_KERAS = find_spec("keras") is not None

HAS_SPARK = find_spec("pyspark") is not None and find_spec("pyarrow") is not None

collect_ignore = [] if HAS_KERAS else ["python/newword/keras", "tests/keras"]
if not HAS_SPARK:
    collect_ignore += ["python/newword/spark", "tests/spark"]


def pytest_report_header() -> str:
    """Says so where a part is left out."""
    keras = "" if HAS_KERAS else "skipped: newword.keras and its tests, Keras is not installed"
    spark = "" if HAS_SPARK else "skipped: newword.spark and its tests, pyspark is not installed"
    return "\n".join(filter(None, (keras, spark)))
