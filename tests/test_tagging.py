"""Decoders against all paths, and what must not make a difference to them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import Any

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import newword
from newword import InvalidArgumentError, LowRankTransitions
from tests.support.decoding import Array, Chain

DECODERS: list[Callable[..., Any]] = [
    newword.viterbi,
    newword.beam_search,
    newword.greedy_decode,
    newword.posterior_decode,
]


def scores(shape: tuple[int, ...], kind: Any = np.float64) -> st.SearchStrategy[Array]:
    values = st.one_of(
        st.integers(-3, 3).map(float),
        st.floats(-8, 8, width=32),
    )
    return arrays.arrays(kind, shape, elements=values)


@st.composite
def problems(draw: st.DrawFn) -> dict[str, Any]:
    batch, steps, tags = draw(st.tuples(st.integers(1, 20), st.integers(1, 4), st.integers(1, 3)))
    kind = draw(st.sampled_from([np.float32, np.float64]))
    own = draw(st.booleans())
    return {
        "emissions": draw(scores((batch, steps, tags), kind)),
        "transitions": draw(scores((batch, tags, tags) if own else (tags, tags), kind)),
        "start": draw(scores((tags,), kind)),
        "end": draw(scores((tags,), kind)),
        "mask": draw(arrays.arrays(np.bool_, (batch, steps))),
    }


def chains(problem: dict[str, Any]) -> list[Chain]:
    matrices = problem["transitions"]
    whole = [problem[name].astype(np.float64) for name in ("start", "end")]
    return [
        Chain(
            emissions[mask].astype(np.float64),
            (matrices if matrices.ndim == 2 else matrices[row]).astype(np.float64),
            *whole,
        )
        for row, (emissions, mask) in enumerate(
            zip(problem["emissions"], problem["mask"], strict=True)
        )
    ]


def random(shape: tuple[int, int, int], kind: Any = np.float32, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    batch, steps, tags = shape
    return {
        "emissions": rng.normal(size=shape).astype(kind),
        "transitions": rng.normal(size=(tags, tags)).astype(kind),
        "start": rng.normal(size=tags).astype(kind),
        "end": rng.normal(size=tags).astype(kind),
        "lengths": rng.integers(0, steps + 1, batch),
    }


@settings(deadline=None, max_examples=150)
@given(problems())
def test_all_functions_agree_with_enumeration(problem: dict[str, Any]) -> None:
    single = problem["emissions"].dtype == np.float32
    within = 1e-4 if single else 1e-9
    close: dict[str, Any] = {"rtol": within, "atol": within}
    found = newword.viterbi(**problem)
    several = newword.k_best(k=5, **problem)
    totals = newword.log_partition(**problem)
    marginals = newword.marginals(**problem)
    posterior = newword.posterior_decode(**problem)
    assert found.scores.dtype == marginals.dtype == problem["emissions"].dtype
    assert found.paths.dtype == np.int32
    for row, chain in enumerate(chains(problem)):
        mask = problem["mask"][row]
        path = tuple(found.paths[row][mask].tolist())
        assert (found.paths[row][~mask] == -1).all()
        best, score = chain.best()
        np.testing.assert_allclose(found.scores[row], score, **close)
        np.testing.assert_allclose(chain.score(path), score, **close)
        if not single:
            assert path == best or abs(chain.score(path) - score) < 1e-12
        everything = sorted(map(chain.score, chain.paths()), reverse=True)[:5]
        np.testing.assert_allclose(several.scores[row][: len(everything)], everything, **close)
        if not mask.any():
            assert totals[row] == 0
            assert not marginals[row].any()
            continue
        np.testing.assert_allclose(totals[row], chain.log_partition(), **close)
        expected = chain.marginals()
        np.testing.assert_allclose(marginals[row][mask], expected, **close)
        assert not marginals[row][~mask].any()
        right = [sum(expected[t, k] for t, k in enumerate(path)) for path in chain.paths()]
        np.testing.assert_allclose(posterior.scores[row], max(right), **close)
        local = chain.local().best()[1]
        memm = newword.viterbi(**problem, normalization="local")
        np.testing.assert_allclose(memm.scores[row], local, **close)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1, 7, 5), (37, 23, 9), (70, 11, 300)])
def test_padding_order_and_threads_make_no_difference(
    shape: tuple[int, int, int], kind: Any
) -> None:
    problem = random(shape, kind)
    expected = newword.viterbi(**problem)
    sums = newword.log_partition(**problem)
    batch, steps, tags = shape
    for threads in (1, 2, 5):
        again = newword.viterbi(**problem, threads=threads)
        np.testing.assert_array_equal(again.paths, expected.paths)
        np.testing.assert_array_equal(again.scores, expected.scores)
    turned = np.random.default_rng(1).permutation(batch)
    other = {**problem, "emissions": problem["emissions"][turned]}
    other["lengths"] = problem["lengths"][turned]
    np.testing.assert_array_equal(newword.viterbi(**other).paths, expected.paths[turned])
    # More padding, with rubbish in it, behind or in front.
    rubbish = np.full((batch, 6, tags), np.nan, kind)
    wide = {**problem, "emissions": np.concatenate([problem["emissions"], rubbish], 1)}
    np.testing.assert_array_equal(newword.viterbi(**wide).scores, expected.scores)
    np.testing.assert_array_equal(newword.log_partition(**wide), sums)
    left = {**problem, "emissions": np.concatenate([rubbish, problem["emissions"]], 1)}
    del left["lengths"]
    left["mask"] = np.concatenate(
        [np.zeros((batch, 6), bool), np.arange(steps)[None] < problem["lengths"][:, None]], 1
    )
    np.testing.assert_array_equal(newword.viterbi(**left).paths[:, 6:], expected.paths)
    np.testing.assert_array_equal(newword.log_partition(**left), sums)


@pytest.mark.parametrize("decode", DECODERS)
def test_a_constant_on_all_scores_changes_no_path(decode: Any) -> None:
    problem = random((20, 9, 4), np.float64)
    shifted = {**problem, "emissions": problem["emissions"] + 2.0}
    np.testing.assert_array_equal(decode(**problem).paths, decode(**shifted).paths)


def test_k_best_are_sorted_and_distinct() -> None:
    problem = random((9, 8, 4))
    found = newword.k_best(k=30, **problem)
    np.testing.assert_array_equal(found.paths[:, 0], newword.viterbi(**problem).paths)
    for row, length in enumerate(problem["lengths"]):
        real = found.paths[row][np.isfinite(found.scores[row])]
        assert (np.diff(found.scores[row][: len(real)]) <= 0).all()
        assert len(real) == min(30, 4 ** int(length)) == len({tuple(path) for path in real})


def test_a_beam_is_never_better_and_at_full_width_as_good() -> None:
    problem = random((30, 12, 8))
    best = newword.viterbi(**problem)
    last = newword.greedy_decode(**problem).scores
    for width in (2, 4):
        scores = newword.beam_search(**problem, beam_size=width).scores
        assert (scores <= best.scores).all()
        assert scores.sum() >= last.sum()
        last = scores
    full = newword.beam_search(**problem, beam_size=8)
    np.testing.assert_array_equal(full.paths, best.paths)


def test_path_scores_are_those_the_paths_were_found_with() -> None:
    problem = random((30, 12, 8))
    found = newword.viterbi(**problem)
    np.testing.assert_array_equal(newword.path_score(**problem, paths=found.paths), found.scores)


def test_low_rank_needs_no_matrix() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(2, 40, 3))
    problem = {"emissions": rng.normal(size=(5, 7, 40)), "transitions": left @ right.T}
    low = {**problem, "transitions": LowRankTransitions(left, right)}
    expected = newword.viterbi(**problem)
    found = newword.viterbi(**low)
    np.testing.assert_array_equal(found.paths, expected.paths)
    np.testing.assert_allclose(found.scores, expected.scores)
    local = newword.viterbi(**low, normalization="local")
    np.testing.assert_allclose(
        local.scores, newword.viterbi(**problem, normalization="local").scores
    )
    # 20,000 tags: a matrix would take 1.6 GB.
    many = LowRankTransitions(*rng.normal(size=(2, 20_000, 4)).astype(np.float32))
    emissions = rng.normal(size=(1, 5, 20_000)).astype(np.float32)
    wide = newword.beam_search(emissions, many, beam_size=64)
    assert wide.scores[0] <= newword.viterbi(emissions, many).scores[0] + 1e-3


def test_no_transitions_need_no_matrix_either() -> None:
    # Zeros for 40,000 tags would take 12.8 GB.
    emissions = np.zeros((1, 2, 40_000))
    emissions[0, 0, 7] = emissions[0, 1, 39_999] = 1
    assert newword.viterbi(emissions).paths.tolist() == [[7, 39_999]]


def test_second_order_adds_scores_of_three() -> None:
    rng = np.random.default_rng(0)
    problem = random((6, 5, 3), np.float64)
    triples = rng.normal(size=(3, 3, 3))
    found = newword.viterbi(**problem, second_order=triples)
    flat = newword.viterbi(**problem, second_order=np.zeros((3, 3, 3)))
    np.testing.assert_array_equal(flat.paths, newword.viterbi(**problem).paths)
    problem["mask"] = np.arange(5)[None] < problem.pop("lengths")[:, None]
    for row, chain in enumerate(chains(problem)):
        worth = [
            chain.score(path)
            + sum(triples[three] for three in zip(path, path[1:], path[2:], strict=False))
            for path in chain.paths()
        ]
        np.testing.assert_allclose(found.scores[row], max(worth))


def test_samples_depend_on_the_seed_alone_and_have_the_right_frequencies() -> None:
    problem = random((2, 3, 3), np.float64)
    problem["lengths"] = np.array([3, 2])
    drawn = newword.sample_paths(**problem, size=20_000, seed=3)
    again = newword.sample_paths(**problem, size=20_000, seed=3, threads=1)
    np.testing.assert_array_equal(drawn, again)
    assert (drawn != newword.sample_paths(**problem, size=20_000, seed=4)).any()
    expected = newword.marginals(**problem)
    for tag in range(3):
        share = (drawn == tag).mean(axis=1)
        np.testing.assert_allclose(share, expected[:, :, tag], atol=0.02)
    assert newword.sample_paths(**problem, size=0, seed=0).shape == (2, 0, 3)


def test_constraints() -> None:
    problem = random((4, 6, 3), np.float64)
    problem["transitions"][0, 1] = -np.inf
    allowed = np.random.default_rng(0).random((4, 6, 3)) < 0.8
    allowed[:, :, 2] = True
    for decode in DECODERS:
        paths = decode(**problem, allowed=allowed).paths
        for row, length in enumerate(problem["lengths"]):
            path = paths[row, :length]
            assert allowed[row, np.arange(length), path].all()
            assert not ((path[:-1] == 0) & (path[1:] == 1)).any()
    # A MEMM keeps the probabilities it learnt; what is allowed narrows down the paths.
    free = newword.viterbi(**problem, normalization="local")
    held = newword.viterbi(**problem, normalization="local", allowed=allowed)
    scores = newword.path_score(**problem, paths=held.paths, normalization="local")
    np.testing.assert_allclose(held.scores, scores)
    assert (held.scores <= free.scores).all()


def test_types_and_layouts() -> None:
    problem = random((4, 6, 3))
    expected = newword.viterbi(**problem)
    strided = np.asfortranarray(problem["emissions"])
    np.testing.assert_array_equal(
        newword.viterbi(**{**problem, "emissions": strided}).paths, expected.paths
    )
    half = newword.viterbi(problem["emissions"].astype(np.float16))
    assert half.scores.dtype == np.float32
    assert newword.viterbi([[[1, 2]]]).scores.dtype == np.float64
    read_only = problem["emissions"].copy()
    read_only.flags.writeable = False
    newword.viterbi(read_only)
    assert newword.viterbi(read_only[::2, 1:]).paths.shape == (2, 5)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"emissions": np.zeros((2, 3))}, r"emissions: must be of shape .* got \(2, 3\)"),
    ({"emissions": np.zeros((0, 3, 2))}, r"emissions: .* got \(0, 3, 2\)"),
    ({"emissions": np.zeros((2, 0, 2))}, "emissions"),
    ({"emissions": np.zeros((2, 3, 2), complex)}, "emissions: must be real numbers"),
    ({"emissions": np.zeros((2, 3, 2), bool)}, "emissions: must be real numbers"),
    ({"emissions": [[[1.0], [1.0, 2.0]]]}, "emissions"),
    ({"emissions": np.full((2, 3, 2), np.nan)}, r"emissions: .* NaN at \[0, 0, 0\]"),
    ({"emissions": np.full((2, 3, 2), np.inf)}, r"emissions: .* inf at \[0, 0, 0\]"),
    ({"emissions": np.full((2, 3, 2), -np.inf)}, "emissions: must leave at least one tag"),
    ({"transitions": np.zeros((3, 3))}, r"transitions: .* \(2, 2\) or \(2, 2, 2\), got \(3, 3\)"),
    ({"transitions": np.full((2, 2), np.nan)}, r"transitions: .* at \[0, 0\]"),
    ({"transitions": np.full((2, 2), -np.inf)}, "transitions: .* none for sequence 0"),
    ({"transitions": "ab"}, "transitions"),
    ({"transitions": LowRankTransitions(np.zeros((2, 1)), np.zeros((3, 1)))}, "transitions.right"),
    (
        {"transitions": LowRankTransitions(np.full((2, 1), np.nan), np.zeros((2, 1)))},
        "transitions.left: must be finite",
    ),
    ({"lengths": [1, 4]}, r"lengths: must be between 0 and 3, got 4 at \[1\]"),
    ({"lengths": [1, -1]}, r"lengths: .* got -1"),
    ({"lengths": [1.0, 2.0]}, "lengths: must be whole numbers"),
    ({"lengths": [1]}, r"lengths: must be of shape \(2,\)"),
    ({"mask": np.ones((2, 3))}, "mask: must be of bool"),
    ({"mask": np.ones((2, 2), bool)}, r"mask: must be of shape \(2, 3\)"),
    ({"mask": np.ones((2, 3), bool), "lengths": [1, 2]}, "mask: must be left out"),
    ({"start": np.zeros(3)}, "start"),
    ({"end": [np.nan, 0.0]}, r"end: .* NaN at \[0\]"),
    ({"allowed": np.ones((2, 3, 3), bool)}, "allowed"),
    ({"allowed": np.zeros((2, 3, 2), bool)}, "none at step 0 of sequence 0"),
    ({"normalization": "both"}, "normalization"),
    ({"threads": 0}, "threads"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_bad_input_is_named(changes: dict[str, Any], message: str) -> None:
    problem: dict[str, Any] = {"emissions": np.zeros((2, 3, 2)), "transitions": np.zeros((2, 2))}
    with pytest.raises(InvalidArgumentError, match=message):
        newword.viterbi(**{**problem, **changes})
    if "normalization" in changes:
        return
    others: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (newword.log_partition, {}),
        (newword.marginals, {}),
        (newword.k_best, {"k": 2}),
        (newword.sample_paths, {"size": 2, "seed": 0}),
    ]
    for function, more in others:
        with pytest.raises(InvalidArgumentError, match=message.split(":", maxsplit=1)[0]):
            function(**{**problem, **changes}, **more)


def test_bad_arguments_of_their_own() -> None:
    emissions = np.zeros((2, 3, 2))
    cases: list[tuple[Callable[..., Any], dict[str, Any], str]] = [
        (newword.k_best, {"k": 0}, "k"),
        (newword.k_best, {"k": 2**40}, "k"),
        (newword.beam_search, {"beam_size": 0}, "beam_size"),
        (newword.sample_paths, {"size": -1, "seed": 0}, "size"),
        (newword.sample_paths, {"size": 1, "seed": -1}, "seed"),
        (newword.path_score, {"paths": np.full((2, 3), 2)}, r"paths: .* got 2 at \[0, 0\]"),
        (newword.path_score, {"paths": np.full((2, 3), 2**32)}, "paths"),
        (newword.path_score, {"paths": np.zeros((2, 2), int)}, "paths"),
        (newword.viterbi, {"second_order": np.zeros((2, 2))}, "second_order"),
        (newword.viterbi, {"second_order": np.full((2, 2, 2), np.nan)}, "second_order"),
        (
            newword.viterbi,
            {"second_order": np.zeros((2, 2, 2)), "normalization": "local"},
            "normalization",
        ),
    ]
    for function, arguments, message in cases:
        with pytest.raises(InvalidArgumentError, match=message):
            function(emissions, **arguments)


def test_a_dead_end_of_a_beam_is_told() -> None:
    # Tag 0 looks best, but nothing may follow it.
    emissions = np.array([[[1.0, 0.0], [0.0, 0.0]]])
    transitions = np.array([[-np.inf, -np.inf], [0.0, 0.0]])
    assert newword.viterbi(emissions, transitions).paths.tolist() == [[1, 0]]
    with pytest.raises(InvalidArgumentError, match="beam_size: .* dead end behind step 0"):
        newword.greedy_decode(emissions, transitions)


def test_long_work_lets_other_threads_run() -> None:
    emissions = np.zeros((2048, 256, 16), np.float32)
    ticks = []
    done = threading.Event()

    def tick() -> None:
        while not done.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.001)

    other = threading.Thread(target=tick)
    other.start()
    began = time.perf_counter()
    newword.viterbi(emissions, threads=1)
    ended = time.perf_counter()
    done.set()
    other.join()
    assert sum(began < at < ended for at in ticks) >= 2


def test_ctrl_c_stops_one_long_piece() -> None:
    # Seconds of work in one sequence, without a matrix, on the caller's own request.
    code = """
