"""Annotated texts, and the files they come from."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from newword import CorpusWarning, DecodeError, FormatError, InvalidArgumentError
from newword.linking import LinkedText, Mention, read_linked_texts


def record(text: str, *mentions: tuple[Any, Any, Any]) -> str:
    data = [dict(zip(("kb_id", "mention", "offset"), one, strict=True)) for one in mentions]
    return json.dumps({"text_id": "1", "text": text, "mention_data": data}, ensure_ascii=False)


def test_offsets_are_code_points_of_the_original_text(tmp_path: Path) -> None:
    lines = [
        record("𠮷野家İ Ａ股", ("7", "𠮷野家", "0"), ("NIL", "Ａ股", 5)),
        "",
        record("没有"),
        record("红豆", (12, "红豆", 0), ("9", "红", "0")),
    ]
    path = tmp_path / "texts.jsonl.gz"
    path.write_bytes(gzip.compress("\r\n".join(lines).encode()))
    assert read_linked_texts(path) == [
        LinkedText("𠮷野家İ Ａ股", (Mention(0, 3, "𠮷野家", "7"), Mention(5, 7, "Ａ股"))),
        LinkedText("没有"),
        LinkedText("红豆", (Mention(0, 1, "红", "9"), Mention(0, 2, "红豆", "12"))),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: must be a JSON object"),
        ("[" * 100_000, "line 2: must be a JSON object"),
        ("[]", 'line 2: must be a JSON object with a str "text"'),
        ('{"text": 5}', 'line 2: must be a JSON object with a str "text"'),
        ('{"text": "红豆"}', 'an object with a list "mention_data"'),
        ('{"text": "红豆", "mention_data": [5]}', 'a mention with "kb_id", "mention" and "offset"'),
        (record("红豆", (None, "红豆", 0)), 'a mention with "kb_id", "mention" and "offset"'),
        (record("红豆", ("1", "", 0)), "a mention of at least one character"),
        (record("红豆", ("1", "红豆", "零")), "a whole number as offset"),
        (record("红豆", ("1", "红豆", True)), "a whole number as offset"),
        (record("红豆", ("1", "红豆", 1)), "must be '红豆' at offset 1, got '豆'"),
        (record("红豆红豆", ("1", "红豆", -2)), "must be '红豆' at offset -2, got '红豆'"),
    ],
)
def test_errors_name_the_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text(f"{record('好')}\n{line}\n", "utf-8")
    with pytest.raises(FormatError, match=message):
        read_linked_texts(path)


def test_wrong_offsets_are_repaired_or_skipped(tmp_path: Path) -> None:
    path = tmp_path / "texts.jsonl"
    wrong = record("红豆和红豆", ("1", "红豆", 2), ("2", "绿豆", 0), ("3", "红", "3"), ("4", "", 1))
    path.write_text(f"{wrong}\n{record('好')}\n", "utf-8")
    with pytest.warns(CorpusWarning, match="3 mentions moved or dropped"):
        repaired = read_linked_texts(path, on_invalid="repair")
    assert repaired[0].mentions == (Mention(3, 4, "红", "3"), Mention(3, 5, "红豆", "1"))
    assert len(repaired) == 2
    with pytest.warns(CorpusWarning, match="1 texts dropped"):
        assert read_linked_texts(path, on_invalid="skip") == [LinkedText("好")]


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_linked_texts(tmp_path / "none")
    (tmp_path / "latin").write_bytes(b"\xff")
    with pytest.raises(DecodeError, match="must be UTF-8"):
        read_linked_texts(tmp_path / "latin")
    with pytest.raises(InvalidArgumentError, match="on_invalid: must be one of"):
        read_linked_texts(tmp_path / "latin", on_invalid="drop")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 1, "红豆"), "start: must be"),
        ((0, 0, ""), "text: must be a non-empty str"),
        ((0, 3, "红豆"), "end: must be 2, as the text '红豆' starts at 0, got 3"),
        ((0, 2, "红豆", ""), "id: must be a non-empty str"),
        ((0, 2, "红豆", 5), "id: must be a non-empty str"),
    ],
)
def test_mentions_are_validated(arguments: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        Mention(*arguments)


def test_texts_are_validated() -> None:
    with pytest.raises(InvalidArgumentError, match=r"mentions\[0\]: must be '红', the text at 0"):
        LinkedText("红", (Mention(0, 2, "红豆"),))
    with pytest.raises(InvalidArgumentError, match=r"mentions\[0\]: must be a Mention"):
        LinkedText("红", ((0, 1),))  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match="text: must be a str"):
        LinkedText(5)  # type: ignore[arg-type]
    assert LinkedText("红", [Mention(0, 1, "红")]).mentions == (Mention(0, 1, "红"),)  # type: ignore[arg-type]
