"""Readers of annotated files: layouts, errors that name the line, the data pack."""

from __future__ import annotations

import gzip
import json
import lzma
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import newword
from newword import DecodeError, FormatError, InvalidArgumentError, Span, TagScheme

BIO = TagScheme("BIO", ["LOC"])


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(content: str | bytes, name: str = "file") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("𠮷\tB-LOC\nＡ\tI-LOC\n\n好\tO\n", {}),
        ("𠮷 B-LOC\nＡ I-LOC\n\n\n好 O", {}),
        ("\ufeff\r\n𠮷\tB-LOC\r\nＡ\tI-LOC\r\n \t\r\n好\tO\r\n", {}),
        ("-DOCSTART- -X- O\n\n𠮷 x B-LOC\nＡ x I-LOC\n-DOCSTART- -X- O\n好 x O\n", {}),
        ("𠮷0\tB-LOC\nＡ1\tI-LOC\n\n好0\tO\n", {"segment_digits": True}),
        (
            "# a\tb\n1\t𠮷\tB-LOC\t_\n2\tＡ\tI-LOC\t_\n\n# c\n1\t好\tO\t_\n",
            {"token_column": 1, "tag_column": 2, "comment": "#"},
        ),
    ],
)
def test_layouts_of_columns(file: Any, content: str, options: dict[str, Any]) -> None:
    want = ([["𠮷", "Ａ"], ["好"]], [["B-LOC", "I-LOC"], ["O"]])
    assert newword.read_conll(file(content), **options) == want
    packed = file(gzip.compress(content.encode()), "file.gz")
    assert newword.read_conll(packed, **options) == want
    packed = file(lzma.compress(content.encode()), "file.xz")
    assert newword.read_conll(packed, **options) == want


def test_tokens_may_be_long_or_look_like_space_or_comments(file: Any) -> None:
    read = newword.read_conll(file("😀😀\tB-LOC\n\u3000\tI-LOC\n#\tO\n\u2028\tO\n2\tO\n"))
    assert read.tokens == [["😀😀", "\u3000", "#", "\u2028", "2"]]
    assert read.to_spans(BIO) == (["😀😀\u3000#\u20282"], [[Span(0, 3, "LOC")]])
    assert read.tag_set == {"O", "B-LOC", "I-LOC"}
    assert newword.read_conll(file("")) == ([], [])


TOKENS = st.text(st.characters(exclude_characters="\t\r\n", exclude_categories=["Cs"]), min_size=1)
SENTENCES = st.lists(
    st.lists(st.tuples(TOKENS.filter(str.strip), st.sampled_from(BIO.tags)), min_size=1), max_size=3
)


@given(SENTENCES)
def test_columns_come_back(tmp_path_factory: pytest.TempPathFactory, sentences: Any) -> None:
    path = tmp_path_factory.getbasetemp() / "columns"
    blocks = ["".join(f"{token}\t{tag}\n" for token, tag in one) for one in sentences]
    # An empty first line, so that a byte order mark that is a token is not the file's.
    path.write_text("\n" + "\n".join(blocks), "utf-8", newline="")
    read = newword.read_conll(path)
    assert [list(zip(*one, strict=True)) for one in zip(*read, strict=True)] == sentences


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("今\n", {}, "line 1: must be 2 columns, got '今'"),
        ("今 O\n天\n", {}, "line 2: must be 2 columns, got '天'"),
        ("今\tO\n天\tx\tO\n", {}, "line 2: must be 2 columns"),
        ("今\t\n", {}, "line 1: must be a token and a tag that are not empty"),
        ("今\tO\n", {"tag_column": 3}, "line 1: must be 4 columns"),
        ("今0\tO\n\n天\tO\n", {"segment_digits": True}, "line 3: must be a token that ends in a"),
    ],
)
def test_bad_columns_name_the_line(file: Any, content: str, options: Any, message: str) -> None:
    path = file(content)
    with pytest.raises(FormatError, match=f"{path}: {message}"):
        newword.read_conll(path, **options)


