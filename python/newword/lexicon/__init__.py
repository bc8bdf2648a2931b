"""The table of words: columns, display, files, exchange with other libraries, segmentation."""

from newword.lexicon.columns import LexiconRow
from newword.lexicon.lexicon import Lexicon

__all__ = ["Lexicon", "LexiconRow"]
