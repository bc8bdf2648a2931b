"""Decoding of tag sequences: scores in, paths out, for whole batches and without the GIL.

Every function takes the scores of a linear chain: emissions, how well each tag fits each step, and
transitions, how well a tag follows another. They are the same for all functions and described at
`viterbi`. Nothing here needs Keras; tensors of any library that NumPy can read will do.
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
    """A path for each sequence."""

    paths: NDArray[np.int32]
    """Tags, int32 of shape (batch, steps); -1 at steps that do not count."""
    scores: NDArray[Any]
    """The score of each path, of shape (batch,) and of the emissions' type."""


class KBestResult(NamedTuple):
    """The best paths of each sequence."""

    paths: NDArray[np.int32]
    """Tags, int32 of shape (batch, k, steps), the best path first; -1 at steps that do not count,
    and all along a path that does not exist."""
    scores: NDArray[Any]
    """Scores of shape (batch, k), falling; -inf where a sequence has fewer paths than k."""


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
    """The path of the highest score for each sequence of a batch.

    A path's score is the sum of its emissions, its transitions, the start score of its first tag
    and the end score of its last. -inf forbids, in any of the arrays; NaN and +inf are errors, but
    not in padding. Of equal paths the one is taken that has the lower tag at the last step where
    they differ.

    Args:
        emissions: float32 or float64 of shape (batch, steps, tags). Arrays that are contiguous in
            memory are read where they are, others are copied; other numbers become float64, half
            precision becomes float32, and all other scores take the type of the emissions.
        transitions: Scores of shape (tags, tags), [i, j] for j right behind i; one matrix a
            sequence, (batch, tags, tags); `LowRankTransitions`; or None for none.
        lengths: How many steps of each sequence count, from the first; whole numbers, (batch,).
        mask: Which steps count, bool of shape (batch, steps), wherever they are; steps that do not
            are as if they were not there. Not together with `lengths`.
        start: Scores of the first tag, (tags,).
        end: Scores of the last tag, (tags,).
        allowed: Which tags each step may have, bool of shape (batch, steps, tags).
        second_order: Scores of three successive tags in addition, (tags, tags, tags).
        normalization: `"global"`: as they are, a CRF. `"local"`: scores are those of a MEMM, a
            softmax over the next tag at each step, and a path's score is its log-probability.
            `"bidirectional"`: the mean of the log-probabilities of both directions. For the largest
            sum of scores whatever the model ("numerator" decoding, as published for MEMM) take
            `"global"`.
        threads: How many threads; all cores by default.

    Returns:
        Paths, int32 of (batch, steps), and scores, (batch,). A sequence of length 0 has
        the score 0.

    Raises:
        InvalidArgumentError: Shapes disagree, a type is wrong, a length lies outside the array, a
            score is NaN or +inf, a step allows no tag, or no path is allowed.

    Complexity:
        O(batch steps tags²) time; tags³ with `second_order`, and times rank for
        `LowRankTransitions`; one to four bytes for each tag of each step that is under way.

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
        rule = "'global' where second_order is given"
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
    """The path that a beam finds, for sets of tags too large to look at every pair.

    Paths that meet in a tag are one hypothesis: a beam as wide as there are tags is `viterbi`.

    Args:
        beam_size: How many tags are kept at each step.
        normalization: As for `viterbi`; its normalisers look at every pair of tags.

    All other arguments are those of `viterbi`.

    Returns:
        As `viterbi`; scores are at most its scores.

    Raises:
        InvalidArgumentError: As for `viterbi`, or the beam ran into tags that nothing may follow.

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
    """The best tag of each step, given the one that was chosen before: a beam of 1.

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
    """The k best paths of each sequence, no two the same.

    Args:
        k: How many paths.

    All other arguments are those of `viterbi`.

    Returns:
        Paths, int32 of (batch, k, steps), and scores, (batch, k), falling; -1 and -inf where a
        sequence has fewer than k paths. The first is that of `viterbi`.

    Raises:
        InvalidArgumentError: As for `viterbi`, or the result would have more than 2²⁹ tags.

    Complexity:
        O(batch steps tags² k) at worst.

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
    """The logarithm of the sum of exp(score) over all paths: a CRF's log Z.

    All arguments are those of `viterbi`.

    Returns:
        float64 of shape (batch,), whatever the type of the scores; 0 for a sequence of length 0.

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
    """The probability of each tag at each step, over all paths.

    Args:
        allowed: As for `viterbi`; probabilities are those given that.
        normalization: As for `viterbi`. For `"bidirectional"` path scores are no log-probabilities
            of one model; their exponentials are taken in proportion.

    All other arguments are those of `viterbi`.

    Returns:
        Probabilities of shape (batch, steps, tags) and of the emissions' type, computed in float64;
        0 at steps that do not count.

    Raises:
        InvalidArgumentError: As for `viterbi`.

    Complexity:
        O(batch steps tags²) time, 16 bytes for each tag of each step that is under way. Faster
        where the scores of a step differ by less than 340 than where logarithms have to be kept.

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
    """The allowed path with the most tags to be right, rather than the most probable path.

    Args:
        transitions: As for `viterbi`; those of -inf are kept to.
        normalization: As for `marginals`.

    All other arguments are those of `viterbi`.

    Returns:
        As `viterbi`; a score is the expected number of right tags.

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
    """The score of a given path of each sequence; less `log_partition`, its log-probability.

    Args:
        paths: Tags, whole numbers of shape (batch, steps); what stands at steps that do not count
            is ignored.

    All other arguments are those of `viterbi`.

    Returns:
        Scores of shape (batch,), -inf for a path that is not allowed.

    Raises:
        InvalidArgumentError: As for `viterbi`, or a tag lies outside the range.

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
    """Paths drawn at random, each as often as it is probable.

    Args:
        size: How many paths of each sequence.
        seed: From 0 to 2⁶⁴ - 1. A path depends on it, on the scores, on its sequence's place in the
            batch and on its own number, on nothing else.
        allowed: As for `viterbi`; probabilities are those given that.
        normalization: As for `marginals`.

    All other arguments are those of `viterbi`.

    Returns:
        Tags, int32 of shape (batch, size, steps), -1 at steps that do not count.

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