@pytest.mark.parametrize(
    "record",
    [
        {"text": "在𠮷京", "label": {"LOC": {"𠮷京": [[1, 2]]}}},
        {"text": "在𠮷京", "label": [{"start": 1, "end": 3, "label": "LOC"}]},
        {"text": "在𠮷京", "spans": [{"start": 1, "end": 3, "label": "LOC", "text": "𠮷京"}]},
        {
            "text": "在𠮷京",
            "entity_list": [
                {"entity_type": "LOC", "entity": "𠮷京", "entity_index": {"begin": 1, "end": 3}}
            ],
        },
    ],
)
def test_forms_of_spans(file: Any, record: Any) -> None:
    read = newword.read_spans(file(f"\n{json.dumps(record)}\r\n"))
    assert read == (["在𠮷京"], [[Span(1, 3, "LOC")]])
    assert read.types == ["LOC"]


def spans_line(*spans: tuple[Any, Any, Any]) -> str:
    keys = ("start", "end", "label")
    return json.dumps(
        {"text": "今天好", "spans": [dict(zip(keys, one, strict=True)) for one in spans]}
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "a JSON object, got '{'"),
        ("[]", 'a JSON object with a str "text"'),
        ('{"text": 1}', 'a JSON object with a str "text"'),
        ('{"text": ""}', "a text with spans in a form that is known"),
        ('{"text": "今", "label": 1}', "a text with spans in a form that is known"),
        ('{"text": "今", "label": {"A": {"今": [["a", "b"]]}}}', "a text with spans in a form"),
        ('{"text": "今天", "label": {"A": {"今": [[1, 1]]}}}', "'今' at .1, 2., got '天'"),
        (spans_line((0, 4, "A")), "a span with 0 <= start < end <= 3"),
        (spans_line((-1, 1, "A")), "a span with 0 <= start < end <= 3"),
        (spans_line((1, 1, "A")), "a span with 0 <= start < end <= 3"),
        (spans_line((True, 2, "A")), "a span with 0 <= start < end <= 3"),
        (spans_line((0, 1, "")), "a span with a type"),
        (spans_line((1, 3, "A"), (0, 2, "B")), "a span apart from .0, 2, 'B'., got .1, 3, 'A'."),
    ],
)
def test_bad_spans_name_the_line(file: Any, line: str, message: str) -> None:
    path = file(f"{spans_line()}\n{line}\n")
    with pytest.raises(FormatError, match=f"{path}: line 2: must be {message}"):
        newword.read_spans(path)


def test_the_longest_of_overlapping_spans_is_kept(file: Any) -> None:
    path = file(spans_line((0, 1, "C"), (0, 2, "A"), (1, 3, "B")))
    assert newword.read_spans(path, overlaps="longest").spans == [[Span(0, 2, "A")]]


def test_words_and_bytes(file: Any) -> None:
    assert newword.read_words(file("今天  好\n\n\u3000不 𠮷 \r\n")) == [
        ["今天", "好"],
        ["不", "𠮷"],
    ]
    readers: list[Any] = [newword.read_conll, newword.read_spans, newword.read_words]
    for read in readers:
        with pytest.raises(DecodeError, match="must be UTF-8, which byte 2 is not"):
            read(file(b"ab\xff"))
        for name in ("bad.gz", "bad.xz"):
            with pytest.raises(FormatError, match=f"{name}: must be compressed"):
                read(file("text", name))
        with pytest.raises(FileNotFoundError):
            read(file("").with_name("none"))
        with pytest.raises(InvalidArgumentError, match="path: must be a path"):
            read(3)


@pytest.mark.skipif("NEWWORD_DATA" not in os.environ, reason="NEWWORD_DATA names no data pack")
def test_the_files_of_the_data_pack() -> None:
    folder = Path(os.environ["NEWWORD_DATA"])
    counts = {}
    for path in sorted((folder / "ner").iterdir()):
        if path.suffix == ".jsonl":
            counts[path.name] = len(newword.read_spans(path, overlaps="longest").texts)
            continue
        read = newword.read_conll(path, segment_digits="weibo" in path.name)
        scheme = TagScheme.from_tags(read.tag_set, None)
        assert all(scheme.is_valid(scheme.repair(tags)) for tags in read.tags[:4000])
        counts[path.name] = len(read.tokens)
    for path in sorted((folder / "cws").glob("*.conll")):
        read = newword.read_conll(path, token_column=1, tag_column=3, comment="#")
        assert {"NOUN", "VERB"} < read.tag_set
        counts[path.name] = len(read.tokens)
    assert counts.items() >= {"resume.train.bmes.txt": 3821, "ud_gsd_test.conll": 500}.items()
    assert len(counts) == 12
