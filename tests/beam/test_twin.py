"""Searches with random options against slow twins in plain Python."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newword import InvalidArgumentError
from newword.beam import BeamSearch, BidirectionalBeamSearch, Hypothesis, Sampler, TokenTrie
from tests.support.fake_core import needs_core
from tests.support.generation import Beam, Bidirectional, Model, Rules, Scoring

pytestmark = needs_core

Found = list[tuple[tuple[int, ...], float, bool]]
DTYPES = (np.float64, np.float32, np.float16)
PAD = 77


@st.composite
def problems(draw: st.DrawFn) -> dict[str, Any]:
    """Options of a search, and the rules of each source."""
    batch, vocabulary = draw(st.integers(1, 3)), draw(st.integers(2, 6))
    ids = st.integers(0, vocabulary - 1)
    ends = tuple(draw(st.sets(ids, min_size=1, max_size=2)))
    others = [token for token in range(vocabulary) if token not in ends]
    words = st.lists(st.sampled_from(others), max_size=3) if others else st.just([])
    forbidden = tuple(draw(st.sets(ids, max_size=1)))
    with_trie = draw(st.booleans())
    shared = Rules(
        ends,
        max_length=1,
        forbidden=forbidden,
        no_repeat=draw(st.integers(0, 3)),
        force_end=draw(st.booleans()),
    )
    rules = []
    for _ in range(batch):
        most = draw(st.integers(1, 6))
        prefix = tuple(draw(words))[:most] if not with_trie else ()
        sequences = tuple(map(tuple, draw(st.lists(words, min_size=1, max_size=6))))
        rules.append(
            replace(
                shared,
                max_length=most,
                min_length=draw(st.integers(0, most)),
                prefix=prefix,
                sequences=sequences if with_trie else None,
            )
        )
    return {
        "model": Model(draw(st.integers(0, 10_000)), vocabulary, draw(st.sampled_from(DTYPES))),
        "rules": rules,
        "scoring": Scoring(
            draw(st.sampled_from(["none", "average", "gnmt"])),
            draw(st.sampled_from([1.0, 0.6, 0.0, -1.0])),
            draw(st.booleans()),
        ),
        "n_best": draw(st.integers(1, 5)),
        "early_stopping": draw(st.booleans()),
    }


def arguments(problem: dict[str, Any]) -> dict[str, Any]:
    """The same as keyword arguments."""
    rules, scoring = problem["rules"], problem["scoring"]
    first = rules[0]
    tries = [None if one.sequences is None else TokenTrie(one.sequences) for one in rules]
    return {
        "end_token": first.ends,
        "max_length": [one.max_length for one in rules],
        "min_length": [one.min_length for one in rules],
        "forbidden": first.forbidden,
        "prefix": [one.prefix for one in rules],
        "allowed": tries if any(tries) else None,
        "no_repeat_ngram": first.no_repeat,
        "force_end": first.force_end,
        "n_best": problem["n_best"],
        "length_penalty": scoring.penalty,
        "alpha": scoring.alpha,
        "count_end": scoring.count_end,
        "early_stopping": problem["early_stopping"],
        "pad_token": PAD,
    }


def plain(results: list[Hypothesis]) -> Found:
    return [(tuple(one.tokens.tolist()), one.score, one.finished) for one in results]


def agree(ours: Found, theirs: Found, *, stopped: bool) -> None:
    """The same hypotheses; where a search may have stopped early, the same that ended."""
    if stopped:
        ours, theirs = ([one for one in found if one[2]] for found in (ours, theirs))
    assert [one[::2] for one in ours] == [one[::2] for one in theirs]
    assert [one[1] for one in ours] == pytest.approx([one[1] for one in theirs], rel=1e-12)


class Rows:
    """The rows that a caller keeps, moved as a search says."""

    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.tokens: list[tuple[int, ...]] = [()] * batch

    def source(self, row: int) -> int:
        return row * self.batch // len(self.tokens)

    def move(self, parents: Any, tokens: Any) -> None:
        """The state of a row with the pad token stays as it is."""
        self.tokens = [
            self.tokens[parent] if token == PAD else (*self.tokens[parent], token)
            for parent, token in zip(parents.tolist(), tokens.tolist(), strict=True)
        ]


def expect(beams: list[Beam], width: int, base: int) -> tuple[list[int], list[int]]:
    """Parents and tokens of a source, from those of its groups; `base` is its first row."""
    parents, tokens = [], []
    for number, beam in enumerate(beams):
        ahead = base + number * width
        first = base if beam.steps == 1 else ahead
        missing = range(ahead + len(beam.tokens), ahead + width)
        parents += [first + slot for slot in beam.parents] + list(missing)
        tokens += beam.tokens + [PAD] * len(missing)
    return parents, tokens


def advance(model: Model, source: int, beams: list[Beam], diversity: float) -> bool:
    """Takes a step of all groups of a source, and says whether all of them can."""
    chosen: list[int] = []
    possible = True
    for beam in beams:
        live = [model.scores(source, tokens) for tokens, _ in beam.live]
        possible &= beam.step(live, chosen, diversity) or bool(beam.finished)
        chosen += beam.tokens
    return possible


@settings(max_examples=500, deadline=None)
@given(
    problem=problems(),
    shape=st.sampled_from([(1, 1), (2, 1), (3, 1), (1, 2), (2, 2), (1, 3)]),
    diversity=st.sampled_from([0.0, 0.5]),
)
def test_beam_search(problem: dict[str, Any], shape: tuple[int, int], diversity: float) -> None:
    width, groups = shape
    model, rules, batch = problem["model"], problem["rules"], len(problem["rules"])
    beams = width * groups
    search = BeamSearch(batch, beams, groups=groups, diversity=diversity, **arguments(problem))
    rows = Rows(batch * beams)
    twins = [[Beam(one, width) for _ in range(groups)] for one in rules]
    while not search.done:
        scores = [model.scores(row // beams, tokens) for row, tokens in enumerate(rows.tokens)]
        running = [source for source in range(batch) if not search.finished[source]]
        possible = [advance(model, source, twins[source], diversity) for source in running]
        if not all(possible):
            before = [plain(one) for one in search.results()]
            with pytest.raises(InvalidArgumentError, match="log_probs: must leave each source"):
                search.step(scores)
            assert [plain(one) for one in search.results()] == before
            return
        parents, tokens = search.step(scores)
        for source, groups_of_source in enumerate(twins):
            part = slice(source * beams, (source + 1) * beams)
            expected = expect(groups_of_source, width, part.start)
            over = all(beam.over() for beam in groups_of_source)
            if search.finished[source]:
                assert over or problem["early_stopping"]
                expected = list(range(part.start, part.stop)), [PAD] * beams
            else:
                assert not over
            assert (parents[part].tolist(), tokens[part].tolist()) == expected
        rows.move(parents, tokens)
    for source, (results, own) in enumerate(zip(search.results(), twins, strict=True)):
        # What the search did not wait for.
        while not all(beam.over() for beam in own):
            advance(model, source, own, diversity)
        theirs = merged(own, problem["scoring"], problem["n_best"])
        agree(plain(results), theirs, stopped=problem["early_stopping"])
        for one in results:
            assert one.log_prob == pytest.approx(math.fsum(one.token_log_probs), abs=1e-12)
            assert len(one.token_log_probs) == len(one.tokens) + one.finished


def merged(beams: list[Beam], scoring: Scoring, n_best: int) -> Found:
    """The best of each group, then the second best, and so on."""
    ranked = [beam.results(scoring, -(-n_best // len(beams))) for beam in beams]
    order = sorted(
        ((rank, not one[2], -one[1], number), one)
        for number, found in enumerate(ranked)
        for rank, one in enumerate(found)
    )
    return [one for _, one in order][:n_best]


@settings(max_examples=300, deadline=None)
@given(
    problem=problems(),
    beams=st.integers(1, 3),
    mode=st.sampled_from(["average", "paired"]),
    ends=st.sampled_from([(0, 1), (1, 0), (0, 0)]),
)
def test_bidirectional(
    problem: dict[str, Any], beams: int, mode: str, ends: tuple[int, int]
) -> None:
    model = replace(problem["model"], ties=False, dtype=np.float64)
    batch, vocabulary = len(problem["rules"]), model.vocabulary
    options = {**arguments(problem), "end_token": ends, "allowed": None}
    del options["prefix"]
    options["forbidden"] = forbidden = (3,) if vocabulary > 3 else ()
    free = [replace(one, prefix=(), sequences=None) for one in problem["rules"]]
    rules = [
        [
            replace(one, ends=(own,), forbidden=(*forbidden, *({other} - {own})))
            for own, other in (ends, ends[::-1])
        ]
        for one in free
    ]
    search = BidirectionalBeamSearch(batch, beams, mode=mode, **options)
    twins = [Bidirectional(model, source, pair, beams, mode) for source, pair in enumerate(rules)]
    rows = [Rows(batch * beams), Rows(batch * beams)]
    while not search.done:
        scores = [bidirectional_scores(model, rows, side, beams, mode) for side in (0, 1)]
        running = [source for source in range(batch) if not search.finished[source]]
        possible = [twins[source].step() for source in running]
        if not all(possible):
            with pytest.raises(InvalidArgumentError, match="forward: must leave each source"):
                search.step(*scores)
            return
        for own, step in zip(rows, search.step(*scores), strict=True):
            own.move(*step)
        for source, twin in enumerate(twins):
            assert search.finished[source] == twin.over() or problem["early_stopping"]
    for results, twin in zip(search.results(), twins, strict=True):
        while not twin.over():
            twin.step()
        theirs = twin.results(problem["scoring"], problem["n_best"])
        agree(plain(results), theirs, stopped=problem["early_stopping"])


def bidirectional_scores(
    model: Model, rows: list[Rows], side: int, beams: int, mode: str
) -> np.ndarray[Any, Any]:
    """The scores of one direction for the rows that a caller keeps."""
    own, other = rows[side].tokens, rows[1 - side].tokens

    def scores(row: int, partner: int) -> Any:
        return model.scores(row // beams, [side], own[row], other[partner])

    if mode == "paired":
        return np.array([scores(row, row) for row in range(len(own))])
    partners = [range(row // beams * beams, (row // beams + 1) * beams) for row in range(len(own))]
    return np.array([scores(row, one) for row in range(len(own)) for one in partners[row]])


@settings(max_examples=300, deadline=None)
@given(
    problem=problems(),
    samples=st.integers(1, 3),
    temperature=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    top_k=st.integers(0, 3),
    top_p=st.sampled_from([1.0, 0.8, 0.3]),
)
def test_sampler(
    problem: dict[str, Any], samples: int, temperature: float, top_k: int, top_p: float
) -> None:
    """Every token of a sample is one that may follow and one that it may be drawn from."""
    model, rules, batch = problem["model"], problem["rules"], len(problem["rules"])
    options = arguments(problem)
    for name in ("n_best", "length_penalty", "alpha", "count_end", "early_stopping"):
        del options[name]
    drawing = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "seed": model.seed}
    sampler = Sampler(batch, samples, **options, **drawing)
    rows = Rows(batch * samples)
    while not sampler.done:
        scores = [model.scores(row // samples, tokens) for row, tokens in enumerate(rows.tokens)]
        try:
            rows.move(*sampler.step(scores))
        except InvalidArgumentError:
            break
    for source, results in enumerate(sampler.results()):
        for number, sample in enumerate(results):
            assert sample.group == number
            tokens = tuple(sample.tokens.tolist())
            for place, log_prob in enumerate(sample.token_log_probs):
                last = place == len(tokens)
                token = None if last else tokens[place]
                row = model.scores(source, tokens[:place]).astype(np.float64)
                likely = drawn_from(rules[source], tokens[:place], row, drawing)
                assert likely & set(rules[source].ends) if last else token in likely
                if not last:
                    shares = np.exp(row) / np.exp(row).sum()
                    assert log_prob == pytest.approx(np.log(shares[token]), rel=1e-9)


def drawn_from(rules: Rules, tokens: Any, row: Any, drawing: dict[str, Any]) -> set[int]:
    """The tokens with a positive probability of being drawn."""
    for repeat in (False, True):
        found = rules.candidates(tokens, len(row), repeat=repeat)
        found = [token for token in found if row[token] > -math.inf]
        if found:
            break
    found.sort(key=lambda token: (-row[token], token))
    if drawing["temperature"] == 0:
        return set(found[:1])
    found = found[: drawing["top_k"] or None]
    weights = np.exp(row[found] / drawing["temperature"])
    reached = np.cumsum(weights) / weights.sum()
    # A sum that is within rounding of the limit may fall on either side.
    return set(found[: int((reached < drawing["top_p"] + 1e-9).sum()) + 1])
