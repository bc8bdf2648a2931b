"""Compiled lexicons: what they cut is what the lexicon cuts; bad files are refused."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from newword import FormatError, InvalidArgumentError, Lexicon, Segmenter, train_segmenter
from newword.cli.app import app
from newword.samples import sample_path
from tests.support.fake_core import needs_core
from tests.support.text import UNICODE_TEXTS, UNICODE_WORDS

pytestmark = needs_core

pieces = st.one_of(
    st.sampled_from([*UNICODE_WORDS, "今", "天", "气", "5G", "3.5%", "，", " ", "Ａ股", "\ufe00"]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4),
)
words = st.dictionaries(
    st.lists(pieces, min_size=1, max_size=3).map("".join), st.integers(0, 2**40), max_size=12
)
texts = st.lists(st.lists(pieces, max_size=12).map("".join), max_size=4)


@given(entries=words, texts=texts)
def test_a_file_cuts_as_its_lexicon(entries: dict[str, int], texts: list[str]) -> None:
    lexicon = Lexicon.from_words(list(entries), list(entries.values()))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "词.seg"
        lexicon.compile(path)
        segmenter = Segmenter.load(path, verify=True)
    expected = lexicon.segment_many(texts)
    assert segmenter.segment_many(texts) == expected
    assert [segmenter.segment(text) for text in texts] == expected


def test_what_was_learnt_can_be_saved(tmp_path: Path) -> None:
    learnt = train_segmenter(sample_path())
    learnt.save(tmp_path / "a.seg")
    loaded = Segmenter.load(str(tmp_path / "a.seg"))
    texts = [*UNICODE_TEXTS, Path(sample_path()).read_text("utf-8")]
    assert loaded.segment_many(texts) == learnt.segment_many(texts)
    loaded.save(tmp_path / "b.seg")
    assert (tmp_path / "a.seg").read_bytes() == (tmp_path / "b.seg").read_bytes()


def test_the_same_words_make_the_same_file(tmp_path: Path) -> None:
    for name in ("a.seg", "b.seg"):
        Lexicon.from_words(UNICODE_WORDS).compile(tmp_path / name)
    assert (tmp_path / "a.seg").read_bytes() == (tmp_path / "b.seg").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.seg", "b.seg"]


@pytest.mark.skipif(sys.platform == "win32", reason="a mapped file cannot be replaced there")
def test_a_file_may_be_replaced_while_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "a.seg"
    Lexicon.from_words(["今天", "天气"]).compile(path)
    first = Segmenter.load(path)
    Lexicon.from_words(["天天"]).compile(path)
    assert first.segment("今天天气") == ["今天", "天气"]
    assert Segmenter.load(path).segment("今天天气") == ["今", "天天", "气"]
    path.unlink()
    assert first.segment("今天天气") == ["今天", "天气"]


def test_processes_open_one_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.seg"
    lexicon = Lexicon.from_words(UNICODE_WORDS)
    lexicon.compile(path)
    code = (
        "import sys; from newword import Segmenter\n"
        "from tests.support.text import UNICODE_TEXTS\n"
        "segmenter = Segmenter.load(sys.argv[1])\n"
        "sys.stdin.readline()\n"
        "print(ascii(segmenter.segment_many(UNICODE_TEXTS)))"
    )
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen([sys.executable, "-c", code, path], stdin=pipe, stdout=pipe, text=True)
        for _ in range(3)
    ]
    answers = [process.communicate("\n", timeout=60)[0].strip() for process in processes]
    assert answers == [ascii(lexicon.segment_many(UNICODE_TEXTS))] * 3


def test_the_command_line_compiles_and_segments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)

    (tmp_path / "w.txt").write_text("今天 9\n天气 7\n", "utf-8")
    (tmp_path / "in.txt").write_text("今天天气很好\n", "utf-8")
    done = run("compile", "w.txt", "-o", "w.seg")
    assert (done.exit_code, done.stdout) == (0, "")
    assert run("segment", "-l", "w.seg", "in.txt").stdout == "今天 天气 很 好\n"
    assert run("compile", "w.txt", "-o", "top.seg", "--top", "1", "--from", "words").exit_code == 0
    assert run("segment", "-l", "top.seg", "in.txt").stdout == "今天 天 气 很 好\n"
    (tmp_path / "gold.txt").write_text("今天 天气 很 好\n", "utf-8")
    assert "1.0000" in run("evaluate", "gold.txt", "-l", "w.seg").stdout
    done = run("segment", "-l", "w.seg", "--top", "1", "in.txt")
    assert done.exit_code == 2
    assert "top: must be left out with a compiled lexicon" in done.stderr
    done = run("segment", "-l", "no.seg", "in.txt")
    assert done.exit_code == 1
    assert "no.seg: cannot read: No such file" in done.stderr
    assert run("compile", "w.txt", "-o", ".").exit_code == 2


def test_bad_files_are_refused(tmp_path: Path) -> None:
    path, bad = tmp_path / "a.seg", tmp_path / "bad.seg"
    Lexicon.from_words(UNICODE_WORDS).compile(path)
    data = path.read_bytes()
    changes = {
        "is no segmenter file": b"word\tcount\n" + data[11:],
        "must be of version 1, got 2": data[:8] + b"\x02" + data[9:],
        "cut short": data[:-1],
        "cut short or too long": data + bytes(64),
        "damaged": data[:25] + b"#" + data[26:],
    }
    for message, content in changes.items():
        bad.write_bytes(content)
        with pytest.raises(FormatError, match=message) as caught:
            Segmenter.load(bad)
        assert str(bad) in str(caught.value)
    for content in (b"", data[:10], data[:30]):
        bad.write_bytes(content)
        with pytest.raises(FormatError):
            Segmenter.load(bad)
    # The weights: only the checksums tell.
    bad.write_bytes(data[:-64] + bytes(byte ^ 1 for byte in data[-64:-60]) + data[-60:])
    assert "".join(Segmenter.load(bad).segment(UNICODE_TEXTS[-1])) == UNICODE_TEXTS[-1]
    with pytest.raises(FormatError, match="damaged"):
        Segmenter.load(bad, verify=True)


def test_bad_arguments(tmp_path: Path) -> None:
    lexicon = Lexicon.from_words(["好", "\ud800"])
    with pytest.raises(InvalidArgumentError, match="word: must be valid Unicode"):
        lexicon.compile(tmp_path / "a.seg")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError) as caught:
        Segmenter.load(tmp_path / "no.seg")
    assert caught.value.filename == str(tmp_path / "no.seg")
    with pytest.raises((FormatError, IsADirectoryError)):
        Segmenter.load(tmp_path)
    with pytest.raises(IsADirectoryError):
        Lexicon.from_words(["好"]).compile(tmp_path)
    with pytest.raises(InvalidArgumentError, match="verify: must be True or False"):
        Segmenter.load(tmp_path / "a.seg", verify=1)  # type: ignore[arg-type]
