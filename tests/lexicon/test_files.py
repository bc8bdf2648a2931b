"""Lexicons as files: every format there and back, jieba itself, bad files, nothing half-written."""

from __future__ import annotations

import csv
import errno
import io
import os
import pickle
import stat
import sys
from pathlib import Path
from typing import Any

import jieba
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newword import FormatError, InvalidArgumentError, Lexicon, MissingDependencyError
from newword.lexicon import formats
from tests.support.dictionaries import slow_dictionary
from tests.support.fake_core import needs_core
from tests.support.text import UNICODE_WORDS

TABLES = ("tsv", "csv", "jsonl", "parquet")
numbers = st.floats(allow_nan=True, allow_infinity=True)
rows = st.tuples(st.integers(0, 2**64 - 1), numbers, st.booleans())
any_words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)


def full(words: list[str], **columns: Any) -> Lexicon:
    rng = np.random.default_rng(0)
    given: dict[str, Any] = {
        "word": words,
        "count": rng.integers(1, 2**63, len(words), dtype=np.uint64),
        "pmi": rng.normal(size=len(words)),
        "known": rng.random(len(words)) < 0.5,
    }
    return Lexicon({**given, **columns}, summary={"min_count": 3, "min_pmi": [0.0, 2.0]})


@pytest.mark.parametrize("suffix", TABLES)
def test_tables_come_back_as_they_were(tmp_path: Path, suffix: str) -> None:
    words = [
        *UNICODE_WORDS,
        "tab\there",
        "line\nbreak",
        "cr\rlf\r\n",
        "\\t",
        "\u2028",
        " ",
        "\ufeff",
    ]
    lexicon = full(words, reason=[f"pmi 1 < 2\n{i}" for i in range(len(words))])
    path = tmp_path / f"词.{suffix}"
    lexicon.save(path)
    again = Lexicon.load(path)
    assert again == lexicon
    assert again.columns == lexicon.columns
    assert again.summary == (lexicon.summary if suffix == "parquet" else {})
    again.save(str(path))
    assert Lexicon.load(str(path)) == lexicon
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", TABLES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.dictionaries(any_words, rows, max_size=6))
def test_any_table_comes_back(
    tmp_path: Path, suffix: str, entries: dict[str, tuple[int, float, bool]]
) -> None:
    columns = list(zip(*entries.values(), strict=True)) or [(), (), ()]
    lexicon = Lexicon(
        {
            "word": list(entries),
            "count": np.array(columns[0], np.uint64),
            "score": np.array(columns[1], np.float64),
            "known": np.array(columns[2], np.bool_),
        }
    )
    path = tmp_path / f"a.{suffix}"
    lexicon.save(path)
    assert Lexicon.load(path) == lexicon


def test_text_files_are_utf8_lf_without_mark(tmp_path: Path) -> None:
    for suffix in ("tsv", "csv", "jsonl", "txt", "dict"):
        path = tmp_path / f"a.{suffix}"
        Lexicon.from_words(["时间", "网络"], [3, 2]).save(path)
        data = path.read_bytes()
        assert not data.startswith(b"\xef\xbb\xbf")
        assert b"\r" not in data
        assert data.endswith(b"\n")
        assert "时间".encode() in data
    assert (tmp_path / "a.txt").read_text("utf-8") == "时间 3\n网络 2\n"


def test_other_readers_read_our_csv(tmp_path: Path) -> None:
    words = ['say "hi"', "a,b", "line\nbreak", "时间"]
    Lexicon.from_words(words).save(tmp_path / "a.csv")
    records = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text("utf-8"), newline="")))
    assert [record["word"] for record in records] == words
    assert records[0]["pmi"] == ""
    assert records[0]["known"] == "false"


