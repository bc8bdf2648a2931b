"""Decoding against its targets and peers.

Every answer is compared with that of a twin or a peer before anything is timed. What is compared
runs in turns, and a ratio is the median over the turns. Run with ``make bench-tagging``.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import newword
from benches.python.harness import Report, machine, require_release

Array = NDArray[Any]
SHAPE = (1024, 128, 9)


def problem(shape: tuple[int, int, int], kind: Any = np.float32) -> tuple[Array, Array]:
    """Emissions and transitions, from a fixed seed."""
    rng = np.random.default_rng(0)
    tags = shape[2]
    return rng.normal(size=shape).astype(kind), rng.normal(size=(tags, tags)).astype(kind)


def seconds(work: Callable[[], object]) -> float:
    """The wall time of one run."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def turns(count: int, *works: Callable[[], object]) -> list[list[float]]:
    """The times of each work over ``count`` turns; two turns before them do not count."""
    rows = [[seconds(work) for work in works] for _ in range(count + 2)][2:]
    return [list(column) for column in zip(*rows, strict=True)]


def repeated(count: int, work: Callable[[], object]) -> Callable[[], None]:
    """The same work so many times on end."""

    def run() -> None:
        for _ in range(count):
            work()

    return run


def ratio(above: list[float], below: list[float]) -> float:
    """The median of the ratios of each turn."""
    return statistics.median(a / b for a, b in zip(above, below, strict=True))


def numpy_viterbi(emissions: Array, transitions: Array) -> Array:
    """The twin: one step of all sequences at a time."""
    score = emissions[:, 0]
    origins = []
    for step in range(1, emissions.shape[1]):
        options = score[:, :, None] + transitions
        origins.append(options.argmax(1))
        score = options.max(1) + emissions[:, step]
    tag = score.argmax(1)
    path = [tag]
    for origin in reversed(origins):
        tag = np.take_along_axis(origin, tag[:, None], 1)[:, 0]
        path.append(tag)
    return np.stack(path[::-1], 1)


def numpy_log_partition(emissions: Array, transitions: Array) -> Array:
    """The twin of the sum, in float64."""
    score = emissions[:, 0].astype(np.float64)
    for step in range(1, emissions.shape[1]):
        score = np.logaddexp.reduce(score[:, :, None] + transitions, axis=1) + emissions[:, step]
    return np.asarray(np.logaddexp.reduce(score, axis=1))


def numpy_local(emissions: Array, transitions: Array, normalization: str) -> Array:
    """The twin of local normalisation, in float64: emissions less normalisers."""
    emissions = emissions.astype(np.float64)
    alone = np.logaddexp.reduce(emissions, axis=2)
    ahead = emissions.copy()
    ahead[:, 0] -= alone[:, :1]
    given = np.logaddexp.reduce(emissions[:, :, None] + transitions, axis=3)
    ahead[:, :-1] -= given[:, 1:]
    if normalization == "local":
        return ahead
    behind = emissions.copy()
    behind[:, -1] -= alone[:, -1:]
    given = np.logaddexp.reduce(emissions[:, :, None] + transitions.T, axis=3)
    behind[:, 1:] -= given[:, :-1]
    return np.asarray((ahead + behind) / 2)


def speed(report: Report, count: int) -> None:
    """Nanoseconds for each pair of tags of each step, on one thread and on two."""
    for tags, kind in ((4, np.float32), (9, np.float32), (32, np.float32), (9, np.float64)):
        emissions, transitions = problem((*SHAPE[:2], tags), kind)
        expected = numpy_viterbi(emissions, transitions)
        assert (newword.viterbi(emissions, transitions).paths == expected).all()
        one, two = (on_end(count, emissions, transitions, threads) for threads in (1, 2))
        each = statistics.median(one) * 1e9 / (SHAPE[0] * SHAPE[1] * tags * tags)
        promised = (tags, kind) == (9, np.float32)
        name = f"viterbi, {tags} tags, {np.dtype(kind).name}, one thread"
        target = ("<= 0.15 ns (AVX-512)", each <= 0.15) if promised else ("", None)
        report.add(name, f"{each:.3f} ns a pair of tags", *target)
        if promised:
            # The shortest: who else is on the machine takes more from two cores than from one.
            gain = min(one) / min(two)
            several = (os.cpu_count() or 1) > 1
            measured = (
                f"{gain:.2f} x one (median {statistics.median(one) / statistics.median(two):.2f})"
            )
            report.add("  two threads", measured, ">= 1.8 x", gain >= 1.8 if several else None)


