"""Every layer of `newword.keras` with its oracle: the same in plain NumPy, for one sequence."""

from __future__ import annotations

import newword.keras as nk
from tests.keras.harness import Case

POOLINGS = [
    Case("MaskedMeanPooling", nk.MaskedMeanPooling, lambda _, x: x.mean(0)),
    Case("MaskedSumPooling", nk.MaskedSumPooling, lambda _, x: x.sum(0)),
    Case("MaskedMaxPooling", nk.MaskedMaxPooling, lambda _, x: x.max(0)),
    Case("MaskedMinPooling", nk.MaskedMinPooling, lambda _, x: x.min(0)),
    Case("MaskedStdPooling", nk.MaskedStdPooling, lambda _, x: x.std(0)),
    Case(
        "keepdims",
        lambda: nk.MaskedMeanPooling(keepdims=True),
        lambda _, x: x.mean(0, keepdims=True),
    ),
]

CASES = POOLINGS
