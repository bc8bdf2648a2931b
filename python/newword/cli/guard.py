"""What becomes of failures: one line on stderr, an exit code, nothing half-written.

Exit codes: 0 success, 1 failure, 2 wrong usage, 130 Ctrl-C, 141 nobody reads the output any more.
"""

import functools
import os
import re
import sys
import traceback as tracebacks
import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

import typer

from newword.errors import InvalidArgumentError, NewwordError

FAILURE, USAGE, INTERRUPTED, BROKEN_PIPE = 1, 2, 130, 141

Command = TypeVar("Command", bound=Callable[..., Any])


def guarded(command: Command) -> Command:
    """A command that ends with an exit code whatever it raises.

    The command must have an argument `traceback`, which asks for the whole story.
    """

    @functools.wraps(command)
    def run_command(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except (NewwordError, OSError, MemoryError, KeyboardInterrupt) as error:
            if kwargs.get("traceback"):
                tracebacks.print_exc()
            raise typer.Exit(_told(error)) from error

    return cast("Command", run_command)


def _told(error: BaseException) -> int:
    """Tells people what happened; gives the exit code."""
    if isinstance(error, KeyboardInterrupt):
        say("interrupted")
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        _let_go_of_stdout()
        return BROKEN_PIPE
    say(f"error: {_message(error)}")
    return USAGE if isinstance(error, InvalidArgumentError) else FAILURE


def _message(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        # The core's errors bring the system's number with them; people have no use for it.
        return place + re.sub(r" \(os error \d+\)", "", error.strerror)
    return " ".join(str(error).split()) or type(error).__name__


def _let_go_of_stdout() -> None:
    # Otherwise the interpreter complains when it flushes at the end.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def say(message: str) -> None:
    """One line on stderr."""
    print(f"newword: {message}", file=sys.stderr)  # noqa: T201


def run() -> None:
    """Runs the application and ends the process."""
    from newword.cli.app import app

    def show(message: Warning | str, *_: object, **__: object) -> None:
        say(f"warning: {message}")

    warnings.showwarning = show
    try:
        app(prog_name="newword")
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        _let_go_of_stdout()
        sys.exit(BROKEN_PIPE)
