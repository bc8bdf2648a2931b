"""The table of words: its columns, how it is shown, saved, exchanged and segmented with."""

from newword.lexicon.columns import LexiconRow
from newword.lexicon.lexicon import Lexicon

__all__ = ["Lexicon", "LexiconRow"]
