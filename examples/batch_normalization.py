"""What batch normalization does to the loss landscape: the claims of an article, measured.

The article (https://kexue.fm/archives/6992) derives batch normalization from the descent
inequality: centring and scaling a layer's inputs lower a bound on the gradient's Lipschitz
constant, so that larger learning rates are stable. Each claim is an experiment with a table.

    python examples/batch_normalization.py --claim edge --seeds 5
    python examples/batch_normalization.py --data FOLDER
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import _normalized
from _normalized import POSITIONS, VARIANTS, Task, bench, digits, synthetic, texts
from _second_moments import FORMS, HIGHEST, bound_of, shift_of
from _study import (
    Results,
    arguments,
    compared,
    mean_and_interval,
    print_table,
    progress,
    set_up,
)

Record = dict[str, Any]
SHIFTS = (0.0, 0.5, 1.0, 1.5, 2.0)
TEXT_RATE = 0.5
"""At 0.1 the model without normalization learns nothing in so few steps."""
BATCHES = (2, 8, 64)
RATES = tuple(0.05 * 2.0**power for power in range(12))
KINDS = (("linear", "none", 0), ("network", "none", 2), ("network, batch", "batch", 2))


class Study:
    """Runs of a claim by name and seed, and their table."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given, self.results = given, Results(given.results)
        self.steps = 20 if given.quick else 300
        self.sets = (digits(),) if given.quick else (digits(), synthetic())

    def runs(self, claim: str, case: Record, work: Callable[[int], Record]) -> list[Record]:
        """The records of a case, one for each seed."""
        records = []
        for seed in range(self.given.seeds):
            key = {"claim": claim, **case, "seed": seed, "steps": self.steps}
            label = ", ".join(str(value) for value in case.values())
            with progress(f"{claim}: {label}, seed {seed}"):
                records.append(self.results.once(key, functools.partial(work, seed)))
        return records


def cells(records: Sequence[Record], digits_of: dict[str, int]) -> list[str]:
    """Means and intervals of measures, with so many digits each."""
    return [
        mean_and_interval([float(one[name]) for one in records], digits)
        for name, digits in digits_of.items()
    ]


# The edge 2 / L


def edge(study: Study) -> None:
    """The descent inequality and the largest stable rate, before training and after it."""
    print("## The edge 2 / λ: gradient descent on one batch\n")
    measures = {"top": 2, "edge": 3, "rate": 3, "ratio": 2, "descends": 2, "inequality": 2}
    rows = []
    for loss in ("ce",) if study.given.quick else ("mse", "ce"):
        for name, kind, depth in KINDS[1:] if study.given.quick else KINDS:
            work = functools.partial(edge_of, study.steps, loss, kind, depth)
            records = study.runs("edge", {"loss": loss, "model": name}, work)
            for when in ("start", "end"):
                found = [one[when] for one in records]
                rows.append([loss, name, when, *cells(found, measures)])
    head = ["loss", "model", "when", "λ", "2 / λ", "largest stable rate", "rate x λ / 2"]
    print_table([*head, "descends below 2 / λ", "inequality holds"], rows)


def edge_of(steps: int, loss: str, kind: str, depth: int, seed: int) -> Record:
    """The edge of one network, at the start and at the end of a training."""
    network = bench(digits(), kind, "before", loss, depth)
    network.restart(seed)
    descents = min(steps, 30)
    found = {"start": at_the_edge(network, descents)}
    network.train(0.1, steps)
    return {**found, "end": at_the_edge(network, descents)}


def at_the_edge(network: Any, steps: int) -> Record:
    """λ, the stable rate by trial, and what steps of different lengths do."""
    landscape = network.landscape
    spectrum = landscape.eigenvalues(tolerance=1e-2)
    top, limit = float(spectrum.values[0]), spectrum.edge
    rate = landscape.largest_stable_rate(
        min(limit, HIGHEST), steps=steps, tolerance=0.1, highest=HIGHEST
    )
    table = landscape.variation(limit * np.array([0.1, 0.25, 0.5, 0.75, 0.99, 2, 4]))
    below = table["step"] < limit
    descends = (table["loss"] <= table.summary["loss"])[below].mean()
    # Losses are float32.
    holds = (table["loss"] <= table["bound"] + 1e-5 * (1 + abs(table.summary["loss"]))).mean()
    return {
        "top": top,
        "edge": limit,
        "rate": rate,
        "ratio": rate / limit,
        "descends": float(descends),
        "inequality": float(holds),
    }


