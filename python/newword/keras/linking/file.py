"""The file of a linker: a zip archive, written atomically and validated when read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from newword import _check
from newword.errors import FormatError
from newword.keras._archive import MODEL, Archive, load_model, sound
from newword.keras._lexicons import lexicon_kind, lexicon_members, loaded_lexicon
from newword.keras.linking.model import EntityLinkingModel
from newword.keras.linking.options import Words
from newword.keras.linking.tuning import Thresholds
from newword.keras.vocabulary import Vocabulary
from newword.linking import MentionStatistics

if TYPE_CHECKING:
    import os

__all__ = ["Parts", "load", "save"]

ARCHIVE = Archive("newword.keras.EntityLinker", 1, "linker.json", "an entity linker")


@dataclass(frozen=True)
class Parts:
    """The parts of a linker, without its knowledge base."""

    vocabulary: Vocabulary
    model: Any
    statistics: MentionStatistics
    thresholds: Thresholds
    lexicon: Any
    words: Words | None
    options: dict[str, Any]


def save(path: str | os.PathLike[str], parts: Parts, kb: Any) -> None:
    """Writes a linker; see `EntityLinker.save`."""
    about = {
        "vocabulary": parts.vocabulary.to_config(),
        "statistics": parts.statistics.to_config(),
        "thresholds": list(parts.thresholds),
        "lexicon": lexicon_kind(parts.lexicon),
        "words": None if parts.words is None else list(parts.words.names),
        "knowledge_base": {"entities": len(kb), "fingerprint": kb.fingerprint},
        "options": parts.options,
    }
    ARCHIVE.save(path, parts.model, about, lexicon_members(parts.lexicon))


def load(path: str | os.PathLike[str], kb: Any, lexicon: Any) -> Parts:
    """Reads a linker; see `EntityLinker.load`."""
    source = _check.path("path", path)
    about, members = ARCHIVE.load(source)
    with sound(source, "vocabulary, statistics, thresholds or options"):
        base = dict(about["knowledge_base"])
        vocabulary = Vocabulary.from_config(about["vocabulary"])
        statistics = MentionStatistics.from_config(about["statistics"], kb)
        mention, link = map(float, about["thresholds"])
        names, options = about["words"], dict(about["options"])
        words = None if names is None else Words(tuple(map(str, names)), None)
    if kb.fingerprint != base.get("fingerprint"):
        rule = f"the knowledge base of {source}, with {base.get('entities')} entities"
        raise _check.invalid("kb", rule, f"another one, with {len(kb)}")
    own = loaded_lexicon(source, about.get("lexicon"), lexicon, members)
    model = load_model(source, members[MODEL], None)
    _check_together(source, model, vocabulary, words)
    thresholds = Thresholds(mention, link)
    return Parts(vocabulary, model, statistics, thresholds, own, words, options)


def _check_together(source: str, model: Any, vocabulary: Vocabulary, words: Words | None) -> None:
    """Raises if model, vocabulary and words do not match."""
    if not isinstance(model, EntityLinkingModel):
        found = type(model).__name__
        raise FormatError(f"{source}: {MODEL}: a {found} instead of a model of links")
    if model.vocabulary_size != len(vocabulary):
        rule = f"a model of {model.vocabulary_size} ids, but {len(vocabulary)} in the vocabulary"
        raise FormatError(f"{source}: {MODEL}: {rule}")
    rows = None if model.word_vectors is None else model.word_vectors[0]
    if rows != (None if words is None else len(words.names) + 1):
        raise FormatError(f"{source}: {MODEL}: the word vectors are not those of the words")
