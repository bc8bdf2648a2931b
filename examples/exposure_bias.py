"""Remedies for exposure bias on real pairs: does random replacement help, and with how many beams?

Generators learn headlines from the beginnings of articles, or second lines of couplets from the
first, without a remedy, with random replacement and with scheduled sampling, which costs more.
Each is judged by ROUGE and BLEU on characters for several numbers of beams, as in the table of
kexue.fm/archives/7259.

    python examples/exposure_bias.py --data FOLDER --set headlines --results RUNS.jsonl
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from _study import (
    Results,
    arguments,
    compared,
    compared_texts,
    mean_and_spread,
    print_table,
    progress,
    set_up,
)

Pair = tuple[str, str]
NONE = "none"
MEASURES = ("rouge_l", "rouge_1", "rouge_2", "bleu", "exact")
GAINS = {"rouge_l": "ROUGE-L", "bleu": "BLEU"}
LONGEST_HEADLINE = 40
"""Longer ones list the topics of a whole programme."""


def main() -> None:
    """Trains every remedy with every seed, and prints a table."""
    given = parsed()
    set_up(given)
    parts = synthetic() if given.data is None else SETS[given.set](given.data, given.source)
    train, valid, test = (part[:size] for part, size in zip(parts, given.sizes, strict=True))
    print(f"# {len(train)} pairs to learn from, {len(valid)} to select by, {len(test)} to judge by")
    results = Results(given.results)
    runs = {
        remedy: [
            run(results, given, (train, valid, test), remedy, seed) for seed in range(given.seeds)
        ]
        for remedy in given.remedies
    }
    print_table(*table(runs, given.beams))
    if NONE in runs and len(runs) > 1:
        print_table(*gains(runs, given.beams))
    seconds = [
        [name, mean_and_spread([one["epoch_seconds"] for one in each], 1)]
        for name, each in runs.items()
    ]
    print_table(["remedy", "seconds an epoch"], seconds)


def parsed() -> argparse.Namespace:
    """The arguments."""
    parser = arguments(__doc__, seeds=3)
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
    parser.add_argument(
        "--remedies", nargs="+", choices=sorted(REMEDIES), default=[NONE, "target", "source_target"]
    )
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 2, 3, 5])
    parser.add_argument("--model", default="lstm")
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=15, help="at most")
    given = parser.parse_args()
    if given.quick:
        given.data, given.seeds, given.sizes, given.epochs = None, 1, [300, 20, 50], 5
        given.remedies, given.beams, given.units, given.layers = [NONE, "target"], [2], 32, 1
    return given


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


def random_replacement(pool: str, seed: int) -> Any:
    """Half of the pairs, 30 % of the tokens, as in the article."""
    from newword.keras import RandomReplacement

    return RandomReplacement(0.5, 0.3, pool, seed=seed)


def scheduled_sampling(seed: int) -> Any:
    """The costly reference, with as many tokens replaced as by random replacement."""
    from newword.keras import ScheduledSampling

    return ScheduledSampling(0.15, seed=seed)


REMEDIES: dict[str, Callable[[int], Any] | None] = {
    NONE: None,
    **{
        pool: functools.partial(random_replacement, pool)
        for pool in ("target", "source_target", "vocabulary", "model")
    },
    "scheduled_sampling": scheduled_sampling,
}


def run(
    results: Results,
    given: argparse.Namespace,
    parts: tuple[list[Pair], ...],
    remedy: str,
    seed: int,
) -> dict[str, Any]:
    """The record of one training: the measures for each number of beams."""
    key = {
        "set": "synthetic" if given.data is None else given.set,
        "source": given.source,
        "sizes": list(map(len, parts)),
        "model": given.model,
        "units": given.units,
        "layers": given.layers,
        "epochs": given.epochs,
        "remedy": remedy,
        "beams": given.beams,
        "seed": seed,
    }
    with progress(f"{remedy}, seed {seed}"):
        return results.once(key, functools.partial(trained, parts, key))


def trained(parts: tuple[list[Pair], ...], key: dict[str, Any]) -> dict[str, Any]:
    """One training, its best epoch by greedy BLEU on the pairs to select by."""
    import time

    from newword.keras import Seq2Seq

    train, valid, test = parts
    generator = Seq2Seq(
        key["model"],
        units=key["units"],
        num_layers=key["layers"],
        max_target_length=max(len(target) for part in parts for _, target in part),
        seed=key["seed"],
    )
    make = REMEDIES[key["remedy"]]
    start = time.perf_counter()
    history = generator.fit(
        train,
        validation=valid,
        epochs=key["epochs"],
        batch_size=64,
        patience=3,
        remedies=[] if make is None else [make(key["seed"])],
        verbose=0,
    )
    seconds = (time.perf_counter() - start) / len(history.history["loss"])
    scores, per_text = {}, {}
    for beams in key["beams"]:
        score = generator.evaluate(test, beams=beams, batch_size=64)
        scores[str(beams)] = score.to_dict()
        per_text[str(beams)] = {name: score.per_text[name].round(4).tolist() for name in GAINS}
    return {
        "scores": scores,
        "per_text": per_text,
        "epoch_seconds": seconds,
        "val_bleu": history.history["val_bleu"],
    }


def table(
    runs: dict[str, list[dict[str, Any]]], beams: list[int]
) -> tuple[list[str], list[list[str]]]:
    """Means over seeds in percent."""
    rows = []
    for number in beams:
        for remedy, each in runs.items():
            scores = [record["scores"][str(number)] for record in each]
            cells = [mean_and_spread([100 * one[name] for one in scores], 2) for name in MEASURES]
            rows.append([str(number), remedy, *cells])
    return ["beams", "remedy", *MEASURES], rows


def gains(
    runs: dict[str, list[dict[str, Any]]], beams: list[int]
) -> tuple[list[str], list[list[str]]]:
    """Gains over no remedy in points, with the standard errors over seeds and over texts."""
    head = [f"{name}, {over}" for name in GAINS.values() for over in ("seeds", "texts")]
    rows = []
    for number in map(str, beams):
        for remedy in (name for name in runs if name != NONE):
            row = [number, remedy]
            for name in GAINS:
                with_it, without = (
                    100 * np.array([record["per_text"][number][name] for record in runs[one]])
                    for one in (remedy, NONE)
                )
                row.append(compared(with_it.mean(1), without.mean(1), 2))
                row.append(compared_texts(with_it, without, 2))
            rows.append(row)
    return ["beams", "remedy", *head], rows


if __name__ == "__main__":
    main()