# The bound on the gradient difference


def bound(study: Study) -> None:
    """The gradient difference of a softmax regression against its two bounds."""
    print("## The bound on the gradient difference: softmax regression, random steps\n")
    rows = []
    for data in study.sets:
        for form in FORMS:
            work = functools.partial(bound_of, data, form)
            records = study.runs("bound", {"data": data.name, "inputs": form}, work)
            values = {"difference": 3, "spectral": 3, "trace": 3, "holds": 2}
            rows.append([data.name, form, *cells(records, values)])
    head = ["data", "inputs", "norm of E[λ x]", "by the top eigenvalue", "by the trace (article)"]
    print("Means over 20 random steps, for E[λ²] = 1.\n")
    print_table([*head, "bounds hold"], rows)


# The shift


def shift(study: Study) -> None:
    """Inputs less a multiple of their mean: where is L least?"""
    print("## The minimising shift: softmax regression on x - c E[x]\n")
    rows = []
    for data in study.sets:
        for factor in SHIFTS[:3:2] if study.given.quick else SHIFTS:
            work = functools.partial(shift_of, data, factor)
            records = study.runs("shift", {"data": data.name, "c": factor}, work)
            values = {"trace": 2, "spectral": 2, "top": 3, "rate": 2}
            rows.append([data.name, f"{factor:g}", *cells(records, values)])
    head = ["data", "c", "trace of E[x xᵀ]", "its top eigenvalue", "λ of the loss"]
    print_table([*head, "largest stable rate"], rows)


# Trainings


def trained(
    steps: int, data: Task, kind: str, position: str, batch: int, rate: float, seed: int
) -> Record:
    """A training, with the sharpness before and after it."""
    network = bench(data, kind, position)
    network.restart(seed)
    found = network.sharpness("first_")
    loss = network.train(rate, steps, batch)
    if not np.isfinite(loss):
        return {**found, "loss": loss, "accuracy": float("nan"), "top": loss, "scaled": loss}
    return {**found, "loss": loss, "accuracy": network.accuracy(), **network.sharpness()}


def trainings(
    study: Study, claim: str, rows_of: list[tuple[Task, str, str]], rate: float = 0.1
) -> None:
    """A table of trainings that differ in their normalization."""
    measures = {"first_top": 2, "top": 2, "scaled": 0, "loss": 3, "accuracy": 3}
    rows: list[list[str]] = []
    usual: dict[str, list[Record]] = {}
    for data, kind, position in rows_of:
        case = {"data": data.name, "kind": kind, "position": position}
        work = functools.partial(trained, study.steps, data, kind, position, 64, rate)
        records = study.runs("trained", case, work)
        usual.setdefault(data.name, records)
        gain = compared(
            *([one["accuracy"] for one in them] for them in (records, usual[data.name]))
        )
        rows.append([*case.values(), *cells(records, measures), gain])
    print(f"## {claim}\n")
    head = ["data", "normalization", "position", "λ at the start", "λ at the end", "λ ‖θ‖²"]
    print_table([*head, "training loss", "accuracy", "to none"], rows)


def parts(study: Study) -> None:
    """Centre only, scale only, both, with β and γ, by layer."""
    kinds = VARIANTS[:6:5] if study.given.quick else VARIANTS
    rows = [(data, kind, "before") for data in study.sets for kind in kinds]
    trainings(study, "Parts of the normalization, before each dense layer", rows)


def positions(study: Study) -> None:
    """Before the dense layer, between it and the activation, after both."""
    places = POSITIONS[:2] if study.given.quick else POSITIONS
    kinds = ("batch",) if study.given.quick else ("batch", "layer")
    rows = [(digits(), kind, place) for kind in kinds for place in places]
    trainings(study, "Position", [(digits(), "none", "before"), *rows])


