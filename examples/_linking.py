"""Data for the study of entity linking: files in the form of CCKS 2019, and a synthetic base."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

PARTS = 10
"""A file of texts is cut into so many parts: the last one is the test set, that before it the
development set. With folds, the number of parts is that of folds."""
ALPHABET = [chr(0x4E00 + place) for place in range(400)]
"""What names and words of the synthetic base are made of."""
FREQUENT_NAMES = 20.0
"""The frequency of the name of rank r is proportional to 1 / (r + this number)."""


@dataclass(frozen=True)
class LinkingTask:
    """A knowledge base, and texts to learn from, to select by and to judge by."""

    name: str
    kb: Any
    train: list[LinkedText]
    dev: list[LinkedText]
    test: list[LinkedText]


def from_files(
    base: Path, texts: Sequence[Path], folder: Path, train: int | None = None, folds: int = 0
) -> list[LinkingTask]:
    """Tasks from a base of JSON lines and annotated texts, one or one for each fold.

    Mentions whose id the base does not have are left out.

    Args:
        base: The base, in the form of CCKS 2019.
        texts: The files of texts, one to be split, or those for training, development and test.
        folder: Where the compiled base is written.
        train: At most so many texts to learn from.
        folds: How often one file is split, so that each text is judged once; 0 for one split.
    """
    # Data that were converted have some entities and mentions without a name.
    kb = KnowledgeBase.build(base, folder / "base.kb", on_invalid="skip")
    files = [
        [known(one, kb) for one in read_linked_texts(path, on_invalid="skip")] for path in texts
    ]
    splits = [files] if len(files) == 3 else split(files[0], folds)
    name = base.name.split(".")[0]
    return [LinkingTask(name, kb, parts[0][:train], parts[1], parts[2]) for parts in splits]


def known(text: LinkedText, kb: Any) -> LinkedText:
    """The text without mentions of entities that are not in the base."""
    mentions = tuple(one for one in text.mentions if one.id is not None and one.id in kb)
    return LinkedText(text.text, mentions)


def split(texts: list[LinkedText], folds: int = 0) -> list[list[list[LinkedText]]]:
    """Texts for training, development and test, for each fold, drawn by a fixed seed."""
    order = np.random.default_rng(0).permutation(len(texts))
    parts = [[texts[one] for one in part] for part in np.array_split(order, folds or PARTS)]
    splits = []
    for _ in range(folds or 1):
        *learned, selected, judged = parts
        splits.append([[one for part in learned for one in part], selected, judged])
        parts = [parts[-1], *parts[:-1]]
    return splits


def synthetic(names: int, many: int, folder: Path, seed: int = 0) -> LinkingTask:
    """Names of 1 to 8 entities, common words that annotators skip, and texts with hints.

    An entity has two words of its own in its description. Half of the texts have one of them, so
    that the rest can only be linked by how often annotators link a name to an entity.

    Args:
        names: Number of names; the base has some 3.75 times as many entities.
        many: Number of texts.
        folder: Where the compiled base is written.
        seed: Seed of all that is random.
    """
    rng = np.random.default_rng(seed)
    words = distinct(rng, 2 * names + names // 4)
    own, hints, skipped = words[:names], words[names : 2 * names], words[2 * names :]
    many_of = rng.choice([1, 2, 3, 8], names)
    first = np.append(0, np.cumsum(many_of))
    said = rng.integers(names, size=(first[-1], 2))

    def entities() -> Iterator[Entity]:
        for place, name in enumerate(np.repeat(own, many_of).tolist()):
            one, other = (hints[hint] for hint in said[place])
            yield Entity(str(place), name, (), (), (("类别", one), ("摘要", f"{name}与{other}")))
        for place, name in enumerate(skipped, first[-1]):
            yield Entity(str(place), name, (), (), (("类别", "词语"),))

    kb = KnowledgeBase.build(entities(), folder / "synthetic.kb")
    named = ranks(rng, names, (many, 2))
    common = ranks(rng, len(skipped), (many, 2))
    texts = []
    for name_pair, word_pair in zip(named.tolist(), common.tolist(), strict=True):
        text, mentions = "", []
        for name, word in list(zip(name_pair, word_pair, strict=True))[: rng.integers(1, 3)]:
            entity = first[name] + linked(rng, int(many_of[name]))
            text += f"说{skipped[word]}的" if rng.random() < 0.5 else "看"
            text += f"{hints[rng.choice(said[entity])]}和" if rng.random() < 0.5 else ""
            end = len(text) + len(own[name])
            mentions.append(Mention(len(text), end, own[name], str(entity)))
            text += own[name]
        texts.append(LinkedText(text, tuple(mentions)))
    return LinkingTask("synthetic", kb, *split(texts)[0])


def ranks(rng: np.random.Generator, many: int, shape: tuple[int, int]) -> Any:
    """Ranks of a few frequent and many rare ones, after Zipf and Mandelbrot."""
    shares = np.cumsum(1 / (np.arange(many) + FREQUENT_NAMES))
    return np.searchsorted(shares, rng.random(shape) * shares[-1])


def linked(rng: np.random.Generator, many: int) -> int:
    """Which of the entities of a name is meant: the first half of the time, and so on."""
    return min(int(rng.geometric(0.5)) - 1, many - 1)


def distinct(rng: np.random.Generator, many: int) -> list[str]:
    """Distinct words of 2 and 3 random characters."""
    found: dict[str, None] = {}
    while len(found) < many:
        drawn = rng.integers(len(ALPHABET), size=(many, 3))
        for row, length in zip(drawn.tolist(), rng.integers(2, 4, many).tolist(), strict=True):
            found["".join(ALPHABET[one] for one in row[:length])] = None
    return list(found)[:many]


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
