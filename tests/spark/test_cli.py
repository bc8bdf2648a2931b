"""`newword discover --spark` against `newword discover`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from newword.cli.app import app
from newword.samples import sample_text
from tests.support.fake_core import needs_core

pytestmark = [needs_core, pytest.mark.slow]

LINES = sample_text().splitlines()


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["discover", *map(str, arguments)])


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """The sample as text and as nested JSON lines."""
    text, records = tmp_path / "a.txt", tmp_path / "a.jsonl"
    text.write_text("\n".join(LINES), "utf-8")
    rows = [json.dumps({"page": {"body": line}}, ensure_ascii=False) for line in LINES]
    records.write_text("\n".join(rows), "utf-8")
    return {"text": text, "jsonl": records}


def test_the_words_of_one_machine(session: Any, files: dict[str, Path], tmp_path: Path) -> None:
    here, there = tmp_path / "here.tsv", tmp_path / "there.tsv"
    assert run(files["text"], "-q", "-o", here).exit_code == 0
    cluster = ("--spark", "local[2]", "--memory", "250MB", "-q", "-o", there)
    for arguments in ((files["text"],), (files["jsonl"], "--field", "page.body")):
        done = run(*arguments, *cluster)
        assert (done.exit_code, done.stdout) == (0, "")
        assert there.read_bytes() == here.read_bytes()
        there.unlink()
    # The session that was there before goes on.
    assert session.range(3).count() == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-"], "files: must be files with --spark"),
        (["a.txt", "b.jsonl"], "files: must be of one format with --spark, got jsonl and text"),
        (["a.csv"], "format: must be one of text, jsonl, parquet with --spark, got 'csv'"),
        (["a.txt.zst"], "files: must be plain or .gz with --spark"),
        (["-", "--format", "text"], "files: must be files with --spark"),
        (["a.txt.xz", "--format", "text"], "files: must be plain or .gz with --spark"),
        (["a.txt", "--encoding", "gb18030"], "encoding: must be utf-8 with --spark"),
        (["no-such-file.txt"], "Spark: [PATH_NOT_FOUND]"),
        (["a.txt", "--counts", "kenlm"], "counts: must be 'exact' on a cluster"),
    ],
)
def test_errors_are_one_line(
    session: Any,
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("天下\n", "utf-8")
    # Spark was started in another folder.
    given = [one.replace("a.txt", str(tmp_path / "a.txt")) for one in arguments]
    done = run(*given, "--spark", "local[2]", "-o", "words.tsv")
    assert done.exit_code == (1 if "PATH" in message else 2)
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not Path("words.tsv").exists()


def test_a_master_that_is_none_is_an_error_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("天下\n", "utf-8")
    command = [sys.executable, "-m", "newword", "discover", "a.txt", "--spark", "nowhere"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "spark: must be a master with which Spark starts" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_java_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    done = run("a.txt", "--spark", "local[2]")
    assert done.exit_code == 1
    assert "Spark needs Java 17 or later" in " ".join(done.stderr.split())
