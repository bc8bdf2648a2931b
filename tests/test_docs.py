"""The Python blocks of README and docs run as they stand."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pytest

from newword.samples import sample_text
from tests.support.fake_core import needs_core

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """The blocks in a language, each with the line its code begins at."""
    text = page.read_text("utf-8")
    return [
        (text.count("\n", 0, found.start(2)), found[2])
        for found in BLOCK.finditer(text)
        if found[1] == language
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the pages speak of."""
    lines = sample_text().splitlines(keepends=True)
    (tmp_path / "corpus.txt").write_text("".join(lines), "utf-8")
    (tmp_path / "dict.txt").write_text("我们 9 r\n研究 3 v\n", "utf-8")
    for name, part in (("law", lines[:70]), ("news", lines[70:])):
        (tmp_path / name).mkdir()
        for index in range(2):
            (tmp_path / name / f"{index}.txt").write_text("".join(part[index::2]), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@needs_core
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if blocks(page, "python")],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_blocks_run(folder: Path, page: Path) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for line, code in blocks(page, "python"):
            # Blank lines before it, so that a traceback shows the page's own line.
            exec(compile("\n" * line + code, str(page), "exec"), names)


def without_comments(code: str) -> str:
    """What runs; the words around it are in the page's language."""
    return "\n".join(line.split("  #")[0].rstrip() for line in code.splitlines())


@pytest.mark.parametrize("language", ["python", "sh"])
def test_both_readmes_show_the_same(language: str) -> None:
    ours, theirs = (
        [without_comments(code) for _, code in blocks(ROOT / name, language)]
        for name in ("README.md", "README.zh-CN.md")
    )
    assert ours
    assert ours == theirs
