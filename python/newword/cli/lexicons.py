"""Commands on lexicon files: convert."""

from pathlib import Path
from typing import Annotated

import typer

from newword.cli.groups import Result, command
from newword.cli.output import chosen, deliver
from newword.lexicon import Lexicon
from newword.lexicon.known import load_words


@command
def convert(
    file: Annotated[Path, typer.Argument(help="A lexicon, a jieba dictionary or a word list.")],
    result: Result,
    source: Annotated[
        str | None,
        typer.Option("--from", help="Format of FILE. Default: by the extension."),
    ] = None,
    min_count: Annotated[int | None, typer.Option(help="Minimum count of a word.")] = None,
    min_length: Annotated[
        int | None, typer.Option(help="Minimum length of a word in characters.")
    ] = None,
) -> None:
    """Convert a lexicon to another format, such as a user dictionary of jieba."""
    result.check()
    lexicon = load_words(file) if source is None else Lexicon.load(file, source)
    if min_count is not None:
        lexicon = lexicon.filter(min_count=min_count)
    if min_length is not None:
        lexicon = lexicon.filter(min_length=min_length)
    words = chosen(lexicon, result.sort, result.new, result.top)
    deliver(words, result.output, result.to, result.top)
