"""Softmax, MEMM, bidirectional MEMM and CRF on the same encoders: F1 and time.

Four public sets are known by name, under the folder that --data names, at the places that
`_datasets.SETS` lists; any other set by its files. Encoders have no pretrained weights.

    python examples/compare_heads.py --data FOLDER --results heads.jsonl
    python examples/compare_heads.py --files train.txt dev.txt test.txt
    python examples/compare_heads.py --timing
"""

from __future__ import annotations

import argparse
import functools
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from _datasets import SETS, Task, from_files, named, synthetic
from _models import ALL_WAYS, BATCH, ENCODERS, HEADS, Characters, Model, fit, judge, model_of
from _study import (
    Results,
    arguments,
    compared,
    mean_and_spread,
    print_table,
    progress,
    set_up,
    take_turns,
)
from newword import TagScheme

PAIRS = (
    ("memm", "softmax"),
    ("bidirectional_memm", "memm"),
    ("crf", "bidirectional_memm"),
    ("crf", "softmax"),
)
"""The claims of the article, as differences, and what a CRF gains in all."""
STEPS = 64
"""The length of the sentences that are timed."""


def main() -> None:
    """Trains and judges every pair of encoder and head, or times them."""
    given = parsed()
    set_up(given)
    results = Results(given.results)
    if given.timing:
        time_all(results, given)
        return
    for task in tasks(given):
        parts = (len(task.train), len(task.dev), len(task.test))
        print(f"{task.name}: {task.scheme.num_tags} tags, {parts} sentences", flush=True)
        records = list(trainings(results, task, given))
        print_scores(records, given)
        print_differences(records, given)
    if given.quick:
        time_all(results, given)


def parsed() -> argparse.Namespace:
    """The arguments."""
    parser = arguments(__doc__, seeds=3)
    parser.add_argument("--data", type=Path, help="the folder of the sets known by name")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--files", type=Path, nargs="+", help="train, dev and test, or all in one")
    kinds = ("words", "tags", "tags_digits")
    parser.add_argument("--kind", default="tags", choices=kinds, help="of the files")
    parser.add_argument("--encoders", nargs="+", default=list(ENCODERS), choices=ENCODERS)
    parser.add_argument("--heads", nargs="+", default=list(HEADS), choices=HEADS)
    parser.add_argument("--sentences", type=int, default=3_000, help="for training, at most")
    parser.add_argument("--dev", type=int, default=400, help="sentences to stop by, at most")
    parser.add_argument("--test", type=int, default=1_000, help="sentences to judge by, at most")
    parser.add_argument("--epochs", type=int, default=15, help="at most")
    parser.add_argument("--patience", type=int, default=3)
    parser.add_argument("--rate", type=float, default=5e-3, help="the learning rate")
    parser.add_argument("--multiplier", type=float, default=1.0, help="of the transitions' rate")
    parser.add_argument("--timing", action="store_true", help="time steps and decoding instead")
    parser.add_argument("--turns", type=int, default=50, help="that are timed")
    given = parser.parse_args()
    if len(given.files or [""]) not in (1, 3):
        parser.error("--files takes one file or three")
    if given.quick:
        given.encoders, given.heads, given.turns = ["convolution"], ["softmax", "memm"], 5
        given.seeds, given.epochs, given.data, given.files = 2, 2, None, None
        given.sentences, given.dev, given.test = 800, 100, 200
    elif not (given.timing or given.data or given.files):
        parser.error("one of --data, --files, --timing and --quick is needed")
    return given


def tasks(given: argparse.Namespace) -> Iterator[Task]:
    """The tasks that were asked for, cut to size."""
    if given.files:
        every = iter([from_files(given.files[0].stem, given.files, given.kind)])
    elif given.data:
        every = (named(name, given.data) for name in given.sets)
    else:
        every = iter([synthetic()])
    for task in every:
        yield task.cut(given.sentences, given.dev, given.test)


