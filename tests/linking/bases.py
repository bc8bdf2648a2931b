"""A small ambiguous knowledge base, and annotated texts over it."""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Iterable
from itertools import count
from pathlib import Path

import numpy as np

from newword.linking import Entity, KnowledgeBase, LinkedText, Mention

FOLDER = tempfile.TemporaryDirectory(prefix="newword-bases-", ignore_cleanup_errors=True)
atexit.register(FOLDER.cleanup)
NUMBERS = count()

TOPICS = {
    "歌": ("歌曲", "演唱", "专辑", "唱片"),
    "书": ("小说", "作者", "出版", "章节"),
    "城": ("城市", "人口", "街道", "旅游"),
}
NAMES = ("胜利", "黎明", "长安", "ＳＵＮ", "𠮷野", "红豆")
COMMON = ("今天", "我们")
"""Names in the base that annotators skip."""


def entities() -> list[Entity]:
    """Each name belongs to one entity of each topic; the common names to one entity each."""
    found = []
    for name in NAMES:
        for topic, words in TOPICS.items():
            data = (("类别", words[0]), ("摘要", f"{name}有{words[1]}和{words[2]}"))
            found.append(Entity(f"{name}-{topic}", name, (f"{name}·{topic}",), (topic,), data))
    found += [Entity(f"{name}-词", name, (), ("词",), (("类别", "词语"),)) for name in COMMON]
    return found


def base_of(entities: Iterable[Entity]) -> KnowledgeBase:
    """The knowledge base of some entities, in a file that is there while the tests run."""
    return KnowledgeBase.build(entities, Path(FOLDER.name, f"{next(NUMBERS)}.kb"))


def knowledge_base() -> KnowledgeBase:
    """The knowledge base of `entities`."""
    return base_of(entities())


def linked_texts(many: int, seed: int) -> list[LinkedText]:
    """Texts in which words of the topic tell the entities of a name apart."""
    rng = np.random.default_rng(seed)
    topics = list(TOPICS)
    found = []
    for _ in range(many):
        topic = topics[rng.integers(len(topics))]
        text, mentions = str(rng.choice(COMMON)), []
        for name in rng.choice(NAMES, rng.integers(1, 3), replace=False).tolist():
            text += str(rng.choice(TOPICS[topic]))
            mentions.append(Mention(len(text), len(text) + len(name), name, f"{name}-{topic}"))
            text += name
        text += str(rng.choice(TOPICS[topic]))
        found.append(LinkedText(text, tuple(mentions)))
    return found
