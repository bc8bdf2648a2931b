"""Progress: rates, time left, and the bar."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from newword import InvalidArgumentError, Progress
from newword import progress as module
from newword.progress import RichBar, reporting


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("newword.progress.time.monotonic", lambda: now[0])
    return now


def test_rate_and_time_left_are_of_the_stage(clock: list[float]) -> None:
    seen: list[Progress] = []
    with reporting(seen.append) as report:
        assert report is not None
        report("reading", 0, 100)
        clock[0] += 2
        report("reading", 40, 100)
        report("counting", 0, 50)
        clock[0] += 1
        report("counting", 25, 50)
        report("counting", 60, 50)
    assert [one.rate for one in seen] == [0, 20, 0, 25, 60]
    assert [one.seconds_left for one in seen] == [None, 3, None, 1, 0]
    assert [one.unit for one in seen[:3]] == ["bytes", "bytes", "characters"]


def test_no_callback_without_progress() -> None:
    for silent in (None, False):
        with reporting(silent) as report:
            assert report is None
    with pytest.raises(InvalidArgumentError, match="progress"), reporting(3):  # type: ignore[arg-type]
        pass


def test_the_bar_shows_stage_amount_rate_and_time(clock: list[float]) -> None:
    screen = io.StringIO()
    with RichBar(Console(file=screen, width=100, force_terminal=True)) as bar:
        bar(Progress("reading", 1_500_000, 300_000_000, 2e6, 149))
        bar(Progress("reading", 300_000_000, 300_000_000, 2e6, 0))
        bar(Progress("scoring", 12, 0, 3, None))
    shown = screen.getvalue()
    for piece in ("reading", "300.0 MB", "2.0 MB/s", "scoring", "12 candidates"):
        assert piece in shown


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        (0, "bytes", "0 B"),
        (999, "characters", "999 chars"),
        (1234, "bytes", "1.2 kB"),
        (5e9, "candidates", "5.0 G candidates"),
    ],
)
def test_amounts(amount: float, unit: str, text: str) -> None:
    assert module._amount(amount, unit) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0:00"), (75, "1:15"), (3725, "1:02:05")])
def test_clock_times(seconds: float, text: str) -> None:
    assert module._clock_time(seconds) == text
