"""The methods that all searches share."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from newword.beam.hypothesis import Hypothesis, hypotheses

Rows = tuple[NDArray[np.int32], NDArray[np.int32]]
"""Parents and tokens, int32, (rows,)."""


class Running:
    """A search in progress. Not for use from several threads at a time."""

    _core: Any
    _threads: int | None
    _rows: int

    @property
    def rows(self) -> int:
        """The number of rows of a step, those of all sources (of one direction)."""
        return len(self._core.finished()) * self._rows

    @property
    def finished(self) -> NDArray[np.bool_]:
        """Whether each source is finished, bool, (batch,)."""
        return np.array(self._core.finished(), np.bool_)

    @property
    def done(self) -> bool:
        """Whether all sources are finished. Further steps do not change the results."""
        return all(self._core.finished())

    @property
    def steps(self) -> int:
        """The number of steps taken."""
        return int(self._core.steps())

    def results(self) -> list[list[Hypothesis]]:
        """The hypotheses of each source, in the order that the class describes.

        Available after any number of steps. Before a source is finished, hypotheses that are still
        growing fill its list; they have `finished=False`.
        """
        return hypotheses(self._core.results())
