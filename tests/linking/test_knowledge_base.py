"""Knowledge bases: look-ups and matches against a slow twin."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newword import CorpusWarning, FormatError, InvalidArgumentError
from newword.linking import Entity, KnowledgeBase, KnowledgeBaseStatistics
from tests.linking.records import SAMPLE, ccks
from tests.linking.slow_twin import key_of, slow_candidates, slow_matches
from tests.support.fake_core import needs_core
from tests.support.text import UNICODE_TEXTS, UNICODE_WORDS

pytestmark = needs_core


@pytest.fixture
def base(tmp_path: Path) -> KnowledgeBase:
    return KnowledgeBase.build(SAMPLE, tmp_path / "base.kb")


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
