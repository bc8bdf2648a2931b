"""Knowledge bases: look-ups and matches against a slow twin; bad records and files."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newword import CorpusError, CorpusWarning, FormatError, InvalidArgumentError
from newword.linking import Entity, KnowledgeBase, KnowledgeBaseStatistics, Match
from tests.support.fake_core import needs_core
from tests.support.text import UNICODE_TEXTS, UNICODE_WORDS

pytestmark = needs_core

PAIRS = ("《》", "〈〉", "「」", "『』", "【】", "〔〕", "〖〗", "〘〙", "“”", "‘’", "﹁﹂", "﹃﹄")
BRACKETS = {pair[0]: pair[1] for pair in PAIRS}
HALF_WIDTH = {"\u3000": " ", **dict(zip("￠￡￢￣￤￥￦", "¢£¬¯¦¥₩", strict=True))}
SAMPLE = [
    Entity("10", "三体", ("The Three-Body Problem", "三体 小说"), ("Work",), (("作者", "刘慈欣"),)),
    Entity("11", "《三体》", (), ("TV",), (("导演", "Yang Lei"), ("集数", ""))),
    Entity("7", "刘慈欣", ("LIU Cixin", "大刘")),
    Entity("x-é", "İstanbul", ("Straße",)),
]


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    return KnowledgeBase.build(SAMPLE, tmp_path / "base.kb")


def ccks(entity: Entity) -> dict[str, Any]:
    data = [{"predicate": name, "object": value} for name, value in entity.attributes]
    return {
        "subject_id": entity.id,
        "subject": entity.name,
        "alias": list(entity.aliases),
        "type": list(entity.types),
        "data": data,
        "source": "test",
    }


# The slow twin: names in a dict, every part of a text looked up, every path compared.


def folded(character: str, case: bool = True, width: bool = True) -> str:
    if width:
        if "！" <= character <= "～":
            character = chr(ord(character) - 0xFEE0)
        character = HALF_WIDTH.get(character, character)
    if case:
        upper = "".join(one.upper() for one in character.lower())
        character = "".join(one.lower() for one in upper)
    return character


def unwrapped(name: str) -> str | None:
    """What is in the brackets around a whole name."""
    name = name.strip()
    close = BRACKETS.get(name[:1])
    if close is None or len(name) < 2 or name[-1] != close:
        return None
    depth = 0
    for at, character in enumerate(name):
        depth += (character == name[0]) - (character == close)
        if depth == 0:
            return name[1:-1].strip() or None if at == len(name) - 1 else None
    return None


def key_of(name: str, brackets: bool = True, case: bool = True, width: bool = True) -> str:
    name = name.strip()
    while brackets and (inner := unwrapped(name)) is not None:
        name = inner
    return "".join(folded(one, case, width) for one in name)


def slow_candidates(entities: list[Entity], name: str) -> list[str]:
    keys = {one.id: {key_of(alias) for alias in (one.name, *one.aliases)} for one in entities}
    return [one_id for one_id in keys if key_of(name) in keys[one_id]]


def slow_matches(keys: set[str], text: str, mode: str) -> list[Match]:
    forms = [*map(folded, text)]
    longest = max(map(len, keys), default=0)
    found = [
        Match(start, end, text[start:end])
        for start in range(len(text))
        for end in range(start + 1, min(len(text), start + longest) + 1)
        if "".join(forms[start:end]) in keys
    ]
    if mode == "all":
        return found
    if mode == "longest":
        chosen: list[Match] = []
        for one in sorted(found, key=lambda match: (match.start, -match.end)):
            if not chosen or one.start >= chosen[-1].end:
                chosen.append(one)
        return chosen
    best: list[tuple[int, int, list[Match]]] = [(0, 0, [])]
    for end in range(1, len(text) + 1):
        ways = [
            (best[one.start][0], best[one.start][1] + 1, [*best[one.start][2], one])
            for one in found
            if one.end == end
        ]
        ways.append((best[end - 1][0] + 1, *best[end - 1][1:]))
        # The first of those that tie: the one with the longest last name.
        best.append(min(ways, key=lambda way: way[:2]))
    return best[-1][2]


characters = st.sampled_from(
    ["天", "地", "a", "B", "Ａ", "İ", "ß", "𠮷", "é", "e\u0301", "😀", "《", "》", " "]
)
texts_of_few = st.lists(characters, max_size=9).map("".join)
any_text = st.text(st.characters(exclude_categories=["Cs", "Cn"]), max_size=4)
names = st.one_of(st.lists(characters, min_size=1, max_size=4).map("".join), any_text)
names = names.filter(lambda name: name.strip() != "")


@st.composite
def entity_lists(draw: st.DrawFn) -> list[Entity]:
    count = draw(st.integers(1, 8))
    pairs = st.tuples(any_text, any_text)
    return [
        Entity(
            f"q{number}",
            draw(names),
            tuple(draw(st.lists(names, max_size=2))),
            tuple(draw(st.lists(st.sampled_from("ST"), max_size=2))),
            tuple(draw(st.lists(pairs, max_size=2))),
        )
        for number in range(count)
    ]


@settings(deadline=None, max_examples=40)
@given(entities=entity_lists(), texts=st.lists(texts_of_few, max_size=4), as_dicts=st.booleans())
def test_it_is_its_slow_twin(entities: list[Entity], texts: list[str], as_dicts: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source: list[Any] = [ccks(one) for one in entities] if as_dicts else entities
        base = KnowledgeBase.build(source, Path(folder) / "库.kb")
        assert [base[one_id] for one_id in base] == entities
        assert base.texts(list(base.ids)) == [one.text() for one in entities]
        keys = {key_of(name) for one in entities for name in (one.name, *one.aliases)}
        known = [name for one in entities for name in (one.name, *one.aliases)]
        looked_up = [*known, *texts]
        assert [base.normalize(name) for name in looked_up] == [key_of(name) for name in looked_up]
        expected = [slow_candidates(entities, name) for name in looked_up]
        assert base.candidates_many(looked_up) == expected
        longer = [*texts, "".join(known)[:40], known[-1]]
        some = sorted(keys)[::2]
        for mode in ("all", "longest", "optimal"):
            found = base.matches_many(longer, mode)
            assert found == [slow_matches(keys, text, mode) for text in longer]
            assert [base.matches(text, mode) for text in longer] == found
            offsets, starts, ends = base.match_arrays(longer, mode)
            spans = list(zip(starts.tolist(), ends.tolist(), strict=True))
            assert np.split(np.arange(len(spans)), offsets[1:-1])[-1].size == len(found[-1])
            assert spans == [(one.start, one.end) for matches in found for one in matches]
            restricted = [slow_matches(set(some), text, mode) for text in longer]
            assert base.matches_many(longer, mode, base.name_set(some)) == restricted
            assert base.matches_many(longer, mode, some) == restricted


@settings(deadline=None, max_examples=40)
@given(name=names, brackets=st.booleans(), case=st.booleans(), width=st.booleans())
def test_each_normalization_can_be_switched_off(
    name: str, brackets: bool, case: bool, width: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        base = KnowledgeBase.build(
            [Entity("1", name)],
            Path(folder) / "a.kb",
            strip_brackets=brackets,
            fold_case=case,
            fold_width=width,
        )
        assert base.normalize(name) == key_of(name, brackets, case, width)
        assert base.candidates(name) == ["1"]
        assert base.normalization == {
            "strip_brackets": brackets, "fold_case": case, "fold_width": width,
        }  # fmt: skip


def test_the_sample(base: KnowledgeBase) -> None:
    assert len(base) == 4
    assert list(base) == list(base.ids) == ["10", "11", "7", "x-é"]
    assert base.ids[-1] == "x-é"
    assert base.ids[1:3] == ["11", "7"]
    assert base.ids[3:1] == []
    assert base.ids[::-2] == ["x-é", "11"]
    assert [base.index(one_id) for one_id in base.ids] == [0, 1, 2, 3]
    assert "7" in base
    assert 7 not in base
    assert "\ud800" not in base
    assert base.candidates("「三体」") == ["10", "11"]
    assert base.candidates("ｌｉｕ　ＣＩＸＩＮ") == ["7"]
    assert base.candidates("三") == base.candidates("") == []
    assert base.entity("11") == SAMPLE[1]
    assert (
        base.texts(["10", "10"])
        == ["作者：刘慈欣\n名称：三体，the three-body problem，三体 小说"] * 2
    )
    size = Path(base.path).stat().st_size
    assert base.statistics() == KnowledgeBaseStatistics(4, 8, 1, 2, size)
    assert repr(base).endswith("base.kb': 4 entities>")
    assert base.matches("在İSTANBUL的STRASSE读ＴＨＥ　three-body problem") == [
        (1, 9, "İSTANBUL"), (10, 17, "STRASSE"), (18, 40, "ＴＨＥ　three-body problem"),
    ]  # fmt: skip
    chosen = base.name_set(["《大刘》", "没有", "大刘"])
    assert len(chosen) == 1
    assert "大刘" in chosen
    assert "三体" not in chosen
    assert 1 not in chosen
    assert "大刘" not in base.name_set([])
    assert base.matches("大刘写三体", dictionary=chosen) == [(0, 2, "大刘")]
    assert base.matches("大刘写三体", dictionary=[]) == []
    assert len(~chosen) == 7
    assert "大刘" not in ~chosen
    assert base.matches("大刘写三体", dictionary=~chosen) == [(3, 5, "三体")]


def test_text_of_all_kinds_is_matched_by_its_code_points(tmp_path: Path) -> None:
    entities = [Entity(str(at), word) for at, word in enumerate(UNICODE_WORDS)]
    base = KnowledgeBase.build(entities, tmp_path / "a.kb")
    keys = {key_of(word) for word in UNICODE_WORDS}
    texts = [*UNICODE_TEXTS[:-1], "".join(UNICODE_WORDS[:-1]), "长" * 700]
    for mode in ("longest", "optimal"):
        found = base.matches_many(texts, mode, threads=3)
        assert found[:-1] == [slow_matches(keys, text, mode) for text in texts[:-1]]
        assert found[-1] == [(0, 500, "长" * 500)] if mode == "longest" else len(found[-1]) == 1
        assert base.matches_many(texts, mode, threads=1) == found
    offsets, starts, ends = base.match_arrays([UNICODE_TEXTS[-1]], "all")
    assert offsets.tolist() == [0, len(starts)]
    assert (ends - starts == 500).all()
    assert starts.tolist() == list(range(100_000 - 499))


def test_many_texts_on_threads_are_as_one(base: KnowledgeBase) -> None:
    texts = ["读刘慈欣的《三体》，" * 40, "", "ISTANBUL İstanbul" * 9] * 400
    found = base.match_arrays(texts, "optimal", threads=4)
    alone = base.match_arrays(texts, "optimal", threads=1)
    assert all((one == other).all() for one, other in zip(found, alone, strict=True))
    assert len(found.offsets) == len(texts) + 1
    assert found.offsets[1] == 80


def test_sources_of_all_kinds_make_one_file(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(ccks(one), ensure_ascii=False) for one in SAMPLE)
    half = lines.index("\n", lines.index("\n") + 1) + 1
    (tmp_path / "all.jsonl").write_text("\ufeff" + lines.replace("\n", "\r\n\r\n"), "utf-8")
    (tmp_path / "all.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (tmp_path / "half1.jsonl").write_text(lines[:half], "utf-8")
    (tmp_path / "half2.jsonl").write_text(lines[half:], "utf-8")
    expected = KnowledgeBase.build(SAMPLE, tmp_path / "expected.kb")
    halves = [tmp_path / "half1.jsonl", tmp_path / "half2.jsonl"]
    sources: list[Any] = [
        tmp_path / "all.jsonl", str(tmp_path / "all.jsonl.gz"), halves, iter(halves),
        str(tmp_path / "half?.jsonl"), map(ccks, SAMPLE), (one for one in SAMPLE),
    ]  # fmt: skip
    for source in sources:
        base = KnowledgeBase.build(source, tmp_path / "built.kb", threads=1)
        assert base.fingerprint == expected.fingerprint
        assert Path(base.path).read_bytes() == Path(expected.path).read_bytes()
    # What a record leaves out, and the simple form.
    simple = [{"id": "1", "name": "天", "attributes": [["a", "b"]]}, {"id": "2", "name": "地"}]
    base = KnowledgeBase.build(simple, tmp_path / "simple.kb", schema="simple")
    assert base["1"] == Entity("1", "天", attributes=(("a", "b"),))
    again = KnowledgeBase.build([base["1"], base["2"]], tmp_path / "again.kb", schema="simple")
    assert again.fingerprint == base.fingerprint != expected.fingerprint
    bare = {"subject_id": "1", "subject": "天", "type": "T", "alias": ["", " "]}
    assert KnowledgeBase.build([bare], tmp_path / "b.kb")["1"] == Entity("1", "天", (), ("T",))


def test_additions_are_as_if_built_at_once(base: KnowledgeBase, tmp_path: Path) -> None:
    more = [Entity("12", "三体", ("Three Body",)), Entity("13", "大刘")]
    whole = KnowledgeBase.build([*SAMPLE, *more], tmp_path / "whole.kb")
    grown = base.add(more, tmp_path / "grown.kb")
    assert Path(grown.path).read_bytes() == Path(whole.path).read_bytes()
    assert grown.candidates("三体") == ["10", "11", "12"]
    assert base.candidates("三体") == ["10", "11"]
    # In place; the open one keeps what it has.
    assert len(base.add(map(ccks, more), base.path)) == 6
    assert len(base) == 4
    assert base["7"].name == "刘慈欣"
    before = Path(whole.path).read_bytes()
    with pytest.raises(
        InvalidArgumentError, match=r"source\[1\]: the id must be new, entity 2 has"
    ):
        whole.add([Entity("99", "a"), Entity("11", "b")], whole.path)
    assert Path(whole.path).read_bytes() == before


def test_a_pickled_base_is_its_path(base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(base.path).parent)
    relative = KnowledgeBase.open("base.kb", verify=True)
    pickled = pickle.dumps(relative)
    monkeypatch.chdir("/")
    copy = pickle.loads(pickled)
    assert copy.path == base.path
    assert copy["7"] == SAMPLE[2]


@pytest.mark.skipif(sys.platform == "win32", reason="a mapped file cannot be replaced there")
def test_processes_share_one_file_that_may_be_replaced(tmp_path: Path, base: KnowledgeBase) -> None:
    code = (
        "import sys; from newword.linking import KnowledgeBase\n"
        "base = KnowledgeBase.open(sys.argv[1])\n"
        "print('open', flush=True)\n"
        "sys.stdin.readline()\n"
        "print(ascii([base.matches('读大刘的三体'), base.candidates('三体'), base['11'].text()]))"
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", code, base.path]
    processes = [
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, encoding="ascii")
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
    expected = ascii([base.matches("读大刘的三体"), base.candidates("三体"), base["11"].text()])
    KnowledgeBase.build(SAMPLE[:1], base.path)
    assert [one.communicate("\n", timeout=60)[0].strip() for one in processes] == [expected] * 2
    assert len(KnowledgeBase.open(base.path)) == 1


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


DATA = os.environ.get("NEWWORD_DATA")


@pytest.mark.skipif(DATA is None, reason="NEWWORD_DATA is not set")
def test_real_texts_and_bases(tmp_path: Path) -> None:
    folder = Path(DATA or "", "el")
    source = folder / "kb_data.jsonl"
    rule = 'kb_data.jsonl: line 32004: "subject" must be a non-empty'
    with pytest.raises(FormatError, match=rule):
        KnowledgeBase.build(source, tmp_path / "a.kb")
    with pytest.warns(CorpusWarning, match="^[1-9] invalid records? w.* skipped; .* line 32004: "):
        base = KnowledgeBase.build(source, tmp_path / "a.kb", on_invalid="skip")
    texts = [json.loads(one) for one in lines_of(folder / "kgclue_dev.jsonl")]
    gold = {
        (at, int(one["offset"]), one["mention"], one["kb_id"])
        for at, text in enumerate(texts)
        for one in text["mention_data"]
    }
    every = {
        (at, one.start, one.name, found)
        for at, some in enumerate(base.matches_many([one["text"] for one in texts], "all"))
        for one in some
        for found in base.candidates(one.name)
    }
    assert len(gold & every) / len(gold) > 0.9

    source = folder / "ccks2019_kb_sample.jsonl"
    base = KnowledgeBase.build(source, tmp_path / "b.kb")
    records = [json.loads(one) for one in lines_of(source)]
    assert list(base) == [one["subject_id"] for one in records]
    owners: dict[str, list[str]] = {}
    for one in records:
        for key in dict.fromkeys(map(key_of, filter(str.strip, [one["subject"], *one["alias"]]))):
            owners.setdefault(key, []).append(one["subject_id"])
    assert base.statistics().names == len(owners)
    assert base.statistics().most_candidates == max(map(len, owners.values()))
    assert base.candidates_many(owners) == list(owners.values())
    assert base.texts(base.ids) == [base[one_id].text() for one_id in base.ids]
    some_texts = [json.loads(one)["text"] for one in lines_of(folder / "ccks2019_gold.jsonl")[:100]]
    for mode in ("all", "longest", "optimal"):
        slow = [slow_matches(set(owners), text, mode) for text in some_texts]
        assert base.matches_many(some_texts, mode) == slow


def lines_of(path: Path) -> list[str]:
    return path.read_text("utf-8").rstrip("\n").split("\n")
