"""The file of a tagger: a zip archive, written atomically and validated when read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from newword import _check
from newword._atomic import replacing
from newword.errors import FormatError, InvalidArgumentError
from newword.keras.tagging.heads import TaggingHead
from newword.keras.tagging.tagger.lexicon_places import checked_lexicon
from newword.keras.tagging.tagger.model import check_rows
from newword.keras.vocabulary import Vocabulary
from newword.lexicon import Lexicon
from newword.tag_scheme import TagScheme

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["Parts", "head_of", "load", "save"]

FORMAT, VERSION = "newword.keras.Tagger", 1
ABOUT, MODEL, LEXICON = "tagger.json", "model.keras", "lexicon.json"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time stamp of all members, so that archives are reproducible as far as Keras allows."""


@dataclass(frozen=True)
class Parts:
    """The parts of a tagger."""

    scheme: TagScheme
    vocabulary: Vocabulary
    model: Any
    encoder: str
    """The name of the encoder layer in the model."""
    lexicon: Any
    options: dict[str, Any]


def save(path: str | os.PathLike[str], parts: Parts) -> None:
    """Writes a tagger; see `Tagger.save`."""
    target = _check.path("path", path)
    members = {}
    if isinstance(parts.lexicon, Lexicon):
        words = {
            "words": parts.lexicon["word"].tolist(),
            "counts": parts.lexicon["count"].tolist(),
        }
        members[LEXICON] = json.dumps(words).encode()
    with replacing(target) as temporary:
        with tempfile.TemporaryDirectory(dir=temporary.parent, prefix=".newword-") as folder:
            file = Path(folder, MODEL)
            parts.model.save(file)
            members[MODEL] = file.read_bytes()
        about = {
            "format": FORMAT,
            "version": VERSION,
            "scheme": parts.scheme.to_config(),
            "vocabulary": parts.vocabulary.to_config(),
            "encoder": parts.encoder,
            "lexicon": _kind(parts.lexicon),
            "options": parts.options,
            "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in members.items()},
        }
        with zipfile.ZipFile(temporary, "w") as archive:
            for name, data in {ABOUT: json.dumps(about).encode(), **members}.items():
                archive.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)


def load(
    path: str | os.PathLike[str], lexicon: Any, custom_objects: Mapping[str, Any] | None
) -> Parts:
    """Reads a tagger; see `Tagger.load`."""
    source = _check.path("path", path)
    members = _members(source)
    about = _about(source, members)
    with _sound(source, "scheme, vocabulary or options"):
        scheme = TagScheme.from_config(about["scheme"])
        vocabulary = Vocabulary.from_config(about["vocabulary"])
        encoder, kind, options = str(about["encoder"]), about["lexicon"], dict(about["options"])
    own = _lexicon(source, kind, lexicon, members)
    model = _model(source, members[MODEL], custom_objects)
    _check_together(source, model, scheme, vocabulary, encoder)
    return Parts(scheme, vocabulary, model, encoder, own, options)


def head_of(model: Any) -> TaggingHead:
    """The tagging head at the end of a tagger's model.

    Raises:
        ValueError: There is none.
    """
    for layer in reversed(model.layers):
        if isinstance(layer, TaggingHead):
            return layer
    raise ValueError("no tagging head in the model")


def _kind(lexicon: Any) -> str | None:
    if lexicon is None:
        return None
    return "saved" if isinstance(lexicon, Lexicon) else type(lexicon).__qualname__


def _members(source: str) -> dict[str, bytes]:
    """All members by name."""
    try:
        with zipfile.ZipFile(source) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise FormatError(f"{source}: not a tagger file, or corrupt: {error}") from error


def _about(source: str, members: dict[str, bytes]) -> dict[str, Any]:
    """Reads the description and validates format, version and digests."""
    with _sound(source, ABOUT):
        about = json.loads(members[ABOUT])
        if about["format"] != FORMAT:
            raise ValueError(f"the format is {about['format']!r}")
        version, digests = int(about["version"]), dict(about["sha256"])
    if version > VERSION:
        rule = f"version {version}, and this newword reads up to version {VERSION}"
        raise FormatError(f"{source}: {rule}")
    for name in {MODEL, *digests}:
        if name not in members or name not in digests:
            raise FormatError(f"{source}: {name} is missing")
        if hashlib.sha256(members[name]).hexdigest() != digests[name]:
            raise FormatError(f"{source}: {name} is not the one that was saved")
    checked: dict[str, Any] = about
    return checked


def _lexicon(source: str, kind: Any, given: Any, members: dict[str, bytes]) -> Any:
    """Returns the saved lexicon, or the given one if another type was in use."""
    if kind is None or kind == "saved":
        if given is not None:
            raise _check.invalid("lexicon", f"None, as {source} needs no other", given)
        if kind is None:
            return None
        with _sound(source, LEXICON):
            table = json.loads(members[LEXICON])
            return Lexicon.from_words(table["words"], table["counts"])
    if given is None:
        raise _check.invalid("lexicon", f"given, as {source} was made with a {kind}", given)
    return checked_lexicon(given)


def _model(source: str, data: bytes, custom_objects: Mapping[str, Any] | None) -> Any:
    with tempfile.TemporaryDirectory(prefix="newword-") as folder:
        file = Path(folder, MODEL)
        file.write_bytes(data)
        try:
            return keras.models.load_model(file, custom_objects=dict(custom_objects or {}))
        except Exception as error:
            # Keras raises exceptions of any type; the message includes theirs.
            rule = (
                "Keras cannot load the model (own classes must be registered or in custom_objects)"
            )
            raise FormatError(f"{source}: {rule}: {error}") from error


def _check_together(
    source: str, model: Any, scheme: TagScheme, vocabulary: Vocabulary, encoder: str
) -> None:
    """Raises if model, scheme and vocabulary do not match."""
    with _sound(source, MODEL):
        head = head_of(model)
        model.get_layer(encoder)
        if head.num_tags != scheme.num_tags:
            raise ValueError(f"{head.num_tags} tags in the model, {scheme.num_tags} in the scheme")
        names = [layer.name for layer in model.layers]
        if "embedding" in names:
            rows = model.get_layer("embedding").input_dim
            if rows != len(vocabulary):
                raise ValueError(f"{rows} embeddings, but {len(vocabulary)} ids in the vocabulary")
        elif hasattr(model.get_layer(encoder), "layers"):
            check_rows(model.get_layer(encoder), vocabulary)


@contextlib.contextmanager
def _sound(source: str, part: str) -> Any:
    """Converts the errors of a part to `FormatError`."""
    try:
        yield
    except (KeyError, TypeError, ValueError, InvalidArgumentError) as error:
        raise FormatError(f"{source}: {part}: {error}") from error
