"""The examples run as they stand, on built-in data and on files."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from newword.keras import Tagger
from tests.support.pages import ROOT


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Imports an example, which finds its neighbours as when it is run as a script."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if name in {"_options", "segmenter", "entities"}:
            del sys.modules[name]


def test_a_segmenter_on_built_in_data(
    example: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tagger"
    f1 = example("segmenter").main(["--quick", "--save", str(path)])
    assert 0.9 < f1 <= 1
    shown = capsys.readouterr().out
    assert f"F1 {f1:.4f}" in shown
    assert "/" in shown
    assert Tagger.load(path).predict("") == []


def test_entities_of_files(
    example: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = tmp_path / "train", tmp_path / "test"
    one, other = "𠮷 B-PER\n田 E-PER\n在 O\n京 S-LOC\n\n", "京 S-LOC\n在 O\n\n"
    train.write_text((one + other) * 120, "utf-8")
    test.write_text(f"{other}{one}在 O", "utf-8")
    arguments = ["--quick", "--head", "softmax", "--train", str(train), "--test", str(test)]
    assert example("entities").main(arguments) == 1
    assert "240 to learn from, 3 to test on" in capsys.readouterr().out
