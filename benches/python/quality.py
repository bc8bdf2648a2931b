"""Segmentation quality of what discovery finds, on gold that was not used to tune it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import corpora
import newword
from harness import Report

# The defaults were tuned on the first fifth of the lines; the rest is what is reported.
TUNED_SHARE = 0.2


def section(report: Report, folder: Path, quick: bool) -> None:
    """F1 on People's Daily and UD GSD with what raw/xwlb_news.txt teaches."""
    del folder, quick
    pack = corpora.data_pack()
    if pack is None:
        report.add("quality", "needs the data pack, left out")
        return
    news = pack / "raw" / "xwlb_news.txt"
    lexicon = newword.discover(news)
    segmenter = newword.train_segmenter(news)
    golds = {"people_daily, lines not tuned on": people_daily(pack), "UD GSD": ud_gsd(pack)}
    for name, gold in golds.items():
        texts = ["".join(words) for words in gold]
        in_target = name.startswith("people")
        for label, predicted, target in (
            ("default lexicon", lexicon.segment_many(texts), 0.72),
            ("unsupervised segmenter", segmenter.segment_many(texts), 0.76),
        ):
            score = newword.evaluate_segmentation(gold, predicted)
            report.add(
                f"{label}: {name}",
                f"F1 {score.f1:.4f} (P {score.precision:.4f} R {score.recall:.4f})",
                f">= {target}" if in_target else "",
                score.f1 >= target if in_target else None,
            )


def people_daily(pack: Path, *, tuning: bool = False) -> list[list[str]]:
    """The gold lines that were used for tuning, or all others."""
    text = (pack / "cws" / "people_daily_1998_01.seg.txt").read_text(encoding="utf-8")
    lines = [line.split() for line in text.splitlines() if line.strip()]
    cut = int(len(lines) * TUNED_SHARE)
    return lines[:cut] if tuning else lines[cut:]


def ud_gsd(pack: Path) -> list[list[str]]:
    """All sentences of the three parts of UD GSD."""
    return [
        sentence
        for part in ("train", "dev", "test")
        for sentence in _sentences(pack / "cws" / f"ud_gsd_{part}.conll")
    ]


def _sentences(path: Path) -> Iterator[list[str]]:
    words: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        cells = line.split("\t")
        if len(cells) > 1 and cells[0].isdigit():
            words.append(cells[1])
        elif not line and words:
            yield words
            words = []
    if words:
        yield words
