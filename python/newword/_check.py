"""Validation of arguments before any work begins; messages name argument, rule and value."""

import math
import operator
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from newword.errors import InvalidArgumentError


def invalid(argument: str, rule: str, value: object) -> InvalidArgumentError:
    """The exception for an invalid argument."""
    return InvalidArgumentError(f"{argument}: must be {rule}, got {value!r:.120}")


LARGEST = 2**63 - 1
"""Largest count or size."""


def whole(argument: str, value: Any, least: int, most: int = LARGEST) -> int:
    """An integer between `least` and `most`, both inclusive."""
    rule = f"at least {least}" if most == LARGEST else f"between {least} and {most}"
    try:
        number = operator.index(value)
    except TypeError:
        raise invalid(argument, f"a whole number {rule}", value) from None
    if isinstance(value, (bool, np.bool_)) or number < least:
        raise invalid(argument, f"a whole number {rule}", value)
    if number > most:
        raise invalid(argument, f"a whole number between {least} and {most}", value)
    return number


def threshold(argument: str, value: Any) -> float:
    """A finite number of at least 0."""
    rule = "a finite number of at least 0"
    if isinstance(value, (bool, np.bool_, str)):
        raise invalid(argument, rule, value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise invalid(argument, rule, value) from None
    if not math.isfinite(number) or number < 0:
        raise invalid(argument, rule, value)
    return number


def thresholds(argument: str, value: Any, order: int | None) -> list[float] | None:
    """None, one threshold for all lengths, or one for each length from 1 to `order`."""
    if value is None:
        return None
    if not isinstance(value, (Sequence, np.ndarray)) or isinstance(value, str):
        return [threshold(argument, value)]
    numbers = [threshold(f"{argument}[{index}]", one) for index, one in enumerate(value)]
    if not numbers or (order is not None and len(numbers) != order):
        rule = f"one number or {order or 'several'} (one a length from 1; the first is unused)"
        raise invalid(argument, rule, list(value))
    return numbers


def choice(argument: str, value: Any, among: Sequence[str]) -> str:
    """One of several strings."""
    if not isinstance(value, str) or value not in among:
        raise invalid(argument, "one of " + ", ".join(map(repr, among)), value)
    return value


def flag(argument: str, value: Any) -> bool:
    """A bool."""
    if not isinstance(value, (bool, np.bool_)):
        raise invalid(argument, "True or False", value)
    return bool(value)


def word_list(argument: str, value: Any) -> list[str]:
    """Non-empty strings; a single str stands for its characters."""
    if not isinstance(value, Iterable) or isinstance(value, (bytes, bytearray)):
        raise invalid(argument, "a str of characters or an iterable of str", value)
    words = list(value)
    for word in words:
        if not isinstance(word, str) or not word or not _is_unicode(word):
            raise invalid(argument, "made of non-empty str without lone surrogates", word)
    return words


def iterable(argument: str, value: Any, rule: str) -> Iterable[Any]:
    """An iterable other than str and bytes."""
    if isinstance(value, (str, bytes, bytearray)) or not isinstance(value, Iterable):
        raise invalid(argument, rule, value)
    return value


def _is_unicode(text: str) -> bool:
    """Whether the text has no lone surrogates, which cannot be encoded."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def text(argument: str, value: Any) -> str:
    """A non-empty str."""
    if not isinstance(value, str) or not value or not _is_unicode(value):
        raise invalid(argument, "a non-empty str without lone surrogates", value)
    return value


def path(argument: str, value: Any) -> str:
    """A path as str."""
    if not isinstance(value, (str, os.PathLike)):
        raise invalid(argument, "a path", value)
    name: str | bytes = os.fspath(value)
    if not isinstance(name, str) or not name or "\0" in name or not _is_unicode(name):
        raise invalid(argument, "a path as non-empty str, without zeros or surrogates", value)
    return name


def folder(argument: str, value: Any) -> str | None:
    """None, or an existing writable folder."""
    if value is None:
        return None
    name = path(argument, value)
    if not Path(name).is_dir():
        raise invalid(argument, "an existing folder", name)
    if not os.access(name, os.W_OK | os.X_OK):
        raise invalid(argument, "a writable folder", name)
    return name


def memory_size(value: Any) -> str | None:
    """None, a size such as "2GB", or a number of bytes; units are read by the core."""
    if value is None:
        return None
    if isinstance(value, str):
        return text("memory", value)
    return str(whole("memory", value, 1))


def thread_count(value: Any) -> int | None:
    """None for all cores, or a number of threads."""
    return None if value is None else whole("threads", value, 1, 4096)
