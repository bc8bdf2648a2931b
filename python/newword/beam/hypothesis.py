"""The result of a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Hypothesis:
    """A generated sequence.

    Examples:
        >>> import numpy as np
        >>> from newword.beam import Sampler
        >>> sampler = Sampler(1, temperature=0, end_token=2, max_length=4)
        >>> parents, tokens = sampler.step(np.log([[0.7, 0.2, 0.1]]))
        >>> parents, tokens = sampler.step(np.log([[0.1, 0.1, 0.8]]))
        >>> hypothesis = sampler.results()[0][0]
        >>> hypothesis.tokens, hypothesis.finished
        (array([0], dtype=int32), True)
        >>> np.exp(hypothesis.token_log_probs)
        array([0.7, 0.8])
    """

    tokens: NDArray[np.int32]
    """The tokens in reading order, without the end token; int32, (length,)."""
    score: float
    """The log-probability after the length penalty; hypotheses are sorted by it."""
    log_prob: float
    """The log-probability of the sequence, that of the end token included: the sum of
    `token_log_probs`."""
    token_log_probs: NDArray[np.float64]
    """The log-probability of each of `tokens`, then that of the end token if `finished`."""
    finished: bool
    """Whether the hypothesis ended with an end token. Otherwise it was still growing, or it was cut
    off at `max_length`."""
    group: int
    """The group of a diverse beam search, or the number of a sample, from 0."""
    reversed: bool
    """Whether it was generated from its last token to its first."""


def hypotheses(results: list[list[tuple[Any, ...]]]) -> list[list[Hypothesis]]:
    """The results of the core as hypotheses."""
    return [[Hypothesis(*fields) for fields in source] for source in results]
