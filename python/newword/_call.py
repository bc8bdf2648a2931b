"""Calls into the core: the only place that knows names and shapes on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from newword._core import core
from newword.lexicon import Lexicon
from newword.progress import RawCallback, reporting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from newword._arguments import Options, Running
    from newword._corpus.source import Source


def _job(running: Running, callback: RawCallback | None) -> Options:
    return {**running.options(), "progress": callback}


def discover(source: Source, options: Options, running: Running) -> Lexicon:
    """Returns the lexicon of a corpus."""
    with reporting(running.progress) as callback:
        return lexicon_of(core().discover(source, options, _job(running, callback)))


def count_ngrams(source: Source, output: str, options: Options, running: Running) -> dict[str, Any]:
    """Writes a count file and returns its summary."""
    with reporting(running.progress) as callback:
        return dict(core().count_ngrams(source, output, options, _job(running, callback)))


def merge_counts(paths: Sequence[str], output: str, running: Running) -> dict[str, Any]:
    """Merges count files into one and returns its summary."""
    with reporting(running.progress) as callback:
        return dict(core().merge_counts(list(paths), output, _job(running, callback)))


def score_counts(path: str, options: Options, running: Running) -> Lexicon:
    """Returns the lexicon of a count file."""
    with reporting(running.progress) as callback:
        return lexicon_of(core().score_counts(path, options, _job(running, callback)))


def train_segmenter(source: Source, options: Options, running: Running) -> Any:
    """Returns the core's segmenter, trained on a corpus."""
    with reporting(running.progress) as callback:
        return core().train_segmenter(source, options, _job(running, callback))


def build_knowledge_base(
    records: tuple[str, Any], output: Path, options: Options, running: Running
) -> tuple[int, str]:
    """Writes a knowledge base; returns the number of records skipped, and the first error."""
    with reporting(running.progress) as callback:
        build = core().KnowledgeBase.build
        count, first = build(records, output, options, _job(running, callback))
    return int(count), str(first)


def add_to_knowledge_base(
    base: Any, records: tuple[str, Any], output: Path, options: Options, running: Running
) -> tuple[int, str]:
    """The same for a knowledge base with further records."""
    schema, skip = options["schema"], options["skip_invalid"]
    with reporting(running.progress) as callback:
        count, first = base.add(records, output, schema, skip, _job(running, callback))
    return int(count), str(first)


def count_words(
    source: Source, words: Sequence[str], options: Options, running: Running
) -> tuple[NDArray[np.uint64], int]:
    """Returns the count of each word, shape (words,), and the number of symbols of the corpus."""
    with reporting(running.progress) as callback:
        counts, total = core().count_words(source, list(words), options, _job(running, callback))
    return np.asarray(counts, np.uint64), int(total)


def lexicon_of(result: Mapping[str, Any]) -> Lexicon:
    """Converts the core's tables to a lexicon."""
    rejected = result["rejected"]
    return Lexicon(
        result["columns"],
        summary=result["summary"],
        rejected=None if rejected is None else Lexicon(rejected),
    )
