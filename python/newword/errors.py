"""The exceptions of this package.

Failures of the operating system raise `OSError` and its subclasses, with the path in `filename`.
"""

__all__ = [
    "CorpusError",
    "CorpusWarning",
    "DecodeError",
    "FormatError",
    "InvalidArgumentError",
    "MemoryBudgetError",
    "MissingDependencyError",
    "NewwordError",
]


class NewwordError(Exception):
    """Base class of all exceptions of this package."""


class InvalidArgumentError(NewwordError, ValueError):
    """An argument is invalid; the message names the argument, the rule and the value."""


class CorpusError(NewwordError):
    """The corpus cannot be used: it is empty, too short, or contains no text."""


class CorpusWarning(UserWarning):
    """A corpus is usable, but it or the options are probably not as intended."""


class DecodeError(CorpusError):
    """Bytes are invalid in the declared encoding; the message names file and byte offset."""


class FormatError(NewwordError):
    """A file is not valid in its format; the message names file and line."""


class MemoryBudgetError(NewwordError, MemoryError):
    """The memory budget is too small for the data that must be in memory at once."""


class MissingDependencyError(NewwordError, ImportError):
    """An optional library is not installed; the message names the extra that installs it."""
