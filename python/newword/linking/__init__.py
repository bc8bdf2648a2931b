"""Entity linking: annotated texts, their evaluation, and statistics of how names are annotated."""

from newword.linking.linked_texts import LinkedText, Mention, read_linked_texts
from newword.linking.scores import LinkingScore, NameCounts, evaluate_linking
from newword.linking.statistics import MatchingReport, MentionStatistics

__all__ = [
    "LinkedText",
    "LinkingScore",
    "MatchingReport",
    "Mention",
    "MentionStatistics",
    "NameCounts",
    "evaluate_linking",
    "read_linked_texts",
]
