"""Random sampling."""

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


class Sampler(Running):
    """Random samples from a model, for a batch of sources.

    Each step draws the next token of every sample. A draw depends on the seed, the source, the
    number of the sample and the step only, so it is the same for any number of threads.
    `results()` has the samples of each source in their order, with log-probabilities of the model:
    before temperature, `top_k`, `top_p` and the constraints.

    Args:
        batch: Number of sources.
        samples: Number of samples for each source.
        end_token: As for `BeamSearch`.
        max_length: As for `BeamSearch`.
        min_length: As for `BeamSearch`.
        temperature: The divisor of logits. Below 1, probable tokens become more probable; 0
            chooses the most probable token (greedy search), the lowest of equal ones.
        top_k: Draws only from the `top_k` most probable tokens that may follow; 0 for all.
        top_p: Draws only from the smallest set of most probable tokens whose probability, after
            temperature and `top_k`, reaches `top_p`; 1 for all tokens.
        seed: The seed of the draws.
        no_repeat_ngram: As for `BeamSearch`, for each sample.
        forbidden: As for `BeamSearch`.
        prefix: As for `BeamSearch`.
        allowed: As for `BeamSearch`.
        pad_token: As for `BeamSearch`.
        force_end: As for `BeamSearch`.
        threads: As for `BeamSearch`.

    Raises:
        InvalidArgumentError: An option breaks its rule.

    Complexity:
        O(vocabulary) for each sample and step.

    Source:
        `top_k`: A. Fan, M. Lewis, Y. Dauphin, "Hierarchical neural story generation", 2018.
        `top_p`: A. Holtzman et al., "The curious case of neural text degeneration", 2020.

    Examples:
        >>> import numpy as np
        >>> from newword.beam import Sampler
        >>> logits = np.log([[0.5, 0.3, 0.2]])        # the same at every step
        >>> sampler = Sampler(1, samples=2, end_token=2, max_length=20, seed=1)
        >>> while not sampler.done:
        ...     parents, tokens = sampler.step(np.repeat(logits, 2, axis=0))
        >>> all(sample.finished for sample in sampler.results()[0])
        True
    """

    def __init__(
        self,
        batch: int,
        samples: int = 1,
        *,
        end_token: int | Sequence[int],
        max_length: int | Sequence[int],
        min_length: int | Sequence[int] = 0,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
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
        self._rows = _check.whole("samples", samples, 1, _options.MOST)
        self._core: Any = core().Sampler(
            batch,
            self._rows,
            _check.threshold("temperature", temperature),
            _check.whole("top_k", top_k, 0, _options.MOST),
            _options.real("top_p", top_p),
            _check.whole("seed", seed, 0),
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

    def step(self, logits: ArrayLike) -> Rows:
        """Takes a step: draws the next token of every sample.

        Args:
            logits: Scores whose softmax is the distribution of the next token (log-probabilities
                are such scores), of shape (batch * samples, vocabulary) or (batch, samples,
                vocabulary). In the first step (batch, vocabulary) is enough. Dtypes as for
                `BeamSearch.step`.

        Returns:
            Parents and tokens, both int32 of shape (batch * samples,), as for `BeamSearch.step`. A
            sample is its own parent, except after a first step with (batch, vocabulary), where
            parents are sources.

        Raises:
            InvalidArgumentError: The shape is wrong, the vocabulary is not that of the first step,
                a score is NaN or +inf, or no token may follow. The samples are then unchanged.
        """
        array, kind = _options.scores("logits", logits)
        rows = None
        if self._callback is not None:
            rows = _options.listed(self._callback, self._core.live(), self._rows)
        parents, tokens = self._core.step(array, kind, rows, self._threads)
        return parents, tokens
