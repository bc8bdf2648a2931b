"""Entity linking: knowledge bases in mapped files, mentions of their names, and annotated texts."""

from newword.linking.entities import Entity, Match, MatchArrays
from newword.linking.knowledge_base import KnowledgeBase, KnowledgeBaseStatistics
from newword.linking.linked_texts import LinkedText, Mention, read_linked_texts
from newword.linking.name_set import NameSet
from newword.linking.scores import LinkingScore, NameCounts, evaluate_linking
from newword.linking.statistics import MatchingReport, MentionStatistics

__all__ = [
    "Entity",
    "KnowledgeBase",
    "KnowledgeBaseStatistics",
    "LinkedText",
    "LinkingScore",
    "Match",
    "MatchArrays",
    "MatchingReport",
    "Mention",
    "MentionStatistics",
    "NameCounts",
    "NameSet",
    "evaluate_linking",
    "read_linked_texts",
]
