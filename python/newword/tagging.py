"""Decoding of tag sequences, for whole batches and without the GIL.

Every function takes the scores of a linear chain: emissions score each tag at each step,
transitions score each pair of successive tags. The arguments are the same for all functions and
described at `viterbi`. Keras is not needed; any array-like works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from newword import _check
from newword._chain_scores import (
    TAGS,
    LowRankTransitions,
    chain_array,
    chain_scores,
    room,
)
from newword._core import core

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "KBestResult",
    "LowRankTransitions",
    "ViterbiResult",
    "beam_search",
    "greedy_decode",
    "k_best",
    "log_partition",
    "marginals",
    "path_score",
    "posterior_decode",
    "sample_paths",
    "viterbi",
]


class ViterbiResult(NamedTuple):
    """One path per sequence."""

    paths: NDArray[np.int32]
    """Tags, int32 of shape (batch, steps); -1 at masked steps."""
    scores: NDArray[Any]
    """The score of each path, of shape (batch,) and the dtype of the emissions."""


class KBestResult(NamedTuple):
    """The best paths of each sequence."""

    paths: NDArray[np.int32]
    """Tags, int32 of shape (batch, k, steps), the best path first; -1 at masked steps. If a
    sequence has fewer than k paths, the remaining rows are -1."""
    scores: NDArray[Any]
    """Scores of shape (batch, k), descending; -inf for the remaining rows."""


def viterbi(
    emissions: ArrayLike,
    transitions: ArrayLike | LowRankTransitions | None = None,
    *,
    lengths: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    start: ArrayLike | None = None,
    end: ArrayLike | None = None,
    allowed: ArrayLike | None = None,
    second_order: ArrayLike | None = None,
    normalization: str = "global",
    threads: int | None = None,
) -> ViterbiResult:
    """Finds the path with the highest score for each sequence of a batch.

    The score of a path is the sum of its emissions, its transitions, the start score of its first
    tag and the end score of its last. A score of -inf forbids its tag or transition. NaN and +inf
    raise an error, except in padding. Ties go to the path with the lower tag at the last step
    where the paths differ.

    Args:
        emissions: float32 or float64 of shape (batch, steps, tags). Contiguous arrays are not
            copied. Half precision is converted to float32, other numbers to float64, and all other
            scores to the dtype of the emissions.
        transitions: Scores of shape (tags, tags), [i, j] for j after i; one matrix per
            sequence, (batch, tags, tags); `LowRankTransitions`; or None for zeros.
        lengths: Number of valid steps of each sequence, from the first; integers, (batch,).
        mask: Valid steps, bool of shape (batch, steps), in any position; masked steps are
            ignored. Not together with `lengths`.
        start: Scores of the first tag, (tags,).
        end: Scores of the last tag, (tags,).
        allowed: The tags allowed at each step, bool of shape (batch, steps, tags).
        second_order: Additional scores of three successive tags, (tags, tags, tags).
        normalization: `"global"`: unnormalised scores, as in a CRF. `"local"`: a MEMM, with a
            softmax over the next tag at each step; the score of a path is its log-probability.
            `"bidirectional"`: the mean of the log-probabilities of both directions. `"global"` also
            finds the largest sum of scores of a MEMM ("numerator" decoding, as published).
        threads: Number of threads; all cores by default.

    Returns:
        Paths, int32 of shape (batch, steps), and scores, (batch,). The score of a sequence of
        length 0 is 0.

    Raises:
        InvalidArgumentError: Shapes disagree, a dtype is wrong, a length is out of range, a
            score is NaN or +inf, a step allows no tag, or no path is allowed.

    Complexity:
        O(batch steps tags²) time; tags³ with `second_order`, and times rank for
        `LowRankTransitions`; one to four bytes of memory for each tag of each step in progress.

    Source:
        A. J. Viterbi, "Error bounds for convolutional codes and an asymptotically optimum decoding
        algorithm", 1967. Local normalization: A. McCallum, D. Freitag, F. Pereira, "Maximum entropy
        Markov models", 2000; both directions: Su Jianlin, kexue.fm/archives/7213.

    Examples:
        >>> import numpy as np, newword
        >>> emissions = np.array([[[2.0, 0.0], [0.0, 1.0], [0.0, 0.5]]], np.float32)
        >>> stay = np.array([[0.0, -3.0], [-3.0, 0.0]], np.float32)
        >>> newword.viterbi(emissions, stay)
        ViterbiResult(paths=array([[0, 0, 0]], dtype=int32), scores=array([2.], dtype=float32))
        >>> newword.viterbi(emissions, stay, lengths=[1]).paths
        array([[ 0, -1, -1]], dtype=int32)
    """
    problem = chain_scores(
        emissions, transitions, lengths, mask, start, end, allowed, normalization
    )
    count = _check.thread_count(threads)
    if second_order is None:
        return ViterbiResult(*core().viterbi(problem, None, count))
    if normalization != "global":
        rule = "'global' if second_order is given"
        raise _check.invalid("normalization", rule, normalization)
    tags = problem[0].shape[2]
    triples = chain_array("second_order", second_order, problem[0].dtype, (tags,) * 3)
    return ViterbiResult(*core().viterbi(problem, triples, count))


def beam_search(
    emissions: ArrayLike,
    transitions: ArrayLike | LowRankTransitions | None = None,
    *,
    beam_size: int = 8,
    lengths: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    start: ArrayLike | None = None,
    end: ArrayLike | None = None,
    allowed: ArrayLike | None = None,
    normalization: str = "global",
    threads: int | None = None,
) -> ViterbiResult:
    """Finds a path by beam search, for tag sets too large to score every pair.

    Hypotheses that end in the same tag are merged, so a beam of all tags equals `viterbi`.

    Args:
        beam_size: Number of tags kept at each step.
        normalization: As for `viterbi`; normalisers need every pair of tags.

    All other arguments are those of `viterbi`.

    Returns:
        As `viterbi`; scores are at most those of `viterbi`.

    Raises:
        InvalidArgumentError: As for `viterbi`, or the beam holds only tags that no tag may follow.

    Complexity:
        O(batch steps beam_size tags), times rank for `LowRankTransitions`.

    Source:
        B. T. Lowerre, "The Harpy speech recognition system", 1976.

    Examples:
        >>> import numpy as np, newword
        >>> emissions = np.array([[[2.0, 0.0], [0.0, 1.0]]])
        >>> newword.beam_search(emissions, np.array([[0.0, -3.0], [0.0, 0.0]]), beam_size=1).paths
        array([[0, 0]], dtype=int32)
    """
    problem = chain_scores(
        emissions, transitions, lengths, mask, start, end, allowed, normalization
    )
    width = min(_check.whole("beam_size", beam_size, 1), problem[0].shape[2])
    return ViterbiResult(*core().beam_search(problem, width, _check.thread_count(threads)))


def greedy_decode(
    emissions: ArrayLike,
    transitions: ArrayLike | LowRankTransitions | None = None,
    *,
    lengths: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    start: ArrayLike | None = None,
    end: ArrayLike | None = None,
    allowed: ArrayLike | None = None,
    normalization: str = "global",
    threads: int | None = None,
) -> ViterbiResult:
    """Finds a path greedily: the best tag of each step given the previous one, a beam of 1.

    All arguments are those of `viterbi`.

    Returns:
        As `viterbi`.

    Raises:
        InvalidArgumentError: As for `beam_search`.

    Complexity:
        O(batch steps tags).

    Examples:
        >>> import numpy as np, newword
        >>> newword.greedy_decode(np.array([[[2.0, 0.0], [0.0, 1.0]]])).paths
        array([[0, 1]], dtype=int32)
    """
    problem = chain_scores(
        emissions, transitions, lengths, mask, start, end, allowed, normalization
    )
    return ViterbiResult(*core().beam_search(problem, 1, _check.thread_count(threads)))


def k_best(
    emissions: ArrayLike,
    transitions: ArrayLike | LowRankTransitions | None = None,
    *,
    k: int,
    lengths: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    start: ArrayLike | None = None,
    end: ArrayLike | None = None,
    allowed: ArrayLike | None = None,
    normalization: str = "global",
    threads: int | None = None,
) -> KBestResult:
    """Finds the k best distinct paths of each sequence.

    Args:
        k: Number of paths.

    All other arguments are those of `viterbi`.

    Returns:
        Paths, int32 of shape (batch, k, steps), and scores, (batch, k), descending; -1 and -inf if
        a sequence has fewer than k paths. The first path is that of `viterbi`.

    Raises:
        InvalidArgumentError: As for `viterbi`, or the result would have more than 2²⁹ tags.

    Complexity:
        O(batch steps tags² k) in the worst case.

    Source:
        The list Viterbi algorithm: N. Seshadri and C.-E. W. Sundberg, 1994.

    Examples:
        >>> import numpy as np, newword
        >>> found = newword.k_best(np.array([[[2.0, 0.0], [0.0, 1.0]]]), k=3)
        >>> found.paths.tolist(), found.scores.tolist()
        ([[[0, 1], [0, 0], [1, 1]]], [[3.0, 2.0, 1.0]])
    """
    problem = chain_scores(
        emissions, transitions, lengths, mask, start, end, allowed, normalization
    )
    count = room("k", k, 1, problem)
    return KBestResult(*core().k_best(problem, count, _check.thread_count(threads)))


def log_partition(
    emissions: ArrayLike,
    transitions: ArrayLike | LowRankTransitions | None = None,
    *,
    lengths: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    start: ArrayLike | None = None,
    end: ArrayLike | None = None,
    allowed: ArrayLike | None = None,
    threads: int | None = None,
) -> NDArray[np.float64]:
    """Computes the logarithm of the sum of exp(score) over all paths, log Z of a CRF.

    All arguments are those of `viterbi`.

    Returns:
        float64 of shape (batch,) for scores of any dtype; 0 for a sequence of length 0.

    Raises:
        InvalidArgumentError: As for `viterbi`.

    Complexity:
        O(batch steps tags²).

    Source:
        J. Lafferty, A. McCallum, F. Pereira, "Conditional random fields", 2001.

    Examples:
        >>> import numpy as np, newword
        >>> bool(np.isclose(newword.log_partition(np.zeros((1, 3, 2)))[0], 3 * np.log(2)))
        True
    """
    problem = chain_scores(emissions, transitions, lengths, mask, start, end, allowed, "global")
    result: NDArray[np.float64] = core().log_partition(problem, _check.thread_count(threads))
    return result


def marginals(
    emissions: ArrayLike,
    transitions: ArrayLike | LowRankTransitions | None = None,
    *,
    lengths: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    start: ArrayLike | None = None,
    end: ArrayLike | None = None,
    allowed: ArrayLike | None = None,
    normalization: str = "global",
    threads: int | None = None,
) -> NDArray[Any]:
    """Computes the marginal probability of each tag at each step.

    Args:
        allowed: As for `viterbi`; probabilities are conditional on the allowed tags.
        normalization: As for `viterbi`. `"bidirectional"` scores are not log-probabilities of one
            model; their exponentials are normalised over all paths.

    All other arguments are those of `viterbi`.

    Returns:
        Probabilities of shape (batch, steps, tags) and the dtype of the emissions, computed in
        float64; 0 at masked steps.

    Raises:
        InvalidArgumentError: As for `viterbi`.

    Complexity:
        O(batch steps tags²) time, 16 bytes of memory for each tag of each step in progress. Steps
        whose scores differ by 340 or more need the log domain, which is slower.

    Source:
        The forward-backward algorithm: L. R. Rabiner, "A tutorial on hidden Markov models", 1989.

    Examples:
        >>> import numpy as np, newword
        >>> newword.marginals(np.log([[[0.75, 0.25]]])).round(6).tolist()
        [[[0.75, 0.25]]]
    """
    problem = chain_scores(
        emissions, transitions, lengths, mask, start, end, allowed, normalization
    )
    result: NDArray[Any] = core().marginals(problem, _check.thread_count(threads))
    return result


def posterior_decode(
    emissions: ArrayLike,
    transitions: ArrayLike | LowRankTransitions | None = None,
    *,
    lengths: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    start: ArrayLike | None = None,
    end: ArrayLike | None = None,
    allowed: ArrayLike | None = None,
    normalization: str = "global",
    threads: int | None = None,
) -> ViterbiResult:
    """Finds the allowed path with the highest expected number of correct tags.

    Args:
        transitions: As for `viterbi`; the path contains no transition of -inf.
        normalization: As for `marginals`.

    All other arguments are those of `viterbi`.

    Returns:
        As `viterbi`; a score is the expected number of correct tags.

    Raises:
        InvalidArgumentError: As for `viterbi`.

    Complexity:
        O(batch steps tags²).

    Source:
        Posterior-Viterbi: P. Fariselli, P. L. Martelli, R. Casadio, 2005.

    Examples:
        >>> import numpy as np, newword
        >>> newword.posterior_decode(np.array([[[2.0, 0.0], [0.0, 1.0]]])).paths
        array([[0, 1]], dtype=int32)
    """
    problem = chain_scores(
        emissions, transitions, lengths, mask, start, end, allowed, normalization
    )
    return ViterbiResult(*core().posterior_decode(problem, _check.thread_count(threads)))


def path_score(
    emissions: ArrayLike,
    transitions: ArrayLike | LowRankTransitions | None = None,
    *,
    paths: ArrayLike,
    lengths: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    start: ArrayLike | None = None,
    end: ArrayLike | None = None,
    allowed: ArrayLike | None = None,
    normalization: str = "global",
    threads: int | None = None,
) -> NDArray[Any]:
    """Computes the score of a given path of each sequence.

    The score minus `log_partition` is the log-probability of the path under a CRF.

    Args:
        paths: Tags, integers of shape (batch, steps); values at masked steps are ignored.

    All other arguments are those of `viterbi`.

    Returns:
        Scores of shape (batch,); -inf for a forbidden path.

    Raises:
        InvalidArgumentError: As for `viterbi`, or a tag is out of range.

    Complexity:
        O(batch steps).

    Examples:
        >>> import numpy as np, newword
        >>> newword.path_score(np.array([[[2.0, 0.0], [0.0, 1.0]]]), paths=[[0, 1]])
        array([3.])
    """
    problem = chain_scores(
        emissions, transitions, lengths, mask, start, end, allowed, normalization
    )
    tags = chain_array("paths", paths, TAGS, problem[0].shape[:2])
    result: NDArray[Any] = core().path_score(problem, tags, _check.thread_count(threads))
    return result


def sample_paths(
    emissions: ArrayLike,
    transitions: ArrayLike | LowRankTransitions | None = None,
    *,
    size: int,
    seed: int,
    lengths: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    start: ArrayLike | None = None,
    end: ArrayLike | None = None,
    allowed: ArrayLike | None = None,
    normalization: str = "global",
    threads: int | None = None,
) -> NDArray[np.int32]:
    """Samples paths from their distribution.

    Args:
        size: Number of paths per sequence.
        seed: From 0 to 2⁶⁴ - 1. A path depends only on the seed, the scores, the index of its
            sequence in the batch and its own index.
        allowed: As for `viterbi`; probabilities are conditional on the allowed tags.
        normalization: As for `marginals`.

    All other arguments are those of `viterbi`.

    Returns:
        Tags, int32 of shape (batch, size, steps); -1 at masked steps.

    Raises:
        InvalidArgumentError: As for `viterbi`, or the result would have more than 2²⁹ tags.

    Complexity:
        O(batch steps tags (tags + size)).

    Examples:
        >>> import numpy as np, newword
        >>> emissions = np.array([[[0.0, -np.inf], [-np.inf, 0.0]]])
        >>> newword.sample_paths(emissions, size=2, seed=0).tolist()
        [[[0, 1], [0, 1]]]
    """
    problem = chain_scores(
        emissions, transitions, lengths, mask, start, end, allowed, normalization
    )
    count = room("size", size, 0, problem)
    number = _check.whole("seed", seed, 0, 2**64 - 1)
    result: NDArray[np.int32] = core().sample_paths(
        problem, count, number, _check.thread_count(threads)
    )
    return result
