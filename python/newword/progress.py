"""Progress of a job, for callbacks and for a bar in the terminal."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newword.errors import InvalidArgumentError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Progress", "ProgressLike", "RichBar", "reporting"]

UNITS = {"reading": "bytes", "merging": "bytes", "writing": "bytes", "scoring": "candidates"}
"""The unit of each stage; all other stages count characters of the corpus."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of the current stage of a job."""

    stage: str
    """`reading`, `counting`, `scoring`, `segmenting`, `merging` or `writing`."""
    done: int
    """Units done."""
    total: int
    """Total units; 0 if unknown."""
    rate: float
    """Units per second since the stage began."""
    seconds_left: float | None
    """Estimated seconds until the stage ends; None if unknown."""

    @property
    def unit(self) -> str:
        """The unit: bytes, characters or candidates."""
        return UNITS.get(self.stage, "characters")


ProgressLike = bool | Callable[[Progress], object] | None
"""Type of the argument `progress`."""

RawCallback = Callable[[str, int, int], None]
"""The core's callback: stage, units done, total units."""


class _Clock:
    """Converts the core's reports to `Progress`; measures rates from the start of the stage."""

    def __init__(self, report: Callable[[Progress], object]) -> None:
        self._report = report
        self._stage = ""
        self._began = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._began = stage, now
        elapsed = now - self._began
        rate = done / elapsed if elapsed > 0 else 0.0
        left = max(0, total - done) / rate if total and rate > 0 else None
        self._report(Progress(stage, done, total, rate, left))


class RichBar:
    """One progress bar per stage with units, rate and time left; use as a context manager.

    Args:
        console: The console to draw on; default stderr.
    """

    def __init__(self, console: "Console | None" = None) -> None:
        from rich import progress as parts
        from rich.console import Console

        if console is None:
            console = Console(file=sys.stderr)
            # Leave room for the ^C that terminals echo; a wrapped line would not be erased.
            console.width = max(20, console.width - 4)
        self._bar = parts.Progress(
            parts.TextColumn("{task.description:<10}"),
            parts.BarColumn(),
            parts.TextColumn("{task.fields[amount]:>24}"),
            parts.TextColumn("{task.fields[speed]:>20}"),
            parts.TextColumn("{task.fields[left]:>10}"),
            console=console,
            transient=True,
        )
        self._task: Any = None
        self._stage = ""

    def __enter__(self) -> "RichBar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, now: Progress) -> None:
        """Updates the bar."""
        total = now.total or None
        if now.stage != self._stage:
            self._finish()
            self._stage = now.stage
            fields: dict[str, Any] = {"unit": now.unit, "amount": "", "speed": "", "left": ""}
            self._task = self._bar.add_task(now.stage, total=total, **fields)
        amount = _amount(now.done, now.unit)
        if total:
            amount = f"{_amount(now.done, '').strip()} of {_amount(now.total, now.unit)}"
        self._bar.update(
            self._task,
            completed=now.done,
            total=total,
            amount=amount,
            speed=f"{_amount(now.rate, now.unit)}/s",
            left="" if now.seconds_left is None else f"{_clock_time(now.seconds_left)} left",
        )

    def _finish(self) -> None:
        if self._task is not None:
            # The core does not report the last step of each stage.
            last = self._bar.tasks[-1]
            done = last.completed if last.total is None else last.total
            amount = _amount(done, last.fields["unit"])
            self._bar.update(self._task, total=done, completed=done, amount=amount, left="")


def _amount(amount: float, unit: str) -> str:
    """`248.7 MB`, `66.4 M chars`, `12 candidates`."""
    symbol = {"bytes": "B", "characters": " chars", "": ""}.get(unit, f" {unit}")
    for factor, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if amount >= factor:
            return f"{amount / factor:.1f} {letter}{symbol}"
    return f"{amount:.0f} {symbol.strip()}"


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def reporting(progress: ProgressLike) -> Iterator[RawCallback | None]:
    """Yields the callback for the core, or None without progress.

    Raises:
        InvalidArgumentError: `progress` is neither None, a bool nor callable.
    """
    if progress is None or progress is False:
        yield None
    elif progress is True:
        with RichBar() as bar:
            yield _Clock(bar)
    elif callable(progress):
        yield _Clock(progress)
    else:
        kind = type(progress).__name__
        raise InvalidArgumentError(f"progress: must be None, a bool or callable, got {kind}")
