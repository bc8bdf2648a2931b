"""What can be collected here: the Keras part of the package only where Keras is installed."""

from __future__ import annotations

from importlib.util import find_spec

HAS_KERAS = find_spec("keras") is not None

collect_ignore = [] if HAS_KERAS else ["python/newword/keras", "tests/keras"]


def pytest_report_header() -> str:
    """Says so where a part is left out."""
    return "" if HAS_KERAS else "skipped: newword.keras and its tests, Keras is not installed"
