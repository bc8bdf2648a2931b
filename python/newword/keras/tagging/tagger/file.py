"""The file of a tagger: a zip archive, written atomically and validated when read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newword import _check
from newword.keras._archive import MODEL, Archive, load_model, sound
from newword.keras._lexicons import lexicon_kind, lexicon_members, loaded_lexicon
from newword.keras.tagging.heads import TaggingHead
from newword.keras.tagging.tagger.model import check_rows
from newword.keras.vocabulary import Vocabulary
from newword.tag_scheme import TagScheme

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["Parts", "head_of", "load", "save"]

ABOUT = "tagger.json"
ARCHIVE = Archive("newword.keras.Tagger", 1, ABOUT, "a tagger")


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
    about = {
        "scheme": parts.scheme.to_config(),
        "vocabulary": parts.vocabulary.to_config(),
        "encoder": parts.encoder,
        "lexicon": lexicon_kind(parts.lexicon),
        "options": parts.options,
    }
    ARCHIVE.save(path, parts.model, about, lexicon_members(parts.lexicon))


def load(
    path: str | os.PathLike[str], lexicon: Any, custom_objects: Mapping[str, Any] | None
) -> Parts:
    """Reads a tagger; see `Tagger.load`."""
    source = _check.path("path", path)
    about, members = ARCHIVE.load(source)
    with sound(source, "scheme, vocabulary or options"):
        scheme = TagScheme.from_config(about["scheme"])
        vocabulary = Vocabulary.from_config(about["vocabulary"])
        encoder, kind, options = str(about["encoder"]), about["lexicon"], dict(about["options"])
    own = loaded_lexicon(source, kind, lexicon, members)
    model = load_model(source, members[MODEL], custom_objects)
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


def _check_together(
    source: str, model: Any, scheme: TagScheme, vocabulary: Vocabulary, encoder: str
) -> None:
    """Raises if model, scheme and vocabulary do not match."""
    with sound(source, MODEL):
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
