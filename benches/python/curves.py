"""How the defaults of `discover` were chosen: F1 and precision as one parameter moves.

    python benches/python/curves.py            # needs the data pack

Thresholds are chosen on the first fifth of the People's Daily lines ("tuning"); the other columns
were looked at afterwards. Precision is the share of the lexicon's most frequent Han words that
stand in a gold vocabulary or in THUOCL: a lower bound, since names and new words are in neither.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import corpora
import newword
import quality

MEGABYTE = corpora.MEGABYTE


def main() -> None:
    """Prints one table a parameter, in Markdown."""
    pack = corpora.data_pack()
    if pack is None:
        sys.exit("the curves need the data pack: set NEWWORD_DATA")
    news = (pack / "raw" / "xwlb_news.txt").read_text(encoding="utf-8").splitlines()
    judge = Judge(pack)
    head("thresholds of the chain method (2, 3, 4 symbols), 25 MB of news")
    for thresholds in (
        (2, 4, 6),
        (1.5, 4, 6),
        (1.5, 5, 7),
        (0.5, 4, 8),
        (1, 4, 8),
        (1, 4.5, 8),
        (1, 5, 8),
    ):
        judge.row(str(thresholds), news, method="chain", min_pmi=[0, *thresholds])
    judge.row("default (with a second pass for long words)", news, method="chain")
    head("min_count, 25 MB of news")
    for min_count in (2, 3, 4, 6, 8, 16, 32):
        judge.row(str(min_count), news, min_count=min_count)
    head("min_entropy, 25 MB of news")
    for min_entropy in (0.0, 0.25, 0.5, 0.75, 1.0, 1.5):
        judge.row(str(min_entropy), news, min_entropy=min_entropy)
    head("method, 25 MB of news")
    for method in ("combined", "chain", "entropy", "bigram", "autonomy"):
        judge.row(method, news, method=method)
    head("text")
    for label, text in texts(pack, news, judge):
        judge.row(f"{label}, discover", text)
        judge.segmenter_row(f"{label}, train_segmenter", text)
    for method in ("combined", "chain"):
        head(f"corpus size, {method}")
        for size in (0.05, 0.2, 0.5, 2, 5, 25):
            judge.row(f"{size} MB", list(first(news, int(size * MEGABYTE))), method=method)


def head(title: str) -> None:
    """Opens a table."""
    print(f"\n| {title} | F1 tuning | F1 rest | F1 UD GSD | words | P@1k | P@5k | P@10k |")
    print("|---|---|---|---|---|---|---|---|", flush=True)


def texts(pack: Path, news: list[str], judge: Judge) -> Iterator[tuple[str, list[str]]]:
    """More text than the news, and at last the newspaper itself without its segmentation."""
    yield "25 MB of news", news
    lines = {
        path.stem: path.read_text(encoding="utf-8").splitlines()
        for path in sorted((pack / "raw").glob("*.txt"))
    }
    titles = news + lines.pop("weibo_hot_titles")
    yield "news and 19 MB of weibo titles", titles
    yield (
        "all five texts, 189 MB",
        [line for text in lines.values() for line in text] + titles[len(news) :],
    )
    yield "news, titles and the unsegmented newspaper", titles + judge.texts[0] + judge.texts[1]


def first(lines: Iterable[str], size: int) -> Iterator[str]:
    """The first lines, up to ``size`` bytes."""
    for line in lines:
        size -= len(line.encode()) + 1
        if size < 0:
            return
        yield line


class Judge:
    """Gold segmentations and vocabularies, read once."""

    def __init__(self, pack: Path) -> None:
        self.golds = [
            quality.people_daily(pack, tuning=True),
            quality.people_daily(pack),
            quality.ud_gsd(pack),
        ]
        self.texts = [["".join(words) for words in gold] for gold in self.golds]
        self.words = {word for gold in self.golds for sentence in gold for word in sentence}
        for path in (pack / "lexicon").glob("THUOCL_*.txt"):
            lines = path.read_text(encoding="utf-8").splitlines()
            self.words.update(line.split("\t")[0].strip() for line in lines)

    def scores(self, segmenter: newword.Lexicon | newword.UnsupervisedSegmenter) -> list[float]:
        """F1 on each gold segmentation."""
        return [
            newword.evaluate_segmentation(gold, segmenter.segment_many(texts)).f1
            for gold, texts in zip(self.golds, self.texts, strict=True)
        ]

    def segmenter_row(self, label: str, text: list[str]) -> None:
        """Trains a segmenter on ``text`` and prints its F1."""
        scores = self.scores(newword.train_segmenter(iter(text)))
        print(f"| {label} | " + " | ".join(f"{score:.4f}" for score in scores) + " | | | | |")

    def row(self, label: str, news: list[str], **options: Any) -> None:
        """Discovers with ``options`` and prints the scores and precision of the lexicon."""
        lexicon = newword.discover(iter(news), **options)
        scores = self.scores(lexicon)
        long = [
            word for word in lexicon.sort("count")["word"] if len(word) > 1 and not word.isascii()
        ]
        right = [
            sum(word in self.words for word in long[:top]) / max(1, min(top, len(long)))
            for top in (1000, 5000, 10_000)
        ]
        cells = (
            [f"{score:.4f}" for score in scores]
            + [str(len(long))]
            + [f"{share:.3f}" for share in right]
        )
        print(f"| {label} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
