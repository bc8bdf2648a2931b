"""Slow twins of the tagging models, in float64: every tag sequence is looked at."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass
class Chain:
    """The parameters of a tagging model."""

    model: str
    g: Array
    start: Array
    end: Array
    h: Array | None = None
    halve: bool = False
    start_penalty: Array | float = 0.0
    end_penalty: Array | float = 0.0
    penalty: Array | None = None

    def emissions(self, e: Array) -> Array:
        """Emissions of one sequence with the boundary scores in them."""
        e = np.array(e, np.float64)
        e[0] += self.start
        e[-1] += self.end
        return e

    def log_probability(self, e: Array, path: tuple[int, ...]) -> float:
        """log P(path | x), for two directions the mean of both."""
        if self.model == "softmax":
            return float(sum(log_softmax(e[t])[k] for t, k in enumerate(path)))
        if self.model == "crf":
            e = self.constrained(e)
            scores = [self.numerator(e, y) for y in paths(e)]
            return self.numerator(e, path) - float(np.logaddexp.reduce(scores))
        e = self.emissions(e)
        ahead = sum(self.step(e, path, t)[k] for t, k in enumerate(path))
        if self.model == "memm":
            return float(ahead)
        turned = Chain("memm", self.g.T, self.start, self.end, halve=self.halve)
        back = path[::-1]
        behind = sum(turned.step(e[::-1], back, t)[k] for t, k in enumerate(back))
        return float(ahead + behind) / 2

    def step(self, e: Array, path: tuple[int, ...], t: int) -> Array:
        """log p(. | the tags before t, x)."""
        if t == 0:
            return log_softmax(e[0])
        logits = e[t] + self.g[path[t - 1]]
        if self.h is not None and t > 1:
            logits = logits + self.h[path[t - 2], path[t - 1]]
        return log_softmax(logits / 2 if self.halve else logits)

    def numerator(self, e: Array, path: tuple[int, ...]) -> float:
        """The sum of scores along a path; constraints and boundaries are in e and penalty."""
        penalty = np.zeros_like(self.g) if self.penalty is None else self.penalty
        score = sum(e[t, k] for t, k in enumerate(path))
        for i, j in itertools.pairwise(path):
            score += self.g[i, j] + penalty[i, j]
        if self.h is not None:
            score += sum(self.h[p] for p in zip(path, path[1:], path[2:], strict=False))
        return float(score)

    def constrained(self, e: Array) -> Array:
        """Emissions with boundary scores and penalties in them."""
        e = self.emissions(e)
        e[0] += self.start_penalty
        e[-1] += self.end_penalty
        return e

    def best(self, e: Array, method: str) -> tuple[int, ...]:
        """The path that a decoder has to find."""
        penalised = Chain("crf", np.zeros_like(self.g), self.start * 0, self.end * 0)
        penalised.start_penalty, penalised.end_penalty = self.start_penalty, self.end_penalty
        penalised.penalty = self.penalty
        extra = penalised.constrained(np.zeros_like(e))

        def worth(path: tuple[int, ...]) -> float:
            if method == "map":
                score = self.log_probability(e, path)
            else:
                bare = Chain("crf", self.g, self.start, self.end, self.h)
                score = bare.numerator(self.emissions(e), path)
            # A CRF has its constraints in the probability already.
            twice = self.model == "crf" and method == "map"
            return score + (0.0 if twice else penalised.numerator(extra, path))

        return max(paths(e), key=worth)


def paths(e: Array) -> list[tuple[int, ...]]:
    """All tag sequences for emissions (steps, tags)."""
    return list(itertools.product(range(e.shape[1]), repeat=e.shape[0]))


def log_softmax(logits: Array) -> Array:
    """log softmax of a vector."""
    return np.asarray(logits - np.logaddexp.reduce(logits))


def forward_backward(e: Array, a: Array) -> tuple[float, Array, Array]:
    """log Z, the marginals of tags and the expected counts of transitions of one sequence."""
    ahead, behind = np.array(e, np.float64), np.zeros_like(e, np.float64)
    for t in range(1, len(e)):
        ahead[t] += np.logaddexp.reduce(ahead[t - 1][:, None] + a, axis=0)
    for t in range(len(e) - 2, -1, -1):
        behind[t] = np.logaddexp.reduce(a + (e[t + 1] + behind[t + 1])[None], axis=1)
    log_z = float(np.logaddexp.reduce(ahead[-1]))
    pairs = np.zeros_like(a, np.float64)
    for t in range(1, len(e)):
        pairs += np.exp(ahead[t - 1][:, None] + a + (e[t] + behind[t])[None] - log_z)
    return log_z, np.exp(ahead + behind - log_z), pairs
