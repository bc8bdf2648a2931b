"""The steps of searches against their targets.

Every answer is compared with that of a twin before anything is timed. What is compared runs in
turns, and a ratio is the median over the turns. Run with ``make bench-generation``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benches.python.bench_tagging import ratio, turns
from benches.python.harness import Report, in_child, machine, require_release
from newword.beam import BeamSearch, BidirectionalBeamSearch, Sampler

Array = NDArray[Any]
BATCH, BEAMS, VOCABULARY = 32, 5, 32_000
END = 0
ENDLESS: dict[str, Any] = {"end_token": END, "max_length": 2**31 - 1, "min_length": 2**31 - 1}
FLOOR = Path("target/release/generation")


def log_probs(rows: int, vocabulary: int = VOCABULARY, seed: int = 0) -> Array:
    """Log-probabilities of random logits, float32."""
    logits = np.random.default_rng(seed).normal(size=(rows, vocabulary)).astype(np.float32)
    logits[:, END] = -20
    logits -= np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return logits


def numpy_step(scores: Array, sums: Array) -> tuple[Array, Array, Array]:
    """The twin: parents, tokens and sums of the best, by a partition of each source's scores."""
    batch, beams = sums.shape
    total = (sums[:, :, None] + scores.reshape(batch, beams, -1)).reshape(batch, -1)
    best = np.argpartition(total, -beams, axis=1)[:, -beams:]
    found = np.take_along_axis(total, best, axis=1)
    order = np.argsort(-found, axis=1, kind="stable")
    best, found = (np.take_along_axis(one, order, axis=1) for one in (best, found))
    first = np.arange(batch)[:, None] * beams
    return (best // scores.shape[1] + first).ravel(), (best % scores.shape[1]).ravel(), found


def compare_with_numpy() -> None:
    """Both choose the same. The end is not chosen, so that the twin needs no rule."""
    search = BeamSearch(BATCH, BEAMS, early_stopping=False, **ENDLESS)
    sums = np.full((BATCH, BEAMS), -np.inf)
    sums[:, 0] = 0
    for seed in range(4):
        scores = log_probs(BATCH * BEAMS, seed=seed).astype(np.float64)
        parents, tokens = search.step(scores)
        expected = numpy_step(scores, sums)
        assert (parents == expected[0]).all()
        assert (tokens == expected[1]).all()
        sums = expected[2]


def started(search: Any, *first: Array) -> Any:
    """A search after its first step: from then on all rows are read."""
    search.step(*first)
    return search


def beam_steps(report: Report, count: int) -> None:
    """The step of the target: on one and two threads, and in NumPy."""
    scores = log_probs(BATCH * BEAMS)
    compare_with_numpy()
    one, two = (
        started(BeamSearch(BATCH, BEAMS, threads=threads, **ENDLESS), scores) for threads in (1, 2)
    )
    sums = np.zeros((BATCH, BEAMS), np.float32)
    on_one, on_two = turns(count, lambda: one.step(scores), lambda: two.step(scores))
    mine, twin = turns(3, lambda: two.step(scores), lambda: numpy_step(scores, sums))
    report.add("step, one thread", f"{statistics.median(on_one) * 1e3:.2f} ms")
    report.add("step, two threads", f"{statistics.median(on_two) * 1e3:.2f} ms")
    gain = ratio(twin, mine)
    report.add("  NumPy with argpartition", f"{gain:.0f} x our time", ">= 10 x", gain >= 10)


def floor(report: Report, count: int) -> None:
    """The step and a bare pass over the same memory, both in Rust, in turns."""
    done = subprocess.run([FLOOR, str(count)], check=True, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        threads, arrays, bare, _, step, _ = map(float, line.split())
        where = "in the cache" if arrays == 1 else "in memory"
        name = f"step to a bare pass, {where}, {threads:.0f} threads"
        measured = f"{step / bare:.2f} x ({bare / 1e3:.2f} ms)"
        target = ("<= 1.3 x", step / bare <= 1.3) if threads == 2 else ("", None)
        report.add(name, measured, *target)


def other_steps(report: Report, count: int) -> None:
    """What else a step can be, to the step of the target."""
    scores = log_probs(BATCH * BEAMS)
    usual = started(BeamSearch(BATCH, BEAMS, **ENDLESS), scores)
    half = scores.astype(np.float16)
    as_half = started(BeamSearch(BATCH, BEAMS, **ENDLESS), half)
    pairs = log_probs(8 * BEAMS * BEAMS)
    both = started(
        BidirectionalBeamSearch(8, BEAMS, **{**ENDLESS, "end_token": (0, 1)}), pairs, pairs
    )
    others: dict[str, Callable[[], object]] = {
        "float16": lambda: as_half.step(half),
        "4 groups": sampled(BeamSearch(BATCH, 4, groups=4, diversity=0.5, **ENDLESS), scores[:128]),
        "no repetition of 3-grams": sampled(
            BeamSearch(BATCH, BEAMS, no_repeat_ngram=3, **ENDLESS), scores
        ),
        "both directions, average, batch 8": lambda: both.step(pairs, pairs),
        "greedy sampler": sampled(Sampler(BATCH, BEAMS, temperature=0, **ENDLESS), scores),
        "sampler": sampled(Sampler(BATCH, BEAMS, **ENDLESS), scores),
        "sampler, top_k 50": sampled(Sampler(BATCH, BEAMS, top_k=50, **ENDLESS), scores),
        "sampler, top_p 0.9": sampled(Sampler(BATCH, BEAMS, top_p=0.9, **ENDLESS), scores),
    }
    for name, work in others.items():
        mine, other = turns(count, lambda: usual.step(scores), work)
        measured = f"{statistics.median(other) * 1e3:.2f} ms, {ratio(other, mine):.1f} x the step"
        report.add(f"  {name}", measured)


def sampled(search: Any, scores: Array) -> Callable[[], object]:
    """The steps of a search."""
    started(search, scores)
    return lambda: search.step(scores)


def small_step(report: Report) -> None:
    """A step that is mostly the call."""
    scores = log_probs(3, vocabulary=100)
    search = started(BeamSearch(1, 3, **ENDLESS), scores)

    def steps() -> None:
        for _ in range(1000):
            search.step(scores)

    (times,) = turns(5, steps)
    report.add("step of 3 beams, vocabulary 100", f"{statistics.median(times) * 1e3:.1f} us")


def memory(report: Report) -> None:
    """Ten thousand steps in searches of fifty: the second half must need no more than the first."""
    source = (
        "import numpy as np\n"
        "from newword.beam import BeamSearch\n"
        "scores = np.full((160, 1000), -7, np.float32)\n"
        "scores[:, 1:9] = -np.arange(1, 9)\n"
        "def resident():\n"
        "    return int(open('/proc/self/statm').read().split()[1]) * 4096\n"
        "def run(count, steps):\n"
        "    for _ in range(count):\n"
        "        search = BeamSearch(32, 5, end_token=0, max_length=steps, min_length=steps)\n"
        "        for _ in range(steps):\n"
        "            search.step(scores)\n"
        "        assert search.done\n"
        "run(20, 50)\n"
        "before = resident()\n"
        "run(200, 50)\n"
        "after = resident()\n"
        "run(1, 10_000)\n"
        "answer = [after - before, resident() - after]\n"
    )
    if not Path("/proc/self/statm").exists():
        report.add("memory", "not measured here")
        return
    short, long = in_child(source, None).answer
    ok = short < 2**20
    report.add("growth over 10,000 steps, 200 searches", f"{short / 2**20:.2f} MiB", "< 1 MiB", ok)
    report.add("  one search of 10,000 steps", f"{long / 2**20:.2f} MiB")


def main() -> None:
    """Measures everything; ``--quick`` takes fewer turns."""
    require_release()
    count = 20 if "--quick" in sys.argv[1:] else 200
    print(f"# {machine()}")
    print(f"# batch {BATCH}, beams {BEAMS}, vocabulary {VOCABULARY}; medians of {count} turns")
    report = Report()
    floor(report, count)
    beam_steps(report, count)
    other_steps(report, max(count // 10, 5))
    small_step(report)
    memory(report)


if __name__ == "__main__":
    main()
