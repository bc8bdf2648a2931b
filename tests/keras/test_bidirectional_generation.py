"""Decoding from both ends: against slow twins without caches, a greedy loop, and bad steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import newword.keras as nk
from newword.beam import BidirectionalBeamSearch
from newword.errors import InvalidArgumentError
from tests.keras.bidirectional_models import (
    LENGTHS,
    WholePrefixes,
    small,
    sources,
)
from tests.support.generation import Bidirectional, Rules, Scoring

LONGEST = 5
FORBIDDEN = (0, 1)


@pytest.fixture(scope="module")
def model() -> Any:
    return small(seed=1)


@pytest.fixture(scope="module")
def prefixes(model: Any) -> WholePrefixes:
    return WholePrefixes(model, sources(), LONGEST)


def searched(model: Any, beams: int, mode: str, **options: Any) -> Any:
    """The results of a search over all sources."""
    given = {"max_length": LONGEST, "forbidden": FORBIDDEN, "force_end": True, **options}
    search = BidirectionalBeamSearch(
        len(LENGTHS), beams, mode=mode, end_token=model.end_tokens, **given
    )
    step = model.step if mode == "average" else model.paired_step
    state = model.start(sources(), LONGEST)
    return nk.generate_bidirectional(step, state, search, start_tokens=model.start_tokens)


@pytest.mark.parametrize(
    ("mode", "beams"), [("average", 2), ("average", 3), ("paired", 1), ("paired", 3)]
)
def test_a_slow_twin_without_caches_finds_the_same(
    model: Any, prefixes: WholePrefixes, mode: str, beams: int
) -> None:
    found = searched(model, beams, mode, n_best=3, early_stopping=False)
    starts, ends = model.start_tokens, model.end_tokens
    rules = [
        Rules(ends=(end,), max_length=LONGEST, forbidden=(*FORBIDDEN, start), force_end=True)
        for start, end in zip(starts, ends, strict=True)
    ]
    for source, hypotheses in enumerate(found):
        twin = Bidirectional(prefixes, source, rules, beams, mode)  # type: ignore[arg-type]
        while not twin.over():
            twin.step()
        wanted = twin.results(Scoring(), 3)
        assert [tuple(one.tokens.tolist()) for one in hypotheses] == [one[0] for one in wanted]
        np.testing.assert_allclose(
            [one.score for one in hypotheses], [one[1] for one in wanted], atol=1e-4
        )
        assert all(one.finished for one in hypotheses)


@pytest.mark.contract
@pytest.mark.parametrize("mode", ["average", "paired"])
def test_one_beam_is_a_greedy_loop_in_both_directions(
    model: Any, prefixes: WholePrefixes, mode: str
) -> None:
    found = searched(model, 1, mode, early_stopping=False)
    assert {one[0].reversed for one in found} == {False, True}
    for source, hypotheses in enumerate(found):
        texts: list[list[int]] = [[], []]
        scores, ended = [0.0, 0.0], [False, False]
        for step in range(LONGEST):
            rows = [
                prefixes.scores(source, [side], texts[side], texts[1 - side]).copy()
                for side in (0, 1)
            ]
            for side, row in enumerate(rows):
                if ended[side]:
                    continue
                row[[*FORBIDDEN, model.start_tokens[side]]] = -np.inf
                last = step == LONGEST - 1
                token = model.end_tokens[side] if last else int(row.argmax())
                scores[side] += row[token]
                ended[side] = token == model.end_tokens[side]
                if not ended[side]:
                    texts[side].append(token)
        best = int(scores[1] > scores[0])
        assert hypotheses[0].tokens.tolist() == texts[best][:: -1 if best else 1]
        assert hypotheses[0].reversed == bool(best)
        np.testing.assert_allclose(hypotheses[0].score, scores[best], atol=1e-4)


def test_a_compiled_step_is_used_again() -> None:
    model = small()
    run, found = nk.CompiledStep(model.step), []
    for _ in range(2):
        search = BidirectionalBeamSearch(
            3, 2, end_token=model.end_tokens, max_length=3, forbidden=FORBIDDEN
        )
        state = model.start(sources(), 3)
        found.append(nk.generate_bidirectional(run, state, search, start_tokens=model.start_tokens))
    for one, other in zip(*found, strict=True):
        assert [hypothesis.tokens.tolist() for hypothesis in one] == [
            hypothesis.tokens.tolist() for hypothesis in other
        ]
    with pytest.raises(InvalidArgumentError, match="search: must be before its first step"):
        nk.generate_bidirectional(run, state, search, start_tokens=model.start_tokens)


def test_what_does_not_fit() -> None:
    model = small()

    def run(step: Any = None, state: Any = None, beams: int = 2, starts: Any = None) -> Any:
        search = BidirectionalBeamSearch(
            3, beams, end_token=model.end_tokens, max_length=3, min_length=3
        )
        state = model.start(sources(), 3) if state is None else state
        starts = model.start_tokens if starts is None else starts
        return nk.generate_bidirectional(step or model.step, state, search, start_tokens=starts)

    with pytest.raises(InvalidArgumentError, match="start_tokens: must be a pair"):
        run(starts=(1,))
    with pytest.raises(InvalidArgumentError, match="state: must be made by start for the max_len"):
        run(state=model.start(sources(), 1))
    with pytest.raises(InvalidArgumentError, match=r"state\['.*: must be of 3 rows, one per"):
        run(state=model.start(sources()[:2], 3))
    with pytest.raises(InvalidArgumentError, match="forward: must have 12 rows"):
        run(model.paired_step)
    with pytest.raises(InvalidArgumentError, match="step: must be a function that returns as many"):
        run(lambda tokens, state: (model.step(tokens, state)[0][:5], state))
