"""A stand-in for `newword._newword` where a test looks at the Python side alone.

It keeps what it was called with and answers with a fixed small result; its segmenter is a plain
dynamic programme, the oracle for the real one.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.dictionaries import slow_dictionary

HAS_CORE = importlib.util.find_spec("newword._newword") is not None

needs_core = pytest.mark.skipif(not HAS_CORE, reason="the compiled core is not built")
"""For tests of the real thing. In CI the core is always there."""


class Words:
    """Words end to end."""

    def __init__(self, text: str, lengths: NDArray[np.int64]) -> None:
        text.encode()
        assert lengths.dtype == np.int64
        ends = np.cumsum(lengths).tolist()
        self._words = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def __len__(self) -> int:
        return len(self._words)

    def strings(self) -> list[str]:
        return list(self._words)


def read_dictionary(data: bytes) -> tuple[Words, NDArray[np.uint64], NDArray[np.int32]]:
    counts = slow_dictionary(data.decode("utf-8-sig"))
    lengths = np.fromiter(map(len, counts), np.int64, len(counts))
    words = Words("".join(counts), lengths)
    return words, np.array(list(counts.values()), np.uint64), lengths.astype(np.int32)


class Segmenter:
    """Maximum-probability segmentation, O(n x longest word), unknown characters one by one."""

    def __init__(self, packed: Any, counts: NDArray[np.uint64]) -> None:
        words = packed.strings()
        assert counts.dtype == np.uint64
        assert counts.flags.c_contiguous
        total = max(1, int(counts.sum()))
        pairs = zip(words, counts.tolist(), strict=True)
        self.weights = {word: math.log(max(count, 1) / total) for word, count in pairs}
        self.unknown = math.log(1 / total)
        self.longest = max(map(len, words), default=1)

    def segment(self, text: str) -> list[str]:
        best: list[tuple[float, int]] = [(0.0, 0)]
        for end in range(1, len(text) + 1):
            choices = [(best[end - 1][0] + self.unknown, end - 1)]
            for start in range(max(0, end - self.longest), end):
                weight = self.weights.get(text[start:end])
                if weight is not None:
                    choices.append((best[start][0] + weight, start))
            best.append(max(choices))
        pieces: list[str] = []
        end = len(text)
        while end:
            start = best[end][1]
            pieces.append(text[start:end])
            end = start
        return pieces[::-1]

    def segment_many(self, texts: list[str], threads: int | None) -> list[list[str]]:
        assert isinstance(texts, list)
        return [self.segment(text) for text in texts]


class FakeCore(ModuleType):
    """The module; `calls` holds the arguments of each call."""

    __version__ = "0.0.0"

    def __init__(self) -> None:
        super().__init__("newword._newword")
        self.Segmenter = Segmenter
        self.Words = Words
        self.read_dictionary = read_dictionary
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.texts: list[list[str]] = []
        self.raises: BaseException | None = None
        self.rejected: dict[str, Any] | None = None

    def _note(self, name: str, source: dict[str, Any] | None, *rest: Any) -> None:
        self.calls.append((name, (source, *rest)))
        if self.raises is not None:
            raise self.raises
        if source is not None and source["kind"] == "texts":
            self.texts.append(list(source["data"]))
        report = rest[-1]["progress"]
        if report is not None:
            report("reading", 0, 10)
            report("reading", 10, 10)
            report("counting", 5, 0)

    def _result(self) -> dict[str, Any]:
        return {
            "columns": {
                "word": ["时间", "5G网络", "覆膜机"],
                "count": np.array([9, 4, 3], np.uint64),
                "pmi": np.array([3.0, 8.5, 6.0]),
                "left_entropy": np.array([1.5, 1.0, 0.9]),
                "right_entropy": np.array([1.6, 1.2, 0.4]),
                "score": np.array([3.0, 8.5, 6.0]),
            },
            "summary": {
                "words": 3,
                "order": 4,
                "min_count": 3,
                "total": 100,
                "min_pmi": [0.0, 2.0, 4.0, 6.0],
            },
            "rejected": self.rejected,
        }

    def discover(self, source: dict[str, Any], options: Any, job: Any) -> dict[str, Any]:
        self._note("discover", source, options, job)
        return self._result()

    def score_counts(self, path: str, options: Any, job: Any) -> dict[str, Any]:
        self._note("score_counts", None, path, options, job)
        return self._result()

    def count_ngrams(self, source: Any, output: str, options: Any, job: Any) -> dict[str, Any]:
        self._note("count_ngrams", source, output, options, job)
        return {"order": options["order"], "total": 100}

    def merge_counts(self, paths: list[str], output: str, job: Any) -> dict[str, Any]:
        self._note("merge_counts", None, paths, output, job)
        return {"order": 4, "total": 200}

    def train_segmenter(self, source: Any, options: Any, job: Any) -> Any:
        self._note("train_segmenter", source, options, job)
        words = Words("今天天气", np.array([2, 2], np.int64))
        return Segmenter(words, np.array([9, 7], np.uint64))

    def count_words(
        self, source: Any, words: Iterable[str], options: Any, job: Any
    ) -> tuple[NDArray[np.uint64], int]:
        self._note("count_words", source, words, options, job)
        counts = {"时间": 9, "5G网络": 4, "覆膜机": 3}
        if len([1 for name, _ in self.calls if name == "count_words"]) > 1:
            counts = {"时间": 900}
        return np.array([counts.get(word, 0) for word in words], np.uint64), 1000
