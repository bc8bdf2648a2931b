"""How the studies judge generators: measures for each number of beams, and tables of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from _pairs import Pair
from _study import compared, compared_texts, mean_and_spread

__all__ = ["BATCH", "GAINS", "gains", "judged", "max_length", "means"]

BATCH = 64
MEASURES = ("rouge_l", "rouge_1", "rouge_2", "bleu", "exact")
POSITIONS = ("first", "middle", "last")
GAINS = {"rouge_l": "ROUGE-L", "bleu": "BLEU"}

Runs = dict[str, list[dict[str, Any]]]
"""The records of each model, one for each seed."""
Table = tuple[list[str], list[list[str]]]


def max_length(parts: Sequence[Sequence[Pair]]) -> int:
    """The length of the longest target."""
    return max(len(target) for part in parts for _, target in part)


def judged(
    generator: Any, test: list[Pair], beams: Sequence[int], **options: Any
) -> dict[str, Any]:
    """Measures of generated texts by the number of beams: means, and those of each text.

    Args:
        generator: A fitted generator.
        test: The pairs to judge by.
        beams: The numbers of beams.
        **options: Other arguments of `generate`.
    """
    from newword import evaluate_generation
    from newword.keras import position_accuracy

    sources, targets = ([pair[side] for pair in test] for side in range(2))
    scores, per_text = {}, {}
    for number in beams:
        found = generator.generate(sources, beams=number, batch_size=BATCH, **options)
        score = evaluate_generation(targets, found)
        at = position_accuracy(targets, found)
        scores[str(number)] = score.to_dict() | {name: getattr(at, name) for name in POSITIONS}
        per_text[str(number)] = {name: score.per_text[name].round(4).tolist() for name in GAINS}
    return {"scores": scores, "per_text": per_text}


def means(runs: Runs, beams: Sequence[int], label: str, *, positions: bool = False) -> Table:
    """Means over seeds in percent; with `positions` those of first, middle and last characters."""
    names = [*MEASURES, *(POSITIONS if positions else ())]
    rows = []
    for number in map(str, beams):
        for name, each in runs.items():
            scores = [record["scores"][number] for record in each]
            cells = [mean_and_spread([100 * one[name] for one in scores], 2) for name in names]
            rows.append([number, name, *cells])
    return ["beams", label, *names], rows


def gains(runs: Runs, beams: Sequence[int], label: str, base: str) -> Table:
    """Differences from one of the models, in points, with standard errors of seeds and of texts."""
    head = [f"{name}, {over}" for name in GAINS.values() for over in ("seeds", "texts")]
    rows = []
    for number in map(str, beams):
        for model in (name for name in runs if name != base):
            row = [number, model]
            for name in GAINS:
                own, others = (
                    100 * np.array([record["per_text"][number][name] for record in runs[one]])
                    for one in (model, base)
                )
                row.append(compared(own.mean(1), others.mean(1), 2))
                row.append(compared_texts(own, others, 2))
            rows.append(row)
    return ["beams", label, *head], rows
