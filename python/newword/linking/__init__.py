"""Entity linking: knowledge bases in mapped files, and the mentions of their names in texts."""

from newword.linking.entities import Entity, Match, MatchArrays
from newword.linking.knowledge_base import KnowledgeBase, KnowledgeBaseStatistics
from newword.linking.name_set import NameSet

__all__ = [
    "Entity",
    "KnowledgeBase",
    "KnowledgeBaseStatistics",
    "Match",
    "MatchArrays",
    "NameSet",
]