def trainings(results: Results, task: Task, given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The records of all trainings of a task."""
    characters = Characters([one.text for one in task.train])
    cases = [(encoder, head) for encoder in given.encoders for head in given.heads]
    for encoder, head in cases:
        for seed in range(given.seeds):
            key = {
                "set": task.name,
                "train": len(task.train),
                "dev": len(task.dev),
                "tested": len(task.test),
                "encoder": encoder,
                "head": head,
                "rate": given.rate,
                "multiplier": given.multiplier,
                "epochs": given.epochs,
                "patience": given.patience,
                "seed": seed,
            }
            work = functools.partial(train, task, characters, key)
            with progress(f"{task.name}, {encoder}, {head}, seed {seed}"):
                record = results.once(key, work)
            yield record


def train(task: Task, characters: Characters, key: dict[str, Any]) -> dict[str, Any]:
    """One training, judged on the test part with the weights of the best epoch."""
    model = model_of(
        key["encoder"], key["head"], task.scheme, len(characters), key["multiplier"]
    ).start(key["seed"], key["rate"])
    options = {name: key[name] for name in ("epochs", "patience", "seed")}
    fitted = fit(task, model, characters, **options)
    return {**fitted, "test": judge(task.test, model, characters, ALL_WAYS)}


def print_scores(records: list[dict[str, Any]], given: argparse.Namespace) -> None:
    """The F1 of every encoder, head and way to decode."""
    rows = []
    for encoder in given.encoders:
        for head in given.heads:
            chosen = [one for one in records if (one["encoder"], one["head"]) == (encoder, head)]
            scores = [mean_and_spread([one["test"][way] for one in chosen]) for way in ALL_WAYS]
            epochs = f"{statistics.fmean(one['best_epoch'] for one in chosen):.1f}"
            illegal = f"{statistics.fmean(one['test']['illegal'] for one in chosen):.2%}"
            rows.append([encoder, head, *scores, illegal, epochs])
    print_table(["encoder", "head", *ALL_WAYS, "illegal pairs", "best epoch"], rows)


def print_differences(records: list[dict[str, Any]], given: argparse.Namespace) -> None:
    """What one head gains over another, seed by seed."""
    rows = []
    for encoder in given.encoders:
        scores = {
            (head, way): [
                one["test"][way]
                for one in records
                if (one["encoder"], one["head"]) == (encoder, head)
            ]
            for head in given.heads
            for way in ALL_WAYS
        }
        rows += [
            [encoder, f"{head} - {other}"]
            + [compared(scores[head, way], scores[other, way]) for way in ALL_WAYS]
            for head, other in PAIRS
            if head in given.heads and other in given.heads
        ]
    print_table(["encoder", "difference", *ALL_WAYS], rows)


def time_all(results: Results, given: argparse.Namespace) -> None:
    """Training steps and decoding of one shape, all heads of an encoder in turns."""
    print(f"median ms of {given.turns} turns, batch {BATCH} x {STEPS}; in brackets: to softmax")
    rows = []
    schemes = [TagScheme("BMES"), TagScheme("BMES", list("abcdefgh"))]
    for encoder in given.encoders:
        for scheme in schemes[:1] if given.quick else schemes:
            key = {
                "timed": encoder,
                "tags": scheme.num_tags,
                "heads": given.heads,
                "turns": given.turns,
                "backend": backend(),
            }
            work = functools.partial(timed, encoder, scheme, given)
            with progress(f"timing {encoder}, {scheme.num_tags} tags"):
                record = results.once(key, work)
            rows += [
                [encoder, scheme.num_tags, head, *(shown(record, kind, head) for kind in KINDS)]
                for head in given.heads
            ]
    print_table(["encoder", "tags", "head", *KINDS], rows)


KINDS = ("training step", "encoder and head", "decoding, map", "decoding, numerator")


def backend() -> str:
    """The name of the backend."""
    import keras

    return str(keras.backend.backend())


def timed(encoder: str, scheme: TagScheme, given: argparse.Namespace) -> dict[str, Any]:
    """Seconds of every turn, by kind of work and head."""
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 3_000, (BATCH, STEPS)).astype("int32")
    targets = rng.integers(0, scheme.num_tags, ids.shape).astype("int32")
    works: dict[str, dict[str, Callable[[], Any]]] = {kind: {} for kind in KINDS}
    for head in given.heads:
        model = Model(encoder, head, scheme, 3_000).start(0, 1e-3)
        step = functools.partial(model.keras.train_on_batch, ids, targets)
        works["training step"][head] = step
        works["encoder and head"][head] = functools.partial(model.packed, ids)
        packed = model.packed(ids)
        for method in ("map", "numerator"):
            works[f"decoding, {method}"][head] = functools.partial(
                model.decoded, packed, rules=False, method=method
            )
    return {kind: take_turns(each, given.turns) for kind, each in works.items()}


def shown(record: dict[str, Any], kind: str, head: str) -> str:
    """The median in ms, and the median of the ratios to the first head's of the same turn."""
    times, base = (np.array(record[kind][name]) for name in (head, record["heads"][0]))
    return f"{1e3 * np.median(times):.2f} ({np.median(times / base):.2f})"


if __name__ == "__main__":
    main()
