"""Entity linking: what does each feature and each statistic add?

A linker is trained with everything, and without one part at a time: each feature of a pair, the
pruning of names, the prior of ids, balanced samples, the average of weights. Thresholds and epochs
are chosen by the development set. The base and the texts are files in the form of CCKS 2019.

    python examples/entity_linking.py --base kb_data.jsonl --texts texts.jsonl --results RUNS.jsonl
"""

from __future__ import annotations

import argparse
import functools
import statistics
import tempfile
from pathlib import Path
from typing import Any

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

FULL = "everything"
VARIANTS: dict[str, dict[str, Any]] = {
    FULL: {},
    "no characters": {"features": ("objects",)},
    "no objects": {"features": ("characters",)},
    "no features": {"features": ()},
    "no pruning": {"pruning_ratio": None},
    "no prior": {"prior_min_count": None},
    "uniform samples": {"positive_share": None},
    "no average": {"ema_momentum": None},
    "open mentions": {"dictionary_only": False},
    "no matches": {"dictionary_only": False, "match_features": False},
}
"""What differs from the linker with everything."""
QUICK = (FULL, "no features")
ENCODERS = ("bilstm", "dgcnn", "transformer")


def main() -> None:
    """Trains the variants and prints tables."""
    given = parsed()
    set_up(given)
    results = Results(given.results)
    with tempfile.TemporaryDirectory(prefix="newword-") as folder:
        task = task_of(given, Path(folder))
        print_matching(task)
        runs = {
            variant: [run(results, given, task, variant, seed) for seed in range(given.seeds)]
            for variant in given.variants
        }
    print_table(*table(runs))


def parsed() -> argparse.Namespace:
    """The arguments."""
    parser = arguments(__doc__, seeds=3)
    parser.add_argument("--base", type=Path, help="JSON lines of entities; built-in without it")
    parser.add_argument("--texts", type=Path, nargs="+", help="one file, or train, dev and test")
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--names", type=int, default=2000, help="of the synthetic base")
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
    if given.quick:
        given.base = given.texts = None
        given.seeds, given.names, given.epochs, given.units = 1, 30, 8, 16
        given.embedding_dim, given.learning_rate, given.variants = 32, 0.01, list(QUICK)
        given.encoder = "dgcnn"
    return given


def task_of(given: argparse.Namespace, folder: Path) -> LinkingTask:
    """The task, from files or synthetic."""
    if given.base is None:
        return synthetic(given.names, 10 * given.names, folder)
    return from_files(given.base, given.texts, folder, given.train)


def print_matching(task: LinkingTask) -> None:
    """How names match, and what a linker without a model reaches."""
    from newword.linking import MentionStatistics

    sizes = task.kb.statistics()
    counts = [len(part) for part in (task.train, task.dev, task.test)]
    print(f"# {task.name}: {sizes.entities:,} entities, {sizes.names:,} names, texts {counts}")
    found = MentionStatistics.count(task.train, task.kb)
    report = found.report(task.test)
    rows = []
    for name, one, ratio in (("all", report.before, None), ("pruned", report.after, 5.0)):
        f1 = most_frequent(found, task.test, ratio).f1
        shares = [f"{value:.3f}" for value in (one.precision, one.recall, one.f1, f1)]
        rows.append([name, *shares])
    print_table(["names", "precision", "recall", "F1", "F1 with the most frequent id"], rows)


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
    linker = EntityLinker(**options, **VARIANTS[key["variant"]])
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
    return {
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