def batches(study: Study) -> None:
    """Small batches: noise of statistics, and the gap between training and inference."""
    rows = []
    for kind in ("none", "batch"):
        for batch in BATCHES[:3:2] if study.given.quick else BATCHES:
            work = functools.partial(batch_of, study.steps, kind, batch)
            records = study.runs("batches", {"kind": kind, "batch": batch}, work)
            values = {"training": 3, "inference": 3, "accuracy": 3}
            rows.append([kind, batch, *cells(records, values)])
    print("## Batch size, with equal numbers of steps\n")
    head = ["normalization", "batch", "loss, statistics of such batches", "loss, running"]
    print_table([*head, "accuracy"], rows)


def batch_of(steps: int, kind: str, batch: int, seed: int) -> Record:
    """A training with small batches; the test loss in both modes."""
    data = digits()
    network = bench(data, kind)
    network.restart(seed)
    network.train(0.1, steps, batch)
    x, y = data.test
    places = [slice(at, at + batch) for at in range(0, min(len(x) // batch, 50) * batch, batch)]
    losses = [network.loss_of(x[place], y[place], training=True) for place in places]
    return {
        "training": float(np.mean(losses)),
        "inference": network.loss_of(x, y, training=False),
        "accuracy": network.accuracy(),
    }


def rates(study: Study) -> None:
    """The largest learning rate of a training that still learns."""
    rows = []
    usual: list[Record] = []
    for kind in VARIANTS[:6:5] if study.given.quick else VARIANTS:
        records = study.runs("rates", {"kind": kind}, functools.partial(rate_of, study, kind))
        usual = usual or records
        logs = [[np.log2(one["largest"]) for one in them] for them in (records, usual)]
        rows.append(
            [kind, *cells(records, {"largest": 2, "best": 2, "loss": 4}), compared(*logs, 1)]
        )
    print(f"## The largest learning rate, {RATES[0]:g} to {RATES[-1]:g} by factors of 2\n")
    head = ["normalization", "largest that learns", "best", "loss at the best"]
    print_table([*head, "doublings more than none"], rows)


def rate_of(study: Study, kind: str, seed: int) -> Record:
    """Trainings with growing rates, until one has not halved the loss."""
    network = bench(digits(), kind)
    losses: dict[float, float] = {}
    for rate in RATES[:: 4 if study.given.quick else 1]:
        network.restart(seed)
        first = network.landscape.loss()
        loss = network.train(rate, max(study.steps // 2, 20))
        if not loss <= first / 2 and losses:
            break
        losses[rate] = loss
    best = min(losses, key=lambda rate: losses[rate])
    return {"largest": max(losses), "best": best, "loss": losses[best]}


def text(study: Study) -> None:
    """A model of texts: the mean of embeddings, then the same network."""
    if not study.given.data:
        print("## Texts: not measured without --data\n")
        return
    data = texts(study.given.data)
    kinds = ("none", "centre", "scale", "batch", "layer")
    rows = [(data, kind, "before") for kind in kinds]
    trainings(study, f"Texts (sentiment), rate {TEXT_RATE:g}", rows, TEXT_RATE)


CLAIMS: dict[str, Callable[[Study], None]] = {
    "edge": edge,
    "bound": bound,
    "shift": shift,
    "parts": parts,
    "positions": positions,
    "batches": batches,
    "rates": rates,
    "text": text,
}


def main() -> None:
    """Runs the claims asked for, and prints their tables."""
    parser = arguments(__doc__, seeds=5)
    parser.add_argument("--claim", nargs="+", choices=CLAIMS, default=list(CLAIMS))
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="with cls/sentiment.train.tsv")
    parser.add_argument("--figure", type=Path, help="where to draw loss surfaces, a PNG file")
    given = parser.parse_args()
    if given.quick:
        given.seeds = 1
    set_up(given)
    print()
    study = Study(given)
    for claim in given.claim:
        CLAIMS[claim](study)
    if given.figure:
        _normalized.draw(given.figure, study.steps)


if __name__ == "__main__":
    main()
