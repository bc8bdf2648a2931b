"""`newword discover --spark` against `newword discover`."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import newword
from newword.cli.app import app
from newword.samples import sample_text
from newword.spark._rows import fields
from tests.support.fake_core import needs_core
from tests.support.spark import counted_here, rows_of_file

pa = pytest.importorskip("pyarrow")

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
    cluster = ("--spark", "local[2]", "--memory", "300MB", "-q", "-o", there)
    for arguments in ((files["text"],), (files["jsonl"], "--field", "page.body")):
        done = run(*arguments, *cluster)
        assert (done.exit_code, done.stdout) == (0, "")
        assert there.read_bytes() == here.read_bytes()
        there.unlink()
    # The session that was there before goes on.
    assert session.range(3).count() == 3


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Path]:
    """The sample in the second column of tables, with what a field may hold."""
    found = {}
    for kind, separator in (("csv", ","), ("tsv", "\t")):
        found[kind] = tmp_path / f"a.{kind}"
        quoted = kind == "csv"
        rows = [f"{separator}".join(("id", '"body"' if quoted else "body", "more"))]
        for at, line in enumerate(LINES):
            # Line ends, quotes and separators in a field; a row of two fields; an empty field.
            text = (
                f'"{line[:9]}\r\n\n{line[9:]},""{line[:3]}"""' if quoted and at % 3 == 0 else line
            )
            rows.append(separator.join((f"{at}", text, *["x"] * (at % 4))))
        rows += [separator.join(("9", "", "")), separator.join(("9", '天"气', '"'))]
        # Two line ends, and a blank line.
        text = "\r\n".join(rows[:50]) + "\r\n\n" + "\n".join(rows[50:])
        found[kind].write_bytes(b"\xef\xbb\xbf" + text.encode())
    return found


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_the_rows_of_tables(
    session: Any, tables: dict[str, Path], kind: str, tmp_path: Path
) -> None:
    here, there = tmp_path / "here.tsv", tmp_path / "there.tsv"
    again = tmp_path / f"b.{kind}.gz"
    again.write_bytes(gzip.compress(tables[kind].read_bytes()))
    plain = (tables[kind], again, "--field", "body", "-q", "--json")
    cluster = ("--spark", "local[2]", "--memory", "300MB")
    summaries = []
    for arguments in ((*plain, "-o", here), (*plain, *cluster, "-o", there)):
        done = run(*arguments)
        assert done.exit_code == 0, done.stderr
        summaries.append(json.loads(done.stdout))
    assert there.read_bytes() == here.read_bytes()
    for name in ("documents", "missing", "symbols", "words"):
        assert summaries[0][name] == summaries[1][name], name


def test_rows_that_are_skipped(session: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id,text\n1,天气好\n2\n3,\udcff\n".encode("utf-8", "surrogateescape"))
    plain = (path, "--errors", "skip", "--min-count", "1", "--json")
    summaries = [json.loads(run(*plain, *more).stdout) for more in ((), ("--spark", "local[2]"))]
    assert [summary["skipped"] for summary in summaries] == [2, 2]
    assert summaries[0]["symbols"] == summaries[1]["symbols"] == 3


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ("id,text\n1,天\n", ["--field", "body"], "no column 'body' among its columns 'id', 'text'"),
        ("id,text\n1,天\n2\n", [], "the row '2' must reach the column of the text, got 1 field"),
        ("id,text\n1,\udcff\n", [], "is not UTF-8"),
        ("", [], "the corpus holds no symbol"),
    ],
)
def test_errors_of_tables(
    session: Any, table: str, options: list[str], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(table.encode("utf-8", "surrogateescape"))
    here = run(path, *options)
    there = run(path, *options, "--spark", "local[2]")
    assert here.exit_code == there.exit_code == 1
    assert message in " ".join(there.stderr.split())
    assert "Traceback" not in there.stderr


@hypothesis_settings(max_examples=100, deadline=None)
@given(
    kind=st.sampled_from(["csv", "tsv"]),
    header=st.sampled_from(["t", "a{}t", "t{}t", "\ufefft"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    body=st.text('天𠀀,,\t\t""\n\r \\\0x', max_size=30),
)
def test_any_table(kind: str, header: str, end: str, body: str, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("table")
    separator = "," if kind == "csv" else "\t"
    text = header.format(separator) + end + f"天地{separator}天地\n{body}"
    path = folder / f"a.{kind}"
    path.write_bytes(text.encode())
    # As Spark gives the lines: blank lines are left out.
    lines = [line for line in text.encode().decode("latin-1").split("\n") if line]
    schema = pa.schema({"file": pa.string(), "line": pa.string()})
    rows = pa.RecordBatch.from_pydict({"file": ["a"] * len(lines), "line": lines}, schema)
    counts = folder / "counts"
    try:
        newword.count_ngrams(path, counts, field="t")
    except newword.CorpusError:
        with pytest.raises(newword.CorpusError, match=r"^a: "):
            list(fields([rows], {"kind": kind, "field": "t", "skip": False}))
    else:
        found = [
            row
            for part in fields([rows], {"kind": kind, "field": "t", "skip": False})
            for row in part["text"].to_pylist()
        ]
        texts = [row.decode() for row in found]
        assert rows_of_file(counts) == counted_here(texts, folder / "there")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-"], "files: must be files with --spark"),
        (["a.txt", "b.jsonl"], "files: must be of one format with --spark, got jsonl and text"),
        (["a.txt", "--format", "xml"], "jsonl, csv, tsv, parquet with --spark, got 'xml'"),
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
