"""Invalid options and scores: errors that name the argument, and change nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from newword import InvalidArgumentError
from newword.beam import BeamSearch, BidirectionalBeamSearch, Sampler, TokenTrie
from tests.support.fake_core import needs_core
from tests.support.generation import fields, random_scores

pytestmark = needs_core

END = 0
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
