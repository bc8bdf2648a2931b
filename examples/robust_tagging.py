"""Adversarial training of taggers: what do FGM and gradient penalty add where labels are few?

A tagger of `newword.keras` is trained from scratch on a few sentences, with and without
perturbations of its character embedding: same epochs, same selection by the development set.
The one number that a method has is chosen as in `robust_training.py`.

    python examples/robust_tagging.py --data FOLDER --sets resume weibo --results RUNS.jsonl
"""

from __future__ import annotations

import argparse
import functools
import statistics
from pathlib import Path
from typing import Any

import numpy as np

from _datasets import SETS, Sentence, Task, named, synthetic
from _study import (
    Results,
    arguments,
    best_on_development,
    compared,
    mean_and_spread,
    print_table,
    progress,
    set_up,
)

NONE = "none"
BATCH = 16
METHODS: dict[str, tuple[float, ...]] = {
    NONE: (0.0,),
    "fgm": (0.1, 0.5, 2.0, 8.0),
    "gradient_penalty": (0.3, 1.0, 3.0, 10.0),
}
"""The candidates for each method's epsilon."""
HEADS = ("softmax", "memm", "bidirectional_memm", "crf")


def main() -> None:
    """Chooses, trains and prints a table for each set and number of sentences."""
    given = parsed()
    set_up(given)
    results = Results(given.results)
    for task in tasks(given):
        for size in given.sizes:
            print(f"# {task.name}: {size} of {len(task.train)} sentences", flush=True)
            runs = {}
            for method in given.methods:
                work = functools.partial(run, results, given, task, size, method)
                epsilon = best_on_development(METHODS[method], work, quick=given.quick)
                runs[method] = [work(epsilon, seed) for seed in range(given.seeds)]
            print_table(*table(runs))


def parsed() -> argparse.Namespace:
    """The arguments."""
    parser = arguments(__doc__, seeds=5)
    parser.add_argument(
        "--data", type=Path, help="the folder of the sets; built-in data without it"
    )
    parser.add_argument("--sets", nargs="+", choices=sorted(SETS), default=["resume", "weibo"])
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[200], help="sentences to learn from"
    )
    parser.add_argument("--dev", type=int, default=300, help="sentences to stop by")
    parser.add_argument("--test", type=int, default=1_000, help="sentences to judge by")
    parser.add_argument("--encoder", choices=("bilstm", "dgcnn", "transformer"), default="dgcnn")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--head", choices=HEADS, default="softmax")
    parser.add_argument("--epochs", type=int, default=20)
    given = parser.parse_args()
    if given.quick:
        given.data, given.seeds, given.sizes, given.epochs = None, 1, [40], 4
        given.methods, given.layers, given.dev, given.test = [NONE, "fgm"], 1, 100, 300
    return given


def tasks(given: argparse.Namespace) -> list[Task]:
    """The tasks, with fewer sentences to stop and to judge by."""
    every = [named(name, given.data) for name in given.sets] if given.data else [synthetic()]
    return [task.cut(None, given.dev, given.test) for task in every]


def run(
    results: Results,
    given: argparse.Namespace,
    task: Task,
    size: int,
    method: str,
    epsilon: float,
    seed: int,
) -> dict[str, Any]:
    """The record of one training on sentences that depend on the seed."""
    key = {
        "set": task.name,
        "sentences": size,
        "dev_sentences": len(task.dev),
        "test_sentences": len(task.test),
        "encoder": given.encoder,
        "layers": given.layers,
        "head": given.head,
        "epochs": given.epochs,
        "method": method,
        "epsilon": epsilon,
        "seed": seed,
    }
    with progress(f"{task.name}, {size} sentences, {method} {epsilon:g}, seed {seed}"):
        return results.once(key, functools.partial(trained, task, key))


def trained(task: Task, key: dict[str, Any]) -> dict[str, Any]:
    """One training, its best epoch by the F1 on the development set."""
    from newword.keras import AdversarialTraining, Tagger

    order = np.random.default_rng(key["seed"]).permutation(len(task.train))
    sample = [task.train[place] for place in order[: key["sentences"]]]
    tagger = Tagger(
        task.scheme,
        encoder=key["encoder"],
        num_layers=key["layers"],
        head=key["head"],
        seed=key["seed"],
    )
    adversarial = None
    if key["method"] != NONE:
        adversarial = AdversarialTraining(method=key["method"], epsilon=key["epsilon"])
    history = tagger.fit(
        *columns(task, sample),
        validation_data=columns(task, task.dev),
        epochs=key["epochs"],
        batch_size=BATCH,
        learning_rate=2e-3,
        patience=key["epochs"],
        adversarial=adversarial,
        verbose=0,
    )
    dev = max(history.history["val_f1"])
    return {"dev": dev, "test": tagger.evaluate(*columns(task, task.test)).f1}


def columns(task: Task, sentences: list[Sentence]) -> tuple[Any, Any]:
    """Texts and targets as `Tagger.fit` takes them: words where spans have no types."""
    if not task.scheme.types:
        return None, [[one.text[start:end] for start, end, _ in one.spans] for one in sentences]
    return [one.text for one in sentences], [one.spans for one in sentences]


def table(runs: dict[str, list[dict[str, Any]]]) -> tuple[list[str], list[list[str]]]:
    """F1 in percent, and gains over no method."""
    head = ["method", "epsilon", "development", "test", f"gain over {NONE}", "seconds"]
    rows = []
    for method, records in runs.items():
        dev, test = ([100 * one[part] for one in records] for part in ("dev", "test"))
        gain = ""
        if method != NONE and NONE in runs:
            gain = compared(test, [100 * one["test"] for one in runs[NONE]], 2)
        epsilon = "" if method == NONE else f"{records[0]['epsilon']:g}"
        seconds = f"{statistics.median(one['seconds'] for one in records):.0f}"
        rows.append(
            [method, epsilon, mean_and_spread(dev, 2), mean_and_spread(test, 2), gain, seconds]
        )
    return head, rows


if __name__ == "__main__":
    main()
