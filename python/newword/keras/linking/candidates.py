"""The entities that a name may mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from newword.linking import MentionStatistics

__all__ = ["Candidates"]


@dataclass(frozen=True)
class Candidates:
    """The candidates of names: those of the knowledge base, by the statistics of training texts."""

    kb: Any
    statistics: MentionStatistics
    min_count: int | None
    """Ids that were linked less often are left out, unless none would remain; None for all."""
    alias_count: int | None
    """Ids that were linked at least so often are added; None for none."""
    most: int | None
    """The largest number of candidates of a name; None for all."""

    def of(self, names: Sequence[str]) -> dict[str, list[str]]:
        """The ids of each distinct name, those linked most often first, then in file order."""
        return self._found(names, self.min_count)

    def homonyms(self, names: Sequence[str]) -> dict[str, list[str]]:
        """The ids of each distinct name for training, whatever they were linked to."""
        return self._found(names, None)

    def _found(self, names: Sequence[str], min_count: int | None) -> dict[str, list[str]]:
        distinct = list(dict.fromkeys(names))
        found = {}
        for name, ids in zip(distinct, self.kb.candidates_many(distinct), strict=True):
            kept = self.statistics.filtered(name, list(ids), min_count, self.alias_count)
            if self.most is not None and len(kept) > self.most:
                prior = self.statistics.prior(name)
                kept = sorted(kept, key=lambda one: -prior.get(one, 0))[: self.most]
            found[name] = kept
        return found
