"""Decoding: a compiled encoder-decoder generates texts and scores given ones."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from newword.keras._backend import compiled
from newword.keras._batches import filled_rows
from newword.keras.seq2seq.generation import CompiledStep, generate
from newword.keras.seq2seq.generator.batches import paired_batch, sorted_batches, source_batch
from newword.keras.seq2seq.generator.searching import GeneratedText
from newword.keras.seq2seq.loss import token_losses

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from newword.keras.seq2seq.generator.data import Texts
    from newword.keras.seq2seq.generator.searching import AllowedTexts, Searching
    from newword.keras.vocabulary import Vocabulary

__all__ = ["Decoder"]


class Decoder:
    """The compiled functions of an encoder-decoder, each compiled once and reused.

    Args:
        model: The encoder-decoder.
        vocabulary: Its vocabulary.
        backward: Whether it generates texts from their last character to their first.
    """

    def __init__(self, model: Any, vocabulary: Vocabulary, *, backward: bool = False) -> None:
        self.model, self.vocabulary, self.backward = model, vocabulary, backward
        self._step = CompiledStep(model.step)
        self._losses = compiled(self._row_losses, model.variables)
        self._hits = compiled(self._batch_hits, model.variables)
        self._starts: dict[int, Any] = {}

    def generate(
        self, sources: Texts, searching: Searching, only: AllowedTexts | None, batch_size: int
    ) -> list[list[GeneratedText]]:
        """The results of each source.

        Args:
            sources: The sources.
            searching: How to search.
            only: The only texts that may be generated, or None.
            batch_size: Sources per batch; those of similar length are batched together.
        """
        found: list[list[GeneratedText]] = [[] for _ in range(len(sources))]
        for number, rows in enumerate(sorted_batches(sources.lengths, batch_size)):
            count = filled_rows(len(rows), batch_size)
            source = ops.convert_to_tensor(source_batch(sources, rows, count))
            state = self._start(searching.steps)(source)
            results = self._results(state, count, searching, only, number)
            # Rows that fill up the batch are left out.
            for row, hypotheses in zip(rows, results, strict=False):
                found[row] = [self._text(one, only) for one in hypotheses]
        return found

    def _results(
        self, state: Any, count: int, searching: Searching, only: AllowedTexts | None, number: int
    ) -> list[Any]:
        """The hypotheses of each source of a batch, from its state before the first step."""
        model, trie = self.model, None
        if only is not None:
            trie = only.backward if self.backward else only.forward
        search = searching.search(count, model.end_token, model.start_token, trie, number)
        return generate(self._step, state, search, start_token=model.start_token)

    def log_probs(self, sources: Texts, targets: Texts, batch_size: int) -> NDArray[np.float64]:
        """The log-probability of each target with its end, float64 of shape (pairs,)."""
        scores = np.zeros(len(sources))
        for rows, source, target, labels in self._paired(sources, targets, batch_size):
            losses = ops.convert_to_numpy(self._losses(source, target, labels))
            scores[rows] = -np.asarray(losses, np.float64)[: len(rows)]
        return scores

    def token_accuracy(self, sources: Texts, targets: Texts, remedy: Any, batch_size: int) -> float:
        """The share of labels that have the largest logit; a remedy may change the prefixes."""
        hits = count = 0
        for _, source, target, labels in self._paired(sources, targets, batch_size):
            read = target if remedy is None else remedy.inputs(self.model, source, target)
            hits += int(ops.convert_to_numpy(self._hits(source, read, labels)))
            count += int(np.count_nonzero(ops.convert_to_numpy(labels)))
        return hits / count

    def _paired(self, sources: Texts, targets: Texts, batch_size: int) -> Iterator[Any]:
        """The rows of each batch, and source, target and labels as tensors."""
        tokens = (self.model.start_token, self.model.end_token)
        targets = targets.backward() if self.backward else targets
        for rows in sorted_batches(sources.lengths, batch_size):
            count = filled_rows(len(rows), batch_size)
            inputs, labels = paired_batch(sources, targets, rows, count, tokens)
            tensors = (inputs["source"], inputs["target"], labels)
            yield (rows, *map(ops.convert_to_tensor, tensors))

    def _start(self, steps: int) -> Any:
        """The compiled function from sources to states with room for some steps."""
        if steps not in self._starts:
            start = partial(self.model.start, max_length=steps)
            self._starts[steps] = compiled(start, self.model.variables)
        return self._starts[steps]

    def _row_losses(self, source: Any, target: Any, labels: Any) -> Any:
        """The negative log-likelihood of each row."""
        logits = self.model({"source": source, "target": target}, training=False)
        losses, _ = token_losses(labels, logits)
        return ops.sum(losses, axis=1)

    def _batch_hits(self, source: Any, target: Any, labels: Any) -> Any:
        """The number of labels in a batch that have the largest logit."""
        logits = self.model({"source": source, "target": target}, training=False)
        hits = ops.cast(ops.argmax(logits, axis=-1), "int32") == labels
        return ops.sum(ops.cast(ops.logical_and(hits, labels != 0), "int32"))

    def _text(self, hypothesis: Any, only: AllowedTexts | None) -> GeneratedText:
        """A hypothesis as text; an allowed text as it was given."""
        tokens = hypothesis.tokens[::-1] if self.backward else hypothesis.tokens
        text = self.vocabulary.decode(tokens)
        if only is not None:
            text = only.texts[tuple(tokens.tolist())]
        return GeneratedText(text, hypothesis.score, hypothesis.log_prob)
