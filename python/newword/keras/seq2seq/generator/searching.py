"""The searches of a generator: options, allowed texts, results as texts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from newword import _check
from newword.beam import BeamSearch, Sampler, TokenTrie
from newword.keras.vocabulary import UNKNOWN, checked_texts
from newword.lexicon import Lexicon

if TYPE_CHECKING:
    from newword.keras.vocabulary import Vocabulary

__all__ = ["AllowedTexts", "GeneratedText", "Searching"]


class GeneratedText(NamedTuple):
    """A generated text with its scores."""

    text: str
    """The text."""
    score: float
    """The log-probability after the length penalty, by which texts are sorted."""
    log_prob: float
    """The log-probability of the text and its end."""


@dataclass(frozen=True, kw_only=True)
class Searching:
    """How texts are generated; see `Seq2Seq.generate`. Lengths are in characters."""

    beams: int = 1
    n_best: int = 1
    samples: int | None = None
    max_length: int = 64
    min_length: int = 0
    length_penalty: str = "none"
    alpha: float = 1.0
    no_repeat_ngram: int = 0
    groups: int = 1
    diversity: float = 0.0
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        _check.whole("max_length", self.max_length, 1)
        _check.whole("min_length", self.min_length, 0, self.max_length)
        _check.whole("seed", self.seed, 0)
        if self.samples is not None:
            _check.whole("samples", self.samples, 1)
            for name in ("beams", "n_best"):
                if getattr(self, name) != 1:
                    raise _check.invalid(name, "1 with samples", getattr(self, name))
        # A search that checks the other options before any work.
        self.search(1, end_token=3, start_token=2, allowed=None, number=0)

    @property
    def steps(self) -> int:
        """The largest number of steps, with the end token."""
        return self.max_length + 1

    def limits(self) -> dict[str, Any]:
        """The options of a search that limit texts; its lengths include the end token."""
        return {
            "max_length": self.steps,
            "min_length": self.min_length + 1 if self.min_length else 0,
            "no_repeat_ngram": self.no_repeat_ngram,
            # So that every result is a whole text with its probability.
            "force_end": True,
        }

    def search(
        self, batch: int, end_token: int, start_token: int, allowed: TokenTrie | None, number: int
    ) -> Any:
        """A search for a batch of sources; `number` is that of the batch."""
        common: dict[str, Any] = {
            **self.limits(),
            "end_token": end_token,
            # Padding and unknown are no characters.
            "forbidden": (0, UNKNOWN, start_token),
            "allowed": allowed,
        }
        if self.samples is None:
            return BeamSearch(
                batch,
                self.beams,
                n_best=self.n_best,
                length_penalty=self.length_penalty,
                alpha=self.alpha,
                groups=self.groups,
                diversity=self.diversity,
                **common,
            )
        # The same draws in every batch would be no independent samples.
        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        return Sampler(
            batch,
            self.samples,
            temperature=self.temperature,
            top_k=self.top_k,
            top_p=self.top_p,
            seed=seed,
            **common,
        )


@dataclass(frozen=True, eq=False)
class AllowedTexts:
    """The only texts that a search may generate, compiled when they are needed."""

    texts: dict[tuple[int, ...], str]
    """The texts by their ids; the first of several with the same ids."""

    @cached_property
    def forward(self) -> TokenTrie:
        """The texts from left to right."""
        return TokenTrie(list(self.texts))

    @cached_property
    def backward(self) -> TokenTrie:
        """The texts from right to left."""
        return TokenTrie([ids[::-1] for ids in self.texts])

    @classmethod
    def of(cls, allowed: Any, vocabulary: Vocabulary, max_length: int) -> AllowedTexts:
        """Compiles the words of a lexicon or a list of str.

        Texts that the model cannot generate are left out: those with an unknown character and those
        longer than `max_length`.

        Raises:
            InvalidArgumentError: `allowed` is something else, an item is empty, or none is left.
        """
        if isinstance(allowed, Lexicon):
            allowed = allowed["word"].tolist()
        elif not isinstance(allowed, Iterable) or isinstance(allowed, (str, bytes)):
            raise _check.invalid("allowed", "a Lexicon or an iterable of str", allowed)
        many = checked_texts(allowed, "allowed")
        for place, text in enumerate(many):
            if not text:
                raise _check.invalid(f"allowed[{place}]", "a non-empty str", text)
        texts: dict[tuple[int, ...], str] = {}
        for text in many:
            ids = tuple(vocabulary.encode(text).tolist())
            if UNKNOWN not in ids and len(ids) <= max_length:
                texts.setdefault(ids, text)
        if not texts:
            rule = f"texts of known characters, at least one of at most {max_length}"
            raise _check.invalid("allowed", rule, many)
        return cls(texts)
