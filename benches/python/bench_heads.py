"""The training step of the tagging heads, against that of the softmax head.

The encoder is an embedding, which costs next to nothing: with a real one all ratios are smaller.
Steps of all models take turns, so that noise of the machine meets all of them.
"""

from __future__ import annotations

import argparse
import statistics
import time

import keras
import numpy as np

from harness import Report, machine
from newword.keras import CRF, MEMM, BidirectionalMEMM, SoftmaxTagging

BATCH, STEPS, TAGS, VOCABULARY, FEATURES = 32, 128, 9, 5000, 64
TARGET = 3.0


def model_of(head, **options):
    inputs = keras.Input((None,), dtype="int32")
    hidden = keras.layers.Embedding(VOCABULARY, FEATURES, mask_zero=True)(inputs)
    model = keras.Model(inputs, head(hidden))
    model.compile("adam", head.loss(**options), metrics=[head.accuracy()])
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=60)
    repeat = parser.parse_args().repeat
    rng = np.random.default_rng(0)
    ids = rng.integers(1, VOCABULARY, (BATCH, STEPS)).astype("int32")
    ids[np.arange(STEPS)[None] >= rng.integers(STEPS // 2, STEPS + 1, BATCH)[:, None]] = 0
    labels = np.where(ids > 0, ids % TAGS, -100)
    models = {
        "softmax": model_of(SoftmaxTagging(TAGS)),
        "MEMM": model_of(MEMM(TAGS)),
        "bidirectional MEMM": model_of(BidirectionalMEMM(TAGS)),
        "CRF": model_of(CRF(TAGS)),
        "CRF, twin: plain ops.scan": model_of(CRF(TAGS), twice_differentiable=True),
    }
    times: dict[str, list[float]] = {name: [] for name in models}
    for turn in range(repeat + 5):
        for name, model in models.items():
            start = time.perf_counter()
            model.train_on_batch(ids, labels)
            if turn >= 5:  # The first steps compile.
                times[name].append(time.perf_counter() - start)
    print(f"# {machine()}, keras {keras.__version__} on {keras.backend.backend()}")
    print(f"# batch {BATCH} x {STEPS}, {TAGS} tags, median of {repeat} steps")
    report = Report()
    base = statistics.median(times["softmax"])
    for name, seconds in times.items():
        median = statistics.median(seconds)
        measured = f"{1e3 * median:.2f} ms, {median / base:.2f} x softmax"
        promised = name == "CRF"
        report.add(
            f"step: {name}",
            measured,
            f"at most {TARGET:.0f} x softmax" if promised else "",
            median / base <= TARGET if promised else None,
        )


if __name__ == "__main__":
    main()
