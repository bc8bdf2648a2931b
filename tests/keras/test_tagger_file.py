"""Taggers in files: what comes back, and what is refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import newword
from newword import FormatError, InvalidArgumentError, Lexicon
from newword.keras import Tagger
from newword.keras._archive import MODEL
from newword.keras.tagging.tagger import file as module
from tests.keras.taggers import eager, sentences, small
from tests.support.tagging import compile_lightly

compile_lightly()

GOLD = sentences(12, 0)
TEXTS = ["".join(words) for words in GOLD]
WORDS = ["今天", "天气", "𠮷野家"]


class Halving:
    """A lexicon that is none of ours: words of two characters."""

    def segment_many(self, texts: Any) -> list[list[str]]:
        return [[text[at : at + 2] for at in range(0, len(text), 2)] for text in texts]


def trained(lexicon: Any = None) -> Any:
    tagger = eager(small(lexicon=lexicon, max_length=40), TEXTS)
    tagger.fit(None, GOLD, epochs=1, verbose=0)
    return tagger


@pytest.fixture(scope="module")
def saved(tmp_path_factory: Any) -> tuple[Any, Path]:
    """A tagger with a lexicon, and its file."""
    tagger = trained(Lexicon.from_words(WORDS, [5, 3, 2]))
    path = tmp_path_factory.mktemp("tagger") / "model.newword"
    tagger.save(path)
    return tagger, path


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def changed(path: Path, target: Path, **changes: Any) -> Path:
    """The file with another description."""
    parts = members(path)
    about = {**json.loads(parts[module.ABOUT]), **changes}
    parts[module.ABOUT] = json.dumps(about).encode()
    return written(target, parts)


def written(target: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return target


@pytest.mark.contract
def test_a_loaded_tagger_predicts_the_same(saved: Any) -> None:
    tagger, path = saved
    again = Tagger.load(path)
    assert again.predict(TEXTS) == tagger.predict(TEXTS)
    for one, other in zip(tagger.model.weights, again.model.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert (again.scheme, again.vocabulary) == (tagger.scheme, tagger.vocabulary)
    assert again.lexicon == tagger.lexicon
    assert (again.max_length, again.seed) == (40, 0)
    assert again.head in again.model.layers
    assert int(again.model.optimizer.iterations) == int(tagger.model.optimizer.iterations) > 0
    assert repr(again) == repr(tagger)
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_another_kind_of_lexicon_is_given_again(tmp_path: Path) -> None:
    tagger = trained(Halving())
    path = tmp_path / "model"
    tagger.save(path)
    assert Tagger.load(path, lexicon=Halving()).predict(TEXTS) == tagger.predict(TEXTS)
    with pytest.raises(InvalidArgumentError, match="lexicon: must be given, .* with a Halving"):
        Tagger.load(path)


def test_a_lexicon_that_is_not_asked_for_is_refused(saved: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="lexicon: must be None, as"):
        Tagger.load(saved[1], lexicon=Halving())


def test_no_file_and_other_files(tmp_path: Path, saved: Any) -> None:
    with pytest.raises(FileNotFoundError):
        Tagger.load(tmp_path / "none")
    (tmp_path / "text").write_text("今天天气")
    with pytest.raises(FormatError, match="text: not a tagger file"):
        Tagger.load(tmp_path / "text")
    with pytest.raises(FormatError, match=r"tagger\.json"):
        Tagger.load(written(tmp_path / "zip", {"a": b"b"}))
    whole = saved[1].read_bytes()
    for end in (0, 10, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut").write_bytes(whole[:end])
        with pytest.raises(FormatError):
            Tagger.load(tmp_path / "cut")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, "the format is 'other'"),
        ({"version": 2}, "version 2, and this newword reads up to version 1"),
        ({"version": "x"}, "tagger.json"),
        ({"scheme": {"kind": "BIO", "types": ["A"]}}, "4 tags in the model, 3 in the scheme"),
        ({"scheme": {"kind": "?", "types": None}}, "scheme, vocabulary or options: kind"),
        ({"vocabulary": {"characters": "今天", "normalize": True}}, "but 4 ids in the vocabulary"),
        ({"vocabulary": None}, "scheme, vocabulary or options"),
        ({"encoder": "other"}, "No such layer: other"),
        ({"sha256": {}}, "model.keras is missing"),
    ],
)
def test_parts_that_do_not_belong_together(
    saved: Any, tmp_path: Path, changes: Any, message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        Tagger.load(changed(saved[1], tmp_path / "changed", **changes))


def test_another_model_is_refused(saved: Any, tmp_path: Path) -> None:
    parts = members(saved[1])
    with pytest.raises(FormatError, match=r"model\.keras is not the one that was saved"):
        Tagger.load(written(tmp_path / "other", {**parts, MODEL: b"other"}))
    with pytest.raises(FormatError, match=r"lexicon\.json is missing"):
        Tagger.load(
            written(tmp_path / "less", {n: d for n, d in parts.items() if n != "lexicon.json"})
        )


def test_nothing_is_half_written(
    saved: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "model"
    target.write_bytes(b"before")
    tagger = saved[0]

    def full(*args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "writestr", full)
        with pytest.raises(OSError, match="No space left"):
            tagger.save(target)
    assert target.read_bytes() == b"before"
    assert [one.name for one in tmp_path.iterdir()] == ["model"]
    with pytest.raises(FileNotFoundError):
        tagger.save(tmp_path / "missing" / "model")
    with pytest.raises(InvalidArgumentError, match="fitted or built"):
        small().save(tmp_path / "unbuilt")
    with pytest.raises(newword.InvalidArgumentError, match="path: must be"):
        tagger.save(5)
