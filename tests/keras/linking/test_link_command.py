"""The command `newword link`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from newword.cli.app import app
from newword.linking import read_linked_texts
from tests.linking.bases import linked_texts

PLAIN = [one.text for one in linked_texts(6, 5)]


@pytest.fixture
def saved(linker: Any, tmp_path: Path) -> Path:
    """The file of the linker, beside a file of texts."""
    linker.save(tmp_path / "model")
    (tmp_path / "texts.txt").write_text("\n".join([*PLAIN, ""]), "utf-8")
    return tmp_path / "model"


def run(*arguments: object, text: str | None = None) -> Any:
    return CliRunner().invoke(app, ["link", *map(str, arguments)], input=text)


def test_it_links_files_and_standard_input(saved: Path, linker: Any, tmp_path: Path) -> None:
    target = tmp_path / "linked.jsonl"
    done = run(saved, linker.kb.path, tmp_path / "texts.txt", "-o", target)
    assert (done.exit_code, done.stdout) == (0, "")
    # The format is one that can be read again.
    found = read_linked_texts(target)
    assert [one.text for one in found] == PLAIN
    assert [list(one.mentions) for one in found] == linker.predict(PLAIN)
    assert run(saved, linker.kb.path, text="\n".join(PLAIN)).stdout == target.read_text("utf-8")


def test_it_prints_probabilities(saved: Path, linker: Any) -> None:
    done = run(saved, linker.kb.path, "--scores", text=PLAIN[0])
    (record,) = map(json.loads, done.stdout.splitlines())
    wanted = linker.predict_scores(PLAIN[:1])[0]
    assert [one["mention"] for one in record["mention_data"]] == [one.text for one in wanted]
    for one, other in zip(record["mention_data"], wanted, strict=True):
        assert one["offset"] == other.start
        got = [(each["kb_id"], each["probability"]) for each in one["candidates"]]
        assert got == [(name, pytest.approx(p, abs=1e-3)) for name, p in other.candidates]


def test_the_backend_says_nothing(saved: Path, linker: Any) -> None:
    command = [sys.executable, "-m", "newword", "link", str(saved), linker.kb.path]
    done = subprocess.run(command, input=PLAIN[0].encode(), capture_output=True, check=True)
    assert json.loads(done.stdout)["text"] == PLAIN[0]
    assert done.stderr == b""


def test_errors_are_one_line(saved: Path, linker: Any, tmp_path: Path) -> None:
    long = run(saved, linker.kb.path, text=f"好\n{'长' * 600}")
    assert long.exit_code == 1
    assert "line 2: must be at most 512 characters long" in long.stderr
    other = run(tmp_path / "texts.txt", linker.kb.path, text="")
    assert other.exit_code == 1
    assert "not an entity linker file" in other.stderr
    assert "Traceback" not in long.stderr + other.stderr
