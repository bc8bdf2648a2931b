"""Decoding in both directions, and what the model makes of gold targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
import numpy as np
from keras import ops

from newword.beam import BidirectionalBeamSearch
from newword.keras._backend import compiled
from newword.keras._batches import filled_rows
from newword.keras.seq2seq.bidirectional import DIRECTIONS
from newword.keras.seq2seq.bidirectional_generation import generate_bidirectional
from newword.keras.seq2seq.generation import CompiledStep
from newword.keras.seq2seq.generator.batches import padded_sources, sorted_batches
from newword.keras.seq2seq.generator.bidirectional_batches import both_ways, directed_batch
from newword.keras.seq2seq.generator.decoding import Decoder
from newword.keras.seq2seq.generator.searching import Searching
from newword.keras.seq2seq.loss import token_losses
from newword.keras.vocabulary import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from newword.keras.seq2seq.generator.data import Texts
    from newword.keras.seq2seq.generator.searching import AllowedTexts
    from newword.keras.vocabulary import Vocabulary

__all__ = ["BidirectionalDecoder", "BidirectionalSearching", "BidirectionalText", "GoldTokens"]

SIDES = ("left_to_right", "right_to_left")


class BidirectionalText(NamedTuple):
    """A generated text with its score."""

    text: str
    """The text in reading order."""
    score: float
    """The sum of the search after the length penalty, by which texts are sorted."""
    log_prob: float
    """The sum of the search: of logarithms of probabilities given the hypotheses of the other
    direction. It is no log-probability of the text, because there is none."""
    direction: str
    """How it was generated: "left_to_right" or "right_to_left"."""


@dataclass(frozen=True, kw_only=True)
class BidirectionalSearching(Searching):
    """How texts are generated in both directions; see `BidirectionalSeq2Seq.generate`."""

    mode: str = "average"

    def search(
        self, batch: int, end_token: int, start_token: int, allowed: Any, number: int
    ) -> Any:
        """A search for a batch of sources; `allowed` has a trie for each direction."""
        del number
        return BidirectionalBeamSearch(
            batch,
            self.beams,
            mode=self.mode,
            end_token=(end_token, start_token),
            n_best=self.n_best,
            length_penalty=self.length_penalty,
            alpha=self.alpha,
            **self.limits(),
            # Padding and unknown are no characters.
            forbidden=(0, UNKNOWN),
            allowed=allowed,
        )


class GoldTokens(NamedTuple):
    """What the model makes of gold targets: for each direction an entry for each pair."""

    losses: list[list[NDArray[np.float64]]]
    """The cross-entropy of each character and the end, in the order of the direction."""
    hits: list[list[NDArray[np.bool_]]]
    """Whether each of them has the largest logit."""


class BidirectionalDecoder(Decoder):
    """The compiled functions of a bidirectional encoder-decoder."""

    def __init__(self, model: Any, vocabulary: Vocabulary) -> None:
        super().__init__(model, vocabulary)
        self._steps = {"average": self._step, "paired": CompiledStep(model.paired_step)}
        self._gold = compiled(self._gold_tokens, model.variables)

    def gold_tokens(self, sources: Texts, targets: Texts, batch_size: int) -> GoldTokens:
        """The losses and hits of gold targets, when the decoders read gold targets."""
        tokens, both = self.model.start_tokens, both_ways(targets)
        losses: list[list[Any]] = [[None] * len(sources) for _ in DIRECTIONS]
        hits: list[list[Any]] = [[None] * len(sources) for _ in DIRECTIONS]
        for rows in sorted_batches(sources.lengths, batch_size):
            count = filled_rows(len(rows), batch_size)
            inputs, labels = directed_batch(both, rows, count, tokens)
            inputs["source"] = padded_sources(sources, rows, count)
            tensors = keras.tree.map_structure(ops.convert_to_tensor, (inputs, labels))
            for side, found in enumerate(self._gold(*tensors)):
                loss, hit = (np.asarray(ops.convert_to_numpy(one)) for one in found)
                for at, row in enumerate(rows):
                    steps = targets.lengths[row] + 1
                    losses[side][row] = loss[at, :steps].astype(np.float64)
                    hits[side][row] = hit[at, :steps]
        return GoldTokens(losses, hits)

    def _results(
        self, state: Any, count: int, searching: Any, only: AllowedTexts | None, number: int
    ) -> list[Any]:
        model = self.model
        tries = None if only is None else (only.forward, only.backward)
        search = searching.search(count, model.end_token, model.start_token, tries, number)
        step = self._steps[searching.mode]
        return generate_bidirectional(step, state, search, start_tokens=model.start_tokens)

    def _gold_tokens(self, inputs: Any, labels: Any) -> list[Any]:
        """The losses and hits of both directions, each (batch, steps)."""
        logits = self.model(inputs, training=False)
        found = []
        for name in DIRECTIONS:
            losses, _ = token_losses(labels[name], logits[name])
            hits = ops.cast(ops.argmax(logits[name], axis=-1), "int32") == labels[name]
            found.append((losses, hits))
        return found

    def _text(self, hypothesis: Any, only: AllowedTexts | None) -> Any:
        found = super()._text(hypothesis, only)
        return BidirectionalText(*found, SIDES[int(hypothesis.reversed)])