def test_jieba_loads_the_user_dictionary_and_finds_the_words(tmp_path: Path) -> None:
    words = ["覆膜机厂", "5G网络", "A股", "pre-A轮", "京基100", "C++语言", "123", "ABC", "word5"]
    counts = [90_000, 80_000, 70_000, 60_000, 50_000, 40_000, 300, 200, 100]
    path = tmp_path / "user.txt"
    Lexicon.from_words(words, counts).save(path, format="jieba")
    tokenizer = jieba.Tokenizer()
    tokenizer.load_userdict(str(path))
    assert [tokenizer.FREQ[word] for word in words] == counts
    for word in words[:6]:
        assert word in tokenizer.lcut(f"他说{word}很好", HMM=False), word


def test_jieba_takes_it_as_its_only_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "main.dict"
    words = ["今天", "天气", "5G网络", "的"]
    Lexicon.from_words(words, [9, 7, 5, 3]).save(path)
    tokenizer = jieba.Tokenizer(dictionary=str(path))
    tokenizer.cache_file = str(tmp_path / "cache")
    assert tokenizer.lcut("今天天气的5G网络", HMM=False) == ["今天", "天气", "的", "5G网络"]
    assert tokenizer.total == 24


@pytest.mark.parametrize(
    ("word", "count"), [("New York", 3), ("a\tb", 3), ("全\u3000角", 3), ("\ufeff词", 3), ("词", 0)]
)
def test_jieba_dictionaries_reject_words_that_jieba_misreads(
    tmp_path: Path, word: str, count: int
) -> None:
    with pytest.raises(InvalidArgumentError, match=r"lexicon\.filter"):
        Lexicon.from_words(["好", word], [1, count]).save(tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []


def test_words_jieba_never_finds_bring_a_warning(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="2 word.s. hold characters .* as '𠮷野家'") as caught:
        Lexicon.from_words(["时间", "𠮷野家", "a:b"]).save(tmp_path / "a.txt")
    assert caught[0].filename == __file__
    assert len(Lexicon.load(tmp_path / "a.txt")) == 3


def test_word_lists(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes("\ufeff时间\r\n网络 7\r\n\r\nA股 3 nz\n清华\t12\n时间 5\n".encode())
    lexicon = Lexicon.load(path)
    assert dict(zip(lexicon["word"], lexicon["count"].tolist(), strict=True)) == {
        "时间": 5,
        "网络": 7,
        "A股": 3,
        "清华": 12,
    }
    lexicon.save(path, format="words")
    assert path.read_text("utf-8") == "时间\n网络\nA股\n清华\n"
    assert Lexicon.load(path)["count"].tolist() == [1, 1, 1, 1]


pieces = st.sampled_from(
    [
        *" \t\n\r\x0b\x1c\x1f\x85\xa0\u3000\u200b\ufeff",
        " n",
        " 12",
        "0" * 19,
        "9",
        "词",
        "𠮷",
        "Ab",
        "é",
    ]
)


@needs_core
@settings(max_examples=500)
@given(text=st.lists(st.one_of(pieces, st.characters(exclude_categories=["Cs"]))).map("".join))
def test_dictionaries_are_read_as_by_the_slow_reader(text: str) -> None:
    try:
        expected = slow_dictionary(text.encode().decode("utf-8-sig"))
    except ValueError as error:
        with pytest.raises(formats.LineError) as caught:
            formats.read_dictionary(text.encode())
        line, rule, got = error.args
        assert caught.value.line == line
        assert str(caught.value) == f"{rule}, got {got!r:.60}"
        return
    found = formats.read_dictionary(text.encode())
    assert found["length"].tolist() == list(map(len, expected))
    assert found["count"].tolist() == list(expected.values())
    assert found["word"].tolist() == list(expected)


@needs_core
def test_words_of_a_dictionary_are_strings_when_asked_for(tmp_path: Path) -> None:
    words = ["今天", "天气", "𠮷野家"]
    path = tmp_path / "a.txt"
    path.write_text("".join(f"{word} {len(word)} n\n" for word in words), "utf-8")
    whole = Lexicon.from_words(words, [2, 2, 3])
    assert Lexicon.load(path) == whole
    for same in (Lexicon.load(path)[:], pickle.loads(pickle.dumps(Lexicon.load(path)))):
        assert same == whole
    lexicon = Lexicon.load(path)
    assert len(lexicon) == 3
    assert lexicon.columns == whole.columns
    assert lexicon.segment("今天天气") == whole.segment("今天天气")
    assert "天气" in lexicon
    assert repr(lexicon) == repr(whole)
    assert lexicon["word"] is lexicon["word"]
    assert all(not lexicon[name].flags.writeable for name in lexicon.columns)
    with pytest.raises(KeyError):
        lexicon["reason"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", b"", "line 1: .*no column|line 1"),
        ("a.tsv", b"word\tcount\n\xe6\x97\xb6\t3\n\xff\t3\n", "line 3: not valid UTF-8"),
        ("a.tsv", b"word\tcount\nab\t3\nab\t4\n", "line 3: 'ab' is there already, on line 2"),
        ("a.tsv", b"word\tcount\nab\n", "line 2: must have 2 cells, got 1"),
        ("a.tsv", b"word\tcount\nab\tx\n", "line 2: column count"),
        ("a.tsv", b"word\tcount\nab\t-1\n", "line 2: column count: must lie in"),
        ("a.tsv", b"word\tcount\nab\t" + b"9" * 5000 + b"\n", "line 2: column count"),
        ("a.tsv", b"word\tknown\nab\tyes\n", "line 2: column known: must be true or false"),
        ("a.tsv", b"word\tpmi\nab\thigh\n", "line 2: column pmi"),
        ("a.tsv", b"word\tcount\n\t1\n", "line 2: a word must be non-empty"),
        ("a.tsv", b"word\tkind\nab\tverb\n", "line 2: column kind: must be one of word, number"),
        ("a.jsonl", b'{"word": "ab", "kind": "verb"}\n', "line 1: column kind: must be one of"),
        ("a.tsv", b"word\tfreq\n", "line 1: no column .* 'freq'"),
        ("a.tsv", b"word\tword\n", "line 1: duplicate column: word"),
        ("a.tsv", b"count\tpmi\n", "line 1: there is no column 'word'"),
        ("a.csv", b'word,count\nab,3\n"cd,4\n', "line 3: "),
        ("a.jsonl", b'{"word": "ab"}\nnot json\n', "line 2: not JSON"),
        ("a.jsonl", b'{"word": "ab"}\n[1]\n', "line 2: must be an object"),
        ("a.jsonl", b'{"word": "ab", "count": 1}\n{"word": "cd"}\n', "line 2: must have the keys"),
        ("a.jsonl", b'{"word": "ab", "count": 1.5}\n', "line 1: column count"),
        ("a.jsonl", b'{"word": 3}\n', "line 1: a word must be"),
        ("a.jsonl", b"[" * 100_000, "line 1: not JSON"),
        ("a.txt", b"ab\tx\n", "line 1: must be a word and a count"),
        ("a.txt", b"ab " + b"9" * 30 + b"\n", "line 1: a count must be at most"),
        ("a.txt", b"ab " + b"9" * 9000 + b"\n", "line 1: a count must be at most"),
        ("a.parquet", b"PAR0", "not a lexicon in Parquet"),
    ],
)
def test_bad_files_name_path_and_line(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(FormatError, match=message) as caught:
        Lexicon.load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"word": ["a", "a"]}, "word: must be distinct"),
        ({"word": ["a", ""]}, "word: must be non-empty"),
        ({"word": ["a"], "kind": ["verb"]}, "kind: must be one of"),
        ({"word": ["a"], "count": [-1]}, "count: must lie in"),
    ],
)
def test_parquet_of_wrong_values(
    tmp_path: Path, columns: dict[str, list[object]], message: str
) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    parquet.write_table(arrow.table(columns), path)
    with pytest.raises(FormatError, match=message) as caught:
        Lexicon.load(path)
    assert str(path) in str(caught.value)


