"""A compiled set of allowed sequences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from newword import _check
from newword._core import core

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


class TokenTrie:
    """A set of token sequences, compiled for the argument `allowed` of a search.

    A search with a trie generates only its sequences: after each token, only tokens with which a
    sequence continues may follow, and an end token only where a sequence is complete. A trie can be
    shared by any number of searches and threads.

    Args:
        sequences: Sequences of token ids without end token, each a sequence or an array of integers
            of at least 0. Repeated sequences count once.

    Raises:
        InvalidArgumentError: There is no sequence, or a token is negative or no integer.

    Complexity:
        O(total length x log(number of sequences)) time, about nine bytes for each node.

    Examples:
        >>> from newword.beam import TokenTrie
        >>> trie = TokenTrie([[4, 2], [4, 2, 7], [5]])
        >>> trie
        TokenTrie(3 sequences, 5 nodes)
        >>> len(trie)
        3
    """

    __slots__ = ("_core",)

    def __init__(self, sequences: Iterable[ArrayLike]) -> None:
        rule = "an iterable of sequences of token ids"
        arrays = [_ids(one) for one in _check.iterable("sequences", sequences, rule)]
        lengths = np.fromiter(map(len, arrays), np.int64, len(arrays))
        tokens = np.concatenate(arrays) if arrays else np.zeros(0, np.int32)
        self._core = core().TokenTrie(tokens, lengths)

    def __len__(self) -> int:
        """The number of different sequences."""
        return len(self._core)

    def __repr__(self) -> str:
        return f"TokenTrie({len(self)} sequences, {self._core.nodes()} nodes)"


def _ids(sequence: ArrayLike) -> NDArray[np.int32]:
    """A sequence as int32."""
    try:
        array = np.asarray(sequence)
    except ValueError:
        raise _check.invalid("sequences", "sequences of token ids", sequence) from None
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise _check.invalid("sequences", "sequences of token ids", sequence)
    if array.size and (array.min() < 0 or array.max() > np.iinfo(np.int32).max):
        raise _check.invalid("sequences", "sequences of ids between 0 and 2**31 - 1", sequence)
    return array.astype(np.int32)
