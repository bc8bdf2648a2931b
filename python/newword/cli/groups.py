"""Groups of options shared by several commands, and commands composed of such groups.

A group defines its options and their defaults once. A command takes the group as one parameter;
`--help` and the shell show the single options.
"""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from newword.cli import options as opt
from newword.cli.guard import guarded
from newword.cli.output import check_target, shows_progress
from newword.errors import InvalidArgumentError

Arguments = dict[str, Any]
"""Arguments of the Python functions behind the commands."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Options whose names are those of the function's arguments."""

    def arguments(self) -> Arguments:
        """The group as keyword arguments."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, kw_only=True)
class Words(Group):
    """Method and thresholds."""

    min_count: opt.MinCount = None
    method: opt.Method = None
    min_pmi: opt.MinPmi = None
    min_entropy: opt.MinEntropy = None
    max_length: opt.MaxLength = None
    edge_stops: opt.EdgeStops = ""
    known: opt.Known = None
    drop_known: opt.DropKnown = False

    def arguments(self) -> Arguments:
        """The group as keyword arguments."""
        given = super().arguments()
        action = "drop" if given.pop("drop_known") else "mark"
        return {**given, "min_pmi": thresholds(self.min_pmi), "known_action": action}


@dataclass(frozen=True, kw_only=True)
class Reading(Group):
    """Input format and alphabet."""

    format: opt.Format = "auto"
    field: opt.Field = "text"
    encoding: opt.Encoding = "utf-8"
    errors: opt.Errors = "strict"
    strip_html: opt.StripHtml = False
    drop_duplicates: opt.DropDuplicates = False
    letters: opt.Letters = "unit"
    digits: opt.Digits = "unit"
    nfkc: opt.Nfkc = False
    skip_variation_selectors: opt.SkipVariationSelectors = False


@dataclass(frozen=True, kw_only=True)
class Running(Group):
    """Resources and verbosity."""

    threads: opt.Threads = None
    memory: opt.Memory = None
    temp_dir: opt.TempDir = None
    quiet: opt.Quiet = False

    def arguments(self) -> Arguments:
        """The group as keyword arguments."""
        given = super().arguments()
        progress = shows_progress(given.pop("quiet"))
        return {**given, "progress": progress}


@dataclass(frozen=True, kw_only=True)
class Result:
    """Selection and output of words."""

    output: opt.Output = None
    to: opt.To = None
    top: opt.Top = None
    sort: opt.Sort = None
    new: opt.New = False

    def check(self) -> None:
        """Validates the output before hours of work rather than after.

        Raises:
            InvalidArgumentError: A format is unknown or a target is a directory.
            OSError: A folder does not exist or cannot be written into.
        """
        check_target(self.output, self.to)


@dataclass(frozen=True, kw_only=True)
class Report(Result):
    """`Result` with the rejected candidates and the summary of a discovery."""

    rejected: opt.Rejected = None
    json: opt.Json = False

    def check(self) -> None:
        """Validates the file of rejected candidates too."""
        super().check()
        check_target(self.rejected, None)

    def arguments(self) -> Arguments:
        """Arguments that make the function keep what the report needs."""
        return {"reasons": self.rejected is not None}


def thresholds(text: str | None) -> float | list[float] | None:
    """`"3"` or `"0,2,4,6"` as numbers.

    Raises:
        InvalidArgumentError: It is neither.
    """
    if text is None:
        return None
    try:
        numbers = [float(one) for one in text.split(",")]
    except ValueError:
        rule = "one number, or several separated by commas"
        raise InvalidArgumentError(f"min_pmi: must be {rule}, got {text!r}") from None
    return numbers[0] if len(numbers) == 1 else numbers


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Returns a guarded command with the options of its groups and `--traceback`."""
    own = inspect.signature(function).parameters.values()
    groups: dict[str, Any] = {
        one.name: one.annotation for one in own if is_dataclass(one.annotation)
    }
    parameters: list[inspect.Parameter] = []
    for parameter in own:
        of_group = groups.get(parameter.name)
        found = inspect.signature(of_group).parameters.values() if of_group else [parameter]
        parameters += (one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in found)

    @guarded
    @functools.wraps(function)
    def run_command(**given: Any) -> None:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        function(**given)

    parameters.append(
        inspect.Parameter(
            "traceback", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=opt.Traceback
        )
    )
    # Typer reads both.
    run_command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run_command.__annotations__ = {one.name: one.annotation for one in parameters}
    return run_command
