"""What the argument `corpus` may be, and what is made of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from newword import CorpusError, FormatError, InvalidArgumentError, MissingDependencyError, discover
from newword._arguments import Reading, all_arguments, group_of
from newword._corpus import source as sources
from newword._corpus.source import can_be_read_twice


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a.txt", "b.txt", "词"):
        (tmp_path / name).write_text("今天天气\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def source_of(corpus: Any, **options: Any) -> Any:
    return sources.source_of(corpus, group_of(Reading, all_arguments(discover, corpus, **options)))


def kind(corpus: Any, **options: Any) -> tuple[str, Any]:
    source = source_of(corpus, **options)
    data = source["data"]
    return source["kind"], list(data) if source["kind"] == "texts" else data


def test_one_path(folder: Path) -> None:
    for path in ("a.txt", "*.txt", "no such file", "-", ".", str(folder)):
        assert kind(path) == ("paths", [path])
    assert kind(folder / "a.txt") == ("paths", [str(folder / "a.txt")])


def test_many_paths(folder: Path) -> None:
    assert kind(["a.txt", "b.txt", "-", "*.txt"]) == ("paths", ["a.txt", "b.txt", "-", "*.txt"])
    assert kind(("词",)) == ("paths", ["词"])
    assert kind([Path("a.txt"), "b.txt"]) == ("paths", ["a.txt", "b.txt"])
    assert kind(Path(name) for name in ("a.txt", "no")) == ("paths", ["a.txt", "no"])
    # A misspelt file is a missing file, not a text of five letters.
    assert kind(["c.txt"]) == ("paths", ["c.txt"])
    assert kind(["a.txt", "c.jsonl.gz"]) == ("paths", ["a.txt", "c.jsonl.gz"])


def test_texts(folder: Path) -> None:
    for texts in (["今天天气", "很好"], [], [""], ["x" * 10_000], ["a\0b"], ["[a-"], ["*.nothing"]):
        assert kind(texts) == ("texts", texts)
    assert kind(iter(["a.txt"])) == ("texts", ["a.txt"])
    assert kind({"a.txt": 1}.keys()) == ("texts", ["a.txt"])
    # What is not text is named by the reader, with its place.
    assert kind([3, "今天"]) == ("texts", [3, "今天"])
    assert kind(["今天", None]) == ("texts", ["今天", None])


def test_generators_are_not_read_ahead() -> None:
    taken = []

    def texts() -> Any:
        for index in range(10):
            taken.append(index)
            yield str(index)

    source = source_of(texts())
    assert taken == [0]
    assert list(source["data"]) == [str(index) for index in range(10)]


def test_mixed_lists_are_refused(folder: Path) -> None:
    for mixed in (["a.txt", "今天天气"], ["今天天气", "a.txt"], [Path("a.txt"), "今天天气"]):
        with pytest.raises(InvalidArgumentError, match="all paths or all texts"):
            source_of(mixed)


@pytest.mark.parametrize(
    "corpus", [None, 3, b"a.txt", {"text": "今天"}, object(), "", [Path("\0")]]
)
def test_unsupported_types_of_corpus_raise(corpus: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="corpus"):
        source_of(corpus)


def test_columns_and_tables() -> None:
    polars = pytest.importorskip("polars")
    arrow = pytest.importorskip("pyarrow")
    pandas = pytest.importorskip("pandas")
    for corpus in (
        polars.Series(["今天"]),
        polars.DataFrame({"text": ["今天"]}),
        arrow.table({"text": ["今天"]}),
        arrow.chunked_array([["今天"]]),
    ):
        assert source_of(corpus)["kind"] == "arrow"
        assert source_of(corpus)["data"] is corpus
        assert can_be_read_twice(corpus)
    for corpus in (
        pandas.Series(["今天"]),
        pandas.DataFrame({"text": ["今天"], "odd": [object()]}),
    ):
        assert source_of(corpus)["data"].to_pylist() == ["今天"]
        assert can_be_read_twice(corpus)


def test_values_of_pandas_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    texts = pandas.Series(["今天天气", None, float("nan"), "今天天气", pandas.NA] * 3, dtype=object)
    for kind in (object, "string", "category"):
        assert discover(texts.astype(kind)).summary["missing"] == 9
    for bad in (texts.fillna(7), pandas.DataFrame({"text": texts.fillna(7)})):
        with pytest.raises(InvalidArgumentError, match="or missing, got int at item 1"):
            discover(bad)
    with pytest.raises(
        InvalidArgumentError, match=r"field: must name a column of the table \(a, b"
    ):
        discover(pandas.DataFrame({"a": ["今"], "b": ["天"]}))
    with pytest.raises(CorpusError, match="no symbol"):
        discover(pandas.Series([None, None], dtype=object))


def test_pandas_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    pandas = pytest.importorskip("pandas")
    column = pandas.Series(["今天", None, "天气"], dtype=object)
    frame = pandas.DataFrame({"text": column})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert kind(column) == ("texts", ["今天", None, "天气"])
    with pytest.raises(InvalidArgumentError, match=r"frame\['text'\]"):
        source_of(frame)


def test_reading_twice() -> None:
    arrow = pytest.importorskip("pyarrow")
    assert can_be_read_twice("a.txt")
    assert can_be_read_twice(["今天"])
    assert not can_be_read_twice(arrow.table({"text": ["今天"]}).to_reader())
    with Path(__file__).open(encoding="utf-8") as file:
        assert not can_be_read_twice(file)


def write_parquet(path: Path, **columns: Any) -> Path:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table(columns), path)
    return path


def test_parquet(folder: Path) -> None:
    (folder / "deep").mkdir()
    write_parquet(folder / "deep" / "p.parquet", text=["今天", None, "天气"], id=[1, 2, 3])
    write_parquet(folder / "deep" / "q.parquet", text=["很好"])
    arrow = pytest.importorskip("pyarrow")
    dictionary = arrow.array(["又", "又"]).dictionary_encode()
    odd = write_parquet(folder / "deep" / "r.PARQUET", text=dictionary)
    for corpus in ("deep", "deep/*", [folder / "deep" / "p.parquet", "deep/q.parquet", odd]):
        name, stream = kind(corpus)
        assert name == "arrow"
        assert stream.read_all().column("text").to_pylist() == [
            "今天",
            None,
            "天气",
            "很好",
            "又",
            "又",
        ]
    assert kind("deep", format="parquet")[0] == "arrow"
    assert kind("deep", format="text")[0] == "paths"


def test_bad_parquet(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_parquet(folder / "p.parquet", body=["今天"], id=[1])
    with pytest.raises(InvalidArgumentError, match=r"field: .*p.parquet \(body, id\), got 'text'"):
        source_of(path)
    with pytest.raises(InvalidArgumentError, match="'id' holds int64"):
        source_of(path, field="id")
    with pytest.raises(InvalidArgumentError, match="mix Parquet"):
        source_of(["a.txt", "p.parquet"])
    with pytest.raises(InvalidArgumentError, match="mix Parquet"):
        source_of(folder)
    with pytest.raises(FileNotFoundError):
        source_of("no.parquet")
    with pytest.raises(FormatError, match=r"a\.txt: not a Parquet file"):
        source_of("a.txt", format="parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingDependencyError, match=r"newword\[arrow\]"):
        source_of(path, field="body")
