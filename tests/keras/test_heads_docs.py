"""The examples of the tagging heads run as they stand."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("keras")

import newword
from tests.support.chains import viterbi

ROOT = Path(__file__).parents[2]
ROOMS = ["log_partition", "softmax", "memm", "crf", "tagging_losses", "tagging_metrics", "viterbi"]


@pytest.fixture(autouse=True)
def twin_decoder(monkeypatch: Any) -> None:
    """The slow twin where the extension has no decoder."""
    if not callable(getattr(newword, "viterbi", None)):
        monkeypatch.setattr(newword, "viterbi", viterbi, raising=False)


@pytest.mark.parametrize("room", [*ROOMS, "decoding"])
def test_docstrings(room: Any) -> None:
    module = importlib.import_module(f"newword.keras.{room}")
    result = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert result.attempted
    assert not result.failed


def test_page() -> None:
    text = (ROOT / "docs" / "tagging-heads.md").read_text("utf-8")
    blocks = re.findall(r"^```py\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert blocks
    names = {"__name__": "__main__"}
    for block in blocks:
        exec(compile(block, "tagging-heads.md", "exec"), names)
