"""Steps, dtypes, threads, tries, callbacks and errors of `newword.beam`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from newword import InvalidArgumentError
from newword.beam import BeamSearch, BidirectionalBeamSearch, Hypothesis, Sampler, TokenTrie
from tests.support.fake_core import needs_core

pytestmark = needs_core

END = 0
CLASSES: list[Callable[..., Any]] = [BeamSearch, Sampler]


def log_softmax(logits: Any) -> Any:
    return logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True)


def random_scores(rows: int, vocabulary: int, seed: int = 0) -> Any:
    """Log-probabilities whose first token, the end, is improbable."""
    logits = np.random.default_rng(seed).normal(size=(rows, vocabulary))
    logits[:, END] -= 2
    return log_softmax(logits)


def run(search: BeamSearch | Sampler, table: Any, dtype: Any = None) -> list[list[Hypothesis]]:
    """Runs a search with a model that sees the last token only; `table` is (vocabulary,) * 2."""
    batch = len(search.finished)
    table = table if dtype is None else table.astype(dtype)
    _, tokens = search.step(np.repeat(table[:1], batch, axis=0))
    while not search.done:
        _, tokens = search.step(table[tokens])
    return search.results()


def fields(results: list[list[Hypothesis]]) -> list[Any]:
    return [
        (one.tokens.tolist(), one.score, one.log_prob, one.finished, one.group)
        for source in results
        for one in source
    ]


def test_the_two_steps_of_the_article() -> None:
    """kexue.fm/archives/7259: both steps prefer (a, b), and (c, d) has the highest probability."""
    end, a, b, c, d = range(5)
    table = np.zeros((5, 5))
    table[0, [a, c]] = 0.6, 0.4
    table[a, [b, d]] = 0.55, 0.45
    table[c, [b, d]] = 0.1, 0.9
    table[[b, d], end] = 1
    with np.errstate(divide="ignore"):
        table = np.log(table)
    greedy = run(BeamSearch(1, 1, end_token=end, max_length=3), table)[0][0]
    assert greedy.tokens.tolist() == [a, b]
    sampled = run(Sampler(1, end_token=end, max_length=3, temperature=0), table)[0][0]
    assert sampled.tokens.tolist() == [a, b]
    found = run(BeamSearch(1, 4, end_token=end, max_length=3, n_best=4), table)[0]
    expected = {(c, d): 0.36, (a, b): 0.33, (a, d): 0.27, (c, b): 0.04}
    assert [tuple(one.tokens.tolist()) for one in found] == list(expected)
    np.testing.assert_allclose(np.exp([one.log_prob for one in found]), list(expected.values()))
    two = run(BeamSearch(1, 2, end_token=end, max_length=3, n_best=2), table)[0]
    assert [tuple(one.tokens.tolist()) for one in two] == [(c, d), (a, b)]


def test_a_first_step_of_sources_is_one_of_all_rows() -> None:
    scores = random_scores(3, 20)
    for kind in CLASSES:
        short, full = (kind(3, 4, end_token=END, max_length=5) for _ in range(2))
        parents, tokens = short.step(scores)
        assert parents.tolist() == [0] * 4 + [1] * 4 + [2] * 4
        other_parents, other_tokens = full.step(np.repeat(scores, 4, axis=0))
        assert (other_tokens == tokens).all()
        assert (other_parents // 4 == parents).all()
        assert parents.dtype == tokens.dtype == np.int32
        following = random_scores(12, 20, seed=1)
        for one, other in zip(short.step(following), full.step(following), strict=True):
            assert (one == other).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", ">f4", "int64"])
def test_dtypes_are_read_exactly(dtype: str) -> None:
    kind: Any = dtype
    if dtype == "bfloat16":
        kind = pytest.importorskip("ml_dtypes").bfloat16
    table = np.round(random_scores(300, 300) * 4).astype(kind)
    for make in (
        lambda: BeamSearch(2, 3, end_token=END, max_length=5, n_best=3),
        lambda: Sampler(2, 3, end_token=END, max_length=5, seed=3),
    ):
        assert fields(run(make(), table)) == fields(run(make(), table.astype(np.float64)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_threads_make_no_difference(dtype: Any) -> None:
    # Large enough for several threads.
    table = random_scores(40, 40).astype(dtype)
    wide = np.full((16 * 4, 20_000), -30, dtype)
    wide[:, :40] = np.tile(table[:16], (4, 1))
    found = []
    for threads in (1, 2, 3):
        for search in (
            BeamSearch(16, 4, end_token=END, max_length=4, n_best=2, threads=threads),
            Sampler(16, 4, end_token=END, max_length=4, threads=threads),
        ):
            while not search.done:
                search.step(wide)
            found.append(fields(search.results()))
    assert found[:2] == found[2:4] == found[4:]


def test_any_layout_is_accepted() -> None:
    scores = random_scores(6, 30)
    options: dict[str, Any] = {"end_token": END, "max_length": 4}
    expected = BeamSearch(2, 3, **options).step(scores)
    layouts = [
        np.asfortranarray(scores),
        np.repeat(scores, 2, axis=1)[:, ::2],
        scores.tolist(),
        scores.reshape(2, 3, 30),
        scores.astype(scores.dtype.newbyteorder()),
    ]
    for layout in layouts:
        found = BeamSearch(2, 3, **options).step(layout)
        assert all((one == other).all() for one, other in zip(found, expected, strict=True))
    read_only = scores.copy()
    read_only.flags.writeable = False
    BeamSearch(2, 3, **options).step(read_only)


def test_a_callback_is_a_trie() -> None:
    sequences = [[1, 2], [1, 3, 4], [5], [5, 5, 5]]
    table = random_scores(6, 6)
    trie = TokenTrie(sequences)

    def callback(source: int, tokens: Any) -> list[int]:
        assert source in (0, 1)
        assert tokens.dtype == np.int32
        given = tokens.tolist()
        following = [one[len(given)] for one in sequences if one[: len(given)] == given != one]
        return [*following, *([END] if given in sequences else [])]

    for make in (
        lambda allowed: BeamSearch(2, 2, end_token=END, max_length=5, n_best=4, allowed=allowed),
        lambda allowed: Sampler(2, 3, end_token=END, max_length=5, allowed=allowed),
    ):
        results = [run(make(allowed), table) for allowed in (trie, [trie, trie], callback)]
        assert fields(results[0]) == fields(results[1]) == fields(results[2])
        assert all(one.tokens.tolist() in sequences for one in results[0][0])
    free = run(BeamSearch(2, 2, end_token=END, max_length=5), table)
    half = run(BeamSearch(2, 2, end_token=END, max_length=5, allowed=[None, trie]), table)
    assert fields(half)[0] == fields(free)[0]
    assert half[1][0].tokens.tolist() in sequences
    every = run(BeamSearch(2, 2, end_token=END, max_length=5, allowed=lambda *_: None), table)
    assert fields(every) == fields(free)


def test_an_error_of_a_callback_is_the_callers() -> None:
    answers: list[Any] = [KeyError("mine"), [7], [-1], [0.5], np.array([], np.int64)]

    def callback(source: int, tokens: Any) -> Any:
        answer = answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    search = BeamSearch(1, 2, end_token=END, max_length=5, allowed=callback)
    scores = random_scores(1, 5)
    with pytest.raises(KeyError, match="mine"):
        search.step(scores)
    for _ in range(4):
        del answers[0]
        argument = "allowed" if len(answers[0]) else "log_probs"
        with pytest.raises(InvalidArgumentError, match=f"^{argument}: must "):
            search.step(scores)
    assert search.steps == 0
    answers[0] = [2, 1, 2]
    assert search.step(scores)[1].tolist() in ([1, 2], [2, 1])


def test_a_longer_result_list_has_the_shorter_one() -> None:
    table = random_scores(12, 12)
    options: dict[str, Any] = {"end_token": END, "max_length": 8, "length_penalty": "average"}
    more = fields(run(BeamSearch(1, 4, n_best=6, **options), table))
    for n_best in range(1, 6):
        assert fields(run(BeamSearch(1, 4, n_best=n_best, **options), table)) == more[:n_best]


def test_groups_are_diverse() -> None:
    table = random_scores(12, 12)
    options: dict[str, Any] = {"end_token": END, "max_length": 6, "n_best": 3}
    alike = run(BeamSearch(1, 3, groups=3, **options), table)[0]
    assert len({tuple(one.tokens) for one in alike}) == 1
    diverse = run(BeamSearch(1, 3, groups=3, diversity=3.0, **options), table)[0]
    assert len({tuple(one.tokens) for one in diverse}) == 3
    assert sorted(one.group for one in diverse) == [0, 1, 2]
    for one in diverse:
        path = [END, *one.tokens, *([END] if one.finished else [])]
        assert one.log_prob == pytest.approx(sum(table[path[:-1], path[1:]]))


def test_results_are_available_before_the_end() -> None:
    search = BeamSearch(2, 2, end_token=END, max_length=9, n_best=2)
    assert [len(one) for one in search.results()] == [1, 1]
    assert search.results()[0][0].tokens.tolist() == []
    search.step(random_scores(2, 9))
    assert (search.steps, search.done, search.finished.tolist()) == (1, False, [False, False])
    for one in search.results()[1]:
        assert (len(one.tokens), one.finished) == (1, False)
        assert one.score == one.log_prob == one.token_log_probs.sum()


def test_a_finished_source_stays_as_it_is() -> None:
    ends, goes_on = np.log([[0.98, 0.01, 0.01], [0.01, 0.98, 0.01]])
    search = BeamSearch(2, 2, end_token=END, max_length=9, pad_token=2)
    search.step([ends, goes_on])
    assert search.finished.tolist() == [True, False]
    before = fields(search.results())[0]
    for _ in range(3):
        nothing = np.full((2, 3), np.nan)
        parents, tokens = search.step(np.concatenate([nothing, [goes_on, goes_on]]))
        assert parents[:2].tolist() == [0, 1]
        assert tokens[:2].tolist() == [2, 2]
    assert fields(search.results())[0] == before


def test_seeds_and_samples() -> None:
    table = random_scores(50, 50)
    options: dict[str, Any] = {"end_token": END, "max_length": 20}
    first, again, other = (
        fields(run(Sampler(2, 8, seed=seed, **options), table)) for seed in (1, 1, 2)
    )
    assert first == again != other
    # A sample does not depend on how many there are.
    fewer = fields(run(Sampler(2, 3, seed=1, **options), table))
    assert fewer == first[:3] + first[8:11]
    greedy = fields(run(Sampler(2, temperature=0, **options), table))
    beams = fields(run(BeamSearch(2, 1, **options), table))
    assert [one[0] for one in greedy] == [one[0] for one in beams]


BROKEN: list[tuple[str, Any]] = [
    ("batch", 0), ("beams", 0), ("beams", 2.5), ("end_token", -1), ("end_token", []),
    ("end_token", "x"), ("end_token", True), ("max_length", 0), ("max_length", [3]),
    ("max_length", [0, 3]), ("min_length", 9), ("min_length", -1), ("n_best", 0),
    ("length_penalty", "mean"), ("alpha", np.nan), ("alpha", "1"), ("count_end", 1),
    ("early_stopping", None), ("groups", 0), ("groups", 2), ("diversity", -1.0),
    ("no_repeat_ngram", -1), ("forbidden", [-1]), ("prefix", 3), ("prefix", [[1]]),
    ("prefix", [1, 0]), ("prefix", [1] * 6), ("allowed", 5), ("allowed", [None]),
    ("pad_token", -1), ("force_end", "yes"), ("threads", 0),
]  # fmt: skip


@pytest.mark.parametrize(("argument", "value"), BROKEN)
def test_invalid_options_are_named(argument: str, value: Any) -> None:
    options = {"batch": 2, "beams": 3, "end_token": END, "max_length": 5, argument: value}
    with pytest.raises(InvalidArgumentError, match=f"^{argument}: .*, got "):
        BeamSearch(options.pop("batch"), options.pop("beams"), **options)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("samples", 0), ("temperature", -1), ("temperature", np.inf), ("top_k", -1), ("top_p", 0),
     ("top_p", 1.5), ("seed", -1)],
)  # fmt: skip
def test_invalid_options_of_a_sampler_are_named(argument: str, value: Any) -> None:
    options = {"batch": 2, "end_token": END, "max_length": 5, argument: value}
    with pytest.raises(InvalidArgumentError, match=f"^{argument}: .*, got "):
        Sampler(options.pop("batch"), **options)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("end_token", 3), ("end_token", (1, -2)), ("mode", "mean"), ("allowed", 3),
     ("allowed", (None, lambda *_: None))],
)  # fmt: skip
def test_invalid_options_of_both_directions_are_named(argument: str, value: Any) -> None:
    options = {"end_token": (1, 2), "max_length": 5, argument: value}
    with pytest.raises(InvalidArgumentError, match=f"^{argument}: .*, got "):
        BidirectionalBeamSearch(2, 2, **options)


@pytest.mark.parametrize(
    ("forward", "backward", "named"),
    [((8, 4), (8, 4), None), ((8, 4), (4, 4), "backward"), ((2, 4), (8, 5), None),
     ((8, 3), (8, 4), "end_token")],
)  # fmt: skip
def test_shapes_of_both_directions(forward: Any, backward: Any, named: str | None) -> None:
    # Two sources, two beams, each with two of the other direction; 3 ends from left to right.
    search = BidirectionalBeamSearch(2, 2, end_token=(3, 2), max_length=5)
    arrays = [np.full(shape, -2.0, np.float32) for shape in (forward, backward)]
    if named is None:
        for parents, tokens in search.step(*arrays):
            assert parents.shape == tokens.shape == (4,)
        return
    with pytest.raises(InvalidArgumentError, match=f"^{named}"):
        search.step(*arrays)
    with pytest.raises(InvalidArgumentError, match="^backward: must be of the dtype of forward"):
        search.step(arrays[0], arrays[0].astype(np.float64))
    assert search.steps == 0


@pytest.mark.parametrize(
    "scores",
    [np.zeros((4, 5)), np.zeros((3, 4)), np.zeros(4), np.zeros((4, 0)), np.full((4, 4), np.nan),
     np.full((4, 4), np.inf), np.ones((4, 4)), np.full((4, 4), -np.inf), np.zeros((4, 4), bool),
     np.zeros((4, 4), complex), "scores", [[1.0, 2.0], [1.0]], None],
)  # fmt: skip
def test_a_bad_step_leaves_the_search_as_it_was(scores: Any) -> None:
    search, twin = (BeamSearch(2, 2, end_token=END, max_length=5) for _ in range(2))
    good = random_scores(4, 4)
    for one in (search, twin):
        one.step(good[:2])
    with pytest.raises(InvalidArgumentError, match=r"^log_probs: "):
        search.step(scores)
    assert fields(search.results()) == fields(twin.results())
    for found, expected in zip(search.step(good), twin.step(good), strict=True):
        assert (found == expected).all()


def test_tries_are_checked() -> None:
    assert repr(TokenTrie([[1, 2], (1, 3), np.array([1, 2])])) == "TokenTrie(2 sequences, 4 nodes)"
    assert len(TokenTrie([[]])) == 1
    for bad in ([], 3, "ab", [[1.5]], [[-1]], [3], [[2**31]], [["a"]]):
        with pytest.raises(InvalidArgumentError, match="^sequences: "):
            TokenTrie(bad)  # type: ignore[arg-type]


def test_it_needs_no_keras() -> None:
    code = (
        "import sys, newword.beam; print([m for m in ('keras', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
