"""How annotators treat the names of a knowledge base: rates, pruning, priors, mined aliases."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from newword import _check
from newword.linking.entities import MODES
from newword.linking.linked_texts import LinkedText, checked_linked_texts
from newword.span_evaluation import SpanCounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from newword.linking.name_set import NameSet

__all__ = ["MatchingReport", "MentionStatistics"]


class MatchingReport(NamedTuple):
    """How matches of names agree with annotated mentions, with all names and without some."""

    before: SpanCounts
    """Matches of all names."""
    after: SpanCounts
    """Matches without the dropped names. Its recall bounds that of a linker that only filters
    matches."""
    dropped: int
    """Number of dropped names."""

    def __str__(self) -> str:
        lines = ["names   precision  recall      F1  matches"]
        for name, one in (("all", self.before), ("pruned", self.after)):
            shares = f"{one.precision:>9.4f}  {one.recall:>6.4f}  {one.f1:>6.4f}"
            lines.append(f"{name:<6}  {shares}  {one.predicted:>7}")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class MentionStatistics:
    """Counts of matched and annotated names, and of the ids they were linked to.

    Annotators annotate some names of a knowledge base and skip others, and they link an ambiguous
    name to few of its entities. Count them on training texts only: on others they would use the
    gold standard. Names are normalised by the knowledge base.

    Source:
        Su Jianlin, https://kexue.fm/archives/6919.

    Examples:
        >>> import pathlib, tempfile
        >>> from newword.linking import Entity, KnowledgeBase, LinkedText, Mention
        >>> kb = KnowledgeBase.build(
        ...     [Entity("1", "红豆"), Entity("2", "红豆"), Entity("3", "今天")],
        ...     pathlib.Path(tempfile.mkdtemp(), "base.kb"))
        >>> texts = [LinkedText("今天唱红豆", [Mention(3, 5, "红豆", "2")])] * 5
        >>> statistics = MentionStatistics.count(texts, kb)
        >>> statistics.rate("红豆"), statistics.rate("今天"), statistics.dropped()
        (1.0, 0.0, frozenset({'今天'}))
        >>> statistics.candidates("红豆"), statistics.candidates("红豆", None)
        (['2'], ['1', '2'])
        >>> statistics.report(texts).after.precision
        1.0
    """

    kb: Any
    """The `KnowledgeBase`."""
    mode: str
    """How names are matched."""
    matched: dict[str, int]
    """Number of matches of each name."""
    annotated: dict[str, int]
    """Number of annotated mentions of each name, matched or not."""
    agreed: dict[str, int]
    """Number of matches of each name that are annotated mentions."""
    ids: dict[str, dict[str, int]]
    """Number of mentions of each name that are linked to each id."""

    @classmethod
    def count(
        cls,
        texts: Iterable[LinkedText],
        kb: Any,
        *,
        mode: str = "optimal",
        count_nil: bool = False,
    ) -> MentionStatistics:
        """Counts names in annotated texts.

        Args:
            texts: Training texts.
            kb: The knowledge base.
            mode: How names are matched, as for `KnowledgeBase.matches`.
            count_nil: Whether mentions without an entity (NIL) count as annotated.

        Raises:
            InvalidArgumentError: An argument is invalid.

        Complexity:
            That of matching, and linear in the number of matches and mentions.
        """
        mode = _check.choice("mode", mode, MODES)
        many = _without_nil(checked_linked_texts("texts", texts), count_nil)
        matched: Counter[str] = Counter()
        annotated: Counter[str] = Counter()
        agreed: Counter[str] = Counter()
        ids: dict[str, Counter[str]] = defaultdict(Counter)
        found = kb.matches_many([one.text for one in many], mode=mode)
        for one, matches in zip(many, found, strict=True):
            spans = {(each.start, each.end) for each in one.mentions}
            for match in matches:
                name = kb.normalize(match.name)
                matched[name] += 1
                agreed[name] += (match.start, match.end) in spans
            for mention in one.mentions:
                name = kb.normalize(mention.text)
                annotated[name] += 1
                if mention.id is not None:
                    ids[name][mention.id] += 1
        counts = {name: dict(sorted(counted.items())) for name, counted in sorted(ids.items())}
        return cls(kb, mode, dict(matched), dict(annotated), dict(+agreed), counts)

    def rate(self, name: str) -> float | None:
        """The share of the matches of a name that are annotated; None if it was never matched."""
        name = self.kb.normalize(name)
        matches = self.matched.get(name, 0)
        return self.agreed.get(name, 0) / matches if matches else None

    def dropped(self, ratio: float = 5.0) -> frozenset[str]:
        """The names that annotators rarely annotate, normalised.

        A name is dropped if (matches that are not annotated + 1) / (annotated mentions + 1) is at
        least `ratio`.

        Raises:
            InvalidArgumentError: The ratio is not a number of at least 0.
        """
        ratio = _check.threshold("ratio", ratio)
        return frozenset(
            name
            for name, matches in self.matched.items()
            if matches - self.agreed.get(name, 0) + 1 >= ratio * (self.annotated.get(name, 0) + 1)
        )

    def pruned(self, ratio: float = 5.0) -> NameSet:
        """The names of the knowledge base that are kept: all but `dropped(ratio)`.

        Raises:
            InvalidArgumentError: The ratio is not a number of at least 0.

        Complexity:
            Linear in the size of the trie of names: milliseconds for a million.
        """
        names: NameSet = ~self.kb.name_set(self.dropped(ratio))
        return names

    def prior(self, name: str) -> dict[str, int]:
        """How often a name was linked to each id."""
        return dict(self.ids.get(self.kb.normalize(name), {}))

    def candidates(
        self, name: str, min_count: int | None = 2, *, alias_count: int | None = None
    ) -> list[str]:
        """The ids that a name may be linked to.

        Args:
            name: The name.
            min_count: Candidates that were linked less often are left out, unless none would
                remain. None keeps all candidates of the knowledge base.
            alias_count: Ids that were linked at least so often are candidates even if the knowledge
                base does not have the name (`missing_aliases`); None for none.

        Raises:
            InvalidArgumentError: A count is below 1.
        """
        least = None if min_count is None else _check.whole("min_count", min_count, 1)
        mined = None if alias_count is None else _check.whole("alias_count", alias_count, 1)
        return self.filtered(name, self.kb.candidates(name), least, mined)

    def filtered(
        self, name: str, ids: list[str], min_count: int | None, alias_count: int | None
    ) -> list[str]:
        """The candidates of a name among those of the knowledge base; see `candidates`."""
        if min_count is None and alias_count is None:
            return ids
        prior = self.ids.get(self.kb.normalize(name))
        if not prior:
            return ids
        if alias_count is not None:
            known = set(ids)
            ids = [
                *ids,
                *(
                    one
                    for one, count in prior.items()
                    if count >= alias_count and one not in known and one in self.kb
                ),
            ]
        if min_count is None:
            return ids
        return [one for one in ids if prior.get(one, 0) >= min_count] or ids

    def missing_aliases(self, min_count: int = 2) -> dict[str, dict[str, int]]:
        """Names that the knowledge base lacks for an entity, with the ids and their counts.

        Args:
            min_count: How often a name must have been linked to the id.

        Raises:
            InvalidArgumentError: `min_count` is below 1.
        """
        least = _check.whole("min_count", min_count, 1)
        found: dict[str, dict[str, int]] = {}
        for name, counts in self.ids.items():
            often = {one: count for one, count in counts.items() if count >= least}
            known = set(self.kb.candidates(name)) if often else set()
            new = {one: n for one, n in often.items() if one not in known and one in self.kb}
            if new:
                found[name] = new
        return found

    def report(
        self, texts: Iterable[LinkedText], ratio: float | None = 5.0, *, count_nil: bool = False
    ) -> MatchingReport:
        """Compares matches with annotated mentions, with all names and with the pruned ones.

        Args:
            texts: Annotated texts, such as development data.
            ratio: As for `dropped`; None drops no name.
            count_nil: As for `count`.

        Raises:
            InvalidArgumentError: An argument is invalid.
        """
        many = _without_nil(checked_linked_texts("texts", texts), count_nil)
        gold = [{(each.start, each.end) for each in one.mentions} for one in many]
        plain = [one.text for one in many]
        pruned = None if ratio is None else self.pruned(ratio)
        counts = []
        for dictionary in (None, pruned):
            found = self.kb.matches_many(plain, mode=self.mode, dictionary=dictionary)
            spans = [{(each.start, each.end) for each in matches} for matches in found]
            correct = sum(len(one & other) for one, other in zip(gold, spans, strict=True))
            counts.append(SpanCounts(sum(map(len, gold)), sum(map(len, spans)), correct))
        return MatchingReport(
            counts[0], counts[1], 0 if ratio is None else len(self.dropped(ratio))
        )

    def to_config(self) -> dict[str, Any]:
        """Returns the counts, JSON-serializable, for `from_config`."""
        names = ("mode", "matched", "annotated", "agreed", "ids")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: Mapping[str, Any], kb: Any) -> MentionStatistics:
        """Creates statistics from the counts of `to_config` and the knowledge base.

        Raises:
            InvalidArgumentError: The counts are not those of `to_config`.
        """
        names = ("matched", "annotated", "agreed")
        counts = {name: {str(k): int(n) for k, n in config[name].items()} for name in names}
        ids = {
            str(name): {str(one): int(n) for one, n in each.items()}
            for name, each in config["ids"].items()
        }
        return cls(kb, _check.choice("mode", config["mode"], MODES), **counts, ids=ids)

    def __repr__(self) -> str:
        return (
            f"MentionStatistics({sum(self.matched.values()):,} matches, "
            f"{sum(self.annotated.values()):,} mentions, {len(self.ids):,} linked names)"
        )


def _without_nil(texts: list[LinkedText], count_nil: bool) -> list[LinkedText]:
    """The texts, without mentions of no entity unless these count."""
    if _check.flag("count_nil", count_nil):
        return texts
    return [
        LinkedText(one.text, tuple(each for each in one.mentions if each.id is not None))
        for one in texts
    ]
