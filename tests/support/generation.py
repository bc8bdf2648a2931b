"""Slow twins of the searches of `newword.beam`: every candidate is written out and sorted."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Tokens = tuple[int, ...]
SCORES = (-0.25, -0.5, -0.75, -1.0, -1.5, -3.0, -math.inf)
"""Few different scores, so that there are ties; their sums are exact."""


@dataclass(frozen=True)
class Model:
    """A model whose next scores depend on the source and on all tokens before."""

    seed: int
    vocabulary: int
    dtype: Any = np.float64
    ties: bool = True

    def scores(self, source: int, *parts: Sequence[int]) -> Array:
        """Scores of the next token after tokens, or after those of both directions."""
        text = repr((self.seed, source, *(tuple(map(int, part)) for part in parts)))
        digest = hashlib.sha256(text.encode()).digest()
        rng = np.random.default_rng(list(digest))
        if not self.ties:
            return np.log(rng.dirichlet(np.ones(self.vocabulary))).astype(self.dtype)
        weights = [6, 6, 6, 6, 6, 6, 4]
        chosen = rng.choice(len(SCORES), self.vocabulary, p=np.array(weights) / sum(weights))
        return np.array(SCORES)[chosen].astype(self.dtype)


@dataclass(frozen=True)
class Rules:
    """The constraints of one source."""

    ends: Tokens
    max_length: int
    min_length: int = 0
    forbidden: Tokens = ()
    prefix: Tokens = ()
    no_repeat: int = 0
    sequences: tuple[Tokens, ...] | None = None
    force_end: bool = False

    def candidates(self, tokens: Tokens, vocabulary: int, *, repeat: bool) -> list[int]:
        """The tokens that may follow, ends among them."""
        length = len(tokens) + 1
        if length <= len(self.prefix):
            return [self.prefix[length - 1]]
        ends = [
            end
            for end in range(vocabulary)
            if end in self.ends
            and end not in self.forbidden
            and length >= self.min_length
            and (self.sequences is None or tokens in self.sequences)
        ]
        if self.force_end and length == self.max_length and ends:
            return ends
        others = [
            token
            for token in range(vocabulary)
            if token not in self.ends
            and token not in self.forbidden
            and self._continues((*tokens, token))
            and (repeat or not self._repeats((*tokens, token)))
        ]
        return sorted(ends + others)

    def _continues(self, tokens: Tokens) -> bool:
        some = self.sequences
        return some is None or any(one[: len(tokens)] == tokens for one in some)

    def _repeats(self, tokens: Tokens) -> bool:
        order = self.no_repeat
        if not order or len(tokens) < order:
            return False
        grams = [tokens[start : start + order] for start in range(len(tokens) - order + 1)]
        return grams[-1] in grams[:-1]


@dataclass(frozen=True)
class Scoring:
    """How hypotheses are compared."""

    penalty: str = "none"
    alpha: float = 1.0
    count_end: bool = True

    def score(self, log_prob: float, length: int) -> float:
        length = max(length, 1)
        if self.penalty == "none":
            return log_prob
        base = length if self.penalty == "average" else (5 + length) / 6
        return float(log_prob / base**self.alpha)

    def finished(self, log_prob: float, length: int) -> float:
        """The score of a hypothesis whose length includes its end token."""
        return self.score(log_prob, length if self.count_end else length - 1)


@dataclass
class Beam:
    """The live hypotheses of one beam: tokens and log-probabilities of each."""

    rules: Rules
    width: int
    live: list[tuple[Tokens, float]] = field(default_factory=lambda: [((), 0.0)])
    finished: list[tuple[Tokens, float, int]] = field(default_factory=list)
    steps: int = 0

    def over(self) -> bool:
        return not self.live or self.steps >= self.rules.max_length

    def step(self, rows: list[Array], chosen: Sequence[int] = (), diversity: float = 0.0) -> bool:
        """Takes a step, and says whether a token may follow. `rows` has the scores after each live
        hypothesis; sets `parents` and `tokens`."""
        for repeat in (False, True):
            found = []
            for slot, ((tokens, log_prob), row) in enumerate(zip(self.live, rows, strict=True)):
                for token in self.rules.candidates(tokens, len(row), repeat=repeat):
                    total = log_prob + float(row[token])
                    cost = 0.0 if token in self.rules.ends else chosen.count(token) * diversity
                    if total > -math.inf:
                        found.append((-(total - cost), slot, token, total))
            if found:
                break
        found.sort()
        ended = [one for one in found[: self.width] if one[2] in self.rules.ends]
        following = [one for one in found if one[2] not in self.rules.ends][: self.width]
        self.steps += 1
        self.finished += [(self.live[slot][0], total, self.steps) for _, slot, _, total in ended]
        self.parents = [slot for _, slot, _, _ in following]
        self.tokens = [token for _, _, token, _ in following]
        self.live = [((*self.live[slot][0], t), total) for _, slot, t, total in following]
        return bool(found)

    def results(self, scoring: Scoring, count: int) -> list[tuple[Tokens, float, bool]]:
        """Tokens, score and whether it ended, the best first."""
        ended = [(t, scoring.finished(total, n), True) for t, total, n in self.finished]
        open_ = [(t, scoring.score(total, len(t)), False) for t, total in self.live]
        return distinct(ended + open_, count)


def distinct(
    found: list[tuple[Tokens, float, bool]], count: int
) -> list[tuple[Tokens, float, bool]]:
    """The best hypotheses with different tokens: those that ended, then by score."""
    best: dict[Tokens, tuple[Tokens, float, bool]] = {}
    for one in sorted(found, key=lambda one: (not one[2], -one[1])):
        best.setdefault(one[0], one)
    return list(best.values())[:count]


class Bidirectional:
    """Both beams of one source. A hypothesis is scored with those of the other direction."""

    def __init__(self, model: Model, source: int, rules: Sequence[Rules], beams: int, mode: str):
        self.model, self.source, self.mode = model, source, mode
        self.beams = [Beam(one, beams) for one in rules]
        self.seen: list[list[Tokens]] = [[()], [()]]

    def over(self) -> bool:
        return all(beam.over() for beam in self.beams)

    def step(self) -> bool:
        """Takes a step of both, and says whether a token may follow."""
        rows = [self._rows(side) for side in (0, 1)]
        possible = [beam.step(row) for beam, row in zip(self.beams, rows, strict=True)]
        for side, beam in enumerate(self.beams):
            if beam.live:
                self.seen[side] = [tokens for tokens, _ in beam.live]
        return any(possible) or any(beam.finished for beam in self.beams)

    def _rows(self, side: int) -> list[Array]:
        others = self.seen[1 - side]
        rows = []
        for rank, (tokens, _) in enumerate(self.beams[side].live):
            if self.mode == "paired":
                partner = others[min(rank, len(others) - 1)]
                rows.append(self.model.scores(self.source, [side], tokens, partner))
                continue
            given = [self.model.scores(self.source, [side], tokens, other) for other in others]
            with np.errstate(divide="ignore"):
                rows.append(np.log(np.mean(np.exp(given), axis=0)))
        return rows

    def results(self, scoring: Scoring, count: int) -> list[tuple[Tokens, float, bool]]:
        """As those of a beam, in reading order."""
        ahead, back = (beam.results(scoring, 10**6) for beam in self.beams)
        return distinct(ahead + [(one[0][::-1], *one[1:]) for one in back], count)
