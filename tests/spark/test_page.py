"""The first block of the page runs as it stands; the others read from clusters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from newword.samples import sample_text
from tests.support.fake_core import needs_core
from tests.support.pages import SPARK_PAGES, blocks
from tests.support.spark import rows_of_file

pytestmark = [needs_core, pytest.mark.slow]


def test_the_blocks_of_both_pages_run_and_are_the_same(
    session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, twin = sorted(SPARK_PAGES, key=lambda page: page.parent.name == "zh")
    assert [code for _, code in blocks(page, "python")] == [
        code for _, code in blocks(twin, "python")
    ]
    (tmp_path / "news").mkdir()
    (tmp_path / "news" / "a.txt").write_text(sample_text(), "utf-8")
    monkeypatch.chdir(tmp_path)
    # The session of the page is that of the tests, and works in the folder where these began.
    names: dict[str, Any] = {}
    for _, code in blocks(page, "python"):
        exec(code.replace("news/*", f"{tmp_path}/news/*"), names)
    assert len(rows_of_file("news.counts")) > 1000
