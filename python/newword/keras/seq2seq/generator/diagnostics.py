"""Diagnostics of generation: errors of the search and of the model, scores by number of beams."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword._optional import optional_module
from newword.generation_evaluation import MEASURES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from newword.generation_evaluation import GenerationScore

__all__ = ["BeamComparison", "SearchErrors", "penalised", "search_errors"]

TOLERANCE = 1e-4
"""Two scores this close are equal, because they are computed in different ways."""


@dataclass(frozen=True)
class SearchErrors:
    """How often generation misses the gold text because of the search, and because of the model.

    If the gold text has a higher score than the text found, the search missed it: a search error.
    Otherwise the model prefers another text: a model error, which no better search repairs.
    """

    correct: int
    """Pairs whose gold text was found."""
    search_errors: int
    """Pairs whose gold text has a higher score than the text found."""
    model_errors: int
    """Pairs whose gold text has no higher score than the text found."""
    unreachable: int
    """Pairs whose gold text cannot be generated: too long, or with an unknown character."""
    gold_scores: NDArray[np.float64] = field(repr=False, compare=False)
    """The score of each gold text, float64 of shape (pairs,); NaN if it is unreachable."""
    found_scores: NDArray[np.float64] = field(repr=False, compare=False)
    """The score of each text found, float64 of shape (pairs,)."""


def search_errors(
    gold: list[str],
    gold_scores: NDArray[np.float64],
    found: list[str],
    found_scores: NDArray[np.float64],
) -> SearchErrors:
    """Counts the errors; the scores of unreachable gold texts are NaN."""
    same = np.array([want == text for want, text in zip(gold, found, strict=True)])
    unreachable = np.isnan(gold_scores) & ~same
    higher = ~same & ~unreachable & (gold_scores > found_scores + TOLERANCE)
    model = ~same & ~unreachable & ~higher
    return SearchErrors(
        correct=int(same.sum()),
        search_errors=int(higher.sum()),
        model_errors=int(model.sum()),
        unreachable=int(unreachable.sum()),
        gold_scores=gold_scores,
        found_scores=found_scores,
    )


def penalised(
    log_probs: NDArray[np.float64], lengths: NDArray[np.int64], length_penalty: str, alpha: float
) -> NDArray[np.float64]:
    """Log-probabilities after the length penalty of `BeamSearch`; lengths count the end token."""
    if length_penalty == "none":
        return log_probs
    base = lengths if length_penalty == "average" else (5 + lengths) / 6
    penalised: NDArray[np.float64] = log_probs / base.astype(np.float64) ** alpha
    return penalised


@dataclass(frozen=True)
class BeamComparison:
    """The scores of generated texts for several numbers of beams."""

    scores: dict[int, GenerationScore]
    """The score for each number of beams."""

    def plot(self, measures: Any = ("rouge_l", "bleu"), ax: Axes | None = None) -> Axes:
        """Draws the measures against the number of beams.

        Args:
            measures: Names of measures: "rouge_1", "rouge_2", "rouge_l", "bleu" or "exact".
            ax: Where to draw; a new figure by default.

        Raises:
            InvalidArgumentError: A measure is unknown.
            MissingDependencyError: matplotlib is not installed.
        """
        names = [measures] if isinstance(measures, str) else list(measures)
        names = [_check.choice("measures", name, MEASURES) for name in names]
        pyplot = optional_module("matplotlib.pyplot", "plot", "Pictures")
        if ax is None:
            _, ax = pyplot.subplots(layout="constrained")
        assert ax is not None
        beams = sorted(self.scores)
        for name in names:
            values = [100 * getattr(self.scores[one], name) for one in beams]
            ax.plot(beams, values, marker="o", label=name.replace("_", "-").upper())
        ax.set_xticks(beams)
        ax.set_xlabel("beams")
        ax.set_ylabel("mean over texts, %")
        ax.legend(frameon=False)
        return ax
