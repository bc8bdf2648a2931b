"""Synchronous bidirectional beam search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword._core import core
from newword.beam import _options
from newword.beam._running import Rows, Running

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from newword.beam.trie import TokenTrie

    Tries = TokenTrie | Sequence[TokenTrie | None] | None

MODES = ("average", "paired")


class BidirectionalBeamSearch(Running):
    """A beam search from left to right and one from right to left that see each other.

    Both directions grow together, one token in each step. The model scores the next token of a
    hypothesis given a hypothesis of the other direction. In mode `"average"` it is scored with
    every live hypothesis of the other direction, and the probabilities (not their logarithms) are
    averaged; in mode `"paired"` only with the one of the same rank.

    Finished hypotheses of both directions share one list of results, in reading order: those from
    right to left are reversed and have `reversed=True`. The better one wins. Hypotheses that end
    are kept and no longer seen by the other direction. If a direction has no live hypothesis left,
    its rows keep their state, and the other direction is scored with those it had last.

    In no mode do scores belong to one probability model of the sequence, so `log_prob` is the sum
    of what the search added up, not the log-probability of the sequence.

    Args:
        batch: Number of sources.
        beams: Number of live hypotheses for each source in each direction.
        end_token: A pair: the end token from left to right and that from right to left, each a
            token or several. A direction never generates the end token of the other, which usually
            is its own start token.
        max_length: As for `BeamSearch`, for both directions.
        mode: `"average"` or `"paired"`.
        min_length: As for `BeamSearch`, for both directions.
        n_best: Number of results for each source, no two with the same tokens.
        length_penalty: As for `BeamSearch`.
        alpha: As for `BeamSearch`.
        count_end: As for `BeamSearch`.
        early_stopping: As for `BeamSearch`; the results of both directions count.
        no_repeat_ngram: As for `BeamSearch`.
        forbidden: Tokens that are never generated, in both directions.
        allowed: None, or a pair: a `TokenTrie` from left to right and one from right to left (whose
            sequences are reversed). Each may be a list of one for each source, or None.
        pad_token: As for `BeamSearch`.
        force_end: As for `BeamSearch`.
        threads: As for `BeamSearch`.

    Raises:
        InvalidArgumentError: An option breaks its rule.

    Complexity:
        A step passes once over the scores: batch x beams² rows in each direction in mode
        `"average"`, batch x beams in mode `"paired"`.

    Source:
        `"average"`: Su Jianlin, kexue.fm/archives/6877. `"paired"`: L. Zhou, J. Zhang, C. Zong,
        "Synchronous bidirectional neural machine translation", 2019.

    Examples:
        One hypothesis in each direction; 3 ends from left to right, 2 from right to left. The one
        from right to left is better.

        >>> import numpy as np
        >>> from newword.beam import BidirectionalBeamSearch
        >>> search = BidirectionalBeamSearch(1, 1, end_token=(3, 2), max_length=2)
        >>> first, second = [[0.1, 0.6, 0.1, 0.2]], [[0.1, 0.1, 0.1, 0.7]]
        >>> ahead, back = search.step(np.log(first), np.log([[0.7, 0.1, 0.1, 0.1]]))
        >>> ahead, back = search.step(np.log(second), np.log([[0.1, 0.1, 0.7, 0.1]]))
        >>> search.done
        True
        >>> best = search.results()[0][0]
        >>> best.tokens, best.reversed, f"{np.exp(best.log_prob):.2f}"
        (array([0], dtype=int32), True, '0.49')
    """

    def __init__(
        self,
        batch: int,
        beams: int,
        *,
        end_token: tuple[int | Sequence[int], int | Sequence[int]],
        max_length: int | Sequence[int],
        mode: str = "average",
        min_length: int | Sequence[int] = 0,
        n_best: int = 1,
        length_penalty: str = "none",
        alpha: float = 1.0,
        count_end: bool = True,
        early_stopping: bool = True,
        no_repeat_ngram: int = 0,
        forbidden: Sequence[int] = (),
        allowed: tuple[Tries, Tries] | None = None,
        pad_token: int = 0,
        force_end: bool = False,
        threads: int | None = None,
    ) -> None:
        batch = _check.whole("batch", batch, 1, _options.MOST)
        self._threads = _check.thread_count(threads)
        ends = [_options.token_ids("end_token", one) for one in _pair("end_token", end_token)]
        forbidden = _options.token_ids("forbidden", forbidden)
        tries = (None, None) if allowed is None else _pair("allowed", allowed)
        if any(callable(one) for one in tries):
            raise _check.invalid("allowed", "None or a pair of tries, no callback", allowed)

        def limits(own: int) -> _options.Options:
            others = [token for token in ends[1 - own] if token not in ends[own]]
            return _options.limits(
                batch,
                end_token=ends[own],
                max_length=max_length,
                min_length=min_length,
                force_end=force_end,
                no_repeat_ngram=no_repeat_ngram,
                forbidden=[*forbidden, *others],
                prefix=None,
                allowed=tries[own],
                pad_token=pad_token,
            )

        self._rows = _check.whole("beams", beams, 1, _options.MOST)
        self._core: Any = core().BidirectionalBeamSearch(
            batch,
            self._rows,
            _check.choice("mode", mode, MODES),
            _options.ranking(
                n_best=n_best,
                length_penalty=length_penalty,
                alpha=alpha,
                count_end=count_end,
                early_stopping=early_stopping,
            ),
            limits(0),
            limits(1),
        )

    def step(self, forward: ArrayLike, backward: ArrayLike) -> tuple[Rows, Rows]:
        """Takes a step in both directions.

        Args:
            forward: Log-probabilities of the next token from left to right. In mode `"average"` of
                shape (batch, beams, beams, vocabulary): [s, i, j] for hypothesis i of this
                direction given hypothesis j of the other. In mode `"paired"` of shape (batch,
                beams, vocabulary): [s, i] for hypothesis i given hypothesis i of the other. The
                axes before the last may be merged, and in the first step (batch, vocabulary) is
                enough. Dtypes as for `BeamSearch.step`, the same for both arguments.
            backward: The same from right to left; i is again of the own direction.

        Returns:
            Parents and tokens from left to right, then those from right to left, each int32 of
            shape (batch * beams,) as for `BeamSearch.step`. Rows beyond the live hypotheses repeat
            the last of them, so that every rank has a partner. Where a direction has no live
            hypothesis left, a row is its own parent with the pad token: its state must not change.

        Raises:
            InvalidArgumentError: As for `BeamSearch.step`, or the dtypes differ. The search is then
                unchanged.
        """
        ahead, kind = _options.scores("forward", forward)
        back, other = _options.scores("backward", backward)
        if kind != other:
            raise _check.invalid("backward", f"of the dtype of forward, {kind}", np.dtype(other))
        return self._core.step(ahead, back, kind, self._threads)  # type: ignore[no-any-return]


def _pair(argument: str, value: Any) -> tuple[Any, Any]:
    """One item for each direction."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        rule = "a pair, one item for each direction"
        raise _check.invalid(argument, rule, value)
    return value[0], value[1]
