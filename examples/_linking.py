"""Data for the study of entity linking: files in the form of CCKS 2019, and a synthetic base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from newword.linking import (
    Entity,
    KnowledgeBase,
    LinkedText,
    Mention,
    evaluate_linking,
    read_linked_texts,
)

__all__ = ["LinkingTask", "from_files", "most_frequent", "synthetic"]

SHARES = (0.8, 0.1, 0.1)
"""Of the texts, for training, development and test."""
CHARACTERS = "山水风云花月江海天地春秋金玉星石林泉松竹东西南北青红白黑大小长高"
"""What names and words of the synthetic base are made of."""


@dataclass(frozen=True)
class LinkingTask:
    """A knowledge base, and texts to learn from, to select by and to judge by."""

    name: str
    kb: Any
    train: list[LinkedText]
    dev: list[LinkedText]
    test: list[LinkedText]


def from_files(base: Path, texts: Sequence[Path], folder: Path, train: int | None) -> LinkingTask:
    """A task from a base of JSON lines and annotated texts.

    Mentions whose id the base does not have are left out.

    Args:
        base: The base, in the form of CCKS 2019.
        texts: The files of texts, one to be split, or those for training, development and test.
        folder: Where the compiled base is written.
        train: At most so many texts to learn from.
    """
    # Data that were converted have some entities and mentions without a name.
    kb = KnowledgeBase.build(base, folder / "base.kb", on_invalid="skip")
    files = [
        [known(one, kb) for one in read_linked_texts(path, on_invalid="skip")] for path in texts
    ]
    if len(files) == 1:
        files = split(files[0])
    return LinkingTask(base.name.split(".")[0], kb, files[0][:train], files[1], files[2])


def known(text: LinkedText, kb: Any) -> LinkedText:
    """The text without mentions of entities that are not in the base."""
    mentions = tuple(one for one in text.mentions if one.id is not None and one.id in kb)
    return LinkedText(text.text, mentions)


def split(texts: list[LinkedText]) -> list[list[LinkedText]]:
    """Texts for training, development and test, in an order drawn by a fixed seed."""
    order = np.random.default_rng(0).permutation(len(texts))
    bounds = np.cumsum([int(share * len(texts)) for share in SHARES[:2]])
    return [[texts[one] for one in part] for part in np.split(order, bounds)]


def synthetic(names: int, many: int, folder: Path, seed: int = 0) -> LinkingTask:
    """Names of 1 to 8 entities, common words that annotators skip, and texts with hints.

    An entity has two words of its own in its description. Half of the texts have one of them, so
    that the rest can only be linked by how often annotators link a name to an entity.

    Args:
        names: Number of names.
        many: Number of texts.
        folder: Where the compiled base is written.
        seed: Seed of all that is random.
    """
    rng = np.random.default_rng(seed)
    words = distinct(rng, 3 * names, (2, 3))
    own, skipped, hints = words[:names], words[names : names + names // 4], words[-names:]
    entities: list[Entity] = []
    by_name: dict[str, list[tuple[Entity, list[str]]]] = {}
    for name in own:
        for _ in range(int(rng.choice([1, 2, 3, 8]))):
            said = rng.choice(hints, 2, replace=False).tolist()
            data = (("类别", said[0]), ("摘要", f"{name}与{said[1]}"))
            entity = Entity(str(len(entities)), name, (), (), data)
            by_name.setdefault(name, []).append((entity, said))
            entities.append(entity)
    for name in skipped:
        entities.append(Entity(str(len(entities)), name, (), (), (("类别", "词语"),)))
    kb = KnowledgeBase.build(entities, folder / "synthetic.kb")
    texts = [annotated(rng, own, skipped, by_name) for _ in range(many)]
    return LinkingTask("synthetic", kb, *split(texts))


def annotated(
    rng: np.random.Generator, names: list[str], skipped: list[str], by_name: dict[str, Any]
) -> LinkedText:
    """A text with one or two mentions; the first entities of a name are mentioned most."""
    text, mentions = "", []
    for name in rng.choice(names, rng.integers(1, 3), replace=False).tolist():
        choices = by_name[name]
        weights = 0.5 ** np.arange(len(choices))
        entity, said = choices[rng.choice(len(choices), p=weights / weights.sum())]
        text += f"说{rng.choice(skipped)}的" if rng.random() < 0.5 else "看"
        if rng.random() < 0.5:
            text += f"{rng.choice(said)}和"
        mentions.append(Mention(len(text), len(text) + len(name), name, entity.id))
        text += name
    return LinkedText(text, tuple(mentions))


def distinct(rng: np.random.Generator, many: int, lengths: tuple[int, int]) -> list[str]:
    """Distinct words of random characters."""
    found: dict[str, None] = {}
    while len(found) < many:
        found["".join(rng.choice(list(CHARACTERS), rng.integers(lengths[0], lengths[1] + 1)))] = (
            None
        )
    return list(found)


def most_frequent(statistics: Any, texts: Sequence[LinkedText], ratio: float | None) -> Any:
    """The score of a linker without a model: all matches, each with its most frequent entity."""
    kb = statistics.kb
    dictionary = None if ratio is None else statistics.pruned(ratio)
    found = kb.matches_many([one.text for one in texts], "optimal", dictionary)
    predicted = []
    for matches in found:
        mentions = []
        for match in matches:
            ids = statistics.candidates(match.name)
            prior = statistics.prior(match.name)
            best = max(ids, key=lambda one: prior.get(one, 0))
            mentions.append(Mention(match.start, match.end, match.name, best))
        predicted.append(mentions)
    return evaluate_linking(texts, predicted)
