"""The generator whose model writes texts from both ends at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from keras import ops

from newword import _check
from newword.keras._optimizer import chosen_optimizer, compile_model
from newword.keras.seq2seq.bidirectional import DIRECTIONS, BidirectionalLSTMEncoderDecoder
from newword.keras.seq2seq.generator.base import Generator, generator_options
from newword.keras.seq2seq.generator.bidirectional_batches import BidirectionalPairs
from newword.keras.seq2seq.generator.bidirectional_decoding import (
    BidirectionalDecoder,
    BidirectionalSearching,
)
from newword.keras.seq2seq.generator.data import Texts, checked_pseudo, checked_sources
from newword.keras.seq2seq.generator.file import BIDIRECTIONAL_ARCHIVE, Parts
from newword.keras.seq2seq.generator.leakage import LeakageReport, leakage_report
from newword.keras.seq2seq.generator.positions import position_accuracy
from newword.keras.seq2seq.generator.searching import AllowedTexts
from newword.keras.seq2seq.generator.seq2seq import Seq2Seq
from newword.keras.seq2seq.loss import TokenAccuracy, TokenCrossEntropy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from typing_extensions import Self

    from newword.generation_evaluation import GenerationScore
    from newword.keras.vocabulary import Vocabulary

__all__ = ["BidirectionalSeq2Seq"]

MODELS: dict[str, Any] = {"lstm": BidirectionalLSTMEncoderDecoder}


class BidirectionalSeq2Seq(Generator):
    """Generates a text from a text, from both ends at once.

    It is used as `Seq2Seq`. Two decoders, from left to right and from right to left, see what the
    other one has generated; the better text of both directions is the result.

    Training has two stages. In the first one both decoders read gold targets, and in the second
    half of a text each finds its labels in what the other one reads. The author of the method
    doubts that this stage alone is better than a unidirectional model. In the second stage the
    other direction reads generated targets instead:

    1. `fit(pairs, validation=...)`
    2. `fit(pairs, validation=..., pseudo=generator.pseudo_targets(pairs))`

    Args:
        model: `"lstm"` (see `BidirectionalLSTMEncoderDecoder`), or such a model of your own for
            the vocabulary that must then be given.
        units: Units of a named model.
        num_layers: Layers of a named model's encoder and decoders.
        fusion: How a named model combines the directions: `"concatenate"` or `"sbnmt"`.
        dropout: Dropout rate of a named model.
        copy_prior: Whether a named model has a prior for characters of the source.
        vocabulary: As for `Seq2Seq`.
        min_count: As for `Seq2Seq`.
        max_source_length: As for `Seq2Seq`.
        max_target_length: As for `Seq2Seq`.
        truncate: As for `Seq2Seq`.
        seed: As for `Seq2Seq`.

    Raises:
        InvalidArgumentError: An argument is invalid.

    Complexity:
        A step of generation takes two decoder steps per hypothesis, and as many outputs as there
        are pairs of hypotheses of both directions; in mode `"paired"` two per hypothesis.

    Source:
        Su Jianlin, https://kexue.fm/archives/6877; Zhou et al., Synchronous bidirectional neural
        machine translation, 2019.

    Examples:
        >>> from newword.keras import BidirectionalSeq2Seq
        >>> headlines = BidirectionalSeq2Seq("lstm", units=16, num_layers=1)
        >>> headlines = headlines.build(["今天天气", "天气"])      # fit(pairs) does this, too
        >>> results = headlines.generate("今天天气", beams=2, n_best=2, max_length=3)
        >>> len(results), all(len(one.text) <= 3 for one in results)
        (2, True)
    """

    NAME = "bidirectional"
    ARCHIVE = BIDIRECTIONAL_ARCHIVE

    def __init__(
        self,
        model: Any = "lstm",
        *,
        units: int = 128,
        num_layers: int = 2,
        fusion: str = "concatenate",
        dropout: float = 0.1,
        copy_prior: bool = True,
        vocabulary: Vocabulary | None = None,
        min_count: int = 1,
        max_source_length: int = 256,
        max_target_length: int = 64,
        truncate: bool = False,
        seed: int = 0,
    ) -> None:
        own = isinstance(model, BidirectionalLSTMEncoderDecoder)
        if not own and model not in MODELS:
            rule = f"{', '.join(map(repr, MODELS))}, or a bidirectional encoder-decoder"
            raise _check.invalid("model", rule, model)
        super().__init__(
            vocabulary,
            min_count=min_count,
            max_source_length=max_source_length,
            max_target_length=max_target_length,
            truncate=truncate,
            seed=seed,
        )
        if own:
            self._use_model(self._checked_model(model))
            return
        self._make = partial(
            MODELS[model],
            units=units,
            num_layers=num_layers,
            fusion=fusion,
            dropout=dropout,
            copy_prior=copy_prior,
        )

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
        pseudo: Iterable[str] | None = None,
        pseudo_share: float = 1.0,
        adversarial: Any = None,
        callbacks: Sequence[Any] | None = None,
        verbose: int | str = "auto",
    ) -> Any:
        """Trains the model, or continues training.

        The loss is the mean of both directions, each a mean over its tokens.

        Args:
            pairs: Pairs (source, target) of non-empty texts.
            validation: Held-out pairs. After each epoch the model generates their targets with
                greedy search in both directions; the weights with the best measure are restored at
                the end. The loss with gold targets cannot select weights, because labels are among
                what the model reads.
            select: As for `Seq2Seq.fit`.
            epochs: Number of passes over the data.
            batch_size: Pairs per batch.
            learning_rate: As for `Seq2Seq.fit`.
            patience: As for `Seq2Seq.fit`.
            optimizer: As for `Seq2Seq.fit`.
            pseudo: For the second stage: for each pair a text, which the other direction reads
                instead of the gold target, such as those of `pseudo_targets`. Empty texts are
                allowed. What is predicted, and what a direction itself reads, remain the gold
                target.
            pseudo_share: The share of pairs whose pseudo text is read, drawn anew in each epoch;
                for the others it is the gold target.
            adversarial: As for `Seq2Seq.fit`.
            callbacks: As for `Seq2Seq.fit`.
            verbose: As for `keras.Model.fit`.

        Returns:
            The `keras.callbacks.History`, which has losses and accuracies of both directions.

        Raises:
            InvalidArgumentError: An argument is invalid; messages name the index, such as
                `pairs[17][0]`. The model is not trained.
            MissingDependencyError: There is validation, and `rouge` or `nltk` is not installed.
        """
        epochs = _check.whole("epochs", epochs, 1)
        batch_size = _check.whole("batch_size", batch_size, 1)
        options = generator_options(adversarial)
        pseudo_share = _check.threshold("pseudo_share", pseudo_share)
        if pseudo_share > 1:
            raise _check.invalid("pseudo_share", "at most 1", pseudo_share)
        sources, targets = self._checked(pairs, "pairs")
        others = None
        if pseudo is not None:
            others = checked_pseudo(pseudo, len(sources), self.max_target_length)
        best = self._validation(validation, select, patience)
        self.build([*sources, *targets])
        self._compile(optimizer, learning_rate)
        batches = BidirectionalPairs(
            *self._encoded(sources, targets),
            batch_size,
            self.model.start_tokens,
            (self.seed, self._fits),
            None if others is None else Texts.of(others, self.vocabulary),
            pseudo_share,
        )
        callbacks = [*best, *(callbacks or ())]
        return self._trained(batches, options, epochs=epochs, callbacks=callbacks, verbose=verbose)

    def pseudo_targets(
        self, pairs: Iterable[tuple[str, str]], *, beams: int = 1, batch_size: int = 32
    ) -> list[str]:
        """Generates the targets of training pairs, for the second stage of training.

        A model that knows its training pairs by heart generates gold targets, and the second stage
        is then like the first one: stop the first one early, or use another generator's texts.

        Args:
            pairs: The pairs (source, target) for `fit`.
            beams: As for `generate`.
            batch_size: As for `generate`.

        Returns:
            A text for each pair.

        Raises:
            InvalidArgumentError: As for `fit` and `generate`.
        """
        sources, _ = self._checked(pairs, "pairs")
        found: list[str] = self.generate(sources, beams=beams, batch_size=batch_size)
        return found

    def generate(
        self,
        texts: str | Iterable[str],
        *,
        beams: int = 1,
        n_best: int | None = None,
        mode: str = "average",
        max_length: int | None = None,
        min_length: int = 0,
        length_penalty: str = "none",
        alpha: float = 1.0,
        no_repeat_ngram: int = 0,
        allowed: Any = None,
        batch_size: int = 32,
    ) -> Any:
        """Generates texts by bidirectional beam search.

        Args:
            texts: One source or several.
            beams: Number of hypotheses of each source in each direction.
            n_best: Number of results for each source, with their scores.
            mode: `"average"`: each hypothesis is scored with all of the other direction, and
                probabilities are averaged. `"paired"`: only with the one of the same rank.
            max_length: As for `Seq2Seq.generate`.
            min_length: As for `Seq2Seq.generate`.
            length_penalty: See `newword.beam.BidirectionalBeamSearch`.
            alpha: The exponent of the length penalty.
            no_repeat_ngram: As for `Seq2Seq.generate`.
            allowed: As for `Seq2Seq.generate`.
            batch_size: Sources per batch.

        Returns:
            Without `n_best` a str for each source, otherwise for each source a list of named tuples
            (text, score, log_prob, direction), best first. For one source, that of the source.
            Scores belong to no probability model of texts; they only rank.

        Raises:
            InvalidArgumentError: As for `Seq2Seq.generate`.
        """
        many: Iterable[str] = [texts] if isinstance(texts, str) else texts
        searching = BidirectionalSearching(
            beams=beams,
            n_best=1 if n_best is None else n_best,
            mode=mode,
            max_length=self._length(max_length),
            min_length=min_length,
            length_penalty=length_penalty,
            alpha=alpha,
            no_repeat_ngram=no_repeat_ngram,
        )
        batch_size = _check.whole("batch_size", batch_size, 1)
        found = self._generated(many, searching, allowed, batch_size)
        if n_best is None:
            found = [results[0].text for results in found]
        return found[0] if isinstance(texts, str) else found

    def evaluate(
        self,
        pairs: Iterable[tuple[str, str]],
        *,
        beams: int = 1,
        mode: str = "average",
        max_length: int | None = None,
        length_penalty: str = "none",
        alpha: float = 1.0,
        batch_size: int = 32,
    ) -> GenerationScore:
        """Generates the targets of pairs and evaluates them by ROUGE and BLEU on characters.

        Args:
            pairs: Pairs (source, target).
            beams: As for `generate`.
            mode: As for `generate`.
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
            mode=mode,
            max_length=max_length,
            length_penalty=length_penalty,
            alpha=alpha,
            batch_size=batch_size,
        )

    def leakage_report(
        self,
        pairs: Iterable[tuple[str, str]],
        *,
        unidirectional: Seq2Seq | None = None,
        beams: int = 1,
        batch_size: int = 32,
    ) -> LeakageReport:
        """Compares the model with gold targets to read and without them.

        Args:
            pairs: Held-out pairs (source, target).
            unidirectional: A generator whose loss on the pairs is compared with the sum of the
                losses of both directions.
            beams: As for `generate`.
            batch_size: Pairs per batch.

        Returns:
            A `LeakageReport`.

        Raises:
            InvalidArgumentError: As for `evaluate`; `unidirectional` is no `Seq2Seq`.
        """
        batch_size = _check.whole("batch_size", batch_size, 1)
        if unidirectional is not None and not isinstance(unidirectional, Seq2Seq):
            raise _check.invalid("unidirectional", "None or a Seq2Seq", unidirectional)
        sources, targets = self._checked(pairs, "pairs", fitting=False)
        gold = self._decoder.gold_tokens(*self._encoded(sources, targets), batch_size)
        found = self.generate(sources, beams=beams, batch_size=batch_size)
        loss = None
        if unidirectional is not None:
            many = zip(sources, targets, strict=True)
            total = -unidirectional.log_probs(many, batch_size=batch_size).sum()
            loss = float(total / sum(len(one) + 1 for one in targets))
        return leakage_report(gold, position_accuracy(targets, found), loss)

    @classmethod
    def _of(cls, parts: Parts) -> Self:
        return cls(parts.training, vocabulary=parts.vocabulary, **parts.options)

    def _use_model(self, model: Any) -> None:
        self._training = model
        self._decoding = BidirectionalDecoder(model, self.vocabulary)

    def _compile(self, optimizer: Any, learning_rate: Any) -> None:
        """Compiles the model, unless it can be kept as it is."""
        current = getattr(self.model, "optimizer", None)
        chosen = chosen_optimizer(current, optimizer, learning_rate)
        if current is None or chosen is not current:
            compile_model(
                self.model,
                chosen,
                {name: TokenCrossEntropy() for name in DIRECTIONS},
                loss_weights=dict.fromkeys(DIRECTIONS, 1 / len(DIRECTIONS)),
                metrics={name: [TokenAccuracy()] for name in DIRECTIONS},
            )
        # Creates the metrics of the losses. Otherwise the first training step would, and TensorFlow
        # would trace it twice.
        labels = ops.zeros((1, 1), "int32")
        logits = ops.zeros((1, 1, self.model.vocabulary_size))
        self.model.compute_loss(
            y=dict.fromkeys(DIRECTIONS, labels), y_pred=dict.fromkeys(DIRECTIONS, logits)
        )

    def _generated(
        self, texts: Any, searching: BidirectionalSearching, allowed: Any, batch_size: int
    ) -> Any:
        """The results of each source."""
        sources = checked_sources(texts, self.max_source_length, self.truncate)
        only = None
        if allowed is not None:
            only = AllowedTexts.of(allowed, self.vocabulary, searching.max_length)
        encoded = Texts.of(sources, self.vocabulary)
        return self._decoder.generate(encoded, searching, only, batch_size)
