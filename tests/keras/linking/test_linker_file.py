"""Linkers in files: what comes back, and what is refused."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from newword import FormatError, InvalidArgumentError, Lexicon
from newword.keras import EntityLinker
from newword.linking import LinkedText, Mention
from tests.keras.linking.linkers import Characters, small, stepwise
from tests.linking.bases import base_of, entities, knowledge_base, linked_texts

PLAIN = [one.text for one in linked_texts(20, 4)]
ABOUT = "linker.json"


@pytest.fixture(scope="module")
def saved(linker: Any, tmp_path_factory: Any) -> Path:
    """The file of the linker."""
    path = Path(tmp_path_factory.mktemp("linker")) / "model.newword"
    linker.save(path)
    return path


def changed(path: Path, target: Path, **changes: Any) -> Path:
    """The file with another description."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[ABOUT] = json.dumps({**json.loads(parts[ABOUT]), **changes}).encode()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return target


@pytest.mark.contract
def test_a_loaded_linker_predicts_the_same(linker: Any, base: Any, saved: Path) -> None:
    again = EntityLinker.load(saved, base)
    assert again.predict(PLAIN) == linker.predict(PLAIN)
    assert again.predict_scores(PLAIN[:5]) == linker.predict_scores(PLAIN[:5])
    for one, other in zip(linker.model.weights, again.model.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert again.options == linker.options
    assert again.thresholds == linker.thresholds
    assert again.vocabulary == linker.vocabulary
    assert again.statistics.to_config() == linker.statistics.to_config()
    assert int(again.model.optimizer.iterations) == int(linker.model.optimizer.iterations) > 0
    assert again.coverage is None
    assert repr(again) == repr(linker)


def test_training_goes_on(saved: Path, base: Any) -> None:
    with stepwise():
        again = EntityLinker.load(saved, base)
        before = int(again.model.optimizer.iterations)
        again.fit(linked_texts(16, 0), epochs=1, batch_size=8, verbose=0)
        assert int(again.model.optimizer.iterations) == before + 2


def test_another_base_is_refused(saved: Path) -> None:
    described = [replace(entities()[0], attributes=(("类别", "别的"),)), *entities()[1:]]
    for other in (entities()[:-1], entities()[::-1], described):
        with pytest.raises(InvalidArgumentError, match="kb: must be the knowledge base of"):
            EntityLinker.load(saved, base_of(other))
    with pytest.raises(InvalidArgumentError, match="kb: must be a KnowledgeBase"):
        EntityLinker.load(saved, {})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "newword.keras.Tagger"}, "the format is 'newword.keras.Tagger'"),
        ({"version": 2}, "version 2, and this newword reads up to version 1"),
        ({"statistics": {}}, "vocabulary, statistics, thresholds or options"),
        ({"thresholds": [1]}, "statistics, thresholds or options: not enough values"),
        ({"words": ["红豆"]}, "the word vectors are not those of the words"),
        ({"vocabulary": {"characters": "今天", "normalize": True}}, "but 4 in the vocabulary"),
    ],
)
def test_parts_that_do_not_match(
    saved: Path, base: Any, tmp_path: Path, changes: Any, message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        EntityLinker.load(changed(saved, tmp_path / "changed", **changes), base)


def test_other_files_are_refused(tmp_path: Path, base: Any, saved: Path) -> None:
    with pytest.raises(FileNotFoundError):
        EntityLinker.load(tmp_path / "none", base)
    (tmp_path / "cut").write_bytes(saved.read_bytes()[:1000])
    with pytest.raises(FormatError, match="not an entity linker file"):
        EntityLinker.load(tmp_path / "cut", base)
    with pytest.raises(InvalidArgumentError, match="lexicon: must be None, as"):
        EntityLinker.load(saved, base, lexicon=Characters())


def test_lexicons_and_word_vectors_are_saved(tmp_path: Path) -> None:
    base = knowledge_base()
    texts = [LinkedText("歌曲红豆", (Mention(2, 4, "红豆", "红豆-歌"),))] * 4
    plain = [one.text for one in texts]
    lexicons = [Lexicon.from_words(["歌曲", "红豆"], [5, 3]), Characters("歌曲")]
    with stepwise():
        for lexicon in lexicons:
            made = small(lexicon=lexicon, word_vectors={"歌曲": [1.0, 2.0]})
            made.fit(texts, base, epochs=1, verbose=0)
            path = tmp_path / "model"
            made.save(path)
            own = isinstance(lexicon, Lexicon)
            if not own:
                with pytest.raises(InvalidArgumentError, match="lexicon: must be given"):
                    EntityLinker.load(path, base)
            again = EntityLinker.load(path, base, lexicon=None if own else lexicon)
            spans = [[(2, 4)]] * 4
            assert again.predict_scores(plain, mentions=spans) == made.predict_scores(
                plain, mentions=spans
            )
            assert [one.name for one in tmp_path.iterdir()] == ["model"]
