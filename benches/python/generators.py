"""Generation with a model: the share of the search, and a loop that predicts whole prefixes."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benches.python.harness import Report
from newword.beam import BeamSearch

Array = NDArray[Any]
BATCH, BEAMS, STEPS = 32, 5, 20
CHARACTERS, SOURCE = 4_000, 64
SMALLEST = {"units": 32, "num_layers": 1}
USUAL = {"units": 128, "num_layers": 2}


class TimedSearch:
    """A search that measures its own steps."""

    def __init__(self, search: BeamSearch) -> None:
        self.search, self.seconds = search, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.search, name)

    def step(self, log_probs: Array) -> Any:
        """A step of the search."""
        start = time.perf_counter()
        result = self.search.step(log_probs)
        self.seconds += time.perf_counter() - start
        return result


def section(report: Report, *, quick: bool) -> None:
    """The smallest model for the share of the search, a usual one against the loop."""
    import keras

    from newword.keras import LSTMEncoderDecoder

    keras.utils.set_random_seed(0)
    count = BATCH * (4 if quick else 32)
    sources = np.random.default_rng(0).integers(2, CHARACTERS, (count, SOURCE), np.int32)
    small = Generation(LSTMEncoderDecoder(CHARACTERS, **SMALLEST))
    small.run(sources[:BATCH])
    seconds, share, _ = small.run(sources)
    report.add(
        f"share of the search in generate, {SMALLEST['units']} units",
        f"{share:.1%} of {seconds / count * 1e3:.1f} ms a source",
        "<= 10 %",
        share <= 0.1,
    )
    usual = Generation(LSTMEncoderDecoder(CHARACTERS, **USUAL))
    usual.run(sources[:BATCH])
    seconds, share, scores = usual.run(sources)
    few = sources[: BATCH * (1 if quick else 2)]
    predict(usual.model, few[:BATCH])
    start = time.perf_counter()
    expected = np.concatenate([predict(usual.model, batch) for batch in batches(few)])
    slow = (time.perf_counter() - start) / len(few)
    # Where two hypotheses are nearly equal, rounding may choose the other.
    assert np.mean(np.abs(scores[: len(few)] - expected) < 1e-3) >= 0.9
    gain = slow / (seconds / count)
    report.add(
        f"generate, {count} sources, {USUAL['units']} units", f"{seconds:.1f} s, search {share:.1%}"
    )
    measured = f"{gain:.1f} x our time, of {len(few)} sources"
    report.add("  predict with the whole prefix for each token", measured, ">= 10 x", gain >= 10)


def batches(sources: Array) -> list[Array]:
    """Batches of the usual size."""
    return [sources[start : start + BATCH] for start in range(0, len(sources), BATCH)]


def search_of(model: Any) -> BeamSearch:
    """Targets of the same length for every source, so that nothing depends on untrained weights."""
    return BeamSearch(BATCH, BEAMS, end_token=model.end_token, max_length=STEPS, min_length=STEPS)


class Generation:
    """A model with its compiled functions."""

    def __init__(self, model: Any) -> None:
        from newword.keras import CompiledStep
        from newword.keras._backend import compiled

        self.model, self.step = model, CompiledStep(model.step)
        self.start = compiled(partial(model.start, max_length=STEPS), model.variables)

    def run(self, sources: Array) -> tuple[float, float, Array]:
        """Seconds, the share of the search, and the best score of each source."""
        from newword.keras import generate

        scores, searching, start = [], 0.0, time.perf_counter()
        for batch in batches(sources):
            search = TimedSearch(search_of(self.model))
            found = generate(
                self.step, self.start(batch), search, start_token=self.model.start_token
            )
            scores += [results[0].score for results in found]
            searching += search.seconds
        seconds = time.perf_counter() - start
        return seconds, searching / seconds, np.array(scores)


def predict(model: Any, sources: Array) -> Array:
    """The best scores by a loop that calls `predict` with all tokens so far, in one shape."""
    rows = sources.repeat(BEAMS, axis=0)
    prefixes = np.zeros((len(rows), STEPS), np.int32)
    prefixes[:, 0] = model.start_token
    search = search_of(model)
    for step in range(STEPS):
        inputs = {"source": rows, "target": prefixes}
        logits = model.predict(inputs, batch_size=len(rows), verbose=0)[:, step]
        parents, tokens = search.step(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
        if search.done:
            break
        prefixes = prefixes[parents]
        prefixes[:, step + 1] = tokens
    return np.array([results[0].score for results in search.results()])
