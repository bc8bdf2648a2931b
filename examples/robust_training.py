"""Adversarial training of text classifiers: what do FGM, PGD, penalties, VAT and R-Drop add?

A small convolutional model is trained from scratch with each method: same epochs, same selection
by the development set. The one number that a method has, epsilon or a weight, is chosen among a
few by the development set, with other seeds than those of the table. With `--labels` only so many
texts keep their labels; VAT also learns from the others.

    python examples/robust_training.py --data FOLDER --sets tnews --results RUNS.jsonl
"""

from __future__ import annotations

import argparse
import functools
import statistics
from pathlib import Path
from typing import Any

import numpy as np

from _classification import SETS, Task, classifier, encoded, synthetic
from _study import (
    Results,
    arguments,
    best_on_development,
    compared,
    compared_texts,
    mean_and_spread,
    print_table,
    progress,
    set_up,
)

NONE = "none"
BATCH = 32
EPSILONS = {"weights": (0.1, 0.5, 2.0), "outputs": (0.03, 0.1, 0.3, 1.0, 3.0)}
METHODS: dict[str, tuple[dict[str, Any], str, tuple[float, ...]]] = {
    NONE: ({}, "", (0.0,)),
    "fgm": ({"method": "fgm"}, "epsilon", EPSILONS["weights"]),
    "fgm_outputs": ({"method": "fgm", "where": "outputs"}, "epsilon", EPSILONS["outputs"]),
    "pgd": ({"method": "pgd", "where": "outputs"}, "epsilon", EPSILONS["outputs"]),
    "gradient_penalty": ({"method": "gradient_penalty"}, "epsilon", (0.3, 1.0, 3.0)),
    "vat": ({"method": "vat", "where": "outputs"}, "epsilon", EPSILONS["outputs"]),
    "r_drop": ({"method": "r_drop"}, "weight", (1.0, 4.0, 16.0)),
}
"""The options of each method, the number that is chosen, and its candidates."""


def main() -> None:
    """Chooses, trains and prints a table for each set."""
    given = parsed()
    set_up(given)
    results = Results(given.results)
    for task in tasks(given):
        counts = [len(part[0]) for part in (task.train, task.dev, task.test)]
        print(f"# {task.name}: {task.classes} classes, texts {counts}, labels {given.labels}")
        runs = {}
        for method in given.methods:
            work = functools.partial(run, results, given, task, method)
            number = best_on_development(METHODS[method][2], work, quick=given.quick)
            runs[method] = [work(number, seed) for seed in range(given.seeds)]
        print_table(*table(runs))


def parsed() -> argparse.Namespace:
    """The arguments."""
    parser = arguments(__doc__, seeds=5)
    parser.add_argument("--data", type=Path, help="the folder with cls/; built-in data without it")
    parser.add_argument("--sets", nargs="+", choices=sorted(SETS), default=["tnews"])
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--train", type=int, help="at most so many texts to learn from")
    parser.add_argument("--labels", type=int, help="how many of them have a label; all by default")
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--dropout", type=float, default=0.3)
    parser.add_argument("--epochs", type=int, default=20)
    given = parser.parse_args()
    if given.quick:
        given.data, given.seeds, given.epochs, given.units = None, 1, 30, 32
        given.methods, given.labels = [NONE, "fgm", "vat"], 120
    return given


def tasks(given: argparse.Namespace) -> list[Task]:
    """The tasks, cut to the number of texts."""
    if given.data is None:
        return [synthetic()]
    return [SETS[name](given.data).cut(given.train) for name in given.sets]


def run(
    results: Results, given: argparse.Namespace, task: Task, method: str, number: float, seed: int
) -> dict[str, Any]:
    """The record of one training."""
    key = {
        "set": task.name,
        "train": len(task.train[0]),
        "labels": given.labels,
        "units": given.units,
        "dropout": given.dropout,
        "epochs": given.epochs,
        "method": method,
        "number": number,
        "seed": seed,
    }
    with progress(f"{task.name}, {method} {number:g}, seed {seed}"):
        return results.once(key, functools.partial(trained, task, key))


def trained(task: Task, key: dict[str, Any]) -> dict[str, Any]:
    """One training, its best epoch by the accuracy on the development set."""
    import keras

    from newword.keras import Vocabulary, adversarial_training

    seed = key["seed"]
    vocabulary = Vocabulary.from_texts(task.train[0], min_count=2)
    parts = [
        (encoded(vocabulary, texts, task.length), np.array(classes, np.int32))
        for texts, classes in (task.train, task.dev, task.test)
    ]
    (x, y), dev, test = parts
    model = classifier(len(vocabulary), task.classes, key["units"], key["dropout"], seed)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, weighted_metrics=["accuracy"])
    if key["method"] != NONE:
        options, name, _ = METHODS[key["method"]]
        layer = {} if options["method"] == "r_drop" else {"layer": "embedding"}
        adversarial_training(model, **layer, **options, **{name: key["number"]}, seed=seed)
    best = keras.callbacks.EarlyStopping(
        "val_accuracy", mode="max", patience=key["epochs"], restore_best_weights=True
    )
    history = model.fit(
        **inputs(x, y, key),
        epochs=key["epochs"],
        validation_data=dev,
        validation_batch_size=256,
        callbacks=[best],
        verbose=0,
    )
    right = model.predict(test[0], batch_size=256, verbose=0).argmax(-1) == test[1]
    return {
        "dev": max(history.history["val_accuracy"]),
        "test": float(right.mean()),
        "right": right.astype(int).tolist(),
    }


def inputs(x: Any, y: Any, key: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `fit` for the texts that have labels; for VAT also for the others."""
    from newword.keras import SemiSupervisedBatches

    count = len(x) if key["labels"] is None else key["labels"]
    if key["method"] == "vat" and count < len(x):
        seed = key["seed"]
        parts = (x[:count], y[:count], x[count:])
        return {"x": SemiSupervisedBatches(*parts, batch_size=BATCH, seed=seed)}
    return {"x": x[:count], "y": y[:count], "batch_size": BATCH}


def table(runs: dict[str, list[dict[str, Any]]]) -> tuple[list[str], list[list[str]]]:
    """Accuracies in percent, and gains over no method."""
    head = ["method", "chosen", "development", "test", "gain, seeds", "gain, texts", "seconds"]
    rows = []
    for method, records in runs.items():
        dev, test = ([100 * one[part] for one in records] for part in ("dev", "test"))
        gains = ["", ""]
        if method != NONE and NONE in runs:
            own, others = (
                100 * np.array([one["right"] for one in runs[name]]) for name in (method, NONE)
            )
            gains = [compared(test, list(others.mean(1)), 2), compared_texts(own, others, 2)]
        seconds = statistics.median([one["seconds"] for one in records])
        number = f"{records[0]['number']:g}" if method != NONE else ""
        cells = [mean_and_spread(dev, 2), mean_and_spread(test, 2), *gains, f"{seconds:.0f}"]
        rows.append([method, number, *cells])
    return head, rows


if __name__ == "__main__":
    main()
