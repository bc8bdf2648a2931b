"""The generator: trains an encoder-decoder on pairs of texts and generates."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword.generation_evaluation import MEASURES, GenerationScore, evaluate_generation
from newword.keras._optimizer import chosen_optimizer
from newword.keras._seeding import seeded
from newword.keras._validation import BestWeights
from newword.keras.seq2seq.encoder_decoder import EncoderDecoder
from newword.keras.seq2seq.generator import file as generator_file
from newword.keras.seq2seq.generator.batches import TrainingPairs
from newword.keras.seq2seq.generator.data import (
    Texts,
    checked_pairs,
    checked_sources,
    checked_targets,
)
from newword.keras.seq2seq.generator.decoding import Decoder
from newword.keras.seq2seq.generator.diagnostics import (
    BeamComparison,
    SearchErrors,
    penalised,
    search_errors,
)
from newword.keras.seq2seq.generator.searching import AllowedTexts, Searching
from newword.keras.seq2seq.loss import TokenAccuracy, TokenCrossEntropy
from newword.keras.seq2seq.lstm import LSTMEncoderDecoder
from newword.keras.seq2seq.teacher_forcing import TeacherForcing
from newword.keras.seq2seq.transformer import TransformerEncoderDecoder
from newword.keras.vocabulary import UNKNOWN, Vocabulary

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["Seq2Seq"]

MODELS: dict[str, Any] = {"lstm": LSTMEncoderDecoder, "transformer": TransformerEncoderDecoder}


class Seq2Seq:
    """Generates a text from a text: headlines, second lines of couplets, corrections.

    It combines the vocabulary, an encoder-decoder, training and search. Texts are sequences of
    characters. `fit` builds the vocabulary from the texts unless one is given.

    Args:
        model: `"lstm"` or `"transformer"` (see `LSTMEncoderDecoder`,
            `TransformerEncoderDecoder`); or an encoder-decoder of your own for the vocabulary that
            must then be given.
        units: Units of a named model.
        num_layers: Layers of a named model's encoder and decoder.
        dropout: Dropout rate of a named model.
        copy_prior: Whether a named model has a prior for characters of the source.
        vocabulary: The known characters; by default those of the first fitted texts, without
            normalisation, so that texts are generated as the targets are written.
        min_count: Minimum count of a character in the texts for the vocabulary.
        max_source_length: The largest number of characters of a source.
        max_target_length: The largest number of characters of a target, and by default of
            generated texts.
        truncate: Whether longer sources are cut. Otherwise they are an error.
        seed: Seed of initial weights, dropout, the order of batches, and the replacement of rare
            characters of sources by unknown.

    Raises:
        InvalidArgumentError: An argument is invalid.

    Complexity:
        That of the model; generation takes one step of the model per character for all hypotheses
        of a batch.

    Examples:
        >>> from newword.keras import Seq2Seq
        >>> pairs = [("今天天气", "天气"), ("明天天气", "明天"), ("今天很好", "很好")] * 8
        >>> headlines = Seq2Seq("lstm", units=16, num_layers=1)
        >>> history = headlines.fit(pairs, epochs=20, learning_rate=0.03, verbose=0)
        >>> headlines.generate(["明天天气", "今天很好"], beams=2)
        ['明天', '很好']
    """

    def __init__(
        self,
        model: Any = "lstm",
        *,
        units: int = 128,
        num_layers: int = 2,
        dropout: float = 0.1,
        copy_prior: bool = True,
        vocabulary: Vocabulary | None = None,
        min_count: int = 1,
        max_source_length: int = 256,
        max_target_length: int = 64,
        truncate: bool = False,
        seed: int = 0,
    ) -> None:
        if not isinstance(model, EncoderDecoder) and model not in MODELS:
            rule = f"one of {', '.join(map(repr, MODELS))}, or an encoder-decoder"
            raise _check.invalid("model", rule, model)
        if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
            raise _check.invalid("vocabulary", "a Vocabulary", vocabulary)
        self.min_count = _check.whole("min_count", min_count, 1)
        self.max_source_length = _check.whole("max_source_length", max_source_length, 1)
        self.max_target_length = _check.whole("max_target_length", max_target_length, 1)
        self.truncate = _check.flag("truncate", truncate)
        self.seed = _check.whole("seed", seed, 0)
        self._vocabulary = vocabulary
        self._training: Any = None
        self._fits = 0
        if isinstance(model, EncoderDecoder):
            if vocabulary is None:
                raise _check.invalid("vocabulary", "given with a model of your own", vocabulary)
            if model.vocabulary_size != len(vocabulary):
                rule = f"of {model.vocabulary_size} ids, those of the model"
                raise _check.invalid("vocabulary", rule, len(vocabulary))
            self._use(TeacherForcing(model))
            return
        self._make = partial(
            MODELS[model],
            units=units,
            num_layers=num_layers,
            dropout=dropout,
            copy_prior=copy_prior,
        )

    @property
    def vocabulary(self) -> Vocabulary:
        """The known characters.

        Raises:
            InvalidArgumentError: None were given, and `build` or `fit` was not called.
        """
        if self._vocabulary is None:
            raise _check.invalid("seq2seq", "fitted or built before it has a vocabulary", self)
        return self._vocabulary

    @property
    def training(self) -> TeacherForcing:
        """The Keras model that `fit` trains: the encoder-decoder with the remedies.

        Whatever changes the training of a Keras model can be applied to it before `fit`.

        Raises:
            InvalidArgumentError: `build` or `fit` was not called.
        """
        if self._training is None:
            raise _check.invalid("seq2seq", "fitted or built before it has a model", self)
        training: TeacherForcing = self._training
        return training

    @property
    def model(self) -> Any:
        """The encoder-decoder, a Keras model.

        Raises:
            InvalidArgumentError: `build` or `fit` was not called.
        """
        return self.training.model

    def build(self, texts: Iterable[str] | None = None) -> Seq2Seq:
        """Builds the model, and the vocabulary from texts unless there is one.

        `fit` calls this method. Call it to inspect or change the model before training.

        Args:
            texts: Sources and targets for the vocabulary; None if a vocabulary was given.

        Raises:
            InvalidArgumentError: There are neither texts nor a vocabulary.
        """
        if self._training is not None:
            return self
        if self._vocabulary is None:
            if texts is None:
                raise _check.invalid("texts", "given if there is no vocabulary", texts)
            # As written: a normalised vocabulary would generate no full-width punctuation.
            self._vocabulary = Vocabulary.from_texts(
                texts, min_count=self.min_count, normalize=False
            )
        with seeded(self.seed):
            self._use(TeacherForcing(self._make(len(self._vocabulary))))
        return self

    def fit(
        self,
        pairs: Iterable[tuple[str, str]],
        *,
        validation: Iterable[tuple[str, str]] | None = None,
        select: str = "bleu",
        epochs: int = 10,
        batch_size: int = 32,
        learning_rate: Any = None,
        patience: int | None = None,
        optimizer: Any = None,
        remedies: Sequence[Any] | None = None,
        callbacks: Sequence[Any] | None = None,
        verbose: int | str = "auto",
    ) -> Any:
        """Trains the model, or continues training.

        Args:
            pairs: Pairs (source, target) of non-empty texts.
            validation: Held-out pairs. After each epoch the model generates their targets with
                greedy search; the weights with the best measure are restored at the end. The
                loss with gold prefixes would not do: remedies raise it while texts improve.
            select: The measure: "bleu", "rouge_1", "rouge_2", "rouge_l" or "exact".
            epochs: Number of passes over the data.
            batch_size: Pairs per batch.
            learning_rate: A number or a schedule for Adam; default 1e-3, later the previous one.
            patience: Number of epochs without a better measure after which to stop.
            optimizer: An optimizer instead of Adam; later calls keep it.
            remedies: Remedies for exposure bias, such as `[RandomReplacement()]`. None keeps those
                of the last call; at first there are none.
            callbacks: Keras callbacks; their logs include the measures, such as val_bleu.
            verbose: As for `keras.Model.fit`.

        Returns:
            The `keras.callbacks.History`.

        Raises:
            InvalidArgumentError: An argument is invalid; messages name the index, such as
                `pairs[17][0]`. The model is not trained.
            MissingDependencyError: There is validation, and `rouge` or `nltk` is not installed.
        """
        epochs = _check.whole("epochs", epochs, 1)
        batch_size = _check.whole("batch_size", batch_size, 1)
        sources, targets = self._checked(pairs, "pairs")
        best = self._validation(validation, select, patience)
        self.build([*sources, *targets])
        self._compile(optimizer, learning_rate, remedies)
        tokens = (self.model.start_token, self.model.end_token)
        seed = (self.seed, self._fits)
        batches = TrainingPairs(*self._encoded(sources, targets), batch_size, tokens, seed)
        self._fits += 1
        return self.training.fit(
            batches,
            epochs=epochs,
            callbacks=[*best, *(callbacks or ())],
            verbose=verbose,
            shuffle=False,
        )

    def generate(
        self,
        texts: str | Iterable[str],
        *,
        beams: int = 1,
        n_best: int | None = None,
        samples: int | None = None,
        max_length: int | None = None,
        min_length: int = 0,
        length_penalty: str = "none",
        alpha: float = 1.0,
        no_repeat_ngram: int = 0,
        groups: int = 1,
        diversity: float = 0.0,
        allowed: Any = None,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        batch_size: int = 32,
    ) -> Any:
        """Generates texts by beam search or sampling.

        Args:
            texts: One source or several.
            beams: Number of hypotheses of each source; 1 is greedy search.
            n_best: Number of results for each source, with their scores.
            samples: Number of random samples for each source, instead of a beam search.
            max_length: The largest number of characters; by default `max_target_length`. A text of
                this length ends there, whatever the probability of an end.
            min_length: The smallest number of characters.
            length_penalty: See `newword.beam.BeamSearch`: "none", "average" or "gnmt".
            alpha: The exponent of the length penalty.
            no_repeat_ngram: No n-gram of this order occurs twice in a text; 0 for no such rule.
            groups: See `BeamSearch`.
            diversity: See `BeamSearch`.
            allowed: The only texts that may be generated: the words of a `newword.Lexicon` or an
                iterable of str. Those with unknown characters or more than `max_length` characters
                are left out.
            temperature: For samples; see `newword.beam.Sampler`.
            top_k: For samples; see `Sampler`.
            top_p: For samples; see `Sampler`.
            seed: Seed of the samples. They also depend on the other texts of the batch.
            batch_size: Sources per batch.

        Returns:
            With neither `n_best` nor `samples`, a str for each source. Otherwise for each
            source a list of named tuples (text, score, log_prob), best first, or in the order of
            the samples. For one source, that of the source.

        Raises:
            InvalidArgumentError: An argument is invalid, a source is empty or too long, or there is
                no model yet.
        """
        many: Iterable[str] = [texts] if isinstance(texts, str) else texts
        searching = Searching(
            beams=beams,
            n_best=1 if n_best is None else n_best,
            samples=samples,
            max_length=self._length(max_length),
            min_length=min_length,
            length_penalty=length_penalty,
            alpha=alpha,
            no_repeat_ngram=no_repeat_ngram,
            groups=groups,
            diversity=diversity,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
        )
        batch_size = _check.whole("batch_size", batch_size, 1)
        sources = checked_sources(many, self.max_source_length, self.truncate)
        only = None
        if allowed is not None:
            only = AllowedTexts.of(allowed, self.vocabulary, searching.max_length)
        encoded = Texts.of(sources, self.vocabulary)
        found: list[Any] = self._decoder.generate(encoded, searching, only, batch_size)
        if n_best is None and samples is None:
            found = [results[0].text for results in found]
        return found[0] if isinstance(texts, str) else found

    def evaluate(
        self,
        pairs: Iterable[tuple[str, str]],
        *,
        beams: int = 1,
        max_length: int | None = None,
        length_penalty: str = "none",
        alpha: float = 1.0,
        batch_size: int = 32,
    ) -> GenerationScore:
        """Generates the targets of pairs and evaluates them by ROUGE and BLEU on characters.

        Args:
            pairs: Pairs (source, target).
            beams: As for `generate`.
            max_length: As for `generate`.
            length_penalty: As for `generate`.
            alpha: As for `generate`.
            batch_size: As for `generate`.

        Returns:
            A `GenerationScore`; see `newword.evaluate_generation`.

        Raises:
            InvalidArgumentError: As for `fit` and `generate`.
            MissingDependencyError: `rouge` or `nltk` is not installed.
        """
        sources, targets = self._checked(pairs, "pairs", fitting=False)
        found = self.generate(
            sources,
            beams=beams,
            max_length=max_length,
            length_penalty=length_penalty,
            alpha=alpha,
            batch_size=batch_size,
        )
        return evaluate_generation(targets, found)

    def compare_beams(
        self, pairs: Iterable[tuple[str, str]], beams: Iterable[int] = (1, 2, 3, 5), **options: Any
    ) -> BeamComparison:
        """Evaluates generation for several numbers of beams.

        Where the scores fall with more beams, the model is at fault and not the search: exposure
        bias is a cause.

        Args:
            pairs: Pairs (source, target).
            beams: The numbers of beams.
            **options: Other arguments of `evaluate`.

        Returns:
            A `BeamComparison` with the score for each number of beams, and `plot`.

        Raises:
            InvalidArgumentError: As for `evaluate`.
        """
        pairs, many = list(pairs), list(_check.iterable("beams", beams, "an iterable of int"))
        if not many:
            raise _check.invalid("beams", "at least one number", many)
        return BeamComparison({one: self.evaluate(pairs, beams=one, **options) for one in many})

    def log_probs(
        self, pairs: Iterable[tuple[str, str]], *, batch_size: int = 32
    ) -> NDArray[np.float64]:
        """The log-probability of each target, given its source, with that of its end.

        Unknown characters count as such.

        Args:
            pairs: Pairs (source, target).
            batch_size: Pairs per batch.

        Returns:
            float64 of shape (pairs,).

        Raises:
            InvalidArgumentError: As for `fit`, or there is no model yet.
        """
        batch_size = _check.whole("batch_size", batch_size, 1)
        sources, targets = self._checked(pairs, "pairs", fitting=False)
        return self._decoder.log_probs(*self._encoded(sources, targets), batch_size)

    def search_errors(
        self,
        pairs: Iterable[tuple[str, str]],
        *,
        beams: int = 1,
        max_length: int | None = None,
        length_penalty: str = "none",
        alpha: float = 1.0,
        batch_size: int = 32,
    ) -> SearchErrors:
        """Tells errors of the search from errors of the model.

        Args:
            pairs: Pairs (source, target).
            beams: As for `generate`.
            max_length: As for `generate`.
            length_penalty: As for `generate`; it applies to gold targets, too.
            alpha: As for `generate`.
            batch_size: As for `generate`.

        Returns:
            `SearchErrors`, with counts and the scores of gold targets and of the texts found.

        Raises:
            InvalidArgumentError: As for `evaluate`.
        """
        sources, targets = self._checked(pairs, "pairs", fitting=False)
        best = self.generate(
            sources,
            beams=beams,
            n_best=1,
            max_length=max_length,
            length_penalty=length_penalty,
            alpha=alpha,
            batch_size=batch_size,
        )
        encoded = [self.vocabulary.encode(text) for text in targets]
        lengths = np.array([len(ids) for ids in encoded])
        gold = self.log_probs(zip(sources, targets, strict=True), batch_size=batch_size)
        gold = penalised(gold, lengths + 1, length_penalty, alpha)
        cannot = [UNKNOWN in ids or len(ids) > self._length(max_length) for ids in encoded]
        gold[np.array(cannot)] = np.nan
        wanted = [self.vocabulary.decode(ids) for ids in encoded]
        found = [results[0] for results in best]
        scores = np.array([one.score for one in found])
        return search_errors(wanted, gold, [one.text for one in found], scores)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Saves the generator to one file, atomically.

        The file is a zip archive: vocabulary and options as JSON, and the model as Keras saves it,
        with the optimizer's state.

        Raises:
            InvalidArgumentError: There is no model yet, or the path is invalid.
            OSError: The file cannot be written.
        """
        names = ("min_count", "max_source_length", "max_target_length", "truncate", "seed")
        options = {name: getattr(self, name) for name in names}
        generator_file.save(path, generator_file.Parts(self.vocabulary, self.training, options))

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, custom_objects: Mapping[str, Any] | None = None
    ) -> Seq2Seq:
        """Loads a saved generator; `fit` continues training.

        Args:
            path: The file.
            custom_objects: Classes of a user-defined model by name, unless they are registered with
                `keras.saving.register_keras_serializable`.

        Raises:
            FormatError: The file is not a generator, corrupt, from a later version, or its model
                and vocabulary do not match.
            OSError: The file cannot be read.
        """
        parts = generator_file.load(path, custom_objects)
        loaded = cls(parts.training.model, vocabulary=parts.vocabulary, **parts.options)
        loaded._use(parts.training)
        return loaded

    def __repr__(self) -> str:
        if self._training is None:
            return "Seq2Seq(not built)"
        return f"Seq2Seq({type(self.model).__name__}; {self._vocabulary!r})"

    def _use(self, training: TeacherForcing) -> None:
        """Takes a training model, and makes a decoder if its encoder-decoder is new."""
        old, self._training = self._training, training
        if old is None or old.model is not training.model:
            self._decoder = Decoder(training.model, self.vocabulary)

    def _compile(self, optimizer: Any, learning_rate: Any, remedies: Any) -> None:
        """Compiles the training model, unless it can be kept as it is."""
        current = getattr(self.training, "optimizer", None)
        chosen = chosen_optimizer(current, optimizer, learning_rate)
        if remedies is not None and (remedies or self.training.remedies):
            self._use(TeacherForcing(self.model, remedies))
        elif current is not None and chosen is current:
            return
        self.training.compile(chosen, TokenCrossEntropy(), metrics=[TokenAccuracy()])
        # TensorFlow traces a step that creates variables twice.
        self.training.optimizer.build(self.training.trainable_variables)

    def _checked(
        self, pairs: Any, argument: str, *, fitting: bool = True
    ) -> tuple[list[str], list[str]]:
        """Sources and targets; for fitting, targets must not be too long."""
        sources, targets = checked_pairs(pairs, argument)
        sources = checked_sources(
            sources, self.max_source_length, self.truncate, argument, "[{}][0]"
        )
        if fitting:
            checked_targets(targets, self.max_target_length, argument)
        return sources, targets

    def _validation(self, pairs: Any, select: str, patience: int | None) -> list[Any]:
        """The callback that generates the targets of validation pairs, if there are any."""
        select = _check.choice("select", select, MEASURES)
        if pairs is None:
            if patience is not None:
                raise _check.invalid("patience", "None without validation", patience)
            return []
        patience = None if patience is None else _check.whole("patience", patience, 1)
        sources, targets = self._checked(pairs, "validation", fitting=False)
        # Raises an error if a package is missing.
        evaluate_generation(["."], [""])
        many = list(zip(sources, targets, strict=True))
        return [BestWeights(lambda: self.evaluate(many).to_dict(), select, patience)]

    def _encoded(self, sources: list[str], targets: list[str]) -> tuple[Texts, Texts]:
        return Texts.of(sources, self.vocabulary), Texts.of(targets, self.vocabulary)

    def _length(self, max_length: int | None) -> int:
        """The largest number of generated characters."""
        return self.max_target_length if max_length is None else max_length
