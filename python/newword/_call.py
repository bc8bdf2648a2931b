"""How this package calls its core: one place that knows the names and shapes on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword._core import core
from newword.lexicon import Lexicon
from newword.progress import ProgressLike, RawCallback, reporting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from newword._corpus.source import Source

Options = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """What every long call takes besides its own options, checked."""

    threads: int | None
    memory: str | None
    temp_dir: str | None
    progress: ProgressLike

    @classmethod
    def checked(
        cls,
        threads: int | None,
        memory: str | int | None,
        temp_dir: Any,
        progress: ProgressLike,
    ) -> Job:
        """A job of these arguments.

        Raises:
            InvalidArgumentError: One of them breaks its rule.
        """
        if not (progress is None or isinstance(progress, bool) or callable(progress)):
            raise _check.invalid("progress", "None, a bool or callable", progress)
        return cls(
            None if threads is None else _check.whole("threads", threads, 1, 4096),
            _check.memory_size(memory),
            _check.folder("temp_dir", temp_dir),
            progress,
        )

    def arguments(self, callback: RawCallback | None) -> Options:
        """The job as the core takes it."""
        return {
            "threads": self.threads,
            "memory": self.memory,
            "temp_dir": self.temp_dir,
            "progress": callback,
        }


def discover(source: Source, options: Options, job: Job) -> Lexicon:
    """The lexicon of a corpus."""
    with reporting(job.progress) as callback:
        return lexicon_of(core().discover(source, options, job.arguments(callback)))


def count_ngrams(source: Source, output: str, options: Options, job: Job) -> dict[str, Any]:
    """Writes a count file and gives its summary."""
    with reporting(job.progress) as callback:
        return dict(core().count_ngrams(source, output, options, job.arguments(callback)))


def merge_counts(paths: Sequence[str], output: str, job: Job) -> dict[str, Any]:
    """Writes the sum of count files and gives its summary."""
    with reporting(job.progress) as callback:
        return dict(core().merge_counts(list(paths), output, job.arguments(callback)))


def score_counts(path: str, options: Options, job: Job) -> Lexicon:
    """The lexicon of a count file."""
    with reporting(job.progress) as callback:
        return lexicon_of(core().score_counts(path, options, job.arguments(callback)))


def train_segmenter(source: Source, options: Options, job: Job) -> Any:
    """The core's segmenter, trained on a corpus."""
    with reporting(job.progress) as callback:
        return core().train_segmenter(source, options, job.arguments(callback))


def count_words(
    source: Source, words: Sequence[str], options: Options, job: Job
) -> tuple[NDArray[np.uint64], int]:
    """Occurrences of each word, shape (words,), and the number of symbols of the corpus."""
    with reporting(job.progress) as callback:
        counts, total = core().count_words(source, list(words), options, job.arguments(callback))
    return np.asarray(counts, np.uint64), int(total)


def lexicon_of(result: Mapping[str, Any]) -> Lexicon:
    """The core's tables as a lexicon."""
    rejected = result["rejected"]
    return Lexicon(
        result["columns"],
        summary=result["summary"],
        rejected=None if rejected is None else Lexicon(rejected),
    )