def test_parquet_of_something_else(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    parquet.write_table(arrow.table({"text": ["a"]}), path)
    with pytest.raises(FormatError, match="'text'"):
        Lexicon.load(path)
    parquet.write_table(arrow.table({"word": ["a", None]}), path)
    with pytest.raises(FormatError, match="nulls"):
        Lexicon.load(path)


def test_missing_and_misnamed_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        Lexicon.load(tmp_path / "no.tsv")
    assert caught.value.filename == str(tmp_path / "no.tsv")
    with pytest.raises(InvalidArgumentError, match="format: must be given"):
        Lexicon.load(tmp_path / "no.xyz")
    with pytest.raises(InvalidArgumentError, match="format: must be one of"):
        Lexicon.from_words(["a"]).save(tmp_path / "a.tsv", format="xlsx")
    with pytest.raises(FileNotFoundError):
        Lexicon.load(tmp_path / "no.parquet")


def test_targets_that_cannot_be_written(tmp_path: Path) -> None:
    lexicon = Lexicon.from_words(["a"])
    folder = tmp_path / "a.tsv"
    folder.mkdir()
    with pytest.raises(IsADirectoryError) as caught:
        lexicon.save(folder)
    assert caught.value.filename == str(folder)
    with pytest.raises(FileNotFoundError, match="folder to write into"):
        lexicon.save(tmp_path / "missing" / "b.tsv")
    assert [path.name for path in tmp_path.rglob("*")] == ["a.tsv"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            Lexicon.from_words(["a"]).save(tmp_path / "a.tsv")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(errno.ENOSPC, "disk full")])
