"""The learning rate of the transitions: F1 of the first and the best epoch, and what is learnt.

Segments words with four tags, B M E S, eight of whose sixteen transitions are illegal. Nothing in
the training says so: no head is given the rules.

    python examples/transition_rate.py --data FOLDER --results transition_rate.jsonl
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

import numpy as np

from _datasets import Task, named, synthetic
from _models import ALL_WAYS, HEADS, Characters, Model, fit, judge, model_of
from _study import Results, arguments, mean_and_spread, print_table, progress, set_up

COLUMNS = [
    "head",
    "rate",
    "rate of g",
    "epoch 1",
    "best epoch",
    "test, rules",
    "test, free",
    "test, rules, numerator",
    "illegal pairs, free",
    "g, legal and illegal",
    "legal above illegal",
]


def main() -> None:
    """Trains every head at every pair of rates for every seed and prints the table."""
    parser = arguments(__doc__, seeds=3)
    parser.add_argument("--data", type=Path, help="the folder with cws/; built-in data without it")
    parser.add_argument("--encoder", default="convolution")
    parser.add_argument("--heads", nargs="+", default=list(HEADS), choices=HEADS)
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-3, 1e-2])
    parser.add_argument("--multipliers", type=float, nargs="+", default=[1, 10, 100])
    parser.add_argument("--sentences", type=int, default=2_000, help="for training")
    parser.add_argument("--epochs", type=int, default=6)
    given = parser.parse_args()
    if given.quick:
        given.data, given.heads, given.rates = None, ["softmax", "memm"], [1e-2]
        given.seeds, given.epochs, given.multipliers = 1, 2, [1, 10]
        given.sentences = 800
    set_up(given)
    task = named("people_daily", given.data) if given.data else synthetic()
    task = task.cut(given.sentences, 1_000, 1_000)
    characters = Characters([one.text for one in task.train])
    results = Results(given.results)
    rows = []
    for head, rate, multiplier in cases(given):
        records = [
            run(results, task, characters, given, (head, rate, multiplier, seed))
            for seed in range(given.seeds)
        ]
        rows.append([head, f"{rate:g}", f"{rate * multiplier:g}", *columns(records)])
    print("F1 of words; epochs on development data, by the rules; g from the mean of its row")
    print_table(COLUMNS, rows)


def cases(given: argparse.Namespace) -> list[tuple[str, float, float]]:
    """Heads, rates and multipliers; a softmax has nothing to multiply."""
    return [
        (head, rate, multiplier)
        for head in given.heads
        for rate in given.rates
        for multiplier in ([1.0] if head == "softmax" else given.multipliers)
    ]


def run(
    results: Results,
    task: Task,
    characters: Characters,
    given: argparse.Namespace,
    case: tuple[str, float, float, int],
) -> dict[str, Any]:
    """One training, unless its record is there."""
    head, rate, multiplier, seed = case
    key = {
        "set": task.name,
        "train": len(task.train),
        "encoder": given.encoder,
        "head": head,
        "rate": rate,
        "multiplier": multiplier,
        "epochs": given.epochs,
        "seed": seed,
    }

    def work() -> dict[str, Any]:
        model = model_of(given.encoder, head, task.scheme, len(characters), multiplier)
        model.start(seed, rate)
        fitted = fit(task, model, characters, epochs=given.epochs, patience=given.epochs, seed=seed)
        learnt = {} if head == "softmax" else transitions(model)
        return {**fitted, "test": judge(task.test, model, characters, ALL_WAYS), **learnt}

    with progress(f"{head}, {rate:g} x {multiplier:g}, seed {seed}"):
        return results.once(key, work)


def transitions(model: Model) -> dict[str, Any]:
    """Whether legal transitions score higher than illegal ones.

    Adding a number to a row of a MEMM's transitions changes nothing, nor does adding it to a row
    of a CRF's where the emissions lose it: only scores of the same row are compared.
    """
    g, legal = model.transitions, model.scheme.allowed_transitions
    centred = g - g.mean(axis=1, keepdims=True)
    above = [
        float(one > other)
        for row, allowed in zip(g, legal, strict=True)
        for one in row[allowed]
        for other in row[~allowed]
    ]
    return {
        "transitions": np.round(g, 3).tolist(),
        "legal": float(centred[legal].mean()),
        "illegal": float(centred[~legal].mean()),
        "above": statistics.fmean(above),
    }


def columns(records: list[dict[str, Any]]) -> list[str]:
    """What the table says about the runs of a case."""
    ways = [way for way in ALL_WAYS if way != "free, numerator"]
    columns = [
        mean_and_spread([one["history"][0] for one in records]),
        mean_and_spread([one["dev_f1"] for one in records]),
        *(mean_and_spread([one["test"][way] for one in records]) for way in ways),
        f"{statistics.fmean(one['test']['illegal'] for one in records):.1%}",
    ]
    if records[0]["head"] == "softmax":
        return [*columns, "", ""]
    legal, illegal = (
        statistics.fmean(one[name] for one in records) for name in ("legal", "illegal")
    )
    above = statistics.fmean(one["above"] for one in records)
    return [*columns, f"{legal:+.1f}, {illegal:+.1f}", f"{above:.0%}"]


if __name__ == "__main__":
    main()