def on_end(count: int, emissions: Array, transitions: Array, threads: int) -> list[float]:
    """The times of calls one right behind the other."""

    def work() -> object:
        return newword.viterbi(emissions, transitions, threads=threads)

    return [seconds(work) for _ in range(count)]


def narrower(report: Report) -> None:
    """The same with narrower vectors, each in a process of its own."""
    program = (
        "from benches.python.bench_tagging import *\n"
        "e, t = problem(SHAPE)\n"
        "assert (newword.viterbi(e, t).paths == numpy_viterbi(e, t)).all()\n"
        "times, = turns(30, lambda: newword.viterbi(e, t, threads=1))\n"
        "print(statistics.median(times) * 1e9 / (e.size * e.shape[2]))\n"
    )
    for name in ("avx2", "baseline"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "NEWWORD_SIMD": name},
            check=True,
            capture_output=True,
            text=True,
        )
        each = float(done.stdout)
        report.add(f"  at most {name}", f"{each:.3f} ns a pair of tags", "<= 0.4 ns", each <= 0.4)


def short_call(report: Report) -> None:
    """One sentence of 20 characters, less what NumPy takes for a call of its own."""
    emissions, transitions = problem((1, 20, 9))
    expected = numpy_viterbi(emissions, transitions)
    assert (newword.viterbi(emissions, transitions).paths == expected).all()
    calls = 2000
    ours, theirs = turns(
        9,
        repeated(calls, lambda: newword.viterbi(emissions, transitions)),
        repeated(calls, lambda: np.add(emissions, 1)),
    )
    ours, theirs = ([time / calls * 1e6 for time in times] for times in (ours, theirs))
    extra = statistics.median(a - b for a, b in zip(ours, theirs, strict=True))
    measured = f"{extra:.1f} us more than np.add"
    report.add("call for 20 characters, decoding included", measured, "<= 5 us", extra <= 5)


def sums(report: Report, count: int) -> None:
    """Marginals and log-partition, to the time of the best path."""
    emissions, transitions = problem(SHAPE)
    expected = numpy_log_partition(emissions, transitions)
    np.testing.assert_allclose(newword.log_partition(emissions, transitions), expected, rtol=1e-9)
    # A marginal is how the log-partition changes with an emission.
    nudged = emissions.astype(np.float64)
    nudged[:, 3, 2] += 1e-4
    slope = (numpy_log_partition(nudged, transitions) - expected) / 1e-4
    found = newword.marginals(emissions, transitions)
    np.testing.assert_allclose(found[:, 3, 2], slope, atol=1e-4)
    best, marginals, partition = turns(
        count,
        lambda: newword.viterbi(emissions, transitions, threads=1),
        lambda: newword.marginals(emissions, transitions, threads=1),
        lambda: newword.log_partition(emissions, transitions, threads=1),
    )
    share = ratio(marginals, best)
    report.add("marginals, 9 tags", f"{share:.2f} x viterbi", "<= 6 x", share <= 6)
    report.add("log-partition, 9 tags", f"{ratio(partition, best):.2f} x viterbi")


def slower_ways(report: Report, count: int) -> None:
    """What the page on decoding says about what does not go side by side."""
    emissions, transitions = problem((256, *SHAPE[1:]))
    own = np.repeat(transitions[None], len(emissions), axis=0)

    def of(name: str, *scores: Array, **more: Any) -> Callable[[], object]:
        return lambda: getattr(newword, name)(*scores, threads=1, **more)

    for name in ("viterbi", "log_partition", "marginals"):
        found, expected = of(name, emissions, own)(), of(name, emissions, transitions)()
        np.testing.assert_allclose(found[-1], expected[-1], rtol=1e-3, atol=1e-5)
        mine, other = turns(count, of(name, emissions, own), of(name, emissions, transitions))
        report.add(f"{name}, own transitions", f"{ratio(mine, other):.1f} x shared ones")
    for row in (slice(None), slice(1)):
        local_normalization(report, count, emissions[row], transitions)
    one, many = turns(
        count,
        repeated(10, of("viterbi", emissions[:1], transitions)),
        repeated(10, of("viterbi", emissions[:16], transitions)),
    )
    each = [statistics.median(one) * 1e5, statistics.median(many) * 1e5 / 16]
    report.add("128 steps, alone and among 16", f"{each[0]:.1f} and {each[1]:.1f} us")


