"""The driver of searches: against brute force, with any step, and with states that do not fit."""

from __future__ import annotations

from itertools import product
from typing import Any

import keras
import numpy as np
import pytest

import newword.keras as nk
from newword.beam import BeamSearch, Sampler
from newword.errors import InvalidArgumentError
from tests.keras.seq2seq_models import CHARACTERS, LENGTHS, MODELS, inputs, log_probs, small
from tests.support.tensors import Array

LONGEST = 3


@pytest.fixture(scope="module", params=MODELS)
def model(request: Any) -> Any:
    return small(request.param)


def every_sequence(model: Any) -> list[tuple[int, ...]]:
    """All sequences of at most `LONGEST` tokens, the end token included."""
    others = [one for one in range(model.num_tokens) if one != model.end_token]
    return [
        (*start, model.end_token)
        for length in range(LONGEST)
        for start in product(others, repeat=length)
    ]


def best_by_force(model: Any, source: Array) -> tuple[tuple[int, ...], float]:
    """The most probable finished sequence of a source."""
    sequences = every_sequence(model)
    targets = np.zeros((len(sequences), LONGEST), "int32")
    targets[:, 0] = model.start_token
    for row, sequence in enumerate(sequences):
        targets[row, 1 : len(sequence)] = sequence[:-1]
    found = log_probs(
        model, {"source": np.repeat(source[None], len(targets), 0), "target": targets}
    )
    scores = [
        sum(found[row, step, token] for step, token in enumerate(sequence))
        for row, sequence in enumerate(sequences)
    ]
    best = int(np.argmax(scores))
    return sequences[best][:-1], float(scores[best])


def test_a_wide_beam_finds_the_best_sequence(model: Any) -> None:
    source = inputs(model)["source"]
    beams = model.num_tokens ** (LONGEST - 1)
    search = BeamSearch(len(source), beams, end_token=model.end_token, max_length=LONGEST)
    found = nk.generate(
        model.step, model.start(source, LONGEST), search, start_token=model.start_token
    )
    for row, hypotheses in enumerate(found):
        tokens, score = best_by_force(model, source[row])
        finished = next(one for one in hypotheses if one.finished)
        assert tuple(finished.tokens) == tokens
        np.testing.assert_allclose(finished.log_prob, score, atol=1e-4)


def test_greedy_search_is_a_loop_over_the_whole_prefix(model: Any) -> None:
    source = inputs(model)["source"]
    search = BeamSearch(
        len(source), 1, end_token=model.end_token, max_length=5, forbidden=[0, model.start_token]
    )
    run = nk.CompiledStep(model.step)
    found = nk.generate(run, model.start(source, 5), search, start_token=model.start_token)
    # Every row reads the same prefix length, so one pass gives the next token of all.
    prefix = np.full((len(source), 1), model.start_token, "int32")
    for _ in range(5):
        scores = log_probs(model, {"source": source, "target": prefix})[:, -1]
        scores[:, [0, model.start_token]] = -np.inf
        prefix = np.concatenate([prefix, scores.argmax(-1)[:, None].astype("int32")], axis=1)
    for row, hypotheses in enumerate(found):
        wanted = prefix[row, 1:].tolist()
        if model.end_token in wanted:
            wanted = wanted[: wanted.index(model.end_token)]
        assert hypotheses[0].tokens.tolist() == wanted


def test_samples_are_as_frequent_as_probable() -> None:
    model = small("lstm")
    source = inputs(model)["source"][:1]
    first = np.exp(
        log_probs(model, {"source": source, "target": np.array([[model.start_token]])})[0, 0]
    )
    sampler = Sampler(1, 2000, end_token=model.end_token, max_length=1, seed=3)
    found = nk.generate(model.step, model.start(source, 1), sampler, start_token=model.start_token)
    drawn = [one.tokens[0] if len(one.tokens) else model.end_token for one in found[0]]
    shares = np.bincount(drawn, minlength=model.num_tokens) / len(drawn)
    np.testing.assert_allclose(shares, first, atol=0.05)


