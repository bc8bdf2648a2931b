"""A slow twin of the decoders: every path of every sequence is written out."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass
class Chain:
    """One sequence without padding: (steps, tags), (tags, tags), (tags,), (tags,)."""

    emissions: Array
    transitions: Array
    start: Array
    end: Array

    def paths(self) -> list[tuple[int, ...]]:
        """All paths; the one of two that has the lower tag where they differ last comes first."""
        steps, tags = self.emissions.shape
        return sorted(itertools.product(range(tags), repeat=steps), key=lambda path: path[::-1])

    def score(self, path: tuple[int, ...]) -> float:
        """The score of a path, in float64."""
        if not path:
            return 0.0
        score = self.start[path[0]] + self.end[path[-1]]
        score += sum(self.emissions[step, tag] for step, tag in enumerate(path))
        return float(score + sum(self.transitions[pair] for pair in itertools.pairwise(path)))

    def best(self) -> tuple[tuple[int, ...], float]:
        """The first of the best paths, and its score."""
        path = max(self.paths(), key=self.score)
        return path, self.score(path)

    def log_partition(self) -> float:
        """The logarithm of the sum over all paths."""
        return float(np.logaddexp.reduce([self.score(path) for path in self.paths()]))

    def marginals(self) -> Array:
        """The probability of each tag at each step."""
        total = self.log_partition()
        found = np.zeros(self.emissions.shape)
        for path in self.paths():
            for step, tag in enumerate(path):
                found[step, tag] += np.exp(self.score(path) - total)
        return found

    def local(self) -> Chain:
        """A chain whose scores are log-probabilities of the MEMM with these scores."""
        emissions = np.array(self.emissions, np.float64)
        emissions[0] += self.start
        emissions[-1] += self.end
        logits = emissions[1:, None, :] + self.transitions[None]
        unary = emissions.copy()
        unary[0] -= np.logaddexp.reduce(emissions[0])
        unary[:-1] -= np.logaddexp.reduce(logits, axis=-1)
        return Chain(unary, self.transitions, 0 * self.start, 0 * self.end)
