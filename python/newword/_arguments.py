"""Groups of arguments shared by several functions, validated in one place.

Functions list all arguments in their signatures. A group validates its arguments once and converts
them for the core. Creating a group raises `InvalidArgumentError` for an invalid argument. The
arguments are documented at `discover`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from newword import _check

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from newword.progress import ProgressLike

FORMATS = ("auto", "text", "jsonl", "csv", "tsv", "parquet")
ERRORS = ("strict", "replace", "skip")
RUNS = ("unit", "characters", "break")

Options = dict[str, Any]
Group = TypeVar("Group", bound="DataclassInstance")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How a corpus is read."""

    format: str
    field: str
    encoding: str
    errors: str
    strip_html: bool

    def __post_init__(self) -> None:
        self.options()

    def options(self) -> Options:
        """The group as the core takes it."""
        return {
            "format": _check.choice("format", self.format, FORMATS),
            "field": _check.text("field", self.field),
            "encoding": _check.text("encoding", self.encoding),
            "errors": _check.choice("errors", self.errors, ERRORS),
            "strip_html": _check.flag("strip_html", self.strip_html),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Alphabet:
    """How text is split into symbols, and whether duplicates count."""

    letters: str
    digits: str
    nfkc: bool
    skip_variation_selectors: bool
    drop_duplicates: bool

    def __post_init__(self) -> None:
        self.options()

    def options(self) -> Options:
        """The group as the core takes it."""
        return {
            "letters": _check.choice("letters", self.letters, RUNS),
            "digits": _check.choice("digits", self.digits, RUNS),
            "nfkc": _check.flag("nfkc", self.nfkc),
            "skip_variation_selectors": _check.flag(
                "skip_variation_selectors", self.skip_variation_selectors
            ),
            "drop_duplicates": _check.flag("drop_duplicates", self.drop_duplicates),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """Resources of a long call, and how it reports progress."""

    threads: int | None
    memory: str | int | None
    temp_dir: Any
    progress: ProgressLike

    def __post_init__(self) -> None:
        if not (
            self.progress is None or isinstance(self.progress, bool) or callable(self.progress)
        ):
            raise _check.invalid("progress", "None, a bool or callable", self.progress)
        self.options()

    def options(self) -> Options:
        """The group as the core takes it, without `progress`."""
        return {
            "threads": _check.thread_count(self.threads),
            "memory": _check.memory_size(self.memory),
            "temp_dir": _check.folder("temp_dir", self.temp_dir),
        }


def group_of(kind: type[Group], arguments: Mapping[str, Any]) -> Group:
    """Creates a group from the arguments of a function."""
    return kind(**{field.name: arguments[field.name] for field in fields(kind)})


def all_arguments(function: Callable[..., Any], *given: Any, **named: Any) -> dict[str, Any]:
    """The arguments of a call by name, with the function's defaults."""
    bound = inspect.signature(function).bind(*given, **named)
    bound.apply_defaults()
    return dict(bound.arguments)
