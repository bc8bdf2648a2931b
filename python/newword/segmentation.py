"""Segmenters: trained on raw text alone, without a lexicon, or read from a file."""

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from newword import _call, _check
from newword._arguments import Reading, Running
from newword._atomic import replacing
from newword._core import core
from newword._corpus.source import source_of
from newword.progress import Progress

if TYPE_CHECKING:
    from newword._newword import Segmenter as CoreSegmenter

__all__ = ["Segmenter", "train_segmenter"]

METHODS = ("reestimated", "autonomy")


class Segmenter:
    """Segments text into words; created by `train_segmenter` or by `Segmenter.load`."""

    __slots__ = ("_core",)

    def __init__(self, core: "CoreSegmenter") -> None:
        self._core = core

    def segment(self, text: str) -> list[str]:
        """Segments a text into words, whose concatenation is the text. Linear in its length.

        URLs, e-mail addresses, and adjacent letters and digits (5G) are one word each.
        """
        if not isinstance(text, str):
            raise _check.invalid("text", "a str", text)
        return self._core.segment(text)

    def segment_many(self, texts: Iterable[str], threads: int | None = None) -> list[list[str]]:
        """Segments each text, on all cores or on `threads` of them, without the GIL."""
        count = _check.thread_count(threads)
        many = list(_check.iterable("texts", texts, "an iterable of str"))
        for text in many:
            if not isinstance(text, str):
                raise _check.invalid("texts", "made of str", text)
        return self._core.segment_many(many, count)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the segmenter to a file, atomically.

        Args:
            path: The file to write. An existing file is replaced once the new one is complete;
                processes that use the old file keep it.

        Raises:
            InvalidArgumentError: `path` is not a path.
            OSError: The file cannot be written.

        Complexity:
            Linear in the size of the lexicon; 12 bytes for each node of its trie.

        Examples:
            >>> import tempfile, pathlib
            >>> from newword import Lexicon, Segmenter
            >>> path = pathlib.Path(tempfile.mkdtemp()) / "words.seg"
            >>> Lexicon.from_words(["今天", "天气"], [9, 7]).compile(path)
            >>> Segmenter.load(path).segment("今天天气")
            ['今天', '天气']
        """
        with replacing(_check.path("path", path)) as temporary:
            self._core.save(temporary)

    @classmethod
    def load(cls, path: str | os.PathLike[str], *, verify: bool = False) -> "Segmenter":
        """Opens a file that `Segmenter.save` or `Lexicon.compile` wrote.

        The file is mapped into memory, not read: opening takes milliseconds whatever the size of
        the lexicon, and processes that open the same file share its memory. The segmenter returns
        the same words as the one that was saved. While it is in use, the file may be replaced or
        removed, but not modified in place.

        Args:
            path: The file.
            verify: Whether to compare the whole file with its checksums. By default only the
                header and the small tables are checked; other damage may change words, but
                cannot raise or read outside the file.

        Raises:
            FormatError: The file is not a segmenter file, of another version, truncated or damaged.
            InvalidArgumentError: `path` is not a path or `verify` not a bool.
            OSError: The file cannot be read.

        Complexity:
            Linear in the number of distinct characters, independent of the number of words; with
            `verify` linear in the size of the file.
        """
        verify = _check.flag("verify", verify)
        return cls(core().Segmenter.open(_check.path("path", path), verify))


def train_segmenter(
    corpus: Any,
    *,
    method: str = "reestimated",
    max_length: int = 4,
    min_count: int | None = None,
    format: str = "auto",  # noqa: A002
    field: str = "text",
    encoding: str = "utf-8",
    errors: str = "strict",
    strip_html: bool = False,
    drop_duplicates: bool = False,
    threads: int | None = None,
    memory: str | int | None = None,
    temp_dir: str | os.PathLike[str] | None = None,
    progress: bool | Callable[[Progress], object] | None = None,
) -> Segmenter:
    """Trains a segmenter on raw text, without a lexicon, annotation or thresholds.

    The weight of a sequence is its autonomy: the rise of branching entropy at its ends,
    normalised over all sequences of its length. `"reestimated"` adds cohesion and, in three more
    passes over the corpus, the count of the sequence in the previous segmentation. Its few
    constants were tuned on a fifth of an annotated corpus; `"autonomy"` has none. All numbers are
    one symbol.

    Args:
        corpus: Raw text, as for `discover`.
        method: `"reestimated"`, or `"autonomy"` as published.
        max_length: Maximum length of a word in symbols, 1 to 7; the constants were tuned for 4.
        min_count: Minimum count of the n-gram of a word; None chooses by the size of the corpus.

    All other arguments are those of `discover`.

    Returns:
        The segmenter.

    Raises:
        InvalidArgumentError: An argument is invalid.
        CorpusError: The corpus contains no text.
        MemoryBudgetError: The n-grams do not fit; a larger `min_count` keeps fewer of them.
        OSError: A file cannot be read.

    Complexity:
        One count of n-grams and four segmentations of the corpus.

    Source:
        P. Magistry and B. Sagot, "Unsupervized word segmentation: the case for Mandarin Chinese",
        ACL 2012.

    Examples:
        >>> import newword
        >>> from newword.samples import sample_path
        >>> segmenter = newword.train_segmenter(sample_path())
        >>> "".join(segmenter.segment("朋友来家里吃饭。"))
        '朋友来家里吃饭。'
    """
    options = {
        "method": _check.choice("method", method, METHODS),
        "max_length": _check.whole("max_length", max_length, 1, 7),
        "min_count": None if min_count is None else _check.whole("min_count", min_count, 1),
        "drop_duplicates": _check.flag("drop_duplicates", drop_duplicates),
    }
    reading = Reading(
        format=format, field=field, encoding=encoding, errors=errors, strip_html=strip_html
    )
    running = Running(threads=threads, memory=memory, temp_dir=temp_dir, progress=progress)
    return Segmenter(_call.train_segmenter(source_of(corpus, reading), options, running))
