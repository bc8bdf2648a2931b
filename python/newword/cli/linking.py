"""The command on trained linkers: link."""

import json
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from newword.cli import options as opt
from newword.cli.groups import command
from newword.cli.lines import lines_of
from newword.cli.output import opened_for_lines, without_native_messages
from newword.errors import FormatError
from newword.linking import KnowledgeBase, Mention

BATCH_LINES = 4096
"""Texts per call of the linker: enough to batch those of similar length, few enough for memory."""


def linked(linker: Any, lines: Iterable[str], scores: bool) -> Iterator[dict[str, Any]]:
    """Yields the record of each line, in the form of CCKS 2019.

    Raises:
        FormatError: A line is longer than the linker allows; names it.
    """
    lines = iter(lines)
    number = 0
    while batch := list(islice(lines, BATCH_LINES)):
        most = linker.options.max_length
        for place, text in enumerate(batch, number + 1):
            if len(text) > most:
                rule = f"must be at most {most} characters long, which is max_length of the linker"
                raise FormatError(f"line {place}: {rule}, got {len(text)}")
        number += len(batch)
        found = linker.predict_scores(batch) if scores else linker.predict(batch)
        for text, mentions in zip(batch, found, strict=True):
            yield {"text": text, "mention_data": [_record(one) for one in mentions]}


def _record(mention: Any) -> dict[str, Any]:
    """A mention; of a scored one the candidates too."""
    if isinstance(mention, Mention):
        identity = "NIL" if mention.id is None else mention.id
        return {"kb_id": identity, "mention": mention.text, "offset": mention.start}
    candidates = [{"kb_id": one, "probability": round(p, 4)} for one, p in mention.candidates]
    probability = round(mention.probability, 4)
    record = {"mention": mention.text, "offset": mention.start}
    return {**record, "probability": probability, "candidates": candidates}


@command
def link(
    linker: Annotated[
        Path,
        typer.Argument(help="A linker that newword.keras.EntityLinker saved.", show_default=False),
    ],
    base: Annotated[
        Path, typer.Argument(help="The knowledge base it was saved with.", show_default=False)
    ],
    files: opt.LineFiles = None,
    output: opt.LinesOutput = None,
    *,
    scores: Annotated[
        bool,
        typer.Option("--scores", help="Print the probabilities of all candidates instead."),
    ] = False,
    encoding: opt.Encoding = "utf-8",
) -> None:
    """Find mentions of entities in text and link them, one JSON object per line of input."""
    # Messages of TensorFlow would stand between those of this command.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with without_native_messages():
        from newword.keras import EntityLinker

    loaded = EntityLinker.load(linker, KnowledgeBase.open(base))
    with opened_for_lines(output) as file:
        for record in linked(loaded, lines_of(files or ["-"], encoding), scores):
            file.write((json.dumps(record, ensure_ascii=False) + "\n").encode("utf-8"))
