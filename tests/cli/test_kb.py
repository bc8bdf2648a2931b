"""`newword kb`: building, describing and searching knowledge bases from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from newword.cli.app import app
from newword.linking import KnowledgeBase
from tests.support.fake_core import needs_core

pytestmark = needs_core

Run = Callable[..., Any]
LINES = [
    {"subject_id": "1", "subject": "《三体》", "alias": ["Three Body"], "type": ["Work"],
     "data": [{"predicate": "作者", "object": "刘慈欣"}]},
    {"subject_id": "2", "subject": "三体", "type": "TV"},
    {"subject_id": "3", "subject": "刘慈欣"},
]  # fmt: skip


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    text = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in LINES)
    (tmp_path / "in.jsonl").write_text(text, "utf-8")

    def invoke(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["kb", *arguments])

    return invoke


def found(done: Any) -> list[Any]:
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_build_info_search(run: Run, tmp_path: Path) -> None:
    done = run("build", "in.jsonl", "-o", "a.kb")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "newword: 3 entities with 3 names in" in done.stderr
    assert run("build", "in.jsonl", "-o", "a.kb", "-q").stderr == ""
    summary = json.loads(run("build", "in.jsonl", "-o", "b.kb", "-q", "--json").stdout)
    assert (summary["entities"], summary["names"], summary["most_candidates"]) == (3, 3, 2)
    assert (tmp_path / "a.kb").read_bytes() == (tmp_path / "b.kb").read_bytes()

    facts = json.loads(run("info", "a.kb", "--json", "--verify").stdout)
    base = KnowledgeBase.open("a.kb")
    assert facts["fingerprint"] == base.fingerprint
    assert facts["ambiguous_names"] == 1
    assert facts["fold_case"] is True
    shown = run("info", "a.kb").stdout
    assert "entities" in shown
    assert base.fingerprint in shown

    assert [one["id"] for one in found(run("search", "a.kb", "三体", "ＴＨＲＥＥ body"))] == [
        "1",
        "2",
        "1",
    ]
    assert found(run("search", "a.kb", "--id", "3", "4"))[0]["name"] == "刘慈欣"
    assert found(run("search", "a.kb", "1", "--id")) == [
        {
            "id": "1",
            "name": "《三体》",
            "aliases": ["Three Body"],
            "types": ["Work"],
            "attributes": [["作者", "刘慈欣"]],
        }
    ]
    in_text = found(run("search", "a.kb", "--text", "读刘慈欣", "--mode", "all"))
    assert [(one["start"], one["end"], one["entity"]["id"]) for one in in_text] == [(1, 4, "3")]
    done = run("search", "a.kb", "没有")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "no entity found" in done.stderr


def test_options_of_build(run: Run, tmp_path: Path) -> None:
    (tmp_path / "more.jsonl").write_text('{"id": "4", "name": "ABC"}\n', "utf-8")
    assert run("build", "in.jsonl", "-o", "a.kb", "--keep-case", "--keep-width").exit_code == 0
    done = run("build", "more.jsonl", "-o", "b.kb", "--add-to", "a.kb", "--schema", "simple")
    assert "4 entities" in done.stderr
    assert KnowledgeBase.open("b.kb").normalization == {
        "strip_brackets": True, "fold_case": False, "fold_width": False,
    }  # fmt: skip
    assert run("build", "in.jsonl", "-o", "c.kb", "--keep-brackets").exit_code == 0
    assert KnowledgeBase.open("c.kb").candidates("三体") == ["2"]


def test_failures_are_one_line_and_keep_the_old_file(run: Run, tmp_path: Path) -> None:
    assert run("build", "in.jsonl", "-o", "a.kb").exit_code == 0
    before = (tmp_path / "a.kb").read_bytes()
    lines = (tmp_path / "in.jsonl").read_text("utf-8")
    (tmp_path / "bad.jsonl").write_text(lines + '{"subject_id": "1", "subject": "天"}\n', "utf-8")
    cases: list[tuple[int, str, tuple[str, ...]]] = [
        (1, "bad.jsonl: line 4: the id must be new", ("build", "bad.jsonl", "-o", "a.kb")),
        (1, "no.jsonl: cannot open: No such file", ("build", "no.jsonl", "-o", "a.kb")),
        (1, "no: the folder to write into does not exist", ("build", "in.jsonl", "-o", "no/a.kb")),
        (2, "output: must not be a directory", ("build", "in.jsonl", "-o", ".")),
        (2, "schema: must be one of", ("build", "in.jsonl", "-o", "a.kb", "--schema", "x")),
        (
            2, "keep_case: must be left out with add_to",
            ("build", "in.jsonl", "-o", "b.kb", "--add-to", "a.kb", "--keep-case"),
        ),
        (1, "in.jsonl: is no knowledge-base file", ("info", "in.jsonl")),
        (1, "no.kb: cannot read: No such file", ("search", "no.kb", "天")),
        (2, "text: must be left out with id", ("search", "a.kb", "天", "--id", "--text")),
        (2, "mode: must be one of", ("search", "a.kb", "天", "--text", "--mode", "best")),
    ]  # fmt: skip
    for code, message, arguments in cases:
        done = run(*arguments)
        assert done.exit_code == code, done.output
        assert done.stdout == ""
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    assert run("build").exit_code == 2
    assert run("build", "in.jsonl").exit_code == 2
    assert (tmp_path / "a.kb").read_bytes() == before
    assert {one.name for one in tmp_path.iterdir()} == {"in.jsonl", "bad.jsonl", "a.kb"}
    with pytest.warns(
        UserWarning, match="1 invalid record was skipped; the first: bad.jsonl: line 4"
    ):
        done = run("build", "bad.jsonl", "-o", "a.kb", "--skip-invalid")
    assert done.exit_code == 0
    assert len(KnowledgeBase.open(tmp_path / "a.kb")) == 3
