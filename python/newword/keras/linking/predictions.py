"""What a fitted linker does: predicts, evaluates, and chooses thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np

from newword import _check
from newword.keras.linking.checks import checked_lengths, checked_spans
from newword.keras.linking.prediction import Links, Predictor, ScoredMention
from newword.keras.linking.tuning import GRID, Thresholds, best_thresholds
from newword.keras.vocabulary import Vocabulary, checked_texts
from newword.linking import (
    LinkedText,
    LinkingScore,
    MatchingReport,
    Mention,
    MentionStatistics,
    evaluate_linking,
)
from newword.linking.linked_texts import checked_linked_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from newword.keras.linking.options import LinkerOptions

__all__ = ["Predictions"]


class Predictions:
    """The part of `EntityLinker` that needs no training; it sets the attributes below."""

    options: LinkerOptions
    thresholds: Thresholds
    _kb: Any
    _model: Any
    _vocabulary: Vocabulary | None
    _statistics: MentionStatistics | None
    _predictor: Predictor | None

    @property
    def kb(self) -> Any:
        """The knowledge base.

        Raises:
            InvalidArgumentError: `fit` was not called.
        """
        return self._built(self._kb, "a knowledge base")

    @property
    def model(self) -> Any:
        """The Keras model, an `EntityLinkingModel`.

        Raises:
            InvalidArgumentError: `fit` was not called.
        """
        return self._built(self._model, "a model")

    @property
    def vocabulary(self) -> Vocabulary:
        """The known characters.

        Raises:
            InvalidArgumentError: None were given, and `fit` was not called.
        """
        found: Vocabulary = self._built(self._vocabulary, "a vocabulary")
        return found

    @property
    def statistics(self) -> MentionStatistics:
        """The statistics of the texts of the last `fit`.

        Raises:
            InvalidArgumentError: `fit` was not called.
        """
        found: MentionStatistics = self._built(self._statistics, "statistics")
        return found

    @overload
    def predict(  # type: ignore[overload-overlap]
        self, texts: str, *, mentions: Any = ..., batch_size: int = ...
    ) -> list[Mention]: ...

    @overload
    def predict(
        self, texts: Iterable[str], *, mentions: Any = ..., batch_size: int = ...
    ) -> list[list[Mention]]: ...

    def predict(
        self, texts: str | Iterable[str], *, mentions: Any = None, batch_size: int = 64
    ) -> list[Mention] | list[list[Mention]]:
        """Predicts the mentions of texts and their entities.

        Args:
            texts: One text or several.
            mentions: Mentions that are known already, for each text an iterable of `Mention` or
                (start, end). Each is linked to its best candidate, and to None if it has none.
            batch_size: Texts per batch.

        Returns:
            Mentions in order, with offsets in the original text; one list for each text. Without
            given mentions, those whose best entity is less probable than `thresholds.link` are
            left out. With `nil` they have the id None instead, in both cases.

        Raises:
            InvalidArgumentError: An argument is invalid, or `fit` was not called.
        """
        if isinstance(texts, str):
            given = None if mentions is None else [mentions]
            return self.predict([texts], mentions=given, batch_size=batch_size)[0]
        many, links = self._links(texts, mentions, batch_size)
        return self._mentions(many, links, given=mentions is not None)

    def predict_scores(
        self, texts: Iterable[str], *, mentions: Any = None, batch_size: int = 64
    ) -> list[list[ScoredMention]]:
        """Predicts mentions with the probabilities of all their candidates.

        Args:
            texts: The texts.
            mentions: As for `predict`.
            batch_size: Texts per batch.

        Returns:
            Mentions in order, one list for each text. None is left out by `thresholds.link`.

        Raises:
            InvalidArgumentError: As for `predict`.
        """
        many, links = self._links(texts, mentions, batch_size)
        ids = self._ready().scorer.store.ids
        found: list[list[ScoredMention]] = [[] for _ in many]
        columns = (one.tolist() for one in (*links[:4], links.first[:-1], links.first[1:]))
        for text, start, end, probability, first, last in zip(*columns, strict=True):
            scores = links.score[first:last].tolist()
            pairs = zip(links.entity[first:last].tolist(), scores, strict=True)
            scored = sorted(((ids[row], one) for row, one in pairs), key=lambda pair: -pair[1])
            given = None if mentions is not None else probability
            name = many[text][start:end]
            found[text].append(ScoredMention(start, end, name, given, tuple(scored)))
        return found

    def evaluate(
        self, texts: Iterable[LinkedText], *, given: bool = True, batch_size: int = 64
    ) -> LinkingScore:
        """Evaluates predictions: precision, recall and F1 of mentions with their ids.

        Args:
            texts: The gold standard.
            given: Whether to link the gold mentions as well, for `LinkingScore.given`.
            batch_size: Texts per batch.

        Returns:
            A `newword.linking.LinkingScore`. Mentions without an entity count only with `nil`.

        Raises:
            InvalidArgumentError: An argument is invalid, or `fit` was not called.
        """
        gold = checked_linked_texts("texts", texts)
        given = _check.flag("given", given)
        plain = [one.text for one in gold]
        linked = None
        if given:
            kept = [[one for one in text.mentions if self._counts(one)] for text in gold]
            linked = self.predict(plain, mentions=kept, batch_size=batch_size)
        predicted = self.predict(plain, batch_size=batch_size)
        return evaluate_linking(gold, predicted, given=linked, count_nil=self.options.nil)

    def tune(self, texts: Iterable[LinkedText], *, batch_size: int = 64) -> Thresholds:
        """Chooses the thresholds with the best F1 on development texts.

        The probabilities of starts and ends are compared with multiples of 0.1, those of links with
        all thresholds that make a difference. Of equal ones, those nearest to the defaults are
        chosen.

        Args:
            texts: Annotated texts that were not trained on.
            batch_size: Texts per batch.

        Returns:
            The new `thresholds`.

        Raises:
            InvalidArgumentError: An argument is invalid, or `fit` was not called.
        """
        gold = checked_linked_texts("texts", texts)
        _, links = self._links([one.text for one in gold], None, batch_size, GRID)
        ids = self._ready().scorer.store.ids
        wanted = {
            (place, one.start, one.end): one.id
            for place, text in enumerate(gold)
            for one in text.mentions
            if self._counts(one)
        }
        row, score = links.best()
        keys = list(zip(*(one.tolist() for one in links[:3]), strict=True))
        pairs = zip(keys, row.tolist(), strict=True)
        right = np.array([at >= 0 and wanted.get(key) == ids[at] for key, at in pairs], np.bool_)
        nil = None
        if self.options.nil:
            nil = np.array([wanted.get(key, "") is None for key in keys], np.bool_)
        self.thresholds = best_thresholds(links.kept.T, score, right, nil, len(wanted))
        return self.thresholds

    def matching(self, texts: Iterable[LinkedText]) -> MatchingReport:
        """Compares the matches of names with annotated mentions, before and after pruning.

        With `dictionary_only`, the recall after pruning bounds that of the linker.

        Args:
            texts: Annotated texts that were not trained on.

        Raises:
            InvalidArgumentError: An argument is invalid, or `fit` was not called.
        """
        ratio = self.options.pruning_ratio
        return self.statistics.report(texts, ratio, count_nil=self.options.nil)

    def _built(self, value: Any, what: str) -> Any:
        if value is None:
            raise _check.invalid("linker", f"fitted before it has {what}", self)
        return value

    def _counts(self, mention: Mention) -> bool:
        """Whether a gold mention counts: without `nil`, only those with an entity do."""
        return self.options.nil or mention.id is not None

    def _ready(self) -> Predictor:
        found: Predictor = self._built(self._predictor, "a model")
        return found

    def _links(
        self,
        texts: Any,
        mentions: Any,
        batch_size: int,
        thresholds: Sequence[float] | None = None,
    ) -> tuple[list[str], Links]:
        """The texts, and mentions with the scores of their candidates."""
        batch_size = _check.whole("batch_size", batch_size, 1)
        predictor = self._ready()
        many = checked_texts(texts)
        checked_lengths("texts", many, self.options.max_length)
        given = None if mentions is None else checked_spans(many, mentions)
        limits = (self.thresholds.mention,) if thresholds is None else thresholds
        return many, predictor.links(many, given, limits, batch_size)

    def _mentions(self, texts: list[str], links: Links, *, given: bool) -> list[list[Mention]]:
        """The predicted mentions of each text."""
        ids = self._ready().scorer.store.ids
        row, score = links.best()
        below = score.astype(np.float64) < self.thresholds.link
        if self.options.nil:
            row = np.where(below, -1, row)
        kept = np.full(len(row), True)
        if not given and not self.options.nil:
            kept = (row >= 0) & ~below
        found: list[list[Mention]] = [[] for _ in texts]
        columns = (one[kept].tolist() for one in (*links[:3], row))
        for text, start, end, best in zip(*columns, strict=True):
            identity = ids[best] if best >= 0 else None
            found[text].append(Mention(start, end, texts[text][start:end], identity))
        return found
