"""The linker: options, training and file; `predictions` has what a fitted one does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from newword import _check
from newword.keras._lexicons import checked_lexicon
from newword.keras._optimizer import chosen_optimizer, compile_model
from newword.keras._seeding import seeded
from newword.keras._validation import BestWeights
from newword.keras.linking import file as linker_file
from newword.keras.linking.batches import TrainingBatches, mention_labels
from newword.keras.linking.candidates import Candidates
from newword.keras.linking.checks import (
    checked_base,
    linker_options,
    training_texts,
)
from newword.keras.linking.loss import MaskedBinaryCrossentropy
from newword.keras.linking.model import EntityLinkingModel
from newword.keras.linking.options import AUTO, LinkerOptions, Words, checked_features
from newword.keras.linking.prediction import Predictor
from newword.keras.linking.predictions import Predictions
from newword.keras.linking.sampling import SamplingCoverage, TrainingMentions
from newword.keras.linking.scoring import Scorer
from newword.keras.linking.texts import EntityStore, Reader, folded
from newword.keras.linking.tuning import Thresholds
from newword.keras.training.hook import applied
from newword.keras.vocabulary import Vocabulary
from newword.linking import (
    LinkedText,
    MentionStatistics,
)

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from typing_extensions import Self

__all__ = ["EntityLinker"]


class EntityLinker(Predictions):
    """Finds mentions of the entities of a knowledge base in short texts, and links them.

    The knowledge base finds where names match, statistics of the training texts remove names that
    annotators skip, and one model decides which matches are mentions and which entity of that name
    each one means.

    Args:
        features: What text and entity have in common: `"characters"`, whether a character occurs
            in the description; `"words"`, whether a word does; `"objects"`, whether a character
            lies in an object of the entity of at most 10 characters. Default: all, words only with
            a lexicon.
        match_features: Whether the model sees where names match.
        dictionary_only: Whether mentions start and end only where matches do. Otherwise the
            model may find other mentions, but only those whose name has candidates or, with
            `nil`, all.
        nil: Whether mentions may have no entity. Otherwise such mentions are not learned, and none
            are predicted.
        lexicon: A `newword.Lexicon`, or any other object with `segment_many`, for the feature
            of words, for word vectors, and for an embedding of positions in words.
        word_vectors: A mapping from words to vectors. They are not trained; a projection of
            the vector of its word is added to the embedding of each character.
        mode: How names are matched: `"optimal"`, `"longest"` or `"all"`; see
            `KnowledgeBase.matches`.
        pruning_ratio: Names are not matched if (matches that are not annotated + 1) / (annotated
            mentions + 1) is at least this in the training texts; None keeps all names.
        prior_min_count: Candidates of a name that were linked less often in the training texts are
            not scored, unless none would remain; None scores all.
        alias_min_count: Entities that a name was linked to at least so often are candidates even if
            the knowledge base does not have the name for them; None for none.
        max_candidates: The largest number of candidates of a name: those linked most often, then
            the first in the knowledge base; None for all.
        positive_share: The probability that training pairs a mention with the right entity if its
            name has several. None draws uniformly from all entities of the name, as the article
            does: of a name with 50 entities, 2 % of the pairs are then positive.
        vocabulary: The known characters; by default those of the first fitted texts, and of the
            descriptions of the entities that their names may mean.
        encoder: `"bilstm"`, as in the article, `"dgcnn"` or `"transformer"` (see `BiLSTMEncoder`,
            `DGCNNEncoder`, `TransformerEncoder`): what reads texts, mentions and descriptions.
        num_layers: Layers of each encoder; by default 1 for LSTMs, 4 for a DGCNN, 2 for a
            Transformer.
        embedding_dim: Features of a character embedding.
        units: Units of each direction of an LSTM, half of the features of another encoder.
        num_heads: Heads of the attention between text and description; divides 2 `units`.
        dropout: Dropout rate of embeddings and of the vector of a pair.
        ema_momentum: Momentum of the average of the weights over the steps of training, which
            predictions use; `"auto"` is 1 - 10 / steps of the first `fit`, between 0 and 0.9999;
            None for no average.
        min_count: Minimum count of a character for the vocabulary.
        max_length: The largest length of a text in characters.
        max_description_length: The number of characters of a description that are read.
        seed: Seed of initial weights, dropout, samples, and the order of batches.

    Raises:
        InvalidArgumentError: An argument is invalid.

    Complexity:
        Matching is linear in the length of the text. A text is encoded once and, while memory of
        256 MB lasts, a description too; each pair of a mention and a candidate takes a pass of
        the encoder over the text, and attention of O(text · description · units).

    Source:
        Su Jianlin, https://kexue.fm/archives/6919, and its code.

    Examples:
        >>> import pathlib, tempfile
        >>> from newword.keras import EntityLinker
        >>> from newword.linking import Entity, KnowledgeBase, LinkedText, Mention
        >>> kb = KnowledgeBase.build([
        ...     Entity("1", "红豆", attributes=(("类别", "歌曲"), ("歌手", "王菲"))),
        ...     Entity("2", "红豆", attributes=(("类别", "植物"), ("用途", "煮粥"))),
        ... ], pathlib.Path(tempfile.mkdtemp(), "base.kb"))
        >>> texts = [LinkedText("王菲唱红豆", [Mention(3, 5, "红豆", "1")]),
        ...          LinkedText("红豆煮粥", [Mention(0, 2, "红豆", "2")])] * 8
        >>> linker = EntityLinker(encoder="dgcnn", num_layers=1, units=8, embedding_dim=16)
        >>> history = linker.fit(texts, kb, epochs=10, learning_rate=0.02, verbose=0)
        >>> linker.predict("王菲的红豆")
        [Mention(start=3, end=5, text='红豆', id='1')]
        >>> linker.evaluate(texts).f1
        1.0
    """

    def __init__(
        self,
        *,
        features: Iterable[str] | None = None,
        match_features: bool = True,
        dictionary_only: bool = True,
        nil: bool = False,
        lexicon: Any = None,
        word_vectors: Mapping[str, Any] | None = None,
        mode: str = "optimal",
        pruning_ratio: float | None = 5.0,
        prior_min_count: int | None = 2,
        alias_min_count: int | None = None,
        max_candidates: int | None = 50,
        positive_share: float | None = 0.5,
        vocabulary: Vocabulary | None = None,
        encoder: str = "bilstm",
        num_layers: int | None = None,
        embedding_dim: int = 128,
        units: int = 64,
        num_heads: int = 8,
        dropout: float = 0.2,
        ema_momentum: float | str | None = AUTO,
        min_count: int = 2,
        max_length: int = 512,
        max_description_length: int = 256,
        seed: int = 0,
    ) -> None:
        self.lexicon = checked_lexicon(lexicon)
        self.options = LinkerOptions(
            features=checked_features(features, self.lexicon),
            match_features=match_features,
            dictionary_only=dictionary_only,
            nil=nil,
            mode=mode,
            pruning_ratio=pruning_ratio,
            prior_min_count=prior_min_count,
            alias_min_count=alias_min_count,
            max_candidates=max_candidates,
            positive_share=positive_share,
            encoder=encoder,
            num_layers=num_layers,
            embedding_dim=embedding_dim,
            units=units,
            num_heads=num_heads,
            dropout=dropout,
            ema_momentum=ema_momentum,
            min_count=min_count,
            max_length=max_length,
            max_description_length=max_description_length,
            seed=seed,
        )
        if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
            raise _check.invalid("vocabulary", "a Vocabulary", vocabulary)
        self._words = None if word_vectors is None else Words.of(word_vectors)
        if self._words is not None and self.lexicon is None:
            raise _check.invalid("lexicon", "given with word_vectors, to find words", lexicon)
        self.thresholds = Thresholds()
        """The least probabilities that a prediction takes; `tune` chooses them."""
        self._vocabulary = vocabulary
        self._kb: Any = None
        self._model: Any = None
        self._statistics: MentionStatistics | None = None
        self._predictor: Predictor | None = None
        self._coverage: SamplingCoverage | None = None
        self._fits = 0

    @property
    def coverage(self) -> SamplingCoverage | None:
        """What the samples of the last `fit` covered; None before it and after `load`."""
        return self._coverage

    def fit(
        self,
        texts: Iterable[LinkedText],
        kb: Any = None,
        *,
        validation_data: Iterable[LinkedText] | None = None,
        epochs: int = 10,
        batch_size: int = 32,
        learning_rate: Any = None,
        patience: int | None = None,
        optimizer: Any = None,
        callbacks: Sequence[Any] | None = None,
        adversarial: Any = None,
        on_missing: str = "error",
        verbose: int | str = "auto",
    ) -> Any:
        """Counts statistics and trains the model, or continues training with new statistics.

        In each epoch, one mention of each text is paired with one entity of its name.

        Args:
            texts: Annotated texts.
            kb: The `KnowledgeBase`; None for that of the last call.
            validation_data: Annotated texts to link after each epoch. Precision, recall, F1, the
                F1 of mentions and the accuracy of links are added to the history, the weights of
                the best F1 are restored, and `tune` chooses the thresholds at the end.
            epochs: Number of epochs.
            batch_size: Texts per batch.
            learning_rate: A number or a schedule for Adam; default 1e-3, later the previous one.
            patience: Number of epochs without a better F1 after which to stop.
            optimizer: An optimizer instead of Adam; later calls keep it.
            callbacks: Keras callbacks; their logs include val_f1.
            adversarial: Adversarial training in this call: an `AdversarialTraining`, or the name of
                a method for its defaults, such as "fgm". Without a layer, the embedding of the
                characters is perturbed. Methods that compare outputs are refused.
            on_missing: Handling of mentions whose id the knowledge base does not have: `"error"`,
                or `"nil"`, which treats them as mentions without an entity.
            verbose: As for `keras.Model.fit`.

        Returns:
            The `keras.callbacks.History`.

        Raises:
            InvalidArgumentError: An argument is invalid: a text is too long, an id is unknown, or
                all texts are empty. Messages name the index, such as `texts[17].mentions[0]`. The
                model is not trained.
        """
        epochs = _check.whole("epochs", epochs, 1)
        batch_size = _check.whole("batch_size", batch_size, 1)
        options = linker_options(adversarial)
        base = self.kb if kb is None else checked_base(kb)
        on_missing = _check.choice("on_missing", on_missing, ("error", "nil"))
        most = self.options.max_length
        known: dict[str, Any] = {"nil": self.options.nil, "on_missing": on_missing, "most": most}
        train = [one for one in training_texts("texts", texts, base, **known) if one.text]
        if not train:
            raise _check.invalid("texts", "at least one with a character to learn from", texts)
        dev = self._development(validation_data, patience, base, known)
        statistics = MentionStatistics.count(
            train, base, mode=self.options.mode, count_nil=self.options.nil
        )
        self._build(train, base, statistics)
        batches = self._batches(train, batch_size)
        self._compile(optimizer, learning_rate, epochs * len(batches))
        history = self._trained(
            batches,
            options,
            epochs=epochs,
            callbacks=[
                keras.callbacks.LambdaCallback(on_train_begin=lambda _: batches.begin()),
                *self._validation(dev, patience),
                *(callbacks or ()),
            ],
            verbose=verbose,
        )
        if dev is not None:
            self.tune(dev)
        return history

    def save(self, path: str | os.PathLike[str]) -> None:
        """Saves the linker to one file, atomically; the knowledge base has a file of its own.

        The file is a zip archive: vocabulary, statistics, thresholds and options as JSON, the model
        as Keras saves it, and the words and counts of a `newword.Lexicon`. Any other lexicon is not
        saved and must be passed to `load` again.

        Raises:
            InvalidArgumentError: There is no model yet, or the path is invalid.
            OSError: The file cannot be written.
        """
        parts = linker_file.Parts(
            self.vocabulary,
            self.model,
            self.statistics,
            self.thresholds,
            self.lexicon,
            self._words,
            self.options.to_config(),
        )
        linker_file.save(path, parts, self.kb)

    @classmethod
    def load(cls, path: str | os.PathLike[str], kb: Any, *, lexicon: Any = None) -> Self:
        """Loads a saved linker, with the same predictions; `fit` continues training.

        Args:
            path: The file.
            kb: The knowledge base that it was saved with.
            lexicon: The lexicon, if the linker was saved with one that is not a `newword.Lexicon`.

        Raises:
            FormatError: The file is not a linker, corrupt, from a later version, or its parts do
                not match.
            InvalidArgumentError: It is another knowledge base, by its `fingerprint`; a required
                lexicon is missing, or a lexicon is not needed.
            OSError: The file cannot be read.
        """
        parts = linker_file.load(path, checked_base(kb), lexicon)
        linker = cls(lexicon=parts.lexicon, vocabulary=parts.vocabulary, **parts.options)
        linker._words, linker._model = parts.words, parts.model
        linker.thresholds = parts.thresholds
        linker._use(kb, parts.statistics)
        return linker

    def __repr__(self) -> str:
        state = "not fitted" if self._model is None else f"{len(self._kb):,} entities"
        return f"EntityLinker(features={self.options.features!r}; {state})"

    def _build(self, texts: list[LinkedText], kb: Any, statistics: MentionStatistics) -> None:
        """Creates vocabulary and model, unless there are any, and takes base and statistics."""
        if self._vocabulary is None:
            named = Candidates(kb, statistics, None, None, self.options.max_candidates)
            names = [one.text for text in texts for one in text.mentions]
            ids = dict.fromkeys(one for each in named.of(names).values() for one in each)
            read = [*(one.text for one in texts), *kb.texts(list(ids))]
            self._vocabulary = Vocabulary.from_texts(
                map(folded, read), min_count=self.options.min_count
            )
        if self._model is None:
            with seeded(self.options.seed):
                self._model = self._new_model()
        self._use(kb, statistics)

    def _new_model(self) -> Any:
        options, words = self.options, self._words
        shape = None if words is None or words.matrix is None else words.matrix.shape
        model: Any = EntityLinkingModel(
            len(self.vocabulary),
            1 + len(options.features),
            encoder=options.encoder,
            num_layers=options.num_layers,
            embedding_dim=options.embedding_dim,
            units=options.units,
            num_heads=options.num_heads,
            dropout=options.dropout,
            dictionary_only=options.dictionary_only,
            places=self.lexicon is not None,
            word_vectors=shape,
            name="entity_linker",
        )
        if words is not None:
            model.word_embedding.set_weights([words.matrix])
        return model

    def _use(self, kb: Any, statistics: MentionStatistics) -> None:
        """Prepares predictions with a knowledge base and statistics."""
        options = self.options
        self._kb, self._statistics = kb, statistics
        dictionary = None
        if options.pruning_ratio is not None and statistics.dropped(options.pruning_ratio):
            dictionary = statistics.pruned(options.pruning_ratio)
        reader = Reader(self.vocabulary, self.lexicon, self._words)
        store = EntityStore(kb, reader, options.max_description_length)
        self._predictor = Predictor(
            kb,
            Scorer(self._model, store, options.features),
            Candidates(
                kb,
                statistics,
                options.prior_min_count,
                options.alias_min_count,
                options.max_candidates,
            ),
            options.mode,
            dictionary,
            options.match_features,
        )

    def _batches(self, texts: list[LinkedText], batch_size: int) -> TrainingBatches:
        predictor = self._ready()
        store = predictor.scorer.store
        plain = [one.text for one in texts]
        read = store.reader.read([folded(one) for one in plain])
        ends = predictor.ends(plain, read)
        labels = mention_labels(texts, read.offsets)
        if self.options.dictionary_only:
            # What the model cannot predict is nothing to learn from.
            labels = labels * ends
        mentions = TrainingMentions(texts, predictor.candidates, store, self.options.positive_share)
        return TrainingBatches(
            read,
            ends,
            labels,
            mentions,
            store,
            self.options.features,
            batch_size,
            (self.options.seed, self._fits),
        )

    def _compile(self, optimizer: Any, learning_rate: Any, steps: int) -> None:
        """Compiles the model, unless it can be kept as it is."""
        current = getattr(self._model, "optimizer", None)
        average = {}
        if self.options.ema_momentum is not None:
            momentum = self.options.ema_momentum
            if momentum == AUTO:
                momentum = min(max(0.0, 1 - 10 / steps), 0.9999)
            average = {"use_ema": True, "ema_momentum": momentum}
        chosen = chosen_optimizer(current, optimizer, learning_rate, **average)
        if current is None or chosen is not current:
            losses = {name: MaskedBinaryCrossentropy() for name in ("mentions", "link")}
            compile_model(self._model, chosen, losses)

    def _trained(self, batches: TrainingBatches, options: Any, **given: Any) -> Any:
        """The history of `keras.Model.fit` on batches, with other arguments of it."""
        with applied(self._model, options):
            self._fits += 1
            history = self._model.fit(batches, shuffle=False, **given)
        self._ready().scorer.forget()
        self._coverage = batches.mentions.coverage
        return history

    def _development(
        self, data: Any, patience: int | None, kb: Any, known: dict[str, Any]
    ) -> list[LinkedText] | None:
        """The texts of `validation_data`, validated."""
        if data is None:
            if patience is not None:
                raise _check.invalid("patience", "None without validation_data", patience)
            return None
        if patience is not None:
            _check.whole("patience", patience, 1)
        # An entity that the base lacks is one that cannot be found.
        found = training_texts("validation_data", data, kb, **{**known, "on_missing": "keep"})
        if not any(one.text for one in found):
            rule = "texts with at least one character"
            raise _check.invalid("validation_data", rule, data)
        return found

    def _validation(self, dev: list[LinkedText] | None, patience: int | None) -> list[Any]:
        """The callbacks that link validation texts with the averaged weights."""
        if dev is None:
            return []

        def measures() -> dict[str, float]:
            self._ready().scorer.forget()
            score = self.evaluate(dev, given=False)
            found = {name: getattr(score, name) for name in ("precision", "recall", "f1")}
            return {**found, "mention_f1": score.mentions.f1, "link_accuracy": score.link_accuracy}

        averaged = getattr(self._model.optimizer, "use_ema", False)
        swapping = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if averaged else []
        return [*swapping, BestWeights(measures, "f1", patience)]
