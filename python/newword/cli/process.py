"""The process of the command line: signals, one line on stderr, an exit code, atomic output.

Exit codes: 0 success, 1 failure, 2 wrong usage, 130 Ctrl-C, 141 broken pipe, 143 terminated.
This module imports little, so that its signal handlers are installed early.
"""

import os
import re
import signal
import sys
import warnings
from collections.abc import Callable

from newword._atomic import placing
from newword.errors import InvalidArgumentError

FAILURE, USAGE, INTERRUPTED, BROKEN_PIPE, TERMINATED = 1, 2, 130, 141, 143
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A signal arrived. Not `KeyboardInterrupt`, because Typer exits on that without a message."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run(start: Callable[[], None]) -> None:
    """Calls `start`, which loads and runs the application, and ends the process."""

    def stop(number: int, _: object) -> None:
        if not placing():
            raise Stopped(number)

    def show(message: Warning | str, *_: object, **__: object) -> None:
        say(f"warning: {message}")

    warnings.showwarning = show
    try:
        # A background job that was started with a signal ignored keeps ignoring it.
        for one in SIGNALS:
            if signal.getsignal(one) is not signal.SIG_IGN:
                signal.signal(one, stop)
        start()
    except (Stopped, KeyboardInterrupt, BrokenPipeError) as error:
        sys.exit(report(error))
    finally:
        # The work is finished or rolled back; a signal could only disturb interpreter shutdown.
        for one in SIGNALS:
            signal.signal(one, signal.SIG_IGN)


def report(error: BaseException) -> int:
    """Prints the error and returns the exit code."""
    if isinstance(error, Stopped) and error.number == signal.SIGTERM:
        say("terminated")
        return TERMINATED
    if isinstance(error, Stopped | KeyboardInterrupt):
        say("interrupted")
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _discard_stdout()
        return BROKEN_PIPE
    say(f"error: {_message(error)}")
    return USAGE if isinstance(error, InvalidArgumentError) else FAILURE


def _message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        # The core's errors include the errno, which users do not need.
        return place + re.sub(r" \(os error \d+\)", "", error.strerror)
    return " ".join(str(error).split()) or type(error).__name__


def _discard_stdout() -> None:
    # Otherwise the interpreter reports an error when it flushes stdout at exit.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def say(message: str) -> None:
    """Prints one line on stderr."""
    print(f"newword: {message}", file=sys.stderr)  # noqa: T201
