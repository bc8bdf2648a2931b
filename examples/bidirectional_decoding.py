"""Decoding from both ends on real pairs: against each direction alone, with and without stage two.

Generators learn headlines from the beginnings of articles, or second lines of couplets from the
first: from left to right, from right to left, and from both ends. The last one is trained with
gold targets only, and with a second stage in which the other direction reads generated targets.
Both have the same first stage and as many epochs.

    python examples/bidirectional_decoding.py --data FOLDER --set headlines --results RUNS.jsonl
"""

from __future__ import annotations

import argparse
import functools
import tempfile
from pathlib import Path
from typing import Any

from _generators import BATCH, gains, judged, max_length, means
from _pairs import Pair, add_arguments, pairs_of, settings
from _study import Results, arguments, mean_and_spread, print_table, progress, set_up

DIRECTIONS = ("left_to_right", "right_to_left")
BOTH = ("gold", "second_stage")
"""The two trainings of the bidirectional model."""
LOSSES = ("loss_sum", "gold_accuracy", "unseen_accuracy", "seen_accuracy", "gap")


def main() -> None:
    """Trains every model with every seed, and prints the tables."""
    given = parsed()
    set_up(given)
    parts = pairs_of(given)
    results = Results(given.results)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in (*DIRECTIONS, *BOTH)}
    for seed in range(given.seeds):
        for kind in (*DIRECTIONS, "both"):
            for name, record in run(results, given, parts, kind, seed).items():
                runs[name].append(record)
    print_table(*means(runs, given.beams, "model", positions=True))
    print_table(*gains(runs, given.beams, "model", DIRECTIONS[0]))
    print_table(*losses(runs))
    if given.figure is not None:
        draw(runs, given.figure)


def parsed() -> argparse.Namespace:
    """The arguments."""
    parser = arguments(__doc__, seeds=3)
    add_arguments(parser)
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--first-stage", type=float, default=0.6, help="its share of the epochs")
    parser.add_argument("--figure", type=Path, help="a PNG of the accuracy with gold targets")
    given = parser.parse_args()
    if given.quick:
        given.data, given.seeds, given.sizes, given.epochs = None, 1, [300, 20, 50], 5
        given.beams, given.units, given.layers = [1], 32, 1
    return given


def run(
    results: Results, given: argparse.Namespace, parts: list[list[Pair]], kind: str, seed: int
) -> dict[str, Any]:
    """The records of one training by the name of the model."""
    key = {
        **settings(given),
        "kind": kind,
        "first_stage": given.first_stage,
        "beams": given.beams,
        "seed": seed,
    }
    work = both if kind == "both" else one_direction
    with progress(f"{kind}, seed {seed}"):
        models: dict[str, Any] = results.once(key, functools.partial(work, parts, key))["models"]
    return models


def options(parts: list[list[Pair]], key: dict[str, Any]) -> dict[str, Any]:
    """The arguments of both generators."""
    return {
        "units": key["units"],
        "num_layers": key["layers"],
        "max_target_length": max_length(parts),
        "seed": key["seed"],
    }


def fitted(generator: Any, parts: list[list[Pair]], epochs: int, **more: Any) -> list[float]:
    """Trains, and returns the greedy BLEU of every epoch on the pairs to select by."""
    history = generator.fit(
        parts[0],
        validation=parts[1],
        epochs=epochs,
        batch_size=BATCH,
        patience=3,
        verbose=0,
        **more,
    )
    return list(history.history["val_bleu"])


def one_direction(parts: list[list[Pair]], key: dict[str, Any]) -> dict[str, Any]:
    """A generator from left to right, or from right to left."""
    from newword.keras import Seq2Seq

    generator = Seq2Seq("lstm", direction=key["kind"], **options(parts, key))
    val_bleu = fitted(generator, parts, key["epochs"])
    test = parts[2]
    tokens = sum(len(target) + 1 for _, target in test)
    loss = -float(generator.log_probs(test, batch_size=BATCH).sum()) / tokens
    record = {**judged(generator, test, key["beams"]), "val_bleu": val_bleu, "loss": loss}
    return {"models": {key["kind"]: record}}


def both(parts: list[list[Pair]], key: dict[str, Any]) -> dict[str, Any]:
    """The bidirectional generator after its first stage: gold targets go on, or pseudo targets."""
    from newword.keras import BidirectionalSeq2Seq

    first = max(1, round(key["first_stage"] * key["epochs"]))
    generator = BidirectionalSeq2Seq("lstm", **options(parts, key))
    val_bleu = fitted(generator, parts, first)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "first_stage"
        generator.save(path)
        models = {}
        for name in BOTH:
            more = {}
            if name == BOTH[1]:
                generator = BidirectionalSeq2Seq.load(path)
                more["pseudo"] = generator.pseudo_targets(parts[0], batch_size=BATCH)
            later = fitted(generator, parts, key["epochs"] - first, **more)
            models[name] = {
                **judged(generator, parts[2], key["beams"]),
                "val_bleu": [*val_bleu, *later],
                **leakage(generator, parts[2]),
            }
    return {"models": models}


def leakage(generator: Any, test: list[Pair]) -> dict[str, Any]:
    """What the bidirectional generator owes to labels that it reads."""
    report = generator.leakage_report(test, batch_size=BATCH)
    return {
        **{name: float(getattr(report, name)) for name in LOSSES},
        "by_tenth": report.by_tenth.mean(axis=0).round(4).tolist(),
    }


def losses(runs: dict[str, list[dict[str, Any]]]) -> tuple[list[str], list[list[str]]]:
    """The losses with gold targets, and what is left of the accuracy without them."""
    rows = [
        [name, mean_and_spread([one["loss"] for one in runs[name]], 2), *[""] * (len(LOSSES) - 1)]
        for name in DIRECTIONS
    ]
    for name in BOTH:
        cells = [mean_and_spread([one[field] for one in runs[name]], 2) for field in LOSSES]
        rows.append([name, *cells])
    head = ["loss", "accuracy, gold", "label not read", "label read", "gap to generated"]
    return ["model", *head], rows


def draw(runs: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Draws the accuracy with gold targets by the tenth of the text."""
    import matplotlib.pyplot as plt
    import numpy as np

    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    for name, label in zip(BOTH, ("gold targets only", "second stage"), strict=True):
        curves = np.array([one["by_tenth"] for one in runs[name]])
        places = np.arange(1, curves.shape[1] + 1)
        axes.plot(places, 100 * curves.mean(0), marker="o", label=label)
    axes.set(
        xlabel="tenth of the text, in the order of the direction",
        ylabel="accuracy, gold prefixes (%)",
        xticks=places,
        ylim=(0, None),
    )
    axes.legend()
    figure.savefig(path, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main()
