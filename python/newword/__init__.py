"""Find the words of a corpus nobody annotated, and segment with them.

>>> import newword
>>> lexicon = newword.Lexicon.from_words(["今天", "天气"], [9, 7])
>>> "天气" in lexicon
True
"""

from newword.discovery import contrast, count_ngrams, discover, merge_counts, score_counts
from newword.errors import (
    CorpusError,
    DecodeError,
    FormatError,
    InvalidArgumentError,
    MemoryBudgetError,
    MissingDependencyError,
    NewwordError,
)
from newword.evaluation import SegmentationScore, evaluate_segmentation
from newword.lexicon import Lexicon, LexiconRow
from newword.progress import Progress
from newword.segmentation import Segmenter, train_segmenter

__version__: str

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
    "Progress",
    "SegmentationScore",
    "Segmenter",
    "__version__",
    "contrast",
    "count_ngrams",
    "discover",
    "evaluate_segmentation",
    "merge_counts",
    "score_counts",
    "train_segmenter",
]


def __getattr__(name: str) -> str:
    # One number for both languages, and no price at import: the core is loaded when first used.
    if name == "__version__":
        from newword._core import core

        return str(core().__version__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
