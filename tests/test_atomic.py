"""Files that are complete or not there, whenever a signal comes."""

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from newword import _atomic
from newword._atomic import check_writable, replacing


class Stopped(BaseException):
    """What the handler of a signal raises between two lines."""


def stopped_before_line(number: int, work: Callable[[], None]) -> bool:
    """Runs `work`; raises `Stopped` before the line of `_atomic` with this number in the run."""
    lines = itertools.count()

    def trace(frame: Any, event: str, _: object) -> Any:
        if frame.f_code.co_filename != _atomic.__file__:
            return None
        if event == "line" and not _atomic.placing() and next(lines) == number:
            raise Stopped
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except Stopped:
        return True
    finally:
        sys.settrace(before)
    return False


def write(target: Path) -> None:
    with replacing(target) as temporary:
        temporary.write_text("new", "utf-8")


@pytest.mark.parametrize("work", [write, check_writable])
@pytest.mark.parametrize("old", [None, "old"])
def test_a_signal_before_any_line_leaves_what_was_there(
    work: Callable[[Path], None], old: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_atomic._state, "placing", False)
    target = tmp_path / "w.tsv"
    if old is not None:
        target.write_text(old, "utf-8")
    before = list(tmp_path.iterdir())
    number = 0
    while stopped_before_line(number, lambda: work(target)):
        assert list(tmp_path.iterdir()) == before, f"before line {number}"
        assert old is None or target.read_text("utf-8") == old
        number += 1
    assert number > 5


def test_a_finished_file_cannot_be_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_atomic._state, "placing", False)
    target = tmp_path / "w.tsv"
    with replacing(target) as temporary:
        temporary.write_text("new", "utf-8")
        assert not _atomic.placing()
    assert _atomic.placing()
    assert target.read_text("utf-8") == "new"


def test_a_file_that_cannot_be_placed_can_be_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_atomic._state, "placing", False)
    target = tmp_path / "w.tsv"
    with pytest.raises(OSError, match="cannot write"), replacing(target) as temporary:
        temporary.unlink()
    assert not _atomic.placing()
    assert list(tmp_path.iterdir()) == []
