"""Knowledge bases: bad records, arguments and files; a failed build leaves the old file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from newword import CorpusError, FormatError, InvalidArgumentError
from newword.linking import Entity, KnowledgeBase
from tests.linking.records import SAMPLE, ccks
from tests.support.fake_core import needs_core

pytestmark = needs_core


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    return KnowledgeBase.build(SAMPLE, tmp_path / "base.kb")


def line(**changes: Any) -> str:
    return json.dumps({**ccks(Entity("99", "名")), **changes}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ('{"subject_id": "99"', r"must be a JSON object, got {\"subject_id\": \"99\" \(EOF"),
        ("[1]", r"must be a JSON object, got \[1\]"),
        ('{"subject": "名"}', '"subject_id" must be among the members, got "subject"'),
        (line(subject_id="3"), 'the id must be new, entity 4 has it already, got "3"'),
        (line(subject_id=3), '"subject_id" must be a non-empty string, got 3'),
        (line(subject_id=""), '"subject_id" must be a non-empty string, got ""'),
        (line(subject=""), '"subject" must be a non-empty string, got ""'),
        (line(subject="\u3000 "), '"subject" must be a non-empty string'),
        (line(subject=None), '"subject" must be a non-empty string, got null'),
        (line(alias="名"), '"alias" must be a list of strings, got "名"'),
        (line(alias=["名", 5]), '"alias" must be a list of strings, got 5'),
        (line(type={}), '"type" must be a string or a list of strings, got {}'),
        (line(data=[{"predicate": "p"}]), '"data" must be a list of objects with strings'),
        (line(data=[{"predicate": "p", "object": 8}]), "got 8"),
        ('{"subject_id": "99", "subject": "\\ud800"}', "must be a JSON object"),
    ],
)
def test_bad_records_are_named_and_the_old_file_kept(
    tmp_path: Path, wrong: str, message: str
) -> None:
    path, source = tmp_path / "base.kb", tmp_path / "in.jsonl"
    KnowledgeBase.build(SAMPLE, path)
    before = path.read_bytes()
    good = [json.dumps(ccks(Entity(str(at), f"名{at}"))) for at in range(12344)]
    source.write_text("\n".join([*good, wrong, *good]), "utf-8")
    with pytest.raises(FormatError, match=message) as caught:
        KnowledgeBase.build(source, path)
    assert str(caught.value).startswith(f"{source}: line 12345: ")
    assert path.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["base.kb", "in.jsonl"]


def test_bad_items_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.kb"

    def failing() -> Iterator[Entity]:
        yield SAMPLE[0]
        raise RuntimeError("mine")

    cases: list[tuple[Any, str]] = [
        ([SAMPLE[0], 5], r"source\[1\]: must be a dict or an Entity, got 5"),
        ([SAMPLE[0], "text"], r"source\[1\]: must be a dict or an Entity, got 'text'"),
        ([{"subject_id": {1}}], r"source\[0\]: must be valid as JSON"),
        ([{"subject_id": "1"}], r"source\[0\]: \"subject\" must be among the members"),
        ([SAMPLE[0], SAMPLE[0]], r"source\[1\]: the id must be new, entity 1 has it already"),
        ([Entity("1", " ")], r"source\[0\]: \"subject\" must be a non-empty string, got \" \""),
        ([Entity("1", "\ud800")], r"source\[0\]: must be a JSON object"),
        (SAMPLE[0], "source: must be a path, paths, or an iterable of dicts or Entity"),
        ({"subject_id": "1"}, "source: must be a path, paths, or an iterable"),
        (b"bytes", "source: must be a path, paths, or an iterable"),
        (7, "source: must be a path, paths, or an iterable"),
        ([path, 5], r"source\[1\]: must be a path"),
    ]
    for source, message in cases:
        with pytest.raises(InvalidArgumentError, match=message):
            KnowledgeBase.build(source, path)
    with pytest.raises(RuntimeError, match="mine"):
        KnowledgeBase.build(failing(), path)
    for source in ([], iter([])):
        with pytest.raises(CorpusError, match="holds no entity"):
            KnowledgeBase.build(source, path)
    with pytest.raises(FileNotFoundError):
        KnowledgeBase.build(tmp_path / "no.jsonl", path)
    with pytest.raises(FileNotFoundError):
        KnowledgeBase.build(SAMPLE, tmp_path / "no" / "a.kb")
    with pytest.raises(IsADirectoryError):
        KnowledgeBase.build(SAMPLE, tmp_path)
    (tmp_path / "a.jsonl").write_bytes(b'{"subject_id": "1", "subject": "\xff"}')
    with pytest.raises(FormatError, match="line 1: must be UTF-8"):
        KnowledgeBase.build(tmp_path / "a.jsonl", path)
    (tmp_path / "a.jsonl").write_bytes(gzip.compress(b"{}" * 999)[:20])
    with pytest.raises(CorpusError, match="cannot read"):
        KnowledgeBase.build(tmp_path / "a.jsonl", path)
    assert [one.name for one in tmp_path.iterdir()] == ["a.jsonl"]


def test_bad_arguments(base: KnowledgeBase, tmp_path: Path) -> None:
    path = tmp_path / "a.kb"
    bad: Any = [1]
    other = KnowledgeBase.build(SAMPLE[:2], path)
    calls: dict[str, Callable[[], object]] = {
        "schema: must be one of 'ccks', 'simple'": lambda: KnowledgeBase.build(
            [], path, schema="x"
        ),
        "fold_case: must be True or False": lambda: KnowledgeBase.build([], path, fold_case=bad),
        "threads: must be a whole number": lambda: KnowledgeBase.build([], path, threads=0),
        "progress: must be": lambda: KnowledgeBase.build([], path, progress=bad),
        "on_invalid: must be one of 'error', 'skip'": lambda: KnowledgeBase.build(
            [], path, on_invalid="replace"
        ),
        "verify: must be True or False": lambda: KnowledgeBase.open(path, verify=bad),
        "path: must be a path": lambda: KnowledgeBase.open(bad),
        "mode: must be one of": lambda: base.matches("", "best"),
        "text: must be a str": lambda: base.matches(bad),
        "texts: must be an iterable of str": lambda: base.matches_many("天"),
        "texts: must be made of str": lambda: base.matches_many(bad),
        "texts: must be valid Unicode, got a lone": lambda: base.matches_many(["", "\ud800"]),
        "dictionary: must be made of str": lambda: base.matches("", dictionary=bad),
        "dictionary: must be a set of names of this knowledge base": lambda: base.matches(
            "", dictionary=other.name_set(["三体"])
        ),
        "name: must be a str": lambda: base.candidates(bad),
        "names: must be an iterable of str": lambda: base.candidates_many("天"),
        "ids: must be ids of the knowledge base, got 'y'": lambda: base.texts(["7", "y"]),
        "ids: must be made of str": lambda: base.texts(bad),
    }
    for message, call in calls.items():
        with pytest.raises(InvalidArgumentError, match=message):
            call()
    for one_id in ("12", "", 7, "\ud800"):
        with pytest.raises(KeyError):
            base[one_id]  # type: ignore[index]
    with pytest.raises(IndexError):
        base.ids[4]


def test_bad_files_are_refused(base: KnowledgeBase, tmp_path: Path) -> None:
    data, bad = Path(base.path).read_bytes(), tmp_path / "bad.kb"
    for message, content in {
        "is no knowledge-base file": b"{}" + data[2:],
        "must be of version 1, got 2": data[:8] + b"\x02" + data[9:],
        "cut short": data[:-1],
        "cut short or too long": data + bytes(64),
        "damaged": data[:25] + b"#" + data[26:],
        "is no": b"",
    }.items():
        bad.write_bytes(content)
        with pytest.raises(FormatError, match=message) as caught:
            KnowledgeBase.open(bad)
        assert str(bad) in str(caught.value)
    # In a row: only its checksum tells.
    at = data.index("作者".encode())
    bad.write_bytes(data[:at] + b"\xff" + data[at + 1 :])
    damaged = KnowledgeBase.open(bad)
    assert damaged["7"] == SAMPLE[2]
    with pytest.raises(FormatError, match="damaged"):
        damaged["10"]
    with pytest.raises(FormatError, match="damaged"):
        KnowledgeBase.open(bad, verify=True)
    with pytest.raises(FileNotFoundError) as missing:
        KnowledgeBase.open(tmp_path / "no.kb")
    assert missing.value.filename == str(tmp_path / "no.kb")


def test_progress_is_told_and_may_stop(tmp_path: Path) -> None:
    told: list[str] = []
    KnowledgeBase.build(SAMPLE, tmp_path / "a.kb", progress=lambda one: told.append(one.stage))
    assert "writing" in told

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        KnowledgeBase.build(SAMPLE, tmp_path / "b.kb", progress=stop)
    assert [one.name for one in tmp_path.iterdir()] == ["a.kb"]
