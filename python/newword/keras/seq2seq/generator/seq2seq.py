"""The generator: trains an encoder-decoder on pairs of texts and generates."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword.keras._optimizer import chosen_optimizer, compile_model
from newword.keras.seq2seq.encoder_decoder import EncoderDecoder
from newword.keras.seq2seq.generator.base import Generator, generator_options
from newword.keras.seq2seq.generator.batches import TrainingPairs
from newword.keras.seq2seq.generator.data import Texts, checked_sources
from newword.keras.seq2seq.generator.decoding import Decoder
from newword.keras.seq2seq.generator.diagnostics import SearchErrors, penalised, search_errors
from newword.keras.seq2seq.generator.file import ARCHIVE, Parts
from newword.keras.seq2seq.generator.searching import AllowedTexts, Searching
from newword.keras.seq2seq.loss import TokenAccuracy, TokenCrossEntropy
from newword.keras.seq2seq.lstm import LSTMEncoderDecoder
from newword.keras.seq2seq.remedies import Remedy
from newword.keras.seq2seq.teacher_forcing import TeacherForcing
from newword.keras.seq2seq.transformer import TransformerEncoderDecoder
from newword.keras.vocabulary import UNKNOWN, Vocabulary

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from typing_extensions import Self

    from newword.generation_evaluation import GenerationScore

__all__ = ["Seq2Seq"]

MODELS: dict[str, Any] = {"lstm": LSTMEncoderDecoder, "transformer": TransformerEncoderDecoder}
DIRECTIONS = ("left_to_right", "right_to_left")


class Seq2Seq(Generator):
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
        direction: `"left_to_right"` or `"right_to_left"`: the order in which characters of targets
            are learnt and generated. Texts are always given and returned in reading order.
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

    NAME = "seq2seq"
    ARCHIVE = ARCHIVE
    OPTIONS = (*Generator.OPTIONS, "direction")

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
        direction: str = "left_to_right",
        truncate: bool = False,
        seed: int = 0,
    ) -> None:
        if not isinstance(model, EncoderDecoder) and model not in MODELS:
            rule = f"one of {', '.join(map(repr, MODELS))}, or an encoder-decoder"
            raise _check.invalid("model", rule, model)
        super().__init__(
            vocabulary,
            min_count=min_count,
            max_source_length=max_source_length,
            max_target_length=max_target_length,
            truncate=truncate,
            seed=seed,
        )
        self.direction = _check.choice("direction", direction, DIRECTIONS)
        if isinstance(model, EncoderDecoder):
            self._use_model(self._checked_model(model))
            return
        self._make = partial(
            MODELS[model],
            units=units,
            num_layers=num_layers,
            dropout=dropout,
            copy_prior=copy_prior,
        )

    @property
    def training(self) -> TeacherForcing:
        """The Keras model that `fit` trains: the encoder-decoder with the remedies.

        Whatever changes the training of a Keras model can be applied to it before `fit`.

        Raises:
            InvalidArgumentError: `build` or `fit` was not called.
        """
        training: TeacherForcing = super().training
        return training

    @property
    def model(self) -> Any:
        """The encoder-decoder, a Keras model.

        Raises:
            InvalidArgumentError: `build` or `fit` was not called.
        """
        return self.training.model

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
        adversarial: Any = None,
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
            adversarial: Adversarial training in this call: an `AdversarialTraining`, or the name of
                a method for its defaults, such as "fgm"; neither "vat" nor "r_drop", which is a
                remedy. Without a layer, the embedding that source and target share is perturbed.
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
        options = generator_options(adversarial)
        sources, targets = self._checked(pairs, "pairs")
        best = self._validation(validation, select, patience)
        self.build([*sources, *targets])
        self._compile(optimizer, learning_rate, remedies)
        tokens = (self.model.start_token, self.model.end_token)
        seed = (self.seed, self._fits)
        encoded, read = self._encoded(sources, targets)
        read = read.backward() if self._decoder.backward else read
        batches = TrainingPairs(encoded, read, batch_size, tokens, seed)
        callbacks = [*best, *(callbacks or ())]
        return self._trained(batches, options, epochs=epochs, callbacks=callbacks, verbose=verbose)

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
        return self._evaluated(
            pairs,
            beams=beams,
            max_length=max_length,
            length_penalty=length_penalty,
            alpha=alpha,
            batch_size=batch_size,
        )

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
        encoded = self._encoded(sources, targets)
        log_probs: NDArray[np.float64] = self._decoder.log_probs(*encoded, batch_size)
        return log_probs

    def token_accuracy(
        self,
        pairs: Iterable[tuple[str, str]],
        *,
        remedy: Any = None,
        batch_size: int = 32,
    ) -> float:
        """The share of target characters and ends that are most probable after their prefix.

        The difference between gold prefixes and prefixes changed by `RandomReplacement` shows how
        much the model depends on prefixes without errors.

        Args:
            pairs: Pairs (source, target).
            remedy: A remedy that changes the prefixes; None for the gold prefixes.
            batch_size: Pairs per batch.

        Raises:
            InvalidArgumentError: As for `evaluate`; `remedy` is none.
        """
        batch_size = _check.whole("batch_size", batch_size, 1)
        if remedy is not None and not isinstance(remedy, Remedy):
            raise _check.invalid("remedy", "None or a remedy for exposure bias", remedy)
        encoded = self._encoded(*self._checked(pairs, "pairs", fitting=False))
        return float(self._decoder.token_accuracy(*encoded, remedy, batch_size))

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

    @classmethod
    def _of(cls, parts: Parts) -> Self:
        loaded = cls(parts.training.model, vocabulary=parts.vocabulary, **parts.options)
        loaded._use(parts.training)
        return loaded

    def _use_model(self, model: Any) -> None:
        self._use(TeacherForcing(model))

    def _use(self, training: TeacherForcing) -> None:
        """Takes a training model, and makes a decoder if its encoder-decoder is new."""
        old, self._training = self._training, training
        if old is None or old.model is not training.model:
            backward = self.direction == DIRECTIONS[1]
            self._decoding = Decoder(training.model, self.vocabulary, backward=backward)

    def _compile(self, optimizer: Any, learning_rate: Any, remedies: Any) -> None:
        """Compiles the training model, unless it can be kept as it is."""
        current = getattr(self.training, "optimizer", None)
        chosen = chosen_optimizer(current, optimizer, learning_rate)
        if remedies is not None and (remedies or self.training.remedies):
            self._use(TeacherForcing(self.model, remedies))
        elif current is not None and chosen is current:
            return
        compile_model(self.training, chosen, TokenCrossEntropy(), metrics=[TokenAccuracy()])