def test_later_weights_are_used() -> None:
    model = small("lstm")
    given = inputs(model)
    run = nk.CompiledStep(model.step)
    tokens, rows = np.full(len(LENGTHS), model.start_token), np.arange(len(LENGTHS))
    before, _ = run(tokens, rows, model.start(given["source"], 2))
    model.set_weights([weight / 2 for weight in model.get_weights()])
    after, _ = run(tokens, rows, model.start(given["source"], 2))
    assert np.abs(after - before).max() > 1e-3
    np.testing.assert_allclose(after, log_probs(model, given)[:, 0], atol=1e-5)


def bigram(tokens: Any, state: Any) -> Any:
    """A model of a user's: the last two tokens add up."""
    total = (tokens + state["last"]) % CHARACTERS
    log_probs = keras.ops.log_softmax(5.0 * keras.ops.one_hot(total, CHARACTERS) + state["memory"])
    return log_probs, {"last": tokens}


@pytest.mark.contract
def test_any_function_is_driven() -> None:
    memory = np.zeros((2, CHARACTERS), "float32")
    memory[1, 6] = 20
    state = {"memory": memory, "last": np.array([1, 1], "int32")}
    search = BeamSearch(2, 2, end_token=6, max_length=9)
    found = nk.generate(bigram, state, search, start_token=[1, 2])
    # 1 + 1 = 2, 1 + 2 = 3, 2 + 3 = 5, 3 + 5 = 8, which is 1, and so on; the other ends at once.
    assert found[0][0].tokens.tolist()[:4] == [2, 3, 5, 1]
    assert found[1][0].tokens.tolist() == []
    assert found[1][0].finished


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (
            {"last": np.zeros(3, "int32")},
            r"state\['last'\]: must be of 2 rows, .* got 'shape \(3,\)",
        ),
        ({"last": np.int32(1)}, r"state\['last'\]: must be of 2 rows"),
        ({"last": np.zeros(2, "int32"), "memory": np.zeros((1, 7))}, r"state\['memory'\]: must be"),
    ],
)
def test_a_state_that_cannot_be_reordered(state: Any, message: str) -> None:
    search = BeamSearch(2, 2, end_token=6, max_length=9)
    with pytest.raises(InvalidArgumentError, match=message):
        nk.generate(bigram, state, search, start_token=1)


def test_a_search_that_has_begun() -> None:
    search = BeamSearch(1, 1, end_token=6, max_length=2)
    search.step(np.zeros((1, 7), "float32"))
    state = {"last": np.zeros(1, "int32"), "memory": np.zeros((1, 7), "float32")}
    with pytest.raises(InvalidArgumentError, match="search: must be before its first step"):
        nk.generate(bigram, state, search, start_token=1)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (lambda tokens, state: tokens, r"step: must be a function that returns \(log_probs, state"),
        (lambda tokens, state: (tokens, state), r"of shape \(rows, tokens\), got \(4,\)"),
        (lambda tokens, state: (bigram(tokens, state)[0], {}), "structure, 1 tensors, got '0 tens"),
        (
            lambda tokens, state: (
                bigram(tokens, state)[0],
                {"last": keras.ops.concatenate([tokens, tokens])},
            ),
            "that keeps its state",
        ),
    ],
)
def test_a_step_that_breaks_the_protocol(step: Any, message: str) -> None:
    state = {"memory": np.zeros((2, 7), "float32"), "last": np.zeros(2, "int32")}
    search = BeamSearch(2, 2, end_token=6, max_length=9)
    with pytest.raises(InvalidArgumentError, match=message):
        nk.generate(step, state, search, start_token=1)
    with pytest.raises(InvalidArgumentError, match="step: must be a function of tokens"):
        nk.CompiledStep(5)  # type: ignore[arg-type]


def test_caches_that_are_too_short() -> None:
    model = small("transformer")
    source = inputs(model)["source"]
    # Never an end token, so that the search takes all its steps.
    search = BeamSearch(len(source), 1, end_token=model.end_token, max_length=3, min_length=3)
    with pytest.raises(InvalidArgumentError, match="state: must be made by start for"):
        nk.generate(model.step, model.start(source, 2), search, start_token=model.start_token)
