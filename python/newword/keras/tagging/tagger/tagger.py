"""The tagger: trains and applies a segmenter or entity recogniser."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from newword import _check
from newword.evaluation import SegmentationScore, evaluate_segmentation
from newword.keras._lexicons import checked_lexicon
from newword.keras._optimizer import chosen_optimizer, compile_model
from newword.keras._seeding import seeded
from newword.keras.layers.gated_convolution import share
from newword.keras.tagging.best_path import METHODS
from newword.keras.tagging.tagger import file as tagger_file
from newword.keras.tagging.tagger.batches import TrainingBatches, Windows
from newword.keras.tagging.tagger.data import (
    UNKNOWN_TAG,
    Corpus,
    Gold,
    gold_of,
    spans_of,
    words_of,
)
from newword.keras.tagging.tagger.decoding import decode_scores, window_scores
from newword.keras.tagging.tagger.invalid_targets import InvalidTargets, valid_gold
from newword.keras.tagging.tagger.model import make_encoder, make_head, make_model, takes_ids
from newword.keras.tagging.tagger.training import Validation
from newword.keras.training.hook import applied
from newword.keras.training.options import options_of
from newword.keras.vocabulary import Vocabulary
from newword.span_evaluation import SpanScore, evaluate_spans
from newword.tag_scheme import TagScheme

if TYPE_CHECKING:
    import os
    from collections.abc import Container, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from newword.keras.tagging.heads import TaggingHead
    from newword.keras.training.options import AdversarialTraining

__all__ = ["Tagger"]


class Tagger:
    """A sequence tagger for the characters of texts: words, entities or other spans.

    It combines the tag scheme, the vocabulary, the model (embeddings, encoder and head), and the
    decoder. `fit` builds the vocabulary from the texts unless one is given.

    Args:
        scheme: The tags: `TagScheme("BMES")` for words, or a scheme with types for spans.
        encoder: `"bilstm"`, `"dgcnn"` or `"transformer"` (see `BiLSTMEncoder`, `DGCNNEncoder`,
            `TransformerEncoder`); or a user-defined Keras layer or model, from embeddings (batch,
            steps, features) to (batch, steps, features) or, if it is a model whose input has
            two axes, from ids (batch, steps), where 0 is padding.
        head: `"crf"`, `"bidirectional_memm"`, `"memm"` or `"softmax"`; or a `TaggingHead`, which
            has its own constraints and learning-rate multiplier.
        embedding_dim: Features of a character embedding.
        units: Units of a named encoder.
        num_layers: Layers of a named encoder; by default 1 for an LSTM, 4 for a DGCNN, 2 for a
            Transformer.
        dropout: Dropout rate of embeddings, within a named encoder, and of the encoder's output.
        lexicon: A `newword.Lexicon`, or any other object with `segment_many`, such as a trained
            segmenter. For each character, its position in the lexicon's word and the length of
            that word become a second embedding. Words discovered in unlabelled text help if
            labelled text is scarce.
        vocabulary: The known characters; by default those of the first fitted texts.
        constrained: Whether decoding excludes tag sequences that the scheme forbids.
        lr_multiplier: Factor on the learning rate of transitions; see `CRF`.
        max_length: Maximum length of a window. Longer texts are split into overlapping windows,
            whose scores are joined before decoding.
        seed: Seed of initial weights, dropout, the order of batches, and the replacement of rare
            characters by unknown.

    Raises:
        InvalidArgumentError: An argument is invalid.

    Complexity:
        That of the encoder and the head; decoding takes O(characters · tags²).

    Examples:
        >>> import newword
        >>> from newword.keras import Tagger
        >>> tagger = Tagger(newword.TagScheme("BMES"), "dgcnn", "softmax", units=16, num_layers=1)
        >>> gold = ["今天 天气 很 好", "天气 今天 很 好"] * 8
        >>> history = tagger.fit(None, gold, epochs=20, learning_rate=0.05, verbose=0)
        >>> tagger.predict("今天很好")
        ['今天', '很', '好']
        >>> tagger.evaluate(None, gold).f1
        1.0
    """

    def __init__(
        self,
        scheme: TagScheme,
        encoder: Any = "bilstm",
        head: Any = "crf",
        *,
        embedding_dim: int = 64,
        units: int = 64,
        num_layers: int | None = None,
        dropout: float = 0.2,
        lexicon: Any = None,
        vocabulary: Vocabulary | None = None,
        constrained: bool = True,
        lr_multiplier: float = 1.0,
        max_length: int = 512,
        seed: int = 0,
    ) -> None:
        if not isinstance(scheme, TagScheme):
            raise _check.invalid("scheme", "a TagScheme", scheme)
        if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
            raise _check.invalid("vocabulary", "a Vocabulary", vocabulary)
        self.scheme = scheme
        self.seed = _check.whole("seed", seed, 0)
        self.embedding_dim = _check.whole("embedding_dim", embedding_dim, 1)
        self.dropout = share("dropout", dropout)
        self.max_length = _check.whole("max_length", max_length, 16)
        self.lexicon = checked_lexicon(lexicon)
        layers = None if num_layers is None else _check.whole("num_layers", num_layers, 1)
        with seeded(self.seed):
            self.encoder = make_encoder(encoder, units, layers, self.dropout)
            self._head = make_head(
                head, scheme, _check.flag("constrained", constrained), lr_multiplier
            )
        takes_ids(self.encoder)
        self._vocabulary = vocabulary
        self._model: Any = None
        self._fits = 0
        none = InvalidTargets(0, 0)
        self._invalid = {"training": none, "validation": none}

    @property
    def head(self) -> TaggingHead:
        """The tagging head."""
        return self._head

    @property
    def model(self) -> Any:
        """The Keras model, from ids to the packed tensor; ids by name if there is a lexicon.

        Raises:
            InvalidArgumentError: `build` or `fit` was not called.
        """
        if self._model is None:
            raise _check.invalid("tagger", "fitted or built before it has a model", self)
        return self._model

    @property
    def vocabulary(self) -> Vocabulary:
        """The known characters.

        Raises:
            InvalidArgumentError: None were given, and `build` or `fit` was not called.
        """
        if self._vocabulary is None:
            raise _check.invalid("tagger", "fitted or built before it has a vocabulary", self)
        return self._vocabulary

    def build(self, texts: Iterable[str] | None = None) -> Tagger:
        """Builds the model, and the vocabulary from texts unless there is one.

        `fit` calls this method. Call it to inspect or change the model before training.

        Args:
            texts: The texts for the vocabulary; None if a vocabulary was given.

        Raises:
            InvalidArgumentError: There are neither texts nor a vocabulary, or the encoder does not
                fit.
        """
        if self._model is not None:
            return self
        vocabulary = self._vocabulary
        if vocabulary is None:
            if texts is None:
                raise _check.invalid("texts", "given if there is no vocabulary", texts)
            vocabulary = Vocabulary.from_texts(texts)
        with seeded(self.seed):
            self._model = make_model(
                self.encoder,
                self.head,
                vocabulary,
                embedding_dim=self.embedding_dim,
                dropout=self.dropout,
                lexicon=self.lexicon is not None,
            )
        self._vocabulary = vocabulary
        return self

    def fit(
        self,
        texts: Iterable[str] | None,
        targets: Iterable[Any],
        *,
        validation_data: tuple[Any, Any] | None = None,
        epochs: int = 10,
        batch_size: int = 32,
        learning_rate: Any = None,
        patience: int | None = None,
        optimizer: Any = None,
        callbacks: Sequence[Any] | None = None,
        adversarial: Any = None,
        on_invalid: str = "error",
        verbose: int | str = "auto",
    ) -> Any:
        """Trains the model, or continues training.

        Args:
            texts: The texts; None if the targets are words, whose concatenation is the text.
            targets: For each text, one of:
                words, a str with white space between them or a sequence of str, if the scheme
                is one of words; spans (start, end, type) if it has types; or tags, one per
                character, by id or by name, where -100 or -1 means unknown and is ignored by the
                loss. A sequence of str whose concatenation is the text is read as words.
            validation_data: Texts and targets to decode after each epoch. Precision, recall and F1
                are added to the history, and the weights of the best F1 are restored.
            epochs: Number of epochs.
            batch_size: Texts per batch.
            learning_rate: A number or a schedule for Adam; default 1e-3, later the previous one.
            patience: Number of epochs without a better F1 after which to stop.
            optimizer: An optimizer instead of Adam; later calls keep it.
            callbacks: Keras callbacks; their logs include val_f1.
            adversarial: Adversarial training in this call: an `AdversarialTraining`, or the name of
                a method for its defaults, such as "fgm". Without a layer, the embedding of the
                characters is perturbed. Methods that compare outputs need a `divergence`.
            on_invalid: Handling of a text whose tags break the scheme, in training and
                validation data: `"error"`; `"repair"`, which keeps the spans that conlleval finds
                (`TagScheme.repair`); or `"skip"`, which skips the text. `invalid_targets` and
                a line of output report the counts. A head with `constrained=False` takes all tags.
            verbose: As for `keras.Model.fit`.

        Returns:
            The `keras.callbacks.History`.

        Raises:
            InvalidArgumentError: An argument is invalid: texts and targets do not match, a tag is
                not in the scheme or forbidden in its position, or all texts are empty. Messages
                name the index, such as `targets[17]`. The model is not trained.
        """
        epochs = _check.whole("epochs", epochs, 1)
        batch_size = _check.whole("batch_size", batch_size, 1)
        on_invalid = _check.choice("on_invalid", on_invalid, ("error", "repair", "skip"))
        options = options_of("adversarial", adversarial)
        (corpus, labels, _), invalid = self._valid_gold(texts, targets, on_invalid, "targets")
        if not len(corpus.codes):
            raise _check.invalid("texts", "at least one with a character to learn from", texts)
        validation, invalid_validation = self._validation(validation_data, patience, on_invalid)
        self.build([corpus.text])
        self._compile(optimizer, learning_rate)
        self._invalid = {"training": invalid, "validation": invalid_validation}
        if verbose:
            self._report_invalid(on_invalid)
        batches = TrainingBatches(
            corpus.inputs(self.vocabulary, self.lexicon),
            labels,
            Windows.of(corpus.offsets, self.max_length),
            batch_size,
            (self.seed, self._fits),
        )
        with applied(self.model, self._perturbing_characters(options)):
            self._fits += 1
            return self.model.fit(
                batches,
                epochs=epochs,
                callbacks=[*validation, *(callbacks or ())],
                verbose=verbose,
                shuffle=False,
            )

    @property
    def invalid_targets(self) -> dict[str, InvalidTargets]:
        """Counts of texts and tags that the last `fit` repaired or skipped, by `on_invalid`.

        The keys are "training" and "validation".
        """
        return dict(self._invalid)

    @overload
    def predict(self, texts: str, *, method: str = ..., batch_size: int = ...) -> list[Any]: ...

    @overload
    def predict(
        self, texts: Iterable[str], *, method: str = ..., batch_size: int = ...
    ) -> list[list[Any]]: ...

    def predict(
        self, texts: str | Iterable[str], *, method: str = "map", batch_size: int = 64
    ) -> list[Any] | list[list[Any]]:
        """Predicts the words or the spans of texts.

        If the scheme is one of words, white space separates words and belongs to none: the
        concatenation of the words is the text without white space. If it has types, white space is
        an ordinary character and offsets count it, but a text of only white space has no spans. Up
        to rounding, no result depends on the other texts.

        Args:
            texts: One text or several.
            method: As for `newword.keras.decode`.
            batch_size: Texts per batch.

        Returns:
            A list of words or of `newword.Span` for one text; a list of these lists for several.

        Raises:
            InvalidArgumentError: An argument is invalid, or the tagger has no model yet.
        """
        if isinstance(texts, str):
            return self.predict([texts], method=method, batch_size=batch_size)[0]
        corpus = Corpus.of(texts, self.scheme)
        return self._decoded(corpus, self._tags(corpus, method, batch_size))

    @overload
    def predict_tags(  # type: ignore[overload-overlap]
        self, texts: str, *, method: str = ..., batch_size: int = ...
    ) -> NDArray[np.int32]: ...

    @overload
    def predict_tags(
        self, texts: Iterable[str], *, method: str = ..., batch_size: int = ...
    ) -> list[NDArray[np.int32]]: ...

    def predict_tags(
        self, texts: str | Iterable[str], *, method: str = "map", batch_size: int = 64
    ) -> NDArray[np.int32] | list[NDArray[np.int32]]:
        """Predicts the tag of each character; arguments and errors as for `predict`.

        Returns:
            Tag ids for each text, int32 of shape (len(text),); -1 for white space if the
            scheme is one of words.
        """
        if isinstance(texts, str):
            return self.predict_tags([texts], method=method, batch_size=batch_size)[0]
        corpus = Corpus.of(texts, self.scheme)
        tags = self._tags(corpus, method, batch_size)
        return corpus.as_given(tags, -1 if self.scheme.types is None else 0)

    def evaluate(
        self,
        texts: Iterable[str] | None,
        targets: Iterable[Any],
        *,
        known_words: Container[str] | None = None,
        method: str = "map",
        batch_size: int = 64,
    ) -> SegmentationScore | SpanScore:
        """Evaluates predictions against targets.

        Args:
            texts: As for `fit`.
            targets: The gold standard, as for `fit`. With spans, characters with an unknown tag
                are ignored; with words, all tags must be known.
            known_words: The words of the training data, for out-of-vocabulary recall.
            method: As for `predict`.
            batch_size: As for `predict`.

        Returns:
            A `newword.SegmentationScore` for words, otherwise a `newword.SpanScore`.

        Raises:
            InvalidArgumentError: As for `fit` and `predict`.
        """
        return self._score(gold_of(texts, targets, self.scheme), known_words, method, batch_size)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Saves the tagger to one file, atomically.

        The file is a zip archive: scheme, vocabulary and options as JSON, the model as Keras saves
        it, and the words and counts of a `newword.Lexicon`. Any other lexicon is not saved and
        must be passed to `load` again.

        Raises:
            InvalidArgumentError: There is no model yet, or the path is invalid.
            OSError: The file cannot be written.
        """
        options = {
            "embedding_dim": self.embedding_dim,
            "dropout": self.dropout,
            "max_length": self.max_length,
            "seed": self.seed,
        }
        tagger_file.save(
            path,
            tagger_file.Parts(
                self.scheme, self.vocabulary, self.model, self.encoder.name, self.lexicon, options
            ),
        )

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        lexicon: Any = None,
        custom_objects: Mapping[str, Any] | None = None,
    ) -> Tagger:
        """Loads a saved tagger, with the same predictions; `fit` continues training.

        Args:
            path: The file.
            lexicon: The lexicon, if the tagger was saved with one that is not a `newword.Lexicon`.
            custom_objects: Classes and functions of a user-defined encoder by name, unless they
                are registered with `keras.saving.register_keras_serializable`.

        Raises:
            FormatError: The file is not a tagger, corrupt, from a later version, or its parts do
                not match.
            InvalidArgumentError: A required lexicon is missing, or a lexicon is not needed.
            OSError: The file cannot be read.
        """
        parts = tagger_file.load(path, lexicon, custom_objects)
        tagger = cls(
            parts.scheme,
            parts.model.get_layer(parts.encoder),
            tagger_file.head_of(parts.model),
            lexicon=parts.lexicon,
            vocabulary=parts.vocabulary,
            **parts.options,
        )
        tagger._model = parts.model
        return tagger

    def __repr__(self) -> str:
        encoder, head = type(self.encoder).__name__, type(self.head).__name__
        state = "not built" if self._model is None else repr(self._vocabulary)
        return f"Tagger({self.scheme!r}, {encoder}, {head}; {state})"

    def _compile(self, optimizer: Any, learning_rate: Any) -> None:
        """Compiles the model, unless it can be kept as it is."""
        current = getattr(self.model, "optimizer", None)
        chosen = chosen_optimizer(current, optimizer, learning_rate)
        if current is None or chosen is not current:
            compile_model(self.model, chosen, self.head.loss(), metrics=[self.head.accuracy()])

    def _perturbing_characters(
        self, options: AdversarialTraining | None
    ) -> AdversarialTraining | None:
        """Options that name no layer are about characters, not about places in a lexicon."""
        if options is None or options.layer is not None or self.lexicon is None:
            return options
        return replace(options, layer="embedding")

    def _valid_gold(
        self, texts: Any, targets: Any, on_invalid: str, name: str
    ) -> tuple[Gold, InvalidTargets]:
        """Returns texts and targets that the head allows; `name` names the targets in errors."""
        gold = gold_of(texts, targets, self.scheme)
        return valid_gold(gold, self.scheme, self.head, on_invalid, name)

    def _report_invalid(self, on_invalid: str) -> None:
        """Prints one line if targets were repaired or skipped."""
        if any(one.texts for one in self._invalid.values()):
            counts = [f"{one.texts:,} {name} texts" for name, one in self._invalid.items()]
            sys.stdout.write(f"on_invalid={on_invalid!r}: {', '.join(counts)}\n")

    def _validation(
        self, data: Any, patience: int | None, on_invalid: str
    ) -> tuple[list[Any], InvalidTargets]:
        """The callback that decodes validation data, if there is any."""
        if data is None:
            if patience is not None:
                raise _check.invalid("patience", "None without validation_data", patience)
            return [], InvalidTargets(0, 0)
        patience = None if patience is None else _check.whole("patience", patience, 1)
        if not isinstance(data, (tuple, list)) or len(data) != 2:
            raise _check.invalid("validation_data", "(texts, targets)", data)
        gold, invalid = self._valid_gold(data[0], data[1], on_invalid, "validation_data[1]")
        if not len(gold[0].codes):
            raise _check.invalid("validation_data", "texts with at least one character", data)
        return [Validation(lambda: self._score(gold, None, "map", 64), patience)], invalid

    def _tags(self, corpus: Corpus, method: str, batch_size: int) -> NDArray[np.int32]:
        """The tags of all characters passed to the model."""
        batch_size = _check.whole("batch_size", batch_size, 1)
        method = _check.choice("method", method, METHODS)
        windows = Windows.of(corpus.offsets, self.max_length)
        if not len(windows):
            return np.zeros(0, np.int32)
        inputs = corpus.inputs(self.vocabulary, self.lexicon)
        rows = self.head.layout.rows
        scores = window_scores(self.model, inputs, windows, batch_size, rows)
        return decode_scores(*scores, corpus.offsets, method)

    def _decoded(self, corpus: Corpus, tags: NDArray[np.int32]) -> list[list[Any]]:
        """Decodes tags to words or spans."""
        decoded = words_of if self.scheme.types is None else spans_of
        return decoded(corpus, self.scheme, tags)

    def _score(
        self,
        gold: Gold,
        known_words: Container[str] | None,
        method: str,
        batch_size: int,
    ) -> SegmentationScore | SpanScore:
        corpus, labels, words = gold
        tags = self._tags(corpus, method, batch_size)
        if self.scheme.types is None:
            if words is None:
                if (labels < 0).any():
                    raise _check.invalid("targets", "tags that are all known", UNKNOWN_TAG)
                words = words_of(corpus, self.scheme, labels)
            return evaluate_segmentation(words, self._decoded(corpus, tags), known_words)
        known = labels >= 0
        want = self._decoded(corpus, np.where(known, labels, -1).astype(np.int32))
        return evaluate_spans(want, self._decoded(corpus, np.where(known, tags, -1)))
