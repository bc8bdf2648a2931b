"""Label bias, on a toy: is f(B) trained where A is always followed by B?

Sequences are made of the pairs A B and C D. A step shows its tag as a vector with noise, and in
training the noise is low everywhere. At test the first step of each pair, A or C, is also shown
dimly (much noise) or not at all, while the second, B or D, stays as clear as it was: the second
step is right if the emission f(B) was learnt and is listened to, and tells the first step then.

    python examples/label_bias.py --seeds 5
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from _models import HEADS, head_layer
from _study import Results, arguments, mean_and_spread, print_table, progress, set_up

TAGS = "ABCD"
PAIRS = 4
NOISE = 0.3
VIEWS = {"clear": (1.0, NOISE), "dim": (1.0, 1.0), "hidden": (0.0, NOISE)}
"""How strongly the first step of a pair shows its tag, and the noise on it."""


MARGINS = ("f(A)", "f(B)", "g")


def main() -> None:
    """Trains every head for every seed and prints the table."""
    parser = arguments(__doc__, seeds=5)
    parser.add_argument("--multipliers", type=float, nargs="+", default=[1.0, 10.0])
    given = parser.parse_args()
    if given.quick:
        given.seeds, given.multipliers = 1, [1.0]
    set_up(given)
    results = Results(given.results)
    steps = 100 if given.quick else 600
    rows = []
    for head, multiplier in cases(given):
        records = []
        for seed in range(given.seeds):
            key = {"head": head, "multiplier": multiplier, "seed": seed, "steps": steps}
            with progress(f"{head} x {multiplier:g}, seed {seed}"):
                records.append(results.once(key, lambda key=key: trained(**key)))
        rows.append([head, f"x {multiplier:g}", *columns(records)])
    print("f(A), f(B): score of the tag less that of its rival (C, D), where the tag is shown;")
    print("g: g(A, B) - g(A, D). The share of second steps, B and D, that are right at test:")
    views = [f"A {view}" for view in VIEWS]
    decoded = [*views, *(f"{view}, numerator" for view in views)]
    print_table(["head", "rate of g", "f(A)", "f(B)", "g", *decoded], rows)


def cases(given: argparse.Namespace) -> list[tuple[str, float]]:
    """Heads and the multipliers of their transitions' learning rate."""
    rest = [(head, one) for head in HEADS[1:] for one in given.multipliers]
    return [("softmax", 1.0), *rest]


def columns(records: list[dict[str, Any]]) -> list[str]:
    """What the table says about the runs of a head."""
    margins = [mean_and_spread([one[name] for one in records], 1) for name in MARGINS]
    shares = [
        mean_and_spread([one["right"][view][method] for one in records], 2)
        for method in ("map", "numerator")
        for view in VIEWS
    ]
    return [*margins, *shares]


def trained(head: str, multiplier: float, seed: int, steps: int) -> dict[str, Any]:
    """Trains a head without an encoder, and measures what it has learnt."""
    import keras
    from keras import ops

    from newword.keras import decode

    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    layer = head_layer(head, len(TAGS), multiplier)
    inputs = keras.Input((2 * PAIRS, len(TAGS)))
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.Adam(0.01), layer.loss())
    for _ in range(steps):
        model.train_on_batch(*sample(rng, 64, "clear"))
    right: dict[str, dict[str, float]] = {}
    for view in VIEWS:
        features, tags = sample(np.random.default_rng(1_000 + seed), 1_000, view)
        packed = model.predict_on_batch(features)
        right[view] = {
            method: float((decode(packed, method=method) == tags)[:, 1::2].mean())
            for method in ("map", "numerator")
        }
    f = ops.convert_to_numpy(layer.kernel(np.eye(len(TAGS), dtype="float32")))
    g = np.zeros((4, 4)) if head == "softmax" else ops.convert_to_numpy(layer.transitions)
    a, b, c, d = range(4)
    values = (f[a, a] - f[a, c], f[b, b] - f[b, d], g[a, b] - g[a, d])
    return {**dict(zip(MARGINS, map(float, values), strict=True)), "right": right}


def sample(
    rng: np.random.Generator, sequences: int, view: str
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Features (sequences, steps, tags) and tags (sequences, steps), seen in one of the views."""
    first = 2 * rng.integers(0, 2, (sequences, PAIRS))
    tags = np.stack([first, first + 1], axis=-1).reshape(sequences, -1)
    strength, noise = VIEWS[view]
    strengths, noises = np.tile([strength, 1.0], PAIRS), np.tile([noise, NOISE], PAIRS)
    signal = np.eye(len(TAGS))[tags] * strengths[:, None]
    features = signal + rng.normal(size=signal.shape) * noises[:, None]
    return features.astype("float32"), tags.astype("int32")


if __name__ == "__main__":
    main()
