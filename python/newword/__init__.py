"""Word discovery in unannotated corpora, segmentation, and decoding of tag sequences.

>>> import newword
>>> lexicon = newword.Lexicon.from_words(["今天", "天气"], [9, 7])
>>> "天气" in lexicon
True
"""

from newword.annotated_files import (
    SpanTexts,
    TaggedSentences,
    read_conll,
    read_spans,
    read_words,
)
from newword.discovery import contrast, count_ngrams, discover, merge_counts, score_counts
from newword.errors import (
    CorpusError,
    CorpusWarning,
    DecodeError,
    FormatError,
    InvalidArgumentError,
    MemoryBudgetError,
    MissingDependencyError,
    NewwordError,
)
from newword.evaluation import SegmentationScore, evaluate_segmentation
from newword.generation_evaluation import GenerationScore, evaluate_generation
from newword.lexicon import Lexicon, LexiconRow
from newword.progress import Progress
from newword.segmentation import Segmenter, train_segmenter
from newword.span_evaluation import SpanScore, evaluate_spans
from newword.tag_scheme import Span, TagScheme
from newword.tagging import (
    KBestResult,
    LowRankTransitions,
    ViterbiResult,
    beam_search,
    greedy_decode,
    k_best,
    log_partition,
    marginals,
    path_score,
    posterior_decode,
    sample_paths,
    viterbi,
)

__version__: str

__all__ = [
    "CorpusError",
    "CorpusWarning",
    "DecodeError",
    "FormatError",
    "GenerationScore",
    "InvalidArgumentError",
    "KBestResult",
    "Lexicon",
    "LexiconRow",
    "LowRankTransitions",
    "MemoryBudgetError",
    "MissingDependencyError",
    "NewwordError",
    "Progress",
    "SegmentationScore",
    "Segmenter",
    "Span",
    "SpanScore",
    "SpanTexts",
    "TagScheme",
    "TaggedSentences",
    "ViterbiResult",
    "__version__",
    "beam_search",
    "contrast",
    "count_ngrams",
    "discover",
    "evaluate_generation",
    "evaluate_segmentation",
    "evaluate_spans",
    "greedy_decode",
    "k_best",
    "log_partition",
    "marginals",
    "merge_counts",
    "path_score",
    "posterior_decode",
    "read_conll",
    "read_spans",
    "read_words",
    "sample_paths",
    "score_counts",
    "train_segmenter",
    "viterbi",
]


def __getattr__(name: str) -> str:
    # The core holds the only version number, and is loaded at first use to keep the import fast.
    if name == "__version__":
        from newword._core import core

        return str(core().__version__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
