"""Remedies for exposure bias on real pairs: does random replacement help, and with how many beams?

Generators learn headlines from the beginnings of articles, or second lines of couplets from the
first, without a remedy, with random replacement, with scheduled sampling, which costs more, and
with adversarial training.
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

from _generators import BATCH, GAINS, gains, judged, max_length, means
from _pairs import Pair, add_arguments, pairs_of, settings
from _study import Results, arguments, mean_and_spread, print_table, progress, set_up

NONE = "none"


def main() -> None:
    """Trains every remedy with every seed, and prints the tables."""
    given = parsed()
    set_up(given)
    parts = pairs_of(given)
    results = Results(given.results)
    runs = {
        remedy: [run(results, given, parts, remedy, seed) for seed in range(given.seeds)]
        for remedy in given.remedies
    }
    print_table(*means(runs, given.beams, "remedy"))
    if NONE in runs and len(runs) > 1:
        print_table(*gains(runs, given.beams, "remedy", NONE))
    seconds = [
        [name, mean_and_spread([one["epoch_seconds"] for one in each], 1)]
        for name, each in runs.items()
    ]
    print_table(["remedy", "seconds an epoch"], seconds)
    if given.figure is not None:
        draw(runs, given.beams, given.figure)


def parsed() -> argparse.Namespace:
    """The arguments."""
    parser = arguments(__doc__, seeds=3)
    add_arguments(parser)
    parser.add_argument(
        "--remedies", nargs="+", choices=sorted(REMEDIES), default=[NONE, "target", "source_target"]
    )
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 2, 3, 5])
    parser.add_argument("--model", default="lstm")
    parser.add_argument("--figure", type=Path, help="a PNG of ROUGE-L and BLEU by beams")
    given = parser.parse_args()
    if given.quick:
        given.data, given.seeds, given.sizes, given.epochs = None, 1, [300, 20, 50], 5
        given.remedies, given.beams, given.units, given.layers = [NONE, "target"], [2], 32, 1
    return given


def random_replacement(pool: str, seed: int) -> dict[str, Any]:
    """Half of the pairs, 30 % of the tokens, as in the article."""
    from newword.keras import RandomReplacement

    return {"remedies": [RandomReplacement(0.5, 0.3, pool, seed=seed)]}


def scheduled_sampling(seed: int) -> dict[str, Any]:
    """The costly reference, with as many tokens replaced as by random replacement."""
    from newword.keras import ScheduledSampling

    return {"remedies": [ScheduledSampling(0.15, seed=seed)]}


def adversarial(method: str, epsilon: float, seed: int) -> dict[str, Any]:
    """A perturbed embedding; the article has the penalty with an epsilon of 1."""
    from newword.keras import AdversarialTraining

    return {"adversarial": AdversarialTraining(method, epsilon, seed=seed)}


REMEDIES: dict[str, Callable[[int], dict[str, Any]]] = {
    NONE: lambda _: {},
    **{
        pool: functools.partial(random_replacement, pool)
        for pool in ("target", "source_target", "vocabulary", "model")
    },
    "scheduled_sampling": scheduled_sampling,
    "fgm": functools.partial(adversarial, "fgm", 0.5),
    "gradient_penalty": functools.partial(adversarial, "gradient_penalty", 1.0),
}
"""The arguments of `fit` for a seed."""


def run(
    results: Results, given: argparse.Namespace, parts: list[list[Pair]], remedy: str, seed: int
) -> dict[str, Any]:
    """The record of one training: the measures for each number of beams."""
    key = {
        **settings(given),
        "model": given.model,
        "remedy": remedy,
        "beams": given.beams,
        "seed": seed,
    }
    with progress(f"{remedy}, seed {seed}"):
        return results.once(key, functools.partial(trained, parts, key))


def trained(parts: list[list[Pair]], key: dict[str, Any]) -> dict[str, Any]:
    """One training, its best epoch by greedy BLEU on the pairs to select by."""
    import time

    from newword.keras import Seq2Seq

    train, valid, test = parts
    generator = Seq2Seq(
        key["model"],
        units=key["units"],
        num_layers=key["layers"],
        max_target_length=max_length(parts),
        seed=key["seed"],
    )
    start = time.perf_counter()
    history = generator.fit(
        train,
        validation=valid,
        epochs=key["epochs"],
        batch_size=BATCH,
        patience=3,
        verbose=0,
        **REMEDIES[key["remedy"]](key["seed"]),
    )
    seconds = (time.perf_counter() - start) / len(history.history["loss"])
    return {
        **judged(generator, test, key["beams"]),
        "epoch_seconds": seconds,
        "val_bleu": history.history["val_bleu"],
    }


def draw(runs: dict[str, list[dict[str, Any]]], beams: list[int], path: Path) -> None:
    """Draws the measures against the number of beams: means, and standard errors over seeds."""
    import matplotlib.pyplot as plt
    import numpy as np

    figure, panels = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    for axes, (name, label) in zip(panels, GAINS.items(), strict=True):
        for place, (remedy, each) in enumerate(runs.items()):
            scores = 100 * np.array(
                [[one["scores"][str(number)][name] for number in beams] for one in each]
            )
            error = scores.std(0, ddof=1) / len(each) ** 0.5 if len(each) > 1 else None
            at = np.array(beams) + 0.04 * (place - (len(runs) - 1) / 2)  # Bars side by side.
            axes.errorbar(at, scores.mean(0), error, marker="o", capsize=3, label=remedy)
        axes.set(xlabel="beams", ylabel=f"{label} (%)", xticks=beams)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    figure.savefig(path, dpi=150)
    plt.close(figure)


if __name__ == "__main__":
    main()
