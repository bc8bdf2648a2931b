"""Generators in files: what comes back, and what is refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import newword.keras as nk
from newword import FormatError, InvalidArgumentError
from newword.keras import Seq2Seq
from newword.keras._archive import MODEL
from newword.keras.seq2seq.generator.file import ARCHIVE
from tests.keras.generators import pairs, small, trained_stepwise, untrained
from tests.keras.test_tagger_file import members, written

SOURCES = [source for source, _ in pairs(6, 1)]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: Any) -> tuple[Any, Path]:
    """A generator that was trained with a remedy, and its file."""
    generator = untrained(max_source_length=40, truncate=True)
    remedies = [nk.RandomReplacement(1.0, 0.5, seed=3)]
    training = generator.training
    with trained_stepwise():
        generator.fit(pairs(4, 0), epochs=1, remedies=remedies, optimizer="adam", verbose=0)
    assert generator.training is not training
    path = tmp_path_factory.mktemp("generator") / "model.newword"
    generator.save(path)
    return generator, path


def changed(path: Path, target: Path, **changes: Any) -> Path:
    """The file with another description."""
    parts = members(path)
    about = {**json.loads(parts[ARCHIVE.about]), **changes}
    parts[ARCHIVE.about] = json.dumps(about).encode()
    return written(target, parts)


@pytest.mark.contract
def test_a_loaded_generator_generates_the_same(saved: Any) -> None:
    generator, path = saved
    again = Seq2Seq.load(path)
    found = again.generate(SOURCES, beams=3, n_best=2)
    assert found == generator.generate(SOURCES, beams=3, n_best=2)
    for one, other in zip(generator.model.weights, again.model.weights, strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other)
        )
    assert again.vocabulary == generator.vocabulary
    assert (again.max_source_length, again.max_target_length, again.truncate) == (40, 8, True)
    assert [one.get_config() for one in again.training.remedies] == [
        one.get_config() for one in generator.training.remedies
    ]
    assert int(again.training.optimizer.iterations) == 1
    assert repr(again) == repr(generator)
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    # It was saved as one that runs step by step.
    again.fit(pairs(4, 0), epochs=1, verbose=0)
    assert int(again.training.optimizer.iterations) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "newword.keras.Tagger"}, "the format is 'newword.keras.Tagger'"),
        ({"version": 2}, "version 2, and this newword reads up to version 1"),
        (
            {"vocabulary": {"characters": "今天", "normalize": True}},
            "a model of 13 ids, but 4 ids in the vocabulary",
        ),
        ({"vocabulary": None}, "vocabulary or options"),
        ({"sha256": {}}, "model.keras is missing"),
    ],
)
def test_parts_that_do_not_belong_together(
    saved: Any, tmp_path: Path, changes: Any, message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        Seq2Seq.load(changed(saved[1], tmp_path / "changed", **changes))


def test_other_files_are_refused(saved: Any, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Seq2Seq.load(tmp_path / "none")
    (tmp_path / "text").write_text("今天天气")
    with pytest.raises(FormatError, match="text: not a generator file"):
        Seq2Seq.load(tmp_path / "text")
    parts = members(saved[1])
    with pytest.raises(FormatError, match=r"model\.keras is not the one that was saved"):
        Seq2Seq.load(written(tmp_path / "other", {**parts, MODEL: b"other"}))
    whole = saved[1].read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError):
        Seq2Seq.load(tmp_path / "cut")


def test_another_kind_of_model_is_refused(saved: Any, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    ARCHIVE.save(
        tmp_path / "other",
        model,
        {"vocabulary": saved[0].vocabulary.to_config(), "options": {}},
        {},
    )
    with pytest.raises(FormatError, match="a Sequential instead of an encoder-decoder"):
        Seq2Seq.load(tmp_path / "other")


def test_nothing_is_half_written(
    saved: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "model"
    target.write_bytes(b"before")

    def full(*args: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "writestr", full)
        with pytest.raises(OSError, match="No space left"):
            saved[0].save(target)
    assert target.read_bytes() == b"before"
    assert [one.name for one in tmp_path.iterdir()] == ["model"]
    with pytest.raises(InvalidArgumentError, match="fitted or built"):
        small().save(tmp_path / "unbuilt")
    with pytest.raises(InvalidArgumentError, match="path: must be"):
        saved[0].save(5)
