"""The file of a tagger: a zip archive, written atomically and validated when read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newword import _check
from newword.keras._archive import MODEL, Archive, load_model, sound
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

ABOUT, LEXICON = "tagger.json", "lexicon.json"
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
    others = {}
    if isinstance(parts.lexicon, Lexicon):
        words = {
            "words": parts.lexicon["word"].tolist(),
            "counts": parts.lexicon["count"].tolist(),
        }
        others[LEXICON] = json.dumps(words).encode()
    about = {
        "scheme": parts.scheme.to_config(),
        "vocabulary": parts.vocabulary.to_config(),
        "encoder": parts.encoder,
        "lexicon": _kind(parts.lexicon),
        "options": parts.options,
    }
    ARCHIVE.save(path, parts.model, about, others)


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
    own = _lexicon(source, kind, lexicon, members)
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


def _kind(lexicon: Any) -> str | None:
    if lexicon is None:
        return None
    return "saved" if isinstance(lexicon, Lexicon) else type(lexicon).__qualname__


def _lexicon(source: str, kind: Any, given: Any, members: dict[str, bytes]) -> Any:
    """Returns the saved lexicon, or the given one if another type was in use."""
    if kind is None or kind == "saved":
        if given is not None:
            raise _check.invalid("lexicon", f"None, as {source} needs no other", given)
        if kind is None:
            return None
        with sound(source, LEXICON):
            table = json.loads(members[LEXICON])
            return Lexicon.from_words(table["words"], table["counts"])
    if given is None:
        raise _check.invalid("lexicon", f"given, as {source} was made with a {kind}", given)
    return checked_lexicon(given)


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
