"""Error handling of commands: one line on stderr and an exit code."""

import functools
import sys
import traceback as tracebacks
from collections.abc import Callable
from typing import Any, TypeVar, cast

import typer

from newword.cli.process import Stopped, report
from newword.errors import NewwordError

Command = TypeVar("Command", bound=Callable[..., Any])


def guarded(command: Command) -> Command:
    """Returns a command that ends with an exit code whatever it raises.

    Called with `traceback=True`, it also prints the traceback.
    """

    @functools.wraps(command)
    def run_command(*args: Any, traceback: bool = False, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
            sys.stdout.flush()
        except (NewwordError, OSError, MemoryError, KeyboardInterrupt, Stopped) as error:
            if traceback:
                tracebacks.print_exc()
            raise typer.Exit(report(error)) from error

    return cast("Command", run_command)
