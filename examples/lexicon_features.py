"""Words found in unlabelled text as an input of a tagger: do they help where labels are few?

A lexicon is discovered in each unlabelled corpus. Taggers then learn to segment from a few
sentences, drawn anew for every seed, with and without the lexicon's opinion of each character.

    python examples/lexicon_features.py --data FOLDER --corpora raw/xwlb_news.txt
"""

from __future__ import annotations

import argparse
import functools
from pathlib import Path
from typing import Any

import numpy as np

import newword
from _datasets import SYNTHETIC, Sentence, Task, named, synthetic
from _study import Results, arguments, compared, mean_and_spread, print_table, progress, set_up

NONE = "no lexicon"
COLOURS = ("0.35", "tab:blue", "tab:orange", "tab:green")


def main() -> None:
    """Discovers, trains, prints the table, and draws the figure if asked to."""
    given = parsed()
    set_up(given)
    task = named("people_daily", given.data) if given.data else synthetic()
    task = task.cut(None, given.dev, given.test)
    lexicons = discovered(given)
    alone = {name: segmented(task, lexicon) for name, lexicon in lexicons.items() if lexicon}
    for name, f1 in alone.items():
        print(f"{name}: {len(lexicons[name])} words, which alone segment with an F1 of {f1:.3f}")
    results = Results(given.results)
    scores = {
        (name, size): [
            trained(results, task, given, (name, lexicon, size, seed))
            for seed in range(given.seeds)
        ]
        for size in given.sizes
        for name, lexicon in lexicons.items()
    }
    rows = []
    for (name, size), each in scores.items():
        gain = "" if name == NONE else compared(each, scores[NONE, size])
        rows.append([size, name, mean_and_spread(each), gain])
    print_table(["sentences", "lexicon", "F1", f"gain over {NONE}"], rows)
    if given.figure:
        draw(given.figure, scores, alone)


def parsed() -> argparse.Namespace:
    """The arguments."""
    parser = arguments(__doc__, seeds=3)
    parser.add_argument("--data", type=Path, help="the folder with cws/; built-in data without it")
    parser.add_argument("--corpora", nargs="+", default=["raw/xwlb_news.txt"], help="below --data")
    parser.add_argument("--min-count", type=int, default=8, help="of a word in a corpus")
    parser.add_argument("--sizes", type=int, nargs="+", default=[50, 200, 1_000])
    parser.add_argument("--dev", type=int, default=300, help="sentences to stop by")
    parser.add_argument("--test", type=int, default=1_000, help="sentences to judge by")
    parser.add_argument("--encoder", default="dgcnn")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--head", default="crf")
    parser.add_argument("--epochs", type=int, default=20, help="at most")
    parser.add_argument("--figure", type=Path, help="the PNG to draw")
    given = parser.parse_args()
    if given.quick:
        given.data, given.seeds, given.sizes, given.epochs = None, 1, [40], 4
        given.layers, given.head = 1, "softmax"
        given.dev, given.test = 100, 300
    return given


def discovered(given: argparse.Namespace) -> dict[str, Any]:
    """A lexicon for each corpus by its name, and none."""
    if given.data is None:
        text = list(SYNTHETIC.lines(n_chars=100_000))
        return {NONE: None, "synthetic": newword.discover(text, min_count=given.min_count)}
    lexicons: dict[str, Any] = {NONE: None}
    for corpus in given.corpora:
        path = given.data / corpus
        with progress(f"discovering the words of {path.name}"):
            lexicons[path.stem] = newword.discover(path, min_count=given.min_count)
    return lexicons


def words(sentence: Sentence) -> list[str]:
    """The words of a sentence."""
    return [sentence.text[start:end] for start, end, _ in sentence.spans]


def segmented(task: Task, lexicon: newword.Lexicon) -> float:
    """The F1 of the lexicon by itself, without any label."""
    found = lexicon.segment_many([one.text for one in task.test])
    return newword.evaluate_segmentation(map(words, task.test), found).f1


def trained(
    results: Results, task: Task, given: argparse.Namespace, case: tuple[str, Any, int, int]
) -> float:
    """The F1 on the test part of a tagger that learnt from a few sentences."""
    name, lexicon, size, seed = case
    key = {
        "set": task.name,
        "lexicon": name,
        "min_count": given.min_count,
        "sentences": size,
        "encoder": given.encoder,
        "layers": given.layers,
        "head": given.head,
        "epochs": given.epochs,
        "seed": seed,
    }
    chosen = np.random.default_rng(seed).permutation(len(task.train))[:size]
    sample = [words(task.train[place]) for place in chosen]
    work = functools.partial(train, task, sample, lexicon, key)
    with progress(f"{size} sentences, {name}, seed {seed}"):
        return float(results.once(key, work)["test_f1"])


def train(
    task: Task, sample: list[list[str]], lexicon: Any, key: dict[str, Any]
) -> dict[str, float]:
    """One training, stopped by the F1 on the development part."""
    from newword.keras import Tagger

    tagger = Tagger(
        task.scheme,
        encoder=key["encoder"],
        num_layers=key["layers"],
        head=key["head"],
        lexicon=lexicon,
        lr_multiplier=1 if key["head"] == "softmax" else 10,
        seed=key["seed"],
    )
    history = tagger.fit(
        None,
        sample,
        validation_data=(None, [words(one) for one in task.dev]),
        epochs=key["epochs"],
        batch_size=8,
        learning_rate=2e-3,
        patience=4,
        verbose=0,
    )
    f1 = tagger.evaluate(None, [words(one) for one in task.test]).f1
    return {"test_f1": f1, "dev_f1": max(history.history["val_f1"])}


def draw(path: Path, scores: dict[tuple[str, int], list[float]], alone: dict[str, float]) -> None:
    """F1 by the number of labelled sentences, a line a lexicon."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 3.8), layout="constrained")
    sizes = sorted({size for _, size in scores})
    for name, colour in zip(dict.fromkeys(name for name, _ in scores), COLOURS, strict=False):
        values = np.array([scores[name, size] for size in sizes])
        label = name if name == NONE else f"words of {name}"
        axes.errorbar(
            sizes,
            values.mean(axis=1),
            values.std(axis=1, ddof=1 if values.shape[1] > 1 else 0),
            color=colour,
            marker="o",
            capsize=3,
            label=label,
        )
        if name in alone:
            axes.axhline(alone[name], color=colour, linestyle=":", label=f"{name}, no labels")
    axes.set(xscale="log", xlabel="labelled sentences", ylabel="F1 of words, test")
    axes.set_xticks(sizes, [str(size) for size in sizes])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
