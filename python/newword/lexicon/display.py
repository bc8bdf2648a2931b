"""Display of a lexicon: aligned text for terminals, a table for notebooks."""

import html
import math
import unicodedata
from collections.abc import Sequence
from typing import Any, Protocol

from newword.lexicon.columns import Column

HEAD = 10
TAIL = 5
WIDEST_CELL = 40


class Table(Protocol):
    """The interface of a lexicon that display needs."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""

    def __getitem__(self, name: str, /) -> Column:
        """A column."""

    def __len__(self) -> int:
        """The number of rows."""


def display_width(text: str) -> int:
    """The width of `text` in terminal cells: wide characters take two, combining marks none."""
    return sum(
        0
        if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}
        else 2
        if unicodedata.east_asian_width(character) in {"W", "F"}
        else 1
        for character in text
    )


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Pads `text` with spaces to `width` cells, on the left with `right=True`."""
    space = " " * max(0, width - display_width(text))
    return space + text if right else text + space


def shown_rows(total: int, head: int = HEAD, tail: int = TAIL) -> tuple[list[int], list[int]]:
    """The rows shown above and below the gap; no gap if it would save no rows."""
    if total <= head + tail + 1:
        return list(range(total)), []
    return list(range(head)), list(range(total - tail, total))


def cell(value: Any) -> str:
    """Formats one value: three decimals, empty for NaN, control characters escaped."""
    if isinstance(value, str):
        text = "".join(_visible(character) for character in value)
        return text if len(text) <= WIDEST_CELL else text[: WIDEST_CELL - 1] + "…"
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3f}"
    if value is True or value is False:
        return "yes" if value else ""
    return f"{value:,}"


def _visible(character: str) -> str:
    if unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
        return character.encode("unicode_escape").decode("ascii")
    return character


def shown_columns(table: Table) -> list[str]:
    """The columns that a view shows: not `kind` where it says "word" everywhere."""
    return [name for name in table.columns if name != "kind" or (table[name] != "word").any()]


def _cells(table: Table, names: Sequence[str], rows: Sequence[int]) -> list[list[str]]:
    columns = [table[name] for name in names]
    # tolist converts to Python's own types.
    return [[cell(column[row : row + 1].tolist()[0]) for column in columns] for row in rows]


def caption(table: Table) -> str:
    """The first line of every view: the class and the number of words."""
    rows = len(table)
    return f"Lexicon: {rows:,} word{'' if rows == 1 else 's'}"


def as_text(table: Table) -> str:
    """Formats the table for a terminal: head, tail and the number of rows."""
    if not len(table):
        return caption(table)
    above, below = shown_rows(len(table))
    names = shown_columns(table)
    body = _cells(table, names, above)
    if below:
        body.append(["…"] * len(names))
        body.extend(_cells(table, names, below))
    widths = [max(map(display_width, column)) for column in zip(names, *body, strict=True)]
    text_columns = {"word", "kind", "reason"}
    lines = [caption(table)]
    for row in [names, *body]:
        fields = [
            padded(field, width, right=name not in text_columns)
            for field, width, name in zip(row, widths, names, strict=True)
        ]
        lines.append("  ".join(fields).rstrip())
    return "\n".join(lines)


def as_html(table: Table) -> str:
    """Formats the table for a notebook; all text is escaped."""
    above, below = shown_rows(len(table))
    names = shown_columns(table)
    heading = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = [_html_row(row) for row in _cells(table, names, above)]
    if below:
        body.append(_html_row(["…"] * len(names)))
        body.extend(_html_row(row) for row in _cells(table, names, below))
    return (
        f"<div><p>{html.escape(caption(table))}</p>"
        f"<table><thead><tr>{heading}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _html_row(fields: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<td>{html.escape(field)}</td>" for field in fields) + "</tr>"