def local_normalization(report: Report, count: int, emissions: Array, transitions: Array) -> None:
    """Decoding of MEMMs to that of a CRF with the same scores."""

    def of(normalization: str) -> Callable[[], newword.ViterbiResult]:
        return lambda: newword.viterbi(
            emissions, transitions, threads=1, normalization=normalization
        )

    many = f"{len(emissions)} sequences" if len(emissions) > 1 else "one sequence"
    for by in ("local", "bidirectional"):
        scores = numpy_local(emissions, transitions, by)
        expected = newword.viterbi(scores, transitions).scores
        np.testing.assert_allclose(of(by)().scores, expected, rtol=1e-5)
        repeats = 1 if len(emissions) > 1 else 50
        mine, other = turns(count, repeated(repeats, of(by)), repeated(repeats, of("global")))
        each = (statistics.median(mine) - statistics.median(other)) / repeats / emissions.size
        measured = f"{ratio(mine, other):.1f} x global, {each * 1e9:.1f} ns more a tag and step"
        report.add(f"viterbi, {by}, {many}", measured)


def twin(report: Report) -> None:
    """The twin in NumPy."""
    emissions, transitions = problem(SHAPE)
    ours, theirs = turns(
        3,
        repeated(10, lambda: newword.viterbi(emissions, transitions, threads=1)),
        lambda: numpy_viterbi(emissions, transitions),
    )
    report.add("NumPy, all sequences at once", f"{10 * ratio(theirs, ours):.0f} x our time")


def hmmlearn(report: Report, count: int) -> None:
    """hmmlearn's decoder in C++, called once a sequence, as it wants."""
    if importlib.util.find_spec("hmmlearn") is None:
        report.add("hmmlearn", "not installed")
        return
    from hmmlearn import _hmmc

    rng = np.random.default_rng(0)
    emissions = problem(SHAPE)[0].astype(np.float64)
    start, matrix = rng.dirichlet(np.ones(9)), rng.dirichlet(np.ones(9), size=9)
    log_start, log_matrix = np.log(start), np.log(matrix)
    single = [array.astype(np.float32) for array in (emissions, log_matrix, log_start)]
    rows = [np.ascontiguousarray(row) for row in emissions]

    def theirs() -> Array:
        return np.stack([_hmmc.viterbi(start, matrix, row)[1] for row in rows])

    def ours() -> Array:
        return newword.viterbi(single[0], single[1], start=single[2], threads=1).paths

    double = newword.viterbi(emissions, log_matrix, start=log_start).paths
    assert (theirs() == double).all()
    assert (ours() == double).mean() > 0.999
    mine, other = turns(count, repeated(10, ours), theirs)
    gain = 10 * ratio(other, mine)
    each = statistics.median(other) * 1e9 / (emissions.size * 9)
    measured = f"{gain:.1f} x our time ({each:.2f} ns)"
    report.add("hmmlearn's C++", measured, ">= 7 x", gain >= 7)


def pytorch_crf(report: Report) -> None:
    """pytorch-crf's decoder."""
    if any(importlib.util.find_spec(name) is None for name in ("torch", "torchcrf")):
        report.add("pytorch-crf", "not installed")
        return
    import torch
    from torchcrf import CRF

    torch.set_num_threads(1)
    emissions, transitions = problem(SHAPE)
    crf = CRF(9, batch_first=True)
    with torch.no_grad():
        crf.transitions.copy_(torch.from_numpy(transitions))
        crf.start_transitions.zero_()
        crf.end_transitions.zero_()
        tensor = torch.from_numpy(emissions)
        expected = newword.viterbi(emissions, transitions).paths
        assert (np.array(crf.decode(tensor)) == expected).mean() > 0.999
        mine, other = turns(
            3,
            repeated(10, lambda: newword.viterbi(emissions, transitions, threads=1)),
            lambda: crf.decode(tensor),
        )
    gain = 10 * ratio(other, mine)
    each = statistics.median(other) * 1e9 / (emissions.size * 9)
    measured = f"{gain:.0f} x our time ({each:.1f} ns)"
    report.add("pytorch-crf", measured, ">= 200 x", gain >= 200)


def main() -> None:
    """Measures everything; ``--quick`` takes fewer turns."""
    require_release()
    quick = "--quick" in sys.argv[1:]
    count = 20 if quick else 200
    print(f"# {machine()}")
    print(f"# batch {SHAPE[0]} x {SHAPE[1]}, seed 0; medians of {count} turns")
    report = Report()
    speed(report, count)
    narrower(report)
    short_call(report)
    sums(report, count // 4)
    slower_ways(report, count // 10)
    twin(report)
    hmmlearn(report, count // 20)
    pytorch_crf(report)


if __name__ == "__main__":
    main()
