"""Every exception this package raises on purpose.

Failures of the operating system stay what they are in Python: `OSError` and its subclasses,
with the path in `filename`.
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
    """The root of all exceptions of this package."""


class InvalidArgumentError(NewwordError, ValueError):
    """An argument breaks its rule; the message names the argument, the rule and the value."""


class CorpusError(NewwordError):
    """The corpus as a whole cannot be used: it is empty, too short, or holds no text."""


class CorpusWarning(UserWarning):
    """A corpus can be used, but a look at it or at the options is advised."""


class DecodeError(CorpusError):
    """Bytes that are not text in the declared encoding; the message names file and byte offset."""


class FormatError(NewwordError):
    """A file that cannot be read as what it should be; the message names file and line."""


class MemoryBudgetError(NewwordError, MemoryError):
    """The memory budget cannot hold what must be held at once."""


class MissingDependencyError(NewwordError, ImportError):
    """An optional library is not installed; the message names the extra that brings it."""