def test_a_failed_save_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    path = tmp_path / "a.tsv"
    Lexicon.from_words(["old"]).save(path)

    def fail(columns: object) -> Any:
        yield "word\n"
        raise failure

    monkeypatch.setitem(formats.WRITERS, "tsv", fail)
    with pytest.raises(type(failure)):
        Lexicon.from_words(["new"]).save(path)
    monkeypatch.undo()
    assert Lexicon.load(path)["word"].tolist() == ["old"]
    assert [file.name for file in tmp_path.iterdir()] == ["a.tsv"]


@pytest.mark.filterwarnings("ignore:1 word")
def test_lone_surrogates_are_refused_whole(tmp_path: Path) -> None:
    for suffix in ("tsv", "csv", "jsonl", "txt"):
        with pytest.raises(InvalidArgumentError, match="valid Unicode"):
            Lexicon.from_words(["好", "\ud800"]).save(tmp_path / f"a.{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_permissions_and_links_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "a.tsv", tmp_path / "b.tsv"
    lexicon = Lexicon.from_words(["a"])
    lexicon.save(path)
    plain = tmp_path / "plain"
    plain.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    path.chmod(0o600)
    link.symlink_to(path)
    lexicon.save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX devices")
def test_devices_are_written_to_not_replaced() -> None:
    Lexicon.from_words(["a"]).save("/dev/null", format="tsv")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_missing_libraries_name_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lexicon = Lexicon.from_words(["a"])
    for name in ("pyarrow", "pyarrow.parquet", "pandas", "polars", "matplotlib.pyplot"):
        monkeypatch.setitem(sys.modules, name, None)
    wants: dict[Any, str] = {
        lexicon.to_arrow: "arrow",
        lexicon.to_pandas: "pandas",
        lexicon.to_polars: "polars",
        lexicon.plot: "plot",
        lambda: lexicon.save(tmp_path / "a.parquet"): "arrow",
        lambda: Lexicon.load(tmp_path / "a.parquet"): "arrow",
    }
    for call, extra in wants.items():
        with pytest.raises(MissingDependencyError, match=rf'pip install "newword\[{extra}\]"'):
            call()
    assert list(tmp_path.iterdir()) == []
