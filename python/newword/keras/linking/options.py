"""The options of a linker, validated before anything is built, and its word vectors."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword.keras.layers.gated_convolution import share
from newword.linking.entities import MODES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

__all__ = ["AUTO", "ENCODERS", "FEATURES", "LinkerOptions", "Words", "checked_features"]

FEATURES = ("characters", "words", "objects")
"""The features of a pair, in the order of their indicators."""
AUTO = "auto"
"""The momentum of averaged weights that depends on the number of steps."""
ENCODERS = ("bilstm", "dgcnn", "transformer")


@dataclass(frozen=True)
class LinkerOptions:
    """The options of an `EntityLinker` that are saved with it; see there."""

    features: tuple[str, ...]
    match_features: bool
    dictionary_only: bool
    nil: bool
    mode: str
    pruning_ratio: float | None
    prior_min_count: int | None
    alias_min_count: int | None
    max_candidates: int | None
    positive_share: float | None
    encoder: str
    num_layers: int | None
    embedding_dim: int
    units: int
    num_heads: int
    dropout: float
    ema_momentum: float | str | None
    min_count: int
    max_length: int
    max_description_length: int
    seed: int

    def __post_init__(self) -> None:
        for name in ("match_features", "dictionary_only", "nil"):
            _check.flag(name, getattr(self, name))
        if self.dictionary_only and not self.match_features:
            raise _check.invalid("dictionary_only", "False without match_features", True)
        _check.choice("mode", self.mode, MODES)
        _check.choice("encoder", self.encoder, ENCODERS)
        for name in ("prior_min_count", "alias_min_count", "max_candidates", "num_layers"):
            if getattr(self, name) is not None:
                _check.whole(name, getattr(self, name), 1)
        for name in ("embedding_dim", "units", "num_heads", "min_count", "max_length"):
            _check.whole(name, getattr(self, name), 1)
        _check.whole("max_description_length", self.max_description_length, 1)
        _check.whole("seed", self.seed, 0)
        if 2 * self.units % self.num_heads:
            rule = f"a divisor of 2 units, {2 * self.units}"
            raise _check.invalid("num_heads", rule, self.num_heads)
        self._check_shares()

    def _check_shares(self) -> None:
        if self.pruning_ratio is not None:
            _check.threshold("pruning_ratio", self.pruning_ratio)
        share("dropout", self.dropout)
        if self.positive_share is not None and share("positive_share", self.positive_share) == 0:
            raise _check.invalid("positive_share", "greater than 0, or None", self.positive_share)
        if self.ema_momentum not in (None, AUTO):
            share("ema_momentum", self.ema_momentum)

    def to_config(self) -> dict[str, Any]:
        """The options by name, JSON-serializable: arguments of the linker."""
        return {**asdict(self), "features": list(self.features)}


def checked_features(features: Any, lexicon: Any) -> tuple[str, ...]:
    """The names of the features, in order; None for all that are possible.

    Raises:
        InvalidArgumentError: A name is unknown, or there is no lexicon for words.
    """
    if features is None:
        return tuple(one for one in FEATURES if one != "words" or lexicon is not None)
    chosen = list(_check.iterable("features", features, "an iterable of names of features"))
    for place, one in enumerate(chosen):
        _check.choice(f"features[{place}]", one, FEATURES)
    if "words" in chosen and lexicon is None:
        raise _check.invalid("lexicon", "given for the feature 'words'", lexicon)
    return tuple(one for one in FEATURES if one in chosen)


@dataclass(frozen=True, eq=False)
class Words:
    """Word vectors of the user's, with a row of zeros for all other words."""

    names: tuple[str, ...]
    """The words of the rows, from row 1."""
    matrix: NDArray[np.float32] | None
    """The vectors, (words + 1, features); None when a model has them already."""

    @classmethod
    def of(cls, vectors: Mapping[str, Any]) -> Words:
        """Reads a mapping from words to vectors.

        Raises:
            InvalidArgumentError: It is empty, or the vectors are not finite and of one length.
        """
        names = tuple(vectors)
        rule = "a mapping from words to finite vectors of one length"
        if not names:
            raise _check.invalid("word_vectors", rule, vectors)
        try:
            matrix = np.array([vectors[one] for one in names], np.float32)
        except (TypeError, ValueError):
            raise _check.invalid("word_vectors", rule, vectors) from None
        if matrix.ndim != 2 or not matrix.shape[1] or not np.isfinite(matrix).all():
            raise _check.invalid("word_vectors", rule, matrix.shape)
        return cls(names, np.pad(matrix, ((1, 0), (0, 0))))

    @cached_property
    def _row_of(self) -> dict[str, int]:
        return {one: row for row, one in enumerate(self.names, 1)}

    def rows(self, words: Iterable[str]) -> list[int]:
        """The row of each word."""
        return [self._row_of.get(one, 0) for one in words]
