"""The file of a generator: a zip archive, written atomically and validated when read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newword import _check
from newword.errors import FormatError
from newword.keras._archive import MODEL, Archive, load_model, sound
from newword.keras.seq2seq.teacher_forcing import TeacherForcing
from newword.keras.vocabulary import Vocabulary

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["Parts", "load", "save"]

ARCHIVE = Archive("newword.keras.Seq2Seq", 1, "seq2seq.json", "a generator")


@dataclass(frozen=True)
class Parts:
    """The parts of a generator."""

    vocabulary: Vocabulary
    training: Any
    """The `TeacherForcing` model, which holds the encoder-decoder and the optimizer."""
    options: dict[str, Any]


def save(path: str | os.PathLike[str], parts: Parts) -> None:
    """Writes a generator; see `Seq2Seq.save`."""
    about = {"vocabulary": parts.vocabulary.to_config(), "options": parts.options}
    ARCHIVE.save(path, parts.training, about, {})


def load(path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None) -> Parts:
    """Reads a generator; see `Seq2Seq.load`."""
    source = _check.path("path", path)
    about, members = ARCHIVE.load(source)
    with sound(source, "vocabulary or options"):
        vocabulary = Vocabulary.from_config(about["vocabulary"])
        options = dict(about["options"])
    training = load_model(source, members[MODEL], custom_objects)
    if not isinstance(training, TeacherForcing):
        kind = type(training).__name__
        raise FormatError(f"{source}: {MODEL}: a {kind} instead of an encoder-decoder")
    ids = training.model.vocabulary_size
    if ids != len(vocabulary):
        rule = f"a model of {ids} ids, but {len(vocabulary)} ids in the vocabulary"
        raise FormatError(f"{source}: {MODEL}: {rule}")
    return Parts(vocabulary, training, options)