import os, signal, threading, time, numpy as np, newword
factors = np.zeros((20_000, 4), np.float32)
transitions = newword.LowRankTransitions(factors, factors)
emissions = np.zeros((1, 40, 20_000), np.float32)
def interrupt():
    time.sleep(0.5)
    print(time.perf_counter(), flush=True)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    newword.viterbi(emissions, transitions)
except KeyboardInterrupt:
    print(time.perf_counter(), flush=True)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True)
    sent, stopped = map(float, done.stdout.split())
    assert stopped - sent < 1


@pytest.mark.parametrize("instructions", ["baseline", "avx2"])
def test_instructions_make_no_difference(instructions: str) -> None:
    code = """
import sys, numpy as np, newword
emissions, transitions = np.load(sys.argv[1]).values()
found = newword.viterbi(emissions, transitions)
sums = newword.log_partition(emissions, transitions)
both = newword.viterbi(emissions, transitions, normalization="bidirectional").scores
marginals = newword.marginals(emissions, transitions)
np.savez(sys.argv[2], found.paths, found.scores, marginals, sums, both)
"""
    problem = random((40, 9, 7))
    emissions, transitions = problem["emissions"], problem["transitions"]
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/in.npz", emissions, transitions)
        subprocess.run(
            [sys.executable, "-c", code, f"{folder}/in.npz", f"{folder}/out.npz"],
            env={**os.environ, "NEWWORD_SIMD": instructions},
            check=True,
            timeout=60,
        )
        with np.load(f"{folder}/out.npz") as saved:
            paths, scores, marginals, sums, both = saved.values()
    found = newword.viterbi(emissions, transitions)
    np.testing.assert_array_equal(paths, found.paths)
    np.testing.assert_array_equal(scores, found.scores)
    np.testing.assert_array_equal(marginals, newword.marginals(emissions, transitions))
    np.testing.assert_array_equal(sums, newword.log_partition(emissions, transitions))
    found = newword.viterbi(emissions, transitions, normalization="bidirectional")
    np.testing.assert_array_equal(both, found.scores)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_has_threads_of_its_own() -> None:
    code = """
import os, numpy as np, newword
emissions = np.zeros((512, 64, 9), np.float32)
newword.viterbi(emissions, threads=2)
child = os.fork()
if not child:
    newword.viterbi(emissions, threads=2)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
