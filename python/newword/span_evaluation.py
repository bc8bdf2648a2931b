"""Evaluation of spans against a gold standard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest

from newword import _check

__all__ = ["SpanCounts", "SpanScore", "evaluate_spans"]

Spans = Iterable[tuple[int, int, str]]


@dataclass(frozen=True, slots=True)
class SpanCounts:
    """Numbers of gold, predicted and correct spans, and the measures computed from them.

    A measure with a denominator of 0 is 0, as in seqeval.
    """

    gold: int
    predicted: int
    correct: int

    @property
    def precision(self) -> float:
        """Share of the predicted spans that are correct in position and type."""
        return self.correct / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Share of the gold spans that were found."""
        return self.correct / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.gold + self.predicted
        return 2 * self.correct / total if total else 0.0


@dataclass(frozen=True, slots=True)
class SpanScore:
    """Counts over all spans and by type."""

    micro: SpanCounts
    """Counts over all spans."""
    types: dict[str, SpanCounts]
    """Counts by type, sorted."""

    @property
    def precision(self) -> float:
        """Precision over all spans."""
        return self.micro.precision

    @property
    def recall(self) -> float:
        """Recall over all spans."""
        return self.micro.recall

    @property
    def f1(self) -> float:
        """F1 over all spans (micro-averaged), the usual figure."""
        return self.micro.f1

    @property
    def macro_f1(self) -> float:
        """The mean of the types' F1."""
        return sum(one.f1 for one in self.types.values()) / max(len(self.types), 1)

    @property
    def weighted_f1(self) -> float:
        """The mean of the types' F1, weighted by their numbers of gold spans."""
        return sum(one.f1 * one.gold for one in self.types.values()) / max(self.micro.gold, 1)

    def __str__(self) -> str:
        width = max([5, *map(len, self.types)])
        lines = [f"{'type':<{width}}  precision  recall      F1    gold"]
        for name, one in [*self.types.items(), ("all", self.micro)]:
            shares = f"{one.precision:>9.4f}  {one.recall:>6.4f}  {one.f1:>6.4f}"
            lines.append(f"{name:<{width}}  {shares}  {one.gold:>6}")
        return "\n".join(lines)


def evaluate_spans(gold: Iterable[Spans], predicted: Iterable[Spans]) -> SpanScore:
    """Computes precision, recall and F1 of spans; correct ones have the same position and type.

    With the spans of `TagScheme.decode` the figures equal those of seqeval: of its default mode
    or, with `decode(..., strict=True)`, of its strict mode.

    Args:
        gold: The spans of each text, (start, end, type).
        predicted: The predicted spans, with the texts in the same order. Duplicates count once.

    Returns:
        Counts and measures over all spans and by type.

    Raises:
        InvalidArgumentError: The numbers of texts differ.

    Complexity:
        Linear in the number of spans.

    Source:
        seqeval and conlleval, for the conventions.

    Examples:
        >>> import newword
        >>> score = newword.evaluate_spans([[(0, 2, "PER"), (3, 5, "LOC")]], [[(0, 2, "PER")]])
        >>> score.precision, score.recall, round(score.f1, 3)
        (1.0, 0.5, 0.667)
    """
    counts = {side: Counter[str]() for side in ("gold", "predicted", "correct")}
    for name, given in (("gold", gold), ("predicted", predicted)):
        _check.iterable(name, given, "an iterable of the spans of texts")
    for place, (one, other) in enumerate(zip_longest(gold, predicted)):
        if one is None or other is None:
            side = "gold" if one is None else "predicted"
            raise _check.invalid(side, "as many texts as on the other side", place)
        ours, theirs = _spans("gold", one), _spans("predicted", other)
        for side, spans in (("gold", ours), ("predicted", theirs), ("correct", ours & theirs)):
            counts[side].update(name for _, _, name in spans)
    names = sorted({*counts["gold"], *counts["predicted"]})

    def of(*types: str) -> SpanCounts:
        return SpanCounts(
            **{side: sum(one[name] for name in types) for side, one in counts.items()}
        )

    return SpanScore(of(*names), {name: of(name) for name in names})


def _spans(side: str, spans: Iterable[object]) -> set[tuple[int, int, str]]:
    return {_span(span) for span in _check.iterable(side, spans, "made of lists of spans")}


def _span(span: object) -> tuple[int, int, str]:
    if not isinstance(span, tuple) or len(span) != 3 or not isinstance(span[2], str):
        raise _check.invalid("spans", "(start, end, type)", span)
    return (span[0], span[1], span[2])
