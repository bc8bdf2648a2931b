"""The Python blocks of the pages about Keras run as they stand, on the backend in use."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.pages import KERAS_PAGES, ROOT, run_blocks, runs_like_its_twin

RUN = [page for page in KERAS_PAGES if not runs_like_its_twin(page)]


@pytest.mark.parametrize("page", RUN, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: Path) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(page)
