"""Evaluation of linked mentions against a gold standard."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from newword import _check
from newword.linking.linked_texts import LinkedText, Mention
from newword.span_evaluation import SpanCounts

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LinkingScore", "NameCounts", "evaluate_linking"]

TEXTS = "an iterable of texts with mentions"


@dataclass(frozen=True, slots=True)
class NameCounts:
    """What became right and wrong of the mentions with one name."""

    gold: int
    """Mentions in the gold standard."""
    correct: int
    """Predicted with the right span and id."""
    wrong_id: int
    """Predicted with the right span, but without the right id."""
    missed: int
    """Not predicted."""
    spurious: int
    """Predicted, but not in the gold standard."""

    @property
    def errors(self) -> int:
        """All errors."""
        return self.wrong_id + self.missed + self.spurious


@dataclass(frozen=True, slots=True)
class LinkingScore:
    """Counts and measures of linked mentions."""

    links: SpanCounts
    """Mentions with the right span and the right id, micro-averaged."""
    mentions: SpanCounts
    """Mentions with the right span, whatever their ids."""
    names: dict[str, NameCounts]
    """Counts by name, the names with most errors first."""
    given: SpanCounts | None = None
    """The links of given gold mentions, if these were evaluated."""

    @property
    def precision(self) -> float:
        """Share of the predicted mentions with the right span and id."""
        return self.links.precision

    @property
    def recall(self) -> float:
        """Share of the gold mentions that were predicted with the right span and id."""
        return self.links.recall

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall: the figure of CCKS 2019."""
        return self.links.f1

    @property
    def link_accuracy(self) -> float:
        """Share of the mentions with the right span that have the right id."""
        return self.links.correct / self.mentions.correct if self.mentions.correct else 0.0

    @property
    def given_accuracy(self) -> float | None:
        """Share of the given gold mentions that were linked correctly; None if not evaluated."""
        return None if self.given is None else self.given.recall

    def errors(self, most: int = 20) -> str:
        """A table of the names with most errors, as text.

        Args:
            most: The largest number of names.

        Raises:
            InvalidArgumentError: `most` is below 1.
        """
        most = _check.whole("most", most, 1)
        lines = ["gold  correct  wrong id  missed  spurious  name"]
        for name, one in list(self.names.items())[:most]:
            if one.errors:
                cells = f"{one.gold:>4}  {one.correct:>7}  {one.wrong_id:>8}  {one.missed:>6}"
                lines.append(f"{cells}  {one.spurious:>8}  {name}")
        return "\n".join(lines)

    def __str__(self) -> str:
        lines = ["          precision  recall      F1    gold"]
        rows = [("links", self.links), ("mentions", self.mentions)]
        if self.given is not None:
            rows.append(("given", self.given))
        for name, one in rows:
            shares = f"{one.precision:>9.4f}  {one.recall:>6.4f}  {one.f1:>6.4f}"
            lines.append(f"{name:<8}  {shares}  {one.gold:>6}")
        return "\n".join(lines)


def evaluate_linking(
    gold: Iterable[Any],
    predicted: Iterable[Any],
    *,
    given: Iterable[Any] | None = None,
    count_nil: bool = False,
) -> LinkingScore:
    """Computes precision, recall and F1 of linked mentions.

    A predicted mention is correct if a gold mention of the same text has its start, end and id, as
    in the scorer of CCKS 2019. Duplicates count once.

    Args:
        gold: The gold standard: for each text a `LinkedText` or an iterable of `Mention`.
        predicted: The predictions for the same texts in the same order, in the same form.
        given: Predictions for which the spans of the gold mentions were given.
        count_nil: Whether mentions without an entity (NIL) count, with NIL as an id like any other.
            By default they are ignored on both sides, as in CCKS 2019.

    Returns:
        Counts and measures of links and spans, and counts by name.

    Raises:
        InvalidArgumentError: The numbers of texts differ, or an item is not a mention.

    Complexity:
        Linear in the number of mentions, and O(n log n) in the number of names.

    Examples:
        >>> from newword.linking import Mention
        >>> gold = [[Mention(0, 2, "胜利", "1"), Mention(3, 5, "北京", "2")]]
        >>> score = evaluate_linking(gold, [[Mention(0, 2, "胜利", "7")]])
        >>> score.f1, score.mentions.precision, score.mentions.recall
        (0.0, 1.0, 0.5)
        >>> score.names["胜利"].wrong_id
        1
    """
    count_nil = _check.flag("count_nil", count_nil)
    gold = list(_check.iterable("gold", gold, TEXTS))
    pairs = list(_paired("predicted", gold, predicted, count_nil))
    names: dict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for one, other in pairs:
        _count_names(one, other, names)
    counts = {name: NameCounts(*values) for name, values in names.items()}
    order = sorted(counts, key=lambda name: (-counts[name].errors, -counts[name].gold, name))
    over_given = None
    if given is not None:
        over_given = _counts(
            [(a, b) for a, b, *_ in _keys(_paired("given", gold, given, count_nil))]
        )
    keys = list(_keys(pairs))
    return LinkingScore(
        _counts([(one, other) for one, other, _, _ in keys]),
        _counts([(one, other) for _, _, one, other in keys]),
        {name: counts[name] for name in order},
        over_given,
    )


def _counts(sets: list[tuple[set[Any], set[Any]]]) -> SpanCounts:
    return SpanCounts(
        sum(len(one) for one, _ in sets),
        sum(len(other) for _, other in sets),
        sum(len(one & other) for one, other in sets),
    )


def _keys(pairs: Iterable[tuple[list[Mention], list[Mention]]]) -> Iterable[tuple[set[Any], ...]]:
    """Links and spans of both sides, as sets."""
    for one, other in pairs:
        links = [{(each.start, each.end, each.id) for each in side} for side in (one, other)]
        spans = [{(each.start, each.end) for each in side} for side in (one, other)]
        yield links[0], links[1], spans[0], spans[1]


def _paired(
    side: str, gold: list[Any], predicted: Iterable[Any], count_nil: bool
) -> Iterable[tuple[list[Mention], list[Mention]]]:
    """The mentions of each text on both sides."""
    for place, (one, other) in enumerate(
        zip_longest(gold, _check.iterable(side, predicted, TEXTS))
    ):
        if one is None or other is None:
            short = "gold" if one is None else side
            raise _check.invalid(short, "as many texts as on the other side", place)
        yield (
            _mentions(f"gold[{place}]", one, count_nil),
            _mentions(f"{side}[{place}]", other, count_nil),
        )


def _mentions(argument: str, item: Any, count_nil: bool) -> list[Mention]:
    many = item.mentions if isinstance(item, LinkedText) else item
    many = list(_check.iterable(argument, many, "a LinkedText or an iterable of Mention"))
    for one in many:
        if not isinstance(one, Mention):
            raise _check.invalid(argument, "made of Mention", one)
    return [one for one in many if count_nil or one.id is not None]


def _count_names(
    gold: list[Mention], predicted: list[Mention], names: dict[str, list[int]]
) -> None:
    """Adds the mentions of a text to gold, correct, wrong id, missed, spurious by name."""
    ours = {(one.start, one.end, one.id): one.text for one in gold}
    theirs = {(one.start, one.end, one.id): one.text for one in predicted}
    spans = {key[:2] for key in theirs}
    for key, name in ours.items():
        counts = names[name]
        counts[0] += 1
        counts[1 if key in theirs else 2 if key[:2] in spans else 3] += 1
    known = {key[:2] for key in ours}
    for key, name in theirs.items():
        if key[:2] not in known:
            names[name][4] += 1
