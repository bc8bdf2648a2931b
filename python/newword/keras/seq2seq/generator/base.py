"""What all generators share: options, vocabulary, validation, evaluation, files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from newword import _check
from newword.generation_evaluation import MEASURES, GenerationScore, evaluate_generation
from newword.keras._seeding import seeded
from newword.keras._validation import BestWeights
from newword.keras.seq2seq.generator import file as generator_file
from newword.keras.seq2seq.generator.data import (
    Texts,
    checked_pairs,
    checked_sources,
    checked_targets,
)
from newword.keras.seq2seq.generator.diagnostics import BeamComparison
from newword.keras.training.hook import applied
from newword.keras.training.options import options_of
from newword.keras.vocabulary import Vocabulary

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping

    from typing_extensions import Self

    from newword.keras._archive import Archive
    from newword.keras.training.options import AdversarialTraining

__all__ = ["Generator", "generator_options"]


class Generator:
    """Base class of generators, which hold a vocabulary and a Keras model.

    A subclass sets `_make`, unless it has a model from the beginning, and defines `_use_model`,
    `_of`, `generate` and `evaluate`.

    Args:
        vocabulary: The known characters, or None.
        min_count: Minimum count of a character in the texts for the vocabulary.
        max_source_length: The largest number of characters of a source.
        max_target_length: The largest number of characters of a target.
        truncate: Whether longer sources are cut.
        seed: Seed of all that is random.
    """

    NAME: ClassVar[str]
    """What errors call the generator."""
    ARCHIVE: ClassVar[Archive]
    OPTIONS: ClassVar[tuple[str, ...]] = (
        "min_count",
        "max_source_length",
        "max_target_length",
        "truncate",
        "seed",
    )
    """The attributes that are saved and given to the constructor again."""

    generate: Callable[..., Any]
    evaluate: Callable[..., GenerationScore]

    def __init__(
        self,
        vocabulary: Vocabulary | None,
        *,
        min_count: int,
        max_source_length: int,
        max_target_length: int,
        truncate: bool,
        seed: int,
    ) -> None:
        if vocabulary is not None and not isinstance(vocabulary, Vocabulary):
            raise _check.invalid("vocabulary", "a Vocabulary", vocabulary)
        self.min_count = _check.whole("min_count", min_count, 1)
        self.max_source_length = _check.whole("max_source_length", max_source_length, 1)
        self.max_target_length = _check.whole("max_target_length", max_target_length, 1)
        self.truncate = _check.flag("truncate", truncate)
        self.seed = _check.whole("seed", seed, 0)
        self._vocabulary = vocabulary
        self._training: Any = None
        self._decoding: Any = None
        self._fits = 0
        self._make: Callable[[int], Any]

    @property
    def vocabulary(self) -> Vocabulary:
        """The known characters.

        Raises:
            InvalidArgumentError: None were given, and `build` or `fit` was not called.
        """
        if self._vocabulary is None:
            raise _check.invalid(self.NAME, "fitted or built before it has a vocabulary", self)
        return self._vocabulary

    @property
    def training(self) -> Any:
        """The Keras model that `fit` trains.

        Raises:
            InvalidArgumentError: `build` or `fit` was not called.
        """
        if self._training is None:
            raise _check.invalid(self.NAME, "fitted or built before it has a model", self)
        return self._training

    @property
    def model(self) -> Any:
        """The encoder-decoder, a Keras model.

        Raises:
            InvalidArgumentError: `build` or `fit` was not called.
        """
        return self.training

    def build(self, texts: Iterable[str] | None = None) -> Self:
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
            self._use_model(self._make(len(self._vocabulary)))
        return self

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

    def save(self, path: str | os.PathLike[str]) -> None:
        """Saves the generator to one file, atomically.

        The file is a zip archive: vocabulary and options as JSON, and the model as Keras saves it,
        with the optimizer's state.

        Raises:
            InvalidArgumentError: There is no model yet, or the path is invalid.
            OSError: The file cannot be written.
        """
        options = {name: getattr(self, name) for name in self.OPTIONS}
        parts = generator_file.Parts(self.vocabulary, self.training, options)
        generator_file.save(path, parts, self.ARCHIVE)

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, custom_objects: Mapping[str, Any] | None = None
    ) -> Self:
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
        return cls._of(generator_file.load(path, custom_objects, cls.ARCHIVE))

    def __repr__(self) -> str:
        name = type(self).__name__
        if self._training is None:
            return f"{name}(not built)"
        return f"{name}({type(self.model).__name__}; {self._vocabulary!r})"

    @property
    def _decoder(self) -> Any:
        """The compiled functions of the model; raises if there is no model yet."""
        _ = self.training
        return self._decoding

    @classmethod
    def _of(cls, parts: generator_file.Parts) -> Self:
        """The generator of a file."""
        raise NotImplementedError

    def _use_model(self, model: Any) -> None:
        """Takes an encoder-decoder.

        Raises:
            InvalidArgumentError: There is no vocabulary, or it is that of another model.
        """
        raise NotImplementedError

    def _checked_model(self, model: Any) -> Any:
        """A model of the user's, which needs its vocabulary."""
        if self._vocabulary is None:
            raise _check.invalid("vocabulary", "given with a model of your own", self._vocabulary)
        if model.vocabulary_size != len(self._vocabulary):
            rule = f"of {model.vocabulary_size} ids, those of the model"
            raise _check.invalid("vocabulary", rule, len(self._vocabulary))
        return model

    def _evaluated(self, pairs: Any, **options: Any) -> GenerationScore:
        """Generates the targets of pairs and evaluates them; options are those of `generate`."""
        sources, targets = self._checked(pairs, "pairs", fitting=False)
        return evaluate_generation(targets, self.generate(sources, **options))

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

    def _trained(self, batches: Any, options: AdversarialTraining | None, **given: Any) -> Any:
        """The history of `keras.Model.fit` on batches, with other arguments of it."""
        with applied(self.training, options):
            self._fits += 1
            return self.training.fit(batches, shuffle=False, **given)

    def _encoded(self, sources: list[str], targets: list[str]) -> tuple[Texts, Texts]:
        return Texts.of(sources, self.vocabulary), Texts.of(targets, self.vocabulary)

    def _length(self, max_length: int | None) -> int:
        """The largest number of generated characters."""
        return self.max_target_length if max_length is None else max_length


def generator_options(adversarial: Any) -> AdversarialTraining | None:
    """The options of adversarial training, for a loss that is a mean over tokens.

    Raises:
        InvalidArgumentError: They are none, or their method compares outputs, which have padding
            here that only the loss knows of.
    """
    options = options_of("adversarial", adversarial)
    if options is not None and options.method in ("vat", "r_drop"):
        rule = "another method for a generator; for R-Drop use remedies=[RDrop()]"
        raise _check.invalid("adversarial", rule, options.method)
    return options
