"""The files of generators: a zip archive, written atomically and validated when read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newword import _check
from newword.errors import FormatError
from newword.keras._archive import MODEL, Archive, load_model, sound
from newword.keras.seq2seq.bidirectional import BidirectionalLSTMEncoderDecoder
from newword.keras.seq2seq.teacher_forcing import TeacherForcing
from newword.keras.vocabulary import Vocabulary

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["ARCHIVE", "BIDIRECTIONAL_ARCHIVE", "Parts", "load", "save"]

ARCHIVE = Archive("newword.keras.Seq2Seq", 1, "seq2seq.json", "a generator")
BIDIRECTIONAL_ARCHIVE = Archive(
    "newword.keras.BidirectionalSeq2Seq", 1, "seq2seq.json", "a bidirectional generator"
)


@dataclass(frozen=True)
class Parts:
    """The parts of a generator."""

    vocabulary: Vocabulary
    training: Any
    """The model that `fit` trains, with the optimizer: a `TeacherForcing` model, which holds the
    encoder-decoder, or a bidirectional encoder-decoder."""
    options: dict[str, Any]


def save(path: str | os.PathLike[str], parts: Parts, archive: Archive) -> None:
    """Writes a generator; see `Seq2Seq.save`."""
    about = {"vocabulary": parts.vocabulary.to_config(), "options": parts.options}
    archive.save(path, parts.training, about, {})


def load(
    path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None, archive: Archive
) -> Parts:
    """Reads a generator; see `Seq2Seq.load`."""
    source = _check.path("path", path)
    about, members = archive.load(source)
    with sound(source, "vocabulary or options"):
        vocabulary = Vocabulary.from_config(about["vocabulary"])
        options = dict(about["options"])
    training = load_model(source, members[MODEL], custom_objects)
    kind: Any = TeacherForcing if archive is ARCHIVE else BidirectionalLSTMEncoderDecoder
    if not isinstance(training, kind):
        found = type(training).__name__
        raise FormatError(f"{source}: {MODEL}: a {found} instead of an encoder-decoder")
    model = training.model if isinstance(training, TeacherForcing) else training
    if model.vocabulary_size != len(vocabulary):
        rule = f"a model of {model.vocabulary_size} ids, but {len(vocabulary)} ids in the"
        raise FormatError(f"{source}: {MODEL}: {rule} vocabulary")
    return Parts(vocabulary, training, options)
