"""Readers of annotated files: a sentence of words a line, or a character and its tag a line."""

from __future__ import annotations

from pathlib import Path

from newword import Span, TagScheme


def read_words(path: str) -> list[list[str]]:
    """The words of each line, which white space separates; empty lines left out."""
    lines = Path(path).read_text("utf-8").splitlines()
    return [words for words in map(str.split, lines) if words]


def read_columns(path: str) -> list[list[tuple[str, str]]]:
    """The first and the last column of each line, with empty lines between sentences.

    Columns are separated by a tab or spaces: `char TAB tag` as in MSRA, `char SPACE tag` as in
    Resume. A digit behind a character, as in Weibo (`科0`), is its place in a word and left out.
    """
    sentences: list[list[tuple[str, str]]] = [[]]
    for number, line in enumerate(Path(path).read_text("utf-8").split("\n"), 1):
        columns = line.split()
        if not columns:
            sentences.append([])
            continue
        if len(columns) < 2:
            raise SystemExit(f"{path}, line {number}: must be a character and a tag, got {line!r}")
        token = columns[0]
        if len(token) > 1 and token[-1] in "0123456789":
            token = token[:-1]
        sentences[-1].append((token, columns[-1]))
    return [sentence for sentence in sentences if sentence]


def kind_of(tags: set[str]) -> str:
    """The kind of scheme that tags are written in, by their letters; BIO covers IOB1 as well."""
    letters = {tag.partition("-")[0] for tag in tags}
    if "M" in letters:
        return "BMES"
    return "BIOES" if letters & {"E", "S"} else "BIO"


def read_entities(*paths: str) -> tuple[TagScheme, list[tuple[list[str], list[list[Span]]]]]:
    """The scheme of all files together, and the texts and spans of each.

    Spans are those that conlleval sees, so that tags that break the rules of their scheme are no
    obstacle, and offsets are those of characters, however many a line has.
    """
    files = [read_columns(path) for path in paths]
    tags = {tag for file in files for sentence in file for _, tag in sentence}
    scheme = TagScheme.from_tags(tags, kind_of(tags))
    read = []
    for file in files:
        texts, spans = [], []
        for sentence in file:
            starts = [0]
            for token, _ in sentence:
                starts.append(starts[-1] + len(token))
            texts.append("".join(token for token, _ in sentence))
            found = scheme.decode([tag for _, tag in sentence])
            spans.append([Span(starts[one.start], starts[one.end], one.type) for one in found])
        read.append((texts, spans))
    return scheme, read
