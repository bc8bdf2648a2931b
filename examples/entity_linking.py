"""Entity linking: what does each feature and each statistic add?

A linker is trained with everything, and without one part at a time: each feature of a pair, the
pruning of names, the prior of ids, balanced samples, the average of weights. Thresholds and epochs
are chosen by the development set. The base and the texts are files in the form of CCKS 2019, or
synthetic. With folds, each seed has another part of the file for its test set, and the counts of
all folds are added up.

    python examples/entity_linking.py --base base.jsonl --texts train.jsonl dev.jsonl test.jsonl
    python examples/entity_linking.py --base kb.jsonl --texts texts.jsonl --folds 5
    python examples/entity_linking.py --names 107000 --many 10000
"""

from __future__ import annotations

import argparse
import functools
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from _linking import LinkingTask, from_files, most_frequent, synthetic
from _study import (
    Results,
    arguments,
    compared,
    mean_and_spread,
    print_table,
    progress,
    set_up,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

FULL = "everything"
VARIANTS: dict[str, dict[str, Any]] = {
    FULL: {},
    "no characters": {"features": ("objects",)},
    "no objects": {"features": ("characters",)},
    "no features": {"features": ()},
    "words": {"lexicon": True},
    "no pruning": {"pruning_ratio": None},
    "no prior": {"prior_min_count": None},
    "uniform samples": {"positive_share": None},
    "no average": {"ema_momentum": None},
    "open mentions": {"dictionary_only": False},
    "no matches": {"dictionary_only": False, "match_features": False},
}
"""What differs from the linker with everything; the feature of words needs a lexicon."""
QUICK = (FULL, "no features")
ENCODERS = ("bilstm", "dgcnn", "transformer")


def main() -> None:
    """Trains the variants and prints tables."""
    given = parsed()
    set_up(given)
    results = Results(given.results)
    with tempfile.TemporaryDirectory(prefix="newword-") as folder:
        tasks = tasks_of(given, Path(folder))
        print_matching(tasks)
        runs = {
            variant: [
                run(results, given, tasks[seed % len(tasks)], variant, seed)
                for seed in range(given.seeds)
            ]
            for variant in given.variants
        }
    print_table(*(pooled(runs) if given.folds else table(runs)))


def parsed() -> argparse.Namespace:
    """The arguments."""
    parser = arguments(__doc__, seeds=3)
    parser.add_argument("--base", type=Path, help="JSON lines of entities; built-in without it")
    parser.add_argument("--texts", type=Path, nargs="+", help="one file, or train, dev and test")
    parser.add_argument("--folds", type=int, default=0, help="splits of one file; sets --seeds")
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--names", type=int, default=2000, help="of the synthetic base")
    parser.add_argument("--many", type=int, help="synthetic texts; ten for each name by default")
    parser.add_argument("--train", type=int, help="at most so many texts to learn from")
    parser.add_argument("--encoder", choices=ENCODERS, default="bilstm")
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--embedding-dim", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    given = parser.parse_args()
    if (given.base is None) != (given.texts is None):
        parser.error("--base and --texts go together")
    if given.texts is not None and len(given.texts) not in (1, 3):
        parser.error("--texts takes one file, or three")
    if given.folds:
        if given.texts is None or len(given.texts) != 1 or given.folds < 3:
            parser.error("--folds takes 3 or more, and one file of texts")
        given.seeds = given.folds
    if given.quick:
        given.base = given.texts = given.many = None
        given.folds = 0
        given.seeds, given.names, given.epochs, given.units = 1, 30, 8, 16
        given.embedding_dim, given.learning_rate, given.variants = 32, 0.01, list(QUICK)
        given.encoder = "dgcnn"
    return given


def tasks_of(given: argparse.Namespace, folder: Path) -> list[LinkingTask]:
    """The task, from files or synthetic; with folds, one for each."""
    if given.base is None:
        return [synthetic(given.names, given.many or 10 * given.names, folder)]
    return from_files(given.base, given.texts, folder, given.train, given.folds)


def print_matching(tasks: Sequence[LinkingTask]) -> None:
    """How names match, and what a linker without a model reaches."""
    from newword.linking import MentionStatistics

    sizes = tasks[0].kb.statistics()
    counts = [len(part) for part in (tasks[0].train, tasks[0].dev, tasks[0].test)]
    mentions = sum(len(text.mentions) for task in tasks for text in task.test)
    known = f"{sizes.entities:,} entities, {sizes.names:,} names"
    print(f"# {tasks[0].name}: {known}, texts {counts}, {mentions:,} mentions to judge by")
    counted = [MentionStatistics.count(task.train, task.kb) for task in tasks]
    reports = [one.report(task.test) for one, task in zip(counted, tasks, strict=True)]
    rows = []
    for name, ratio in (("all", None), ("pruned", 5.0)):
        matched = [one.before if ratio is None else one.after for one in reports]
        linked = [
            most_frequent(one, task.test, ratio).links
            for one, task in zip(counted, tasks, strict=True)
        ]
        precision, recall, f1 = shares(matched)
        rows.append([name, *(f"{one:.3f}" for one in (precision, recall, f1, shares(linked)[2]))])
    print_table(["names", "precision", "recall", "F1", "F1 with the most frequent id"], rows)


def shares(counts: Sequence[Any]) -> tuple[float, float, float]:
    """Precision, recall and F1 of added counts."""
    added = [sum(getattr(one, name) for one in counts) for name in ("correct", "predicted", "gold")]
    return of_counts(added)


def of_counts(counts: Sequence[int]) -> tuple[float, float, float]:
    """Precision, recall and F1 of correct, predicted and gold ones."""
    correct, predicted, gold = counts
    return correct / max(predicted, 1), correct / max(gold, 1), 2 * correct / (predicted + gold)


def run(
    results: Results, given: argparse.Namespace, task: LinkingTask, variant: str, seed: int
) -> dict[str, Any]:
    """The record of one training."""
    key = {
        "task": task.name,
        "entities": len(task.kb),
        "train": len(task.train),
        "encoder": given.encoder,
        "units": given.units,
        "embedding_dim": given.embedding_dim,
        "epochs": given.epochs,
        "learning_rate": given.learning_rate,
        "variant": variant,
        "seed": seed,
    }
    with progress(f"{task.name}, {variant}, seed {seed}"):
        return results.once(key, functools.partial(trained, task, key))


def trained(task: LinkingTask, key: dict[str, Any]) -> dict[str, Any]:
    """One training, its best epoch and thresholds by the development set."""
    from newword.keras import EntityLinker

    options = {name: key[name] for name in ("encoder", "units", "embedding_dim", "seed")}
    differs = dict(VARIANTS[key["variant"]])
    if "lexicon" in differs:
        differs["lexicon"] = lexicon_of(task)
    linker = EntityLinker(**options, **differs)
    history = linker.fit(
        task.train,
        task.kb,
        validation_data=task.dev,
        epochs=key["epochs"],
        learning_rate=key["learning_rate"],
        verbose=0,
    )
    score = linker.evaluate(task.test)
    coverage = linker.coverage
    counts = {"links": score.links, "mentions": score.mentions, "given": score.given}
    return {
        "counts": {
            name: [one.correct, one.predicted, one.gold] for name, one in counts.items() if one
        },
        "dev": max(history.history["val_f1"]),
        "f1": score.f1,
        "precision": score.precision,
        "recall": score.recall,
        "mentions": score.mentions.f1,
        "given": score.given_accuracy,
        "thresholds": list(linker.thresholds),
        "positive": coverage.positives / max(coverage.samples, 1),
        "covered": coverage.sampled_pairs / max(coverage.pairs, 1),
    }


def lexicon_of(task: LinkingTask) -> Any:
    """The words of the training texts and of the descriptions of their entities."""
    import newword

    ids = {one.id for text in task.train for one in text.mentions if one.id is not None}
    described = [task.kb[one].text() for one in sorted(ids)]
    return newword.discover([text.text for text in task.train] + described, min_count=4)


def pooled(runs: dict[str, list[dict[str, Any]]]) -> tuple[list[str], list[list[str]]]:
    """Scores of the counts of all folds, in percent."""
    head = ["variant", "F1", "precision", "recall", "mentions", "given mentions"]
    rows = []
    for variant, records in runs.items():
        added = {
            part: np.sum([one["counts"][part] for one in records], axis=0).tolist()
            for part in ("links", "mentions", "given")
        }
        precision, recall, f1 = of_counts(added["links"])
        values = (
            f1,
            precision,
            recall,
            of_counts(added["mentions"])[2],
            of_counts(added["given"])[1],
        )
        rows.append([variant, *(f"{100 * one:.1f}" for one in values)])
    return head, rows


def table(runs: dict[str, list[dict[str, Any]]]) -> tuple[list[str], list[list[str]]]:
    """Scores in percent, and what each variant loses."""
    head = ["variant", "F1", "precision", "recall", "mentions", "given mentions", "difference"]
    rows = []
    for variant, records in runs.items():
        parts = ("f1", "precision", "recall", "mentions", "given")
        values = {part: [100 * one[part] for one in records] for part in parts}
        difference = ""
        if variant != FULL and FULL in runs:
            others = [100 * one["f1"] for one in runs[FULL]]
            difference = compared(values["f1"], others, 2)
        cells = [mean_and_spread(values[part], 2) for part in parts]
        rows.append([variant, *cells, difference])
    seconds = statistics.median([one["seconds"] for each in runs.values() for one in each])
    print(f"# median of {seconds:.0f} seconds for a training")
    return head, rows


if __name__ == "__main__":
    main()
