"""Beam search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from newword import _check
from newword._core import core
from newword.beam import _options
from newword.beam._running import Rows, Running

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from newword.beam._options import Allowed


class BeamSearch(Running):
    """A beam search over a batch of sources.

    Each source has up to `beams` live hypotheses, all of the same length. A step extends each of
    them with every token that may follow. If an end token is among the best `beams` extensions,
    that hypothesis is finished: it is kept, it no longer grows, and it takes no place in the beam.
    The best `beams` other extensions are the new live hypotheses.

    Results are deterministic and independent of the number of threads. Ties go to the lower parent,
    then to the lower token. Log-probabilities are added in float64. With `beams=1` and no length
    penalty the result is that of greedy search.

    Args:
        batch: Number of sources.
        beams: Number of live hypotheses for each source.
        end_token: The token that ends a sequence, or several such tokens.
        max_length: The largest number of generated tokens, the end token included; one number, or
            one for each source. A prompt does not count. A hypothesis of this length without end
            token stays unfinished.
        min_length: The smallest number of tokens of a finished hypothesis, the end token included;
            one number, or one for each source.
        n_best: Number of results for each source. It does not change the search: the results for a
            smaller number are the first of those for a larger one.
        length_penalty: The divisor of log-probabilities in scores. `"none"`: 1. `"average"`:
            length^alpha; with an alpha of 1, the mean log-probability of a token. `"gnmt"`:
            ((5 + length) / 6)^alpha. It is applied once, to finished hypotheses, with the length of
            each; live hypotheses have equal lengths and are compared by log-probability.
        alpha: The exponent of the length penalty. Larger values favour longer sequences; 0.6 is
            usual for `"gnmt"`.
        count_end: Whether the end token counts in the length of the penalty. Its log-probability
            counts in any case.
        early_stopping: Whether a source is finished as soon as its results can no longer improve.
            The criterion is exact: the results are those of a search up to `max_length`. It
            requires log-probabilities of at most 0; rounding up to 0.001 above 0 counts as 0. With
            False, a source is finished when no hypothesis is left or at `max_length`, and any
            scores are accepted.
        groups: Number of groups into which the hypotheses of a source are divided; it must divide
            `beams`. Each group is a beam search of its own with `beams / groups` hypotheses.
        diversity: The amount by which a token ranks lower for each earlier group that chose it in
            the same step. It affects the selection only, neither log-probabilities nor scores.
        no_repeat_ngram: No n-gram of this order occurs twice in a hypothesis; 0 for no such rule.
            Where all hypotheses of a group can only repeat an n-gram, they may.
        forbidden: Tokens that are never generated.
        prefix: The first tokens of every hypothesis: a sequence of ids for all sources, or one for
            each source. The model scores them like other tokens, and lengths count them. They may
            be forbidden tokens.
        allowed: The sequences that may be generated: a `TokenTrie`, or a list of one (or None) for
            each source. Or a function of the number of a source and the tokens of a hypothesis
            (int32, (length,)), which returns the ids that may follow, end tokens included, or None
            for all. It is called for each live hypothesis in each step; a prefix takes precedence.
        pad_token: The token of rows without a hypothesis.
        force_end: Whether the last token at `max_length` must be an end token, where one may
            follow.
        threads: Number of threads; all cores by default. Small steps use one.

    Raises:
        InvalidArgumentError: An option breaks its rule.

    Complexity:
        A step passes once over the scores and takes O(beams log(vocabulary)) insertions for each
        source, for scores in random order; with `no_repeat_ngram` also O(length) for each
        hypothesis. Memory is proportional to the tokens of the hypotheses.

    Source:
        Length penalty: Y. Wu et al., "Google's neural machine translation system", 2016. Groups:
        A. Vijayakumar et al., "Diverse beam search", 2018. No repetition of n-grams: R. Paulus,
        C. Xiong, R. Socher, "A deep reinforced model for abstractive summarization", 2017.

    Examples:
        A model of two steps, from kexue.fm/archives/7259. Its first tokens are 0 and 2; greedy
        search finds (0, 1) with a probability of 0.33, two beams find (2, 3) with 0.36.

        >>> import numpy as np
        >>> from newword.beam import BeamSearch
        >>> after = np.zeros((5, 5))                   # [i, j]: the probability of j after i
        >>> after[0, 1], after[0, 3], after[2, 1], after[2, 3] = 0.55, 0.45, 0.1, 0.9
        >>> after[[1, 3], 4] = 1                       # 4 ends the sequence
        >>> with np.errstate(divide="ignore"):
        ...     first, after = np.log([[0.6, 0, 0.4, 0, 0]]), np.log(after)
        >>> search = BeamSearch(1, 2, end_token=4, max_length=3)
        >>> parents, tokens = search.step(first)       # one row for each source in the first step
        >>> while not search.done:
        ...     parents, tokens = search.step(after[tokens])
        >>> best = search.results()[0][0]
        >>> best.tokens, f"{np.exp(best.log_prob):.2f}"
        (array([2, 3], dtype=int32), '0.36')
    """

    def __init__(
        self,
        batch: int,
        beams: int,
        *,
        end_token: int | Sequence[int],
        max_length: int | Sequence[int],
        min_length: int | Sequence[int] = 0,
        n_best: int = 1,
        length_penalty: str = "none",
        alpha: float = 1.0,
        count_end: bool = True,
        early_stopping: bool = True,
        groups: int = 1,
        diversity: float = 0.0,
        no_repeat_ngram: int = 0,
        forbidden: Sequence[int] = (),
        prefix: ArrayLike | None = None,
        allowed: Allowed = None,
        pad_token: int = 0,
        force_end: bool = False,
        threads: int | None = None,
    ) -> None:
        batch = _check.whole("batch", batch, 1, _options.MOST)
        self._threads = _check.thread_count(threads)
        self._callback = allowed if callable(allowed) else None
        self._rows = _check.whole("beams", beams, 1, _options.MOST)
        self._core: Any = core().BeamSearch(
            batch,
            self._rows,
            _check.whole("groups", groups, 1, _options.MOST),
            _check.threshold("diversity", diversity),
            _options.ranking(
                n_best=n_best,
                length_penalty=length_penalty,
                alpha=alpha,
                count_end=count_end,
                early_stopping=early_stopping,
            ),
            _options.limits(
                batch,
                end_token=end_token,
                max_length=max_length,
                min_length=min_length,
                force_end=force_end,
                no_repeat_ngram=no_repeat_ngram,
                forbidden=forbidden,
                prefix=prefix,
                allowed=allowed,
                pad_token=pad_token,
            ),
        )

    def step(self, log_probs: ArrayLike) -> Rows:
        """Takes a step: chooses the next token of every hypothesis.

        Row `source * beams + slot` belongs to a hypothesis of that source. Only rows of live
        hypotheses are read. A row without a hypothesis is its own parent and gets the pad token;
        so do all rows of a finished source.

        Args:
            log_probs: Log-probabilities of the next token, of shape (batch * beams, vocabulary) or
                (batch, beams, vocabulary). In the first step (batch, vocabulary) is enough.
                float32, float64, float16 or bfloat16, anything that `numpy.asarray` accepts;
                contiguous arrays are not copied. -inf forbids a token.

        Returns:
            Parents and tokens, both int32 of shape (batch * beams,). A parent is the row that each
            row continues. After a first step with (batch, vocabulary), parents are sources.

        Raises:
            InvalidArgumentError: The shape is wrong, the vocabulary is not that of the first step,
                a score is NaN or +inf, or above 0 with `early_stopping`, or no token may follow.
                The search is then unchanged.
        """
        array, kind = _options.scores("log_probs", log_probs)
        rows = None
        if self._callback is not None:
            rows = _options.listed(self._callback, self._core.live(), self._rows)
        parents, tokens = self._core.step(array, kind, rows, self._threads)
        return parents, tokens
