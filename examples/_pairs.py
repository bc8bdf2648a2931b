"""Pairs of texts for the studies of generation: headlines, couplets and built-in ones."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

__all__ = ["Pair", "add_arguments", "pairs_of", "settings"]

Pair = tuple[str, str]

LONGEST_HEADLINE = 40
"""Longer ones list the topics of a whole programme."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of data and models."""
    parser.add_argument(
        "--data", type=Path, help="the folder with seq2seq/; built-in data without it"
    )
    parser.add_argument("--set", choices=sorted(SETS), default="headlines")
    parser.add_argument("--source", type=int, default=100, help="characters of an article")
    parser.add_argument(
        "--sizes",
        type=int,
        nargs=3,
        default=[12_000, 300, 1_000],
        help="pairs to train, select, judge",
    )
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=15, help="at most")


def settings(given: argparse.Namespace) -> dict[str, object]:
    """What identifies the data and the model of a run, for its key."""
    return {
        "set": "synthetic" if given.data is None else given.set,
        "source": given.source,
        "sizes": given.sizes,
        "units": given.units,
        "layers": given.layers,
        "epochs": given.epochs,
    }


def pairs_of(given: argparse.Namespace) -> list[list[Pair]]:
    """The pairs to train, to select and to judge by; says how many there are."""
    parts = synthetic() if given.data is None else SETS[given.set](given.data, given.source)
    parts = [part[:size] for part, size in zip(parts, given.sizes, strict=True)]
    train, valid, test = map(len, parts)
    print(f"# {train} pairs to learn from, {valid} to select by, {test} to judge by")
    return parts


def headlines(folder: Path, source: int) -> list[list[Pair]]:
    """Beginnings of articles and their headlines; the latest are judged by."""
    lines = (folder / "seq2seq" / "xwlb_headlines.tsv").read_text("utf-8").splitlines()
    rows = sorted(line.split("\t") for line in lines)
    pairs = [
        (article[:source], headline)
        for _, headline, article in rows
        if article and 0 < len(headline) <= LONGEST_HEADLINE
    ]
    # A headline that comes back is no test.
    old, new = pairs[:-2_000], pairs[-2_000:]
    known = {headline for _, headline in old}
    new = [pair for pair in new if pair[1] not in known]
    half = len(new) // 4
    return [shuffled(old), shuffled(new[:half]), shuffled(new[half:])]


def couplets(folder: Path, source: int) -> list[list[Pair]]:
    """First and second lines of couplets."""
    lines = (folder / "seq2seq" / "couplets.tsv").read_text("utf-8").splitlines()
    pairs = list(dict.fromkeys(tuple(line.split("\t")[:2]) for line in lines))
    pairs = shuffled([(first, second) for first, second in pairs if len(first) <= source])
    return [pairs[4_000:], pairs[:2_000], pairs[2_000:4_000]]


SETS: dict[str, Callable[[Path, int], list[list[Pair]]]] = {
    "headlines": headlines,
    "couplets": couplets,
}


def synthetic() -> list[list[Pair]]:
    """Notes of meetings with their titles."""
    rng = np.random.default_rng(0)
    places, topics = (
        ("北京", "上海", "广州", "成都", "西安"),
        ("交通", "教育", "科技", "农业", "文化"),
    )
    pairs = []
    for place, topic, day in zip(*(rng.integers(5, size=400) for _ in range(3)), strict=True):
        source = f"{'一二三四五'[day]}月，关于{topics[topic]}的会议在{places[place]}举行。"
        pairs.append((source, f"{places[place]}举行{topics[topic]}会议"))
    return [pairs[:300], pairs[300:350], pairs[350:]]


def shuffled(pairs: list[Pair]) -> list[Pair]:
    """The pairs in an order that is the same every time."""
    return [pairs[place] for place in np.random.default_rng(0).permutation(len(pairs))]
