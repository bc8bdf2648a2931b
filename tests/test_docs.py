"""The Python blocks of README and docs run as they stand."""

from __future__ import annotations

from pathlib import Path

import pytest

from newword.samples import sample_text
from tests.support.fake_core import needs_core
from tests.support.pages import (
    KERAS_PAGES,
    PAGES,
    ROOT,
    SPARK_PAGES,
    blocks,
    run_blocks,
    runs_like_its_twin,
)

CORE_PAGES = [
    page
    for page in PAGES
    if page not in KERAS_PAGES + SPARK_PAGES
    and blocks(page, "python")
    and not runs_like_its_twin(page)
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the pages speak of."""
    lines = sample_text().splitlines(keepends=True)
    (tmp_path / "corpus.txt").write_text("".join(lines), "utf-8")
    (tmp_path / "dict.txt").write_text("我们 9 r\n研究 3 v\n", "utf-8")
    record = '{"subject_id": "1", "subject": "三体", "alias": ["地球往事"]}\n'
    (tmp_path / "kb_data.jsonl").write_text(record, "utf-8")
    for name, part in (("law", lines[:70]), ("news", lines[70:])):
        (tmp_path / name).mkdir()
        for index in range(2):
            (tmp_path / name / f"{index}.txt").write_text("".join(part[index::2]), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@needs_core
@pytest.mark.parametrize("page", CORE_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_run(folder: Path, page: Path) -> None:
    run_blocks(page)


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
