"""Files in every form hold the same text."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import newword
from newword import CorpusError, Lexicon, discover
from newword.samples import sample_text
from tests.support.fake_core import needs_core
from tests.support.process import run
from tests.support.text import UNICODE_TEXTS
from tests.test_words import equal

pytestmark = needs_core

TEXT = sample_text()


@pytest.fixture(scope="module")
def words() -> Lexicon:
    """The words of the sample."""
    return discover(TEXT.splitlines())


def zstd(data: bytes) -> bytes:
    """Compressed with pyarrow, or with the program."""
    try:
        import pyarrow
    except ImportError:
        if shutil.which("zstd") is None:
            pytest.skip("neither pyarrow nor zstd")
        return subprocess.run(["zstd", "-c"], input=data, capture_output=True, check=True).stdout
    packed: bytes = pyarrow.compress(data, codec="zstd", asbytes=True)
    return packed


FORMS = {
    "a.txt": TEXT.encode(),
    "bom.txt": b"\xef\xbb\xbf" + TEXT.encode(),
    "crlf.txt": TEXT.replace("\n", "\r\n").encode(),
    "utf16.txt": TEXT.encode("utf-16"),
    "no_suffix": TEXT.encode(),
    "a.txt.gz": gzip.compress(TEXT.encode()),
    "two_members.gz": gzip.compress(TEXT[:9000].encode()) + gzip.compress(TEXT[9000:].encode()),
    "misnamed.txt": gzip.compress(TEXT.encode()),
    "a.txt.xz": lzma.compress(TEXT.encode()),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms(tmp_path: Path, words: Lexicon, name: str) -> None:
    (tmp_path / name).write_bytes(FORMS[name])
    assert equal(discover(tmp_path / name), words)


def test_zstandard(tmp_path: Path, words: Lexicon) -> None:
    (tmp_path / "a.zst").write_bytes(zstd(TEXT.encode()))
    assert equal(discover(tmp_path / "a.zst"), words)


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16le", "utf-16be"])
def test_encodings(tmp_path: Path, words: Lexicon, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes(TEXT.encode(encoding))
    assert equal(discover(tmp_path / "a.txt", encoding=encoding), words)
    (tmp_path / "a.gz").write_bytes(gzip.compress(TEXT.encode(encoding)))
    assert equal(discover(tmp_path / "a.gz", encoding=encoding), words)


def test_big5(tmp_path: Path) -> None:
    text = "臺灣的人工智慧研究，臺灣的天氣很好。\n" * 30
    (tmp_path / "a.txt").write_bytes(text.encode("big5"))
    assert equal(discover(tmp_path / "a.txt", encoding="big5"), discover(text.splitlines()))


@pytest.mark.parametrize("ascii_only", [True, False])
def test_json_lines(tmp_path: Path, words: Lexicon, ascii_only: bool) -> None:
    records = [{"id": 7, "text": line, "more": {"text": "no"}} for line in TEXT.splitlines()]
    data = "".join(json.dumps(one, ensure_ascii=ascii_only) + "\n" for one in records)
    (tmp_path / "a.jsonl").write_text(data, "utf-8")
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(data.replace('"text"', '"body"').encode()))
    assert equal(discover(tmp_path / "a.jsonl"), words)
    assert equal(discover(tmp_path / "b.jsonl.gz", field="body"), words)


def test_nested_records_and_null(tmp_path: Path, words: Lexicon) -> None:
    records = [{"a": {"text": line}} for line in TEXT.splitlines()]
    for nothing in ({"a": None}, {"a": {"text": None}}):
        records.insert(5, nothing)  # type: ignore[arg-type]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, records)), "utf-8")
    found = discover(tmp_path / "a.jsonl", field="a.text")
    assert equal(found, words)
    assert found.summary["missing"] == 2
    assert discover([*TEXT.splitlines(), None]).summary["missing"] == 1
    with pytest.raises(CorpusError, match=r'line 1: no field "a\.b" among its fields "text"'):
        discover(tmp_path / "a.jsonl", field="a.b")


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("a.tsv.gz", "\t")])
def test_tables(tmp_path: Path, words: Lexicon, name: str, delimiter: str) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow(["id", "text", "note"])
    writer.writerows([index, line, 'a, "b"'] for index, line in enumerate(TEXT.splitlines()))
    data = file.getvalue().encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    assert equal(discover(tmp_path / name), words)
    assert equal(discover(tmp_path), words)
    with pytest.raises(
        CorpusError, match=r'no column "body" among its columns "id", "text", "note"'
    ):
        discover(tmp_path / name, field="body")


@pytest.mark.parametrize("encoding", ["utf-16le", "utf-16be", "gb18030"])
def test_another_encoding_is_named(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_bytes(TEXT.encode(encoding))
    with pytest.raises(newword.DecodeError, match=f'read like encoding="{encoding}"'):
        discover(tmp_path / "a.txt")


def test_standard_input(tmp_path: Path, words: Lexicon) -> None:
    done = run("discover", "-", "-o", tmp_path / "w.tsv", stdin=TEXT.encode())
    assert done.returncode == 0
    assert Lexicon.load(tmp_path / "w.tsv")["word"].tolist() == words["word"].tolist()


def test_folders_globs_and_tiny_files(tmp_path: Path, words: Lexicon) -> None:
    (tmp_path / "texts" / "below").mkdir(parents=True)
    for index, line in enumerate(TEXT.splitlines()):
        folder = "below" if index % 2 else "."
        (tmp_path / "texts" / folder / f"{index:04}.txt").write_text(line, "utf-8")
    for corpus in (tmp_path / "texts", str(tmp_path / "texts" / "**" / "*.txt")):
        found = discover(corpus)
        assert equal(found, words)
        assert found.summary["files"] == 139


def test_a_long_line_and_empty_lines(tmp_path: Path, words: Lexicon) -> None:
    (tmp_path / "long.txt").write_text(TEXT.replace("\n", "。"), "utf-8")
    (tmp_path / "empty.txt").write_text("\n" * 1_000_000 + TEXT.replace("\n", "\n" * 50), "utf-8")
    for name in ("long.txt", "empty.txt"):
        assert equal(discover(tmp_path / name), words)


def test_invalid_bytes(tmp_path: Path, words: Lexicon) -> None:
    lines = TEXT.encode().split(b"\n")
    lines.insert(3, "坏的一行".encode() + b"\xff" + "天气".encode())
    (tmp_path / "a.txt").write_bytes(b"\n".join(lines))
    at = sum(len(line) + 1 for line in lines[:3]) + 12
    with pytest.raises(newword.DecodeError, match=rf"a\.txt: byte {at}: "):
        discover(tmp_path / "a.txt")
    skipped = discover(tmp_path / "a.txt", errors="skip")
    assert equal(skipped, words)
    assert skipped.summary["skipped"] == 1
    assert discover(tmp_path / "a.txt", errors="replace").summary["replaced"] == 1


def test_duplicates(tmp_path: Path, words: Lexicon) -> None:
    (tmp_path / "a.txt").write_text(TEXT * 3, "utf-8")
    once = discover(tmp_path / "a.txt", drop_duplicates=True)
    assert equal(once, words)
    assert once.summary["duplicates"] == 2 * 139


def test_unicode(tmp_path: Path) -> None:
    texts = [text.replace("\n", "") for text in UNICODE_TEXTS]
    found = discover(texts * 3, min_count=2)
    (tmp_path / "a.txt").write_text("\n".join(texts * 3), "utf-8")
    assert equal(discover(tmp_path / "a.txt", min_count=2), found)
    everything = "".join(texts).replace("\u200b", "")
    for method in ("combined", "chain", "bigram", "autonomy"):
        for row in discover(texts * 3, min_count=2, method=method):
            assert row.word in everything


@pytest.mark.parametrize("ignorable", "\u200b\u200c\u200d\ufeff\u00ad\u2060\u202e")
def test_ignorable_characters(tmp_path: Path, words: Lexicon, ignorable: str) -> None:
    dirty = "".join(c + ignorable if c.isalnum() else c for c in TEXT)
    found = discover(dirty.splitlines())
    assert equal(found, words)
    assert found.summary["ignored"] > 0 == words.summary["ignored"]
    lines = TEXT.splitlines()
    marked = dirty.splitlines()
    for line, clean in zip(found.segment_many(marked), words.segment_many(lines), strict=True):
        assert [word.replace(ignorable, "") for word in line] == clean
    assert ["".join(line) for line in found.segment_many(marked)] == marked


HTML: dict[str, Callable[[str], str]] = {
    "tags": lambda line: f"<div class='x'><span>{line[:2]}<b>{line[2:]}</b></span></div><br/>",
    "entities": lambda line: "".join(
        ("&nbsp;&nbsp;&nbsp;", *(f"&#{ord(c)};" for c in line), "&hellip;")
    ),
    "twice": lambda line: line.replace("，", "&amp;nbsp;") + "&lt;br&gt;",
    "addresses": lambda line: f"{line}http://t.cn/R1 a.b@c.com，www.x.com/y",
    "scripts": lambda line: f"{line}<script>var a = '<b>';</script><!-- {line} -->",
}


@pytest.mark.parametrize("kind", HTML)
def test_html(tmp_path: Path, words: Lexicon, kind: str) -> None:
    lines = [HTML[kind](line) for line in TEXT.splitlines()]
    (tmp_path / "a.txt").write_text("\n".join(lines), "utf-8")
    (tmp_path / "a.jsonl").write_text(
        "\n".join(json.dumps({"text": one}) for one in lines), "utf-8"
    )
    for corpus in (lines, tmp_path / "a.txt", tmp_path / "a.jsonl"):
        found = discover(corpus, strip_html=True)
        assert equal(found, words)
        assert found.summary["markup"] == 0
    if kind != "scripts":
        with pytest.warns(
            newword.CorpusWarning, match="of the symbols look like HTML or addresses"
        ):
            discover(lines)


def test_html_goes_on_in_the_next_line(tmp_path: Path, words: Lexicon) -> None:
    text = "<div\nclass='天气'\n>" + TEXT.replace("\n", "\n<!--\n天气\n-->\n") + "<script>\n天气\n"
    (tmp_path / "a.txt").write_text(text, "utf-8")
    (tmp_path / "b.txt").write_text("的", "utf-8")
    found = discover([tmp_path / "a.txt", tmp_path / "b.txt"], strip_html=True)
    assert set(found["word"]) == set(words["word"])


def test_a_corpus_without_words_says_why() -> None:
    with pytest.warns(
        newword.CorpusWarning, match="no two characters .* 2 times or more in 6 sym"
    ) as told:
        discover(["今天天气很好"])
    assert told[0].filename == __file__
    with pytest.warns(newword.CorpusWarning, match="as in text that repeats itself"):
        discover(["今天天气很好"] * 100)


def test_variation_selectors() -> None:
    texts = ["葛\U000e0100城", "葛城"] * 3
    assert set(discover(texts, min_count=1, min_pmi=9)["word"]) > {"葛", "葛\U000e0100"}
    found = discover(texts, min_count=1, min_pmi=9, skip_variation_selectors=True)
    assert sorted(word for word in found["word"] if len(word) == 1) == ["城", "葛"]
    assert found.summary["ignored"] == 3
    lexicon = Lexicon.from_words(["葛城", "天"])
    assert lexicon.segment("葛\U000e0100城天") == ["葛\U000e0100城", "天"]


def test_alphabets() -> None:
    texts = ["他用5G网络看A股，", "我用5G网络，", "说5G网络和A股。", "买A股吧", "有5G网络"] * 3
    assert {"A", "5"} <= set(
        discover(texts, letters="characters", digits="characters", min_pmi=99)["word"]
    )
    assert "5G" not in "".join(discover(texts, letters="break", digits="break")["word"])
    folded = discover(["ＡＢＣ公司"] * 4, nfkc=True, min_count=1)
    assert not [word for word in folded["word"] if "Ａ" in word]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_with_a_name(tmp_path: Path, words: Lexicon) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = subprocess.Popen(["sh", "-c", f"cat > {tmp_path / 'pipe'}"], stdin=subprocess.PIPE)
    assert writer.stdin is not None
    writer.stdin.write(TEXT.encode())
    writer.stdin.close()
    assert equal(discover(tmp_path / "pipe"), words)
    assert writer.wait(10) == 0
