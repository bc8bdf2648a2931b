"""Find the words of a corpus nobody annotated, and segment with them.

>>> import newword
>>> lexicon = newword.Lexicon.from_words(["今天", "天气"], [9, 7])
>>> "天气" in lexicon
True
"""

from newword.errors import (
    CorpusError,
    DecodeError,
    FormatError,
    InvalidArgumentError,
    MemoryBudgetError,
    MissingDependencyError,
    NewwordError,
)
from newword.lexicon import Lexicon, LexiconRow

__all__ = [
    "CorpusError",
    "DecodeError",
    "FormatError",
    "InvalidArgumentError",
    "Lexicon",
    "LexiconRow",
    "MemoryBudgetError",
    "MissingDependencyError",
    "NewwordError",
]
