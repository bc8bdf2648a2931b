"""Validates the options that all searches share and converts them for the core."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword.beam.trie import TokenTrie

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Options = dict[str, Any]
Callback = Callable[[int, "NDArray[np.int32]"], "ArrayLike | None"]
Allowed = TokenTrie | Sequence[TokenTrie | None] | Callback | None

PENALTIES = ("none", "average", "gnmt")
MOST = 2**31 - 1
"""The largest token, size and length."""


def limits(
    batch: int,
    *,
    end_token: Any,
    max_length: Any,
    min_length: Any,
    force_end: bool,
    no_repeat_ngram: int,
    forbidden: Any,
    prefix: Any,
    allowed: Any,
    pad_token: int,
) -> Options:
    """The constraints as the core takes them."""
    ends = token_ids("end_token", end_token)
    if not ends:
        raise _check.invalid("end_token", "one token or several", end_token)
    return {
        "end_tokens": ends,
        "pad_token": _check.whole("pad_token", pad_token, 0, MOST),
        "max_length": _lengths("max_length", max_length, 1, batch),
        "min_length": _lengths("min_length", min_length, 0, batch),
        "force_end": _check.flag("force_end", force_end),
        "no_repeat_ngram": _check.whole("no_repeat_ngram", no_repeat_ngram, 0, MOST),
        "forbidden": token_ids("forbidden", forbidden),
        "prefixes": _prefixes(prefix, batch),
        "allowed": [] if callable(allowed) else tries("allowed", allowed, batch),
    }


def ranking(
    *, n_best: int, length_penalty: str, alpha: float, count_end: bool, early_stopping: bool
) -> Options:
    """How finished hypotheses are compared, as the core takes it."""
    return {
        "n_best": _check.whole("n_best", n_best, 1, MOST),
        "length_penalty": _check.choice("length_penalty", length_penalty, PENALTIES),
        "alpha": real("alpha", alpha),
        "count_end": _check.flag("count_end", count_end),
        "early_stopping": _check.flag("early_stopping", early_stopping),
    }


def real(argument: str, value: Any) -> float:
    """A finite number."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = np.nan
    if isinstance(value, (bool, str)) or not np.isfinite(number):
        raise _check.invalid(argument, "a finite number", value)
    return number


def token_ids(argument: str, value: Any) -> list[int]:
    """One token or several."""
    if isinstance(value, (str, bytes)):
        raise _check.invalid(argument, "one token id or several", value)
    if isinstance(value, Iterable) and np.ndim(value) != 0:  # type: ignore[arg-type]
        return [_check.whole(argument, token, 0, MOST) for token in value]
    return [_check.whole(argument, value, 0, MOST)]


def _lengths(argument: str, value: Any, least: int, batch: int) -> list[int]:
    """One length for all sources, or one for each."""
    if isinstance(value, (Sequence, np.ndarray)) and np.ndim(value) == 1:
        if len(value) != batch:
            rule = f"one length, or one for each of {batch} sources"
            raise _check.invalid(argument, rule, list(value))
        return [_check.whole(argument, one, least, MOST) for one in value]
    return [_check.whole(argument, value, least, MOST)]


def _prefixes(value: Any, batch: int) -> list[list[int]]:
    """No prefix, one for all sources, or one for each."""
    if value is None:
        return []
    rule = f"None, a sequence of token ids, or one sequence for each of {batch} sources"
    items = list(_check.iterable("prefix", value, rule))
    if all(np.ndim(item) == 0 for item in items):
        return [token_ids("prefix", items)]
    if len(items) != batch or any(np.ndim(item) != 1 for item in items):
        raise _check.invalid("prefix", rule, value)
    return [token_ids("prefix", item) for item in items]


def tries(argument: str, value: Any, batch: int) -> list[Any]:
    """No trie, one for all sources, or one for each."""
    if value is None:
        return []
    if isinstance(value, TokenTrie):
        return [value._core]
    rule = f"None, a TokenTrie, one for each of {batch} sources, or a callback"
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != batch:
        raise _check.invalid(argument, rule, value)
    if not all(one is None or isinstance(one, TokenTrie) for one in value):
        raise _check.invalid(argument, rule, value)
    return [None if one is None else one._core for one in value]


def scores(argument: str, value: Any) -> tuple[NDArray[Any], str]:
    """Scores as a contiguous array of shape (rows, vocabulary) with the name of its dtype."""
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        raise _check.invalid(argument, "an array of numbers", value) from None
    if array.ndim < 2 or array.shape[-1] == 0:
        rule = "of shape (rows, vocabulary), with a vocabulary of at least 1"
        raise _check.invalid(argument, rule, array.shape)
    name = array.dtype.name
    if name not in {"float32", "float64", "float16", "bfloat16"}:
        if array.dtype.kind not in "iuf":
            raise _check.invalid(argument, "real numbers", name)
        array, name = array.astype(np.float64), "float64"
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    array = np.ascontiguousarray(array).reshape(-1, array.shape[-1])
    # The core reads 16-bit numbers as their bits.
    return (array.view(np.uint16) if array.itemsize == 2 else array), name


def listed(callback: Callback, tokens: list[Any], rows: int) -> list[NDArray[np.int32] | None]:
    """The ids that a callback allows after the tokens of each row; `rows` rows a source."""
    return [
        None if one is None else _allowed_ids(callback(row // rows, one), row // rows)
        for row, one in enumerate(tokens)
    ]


def _allowed_ids(ids: Any, source: int) -> NDArray[np.int32] | None:
    if ids is None:
        return None
    array = np.unique(np.asarray(ids if isinstance(ids, (Sequence, np.ndarray)) else list(ids)))
    if array.size and array.dtype.kind not in "iu":
        raise _check.invalid("allowed", f"token ids for source {source}", ids)
    if array.size and (array[0] < 0 or array[-1] > MOST):
        raise _check.invalid("allowed", f"token ids of at least 0 for source {source}", ids)
    return array.astype(np.int32)
