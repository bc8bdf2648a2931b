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
        typer.Option("--from", help="The format of FILE where the extension does not tell."),
    ] = None,
    min_count: Annotated[int | None, typer.Option(help="The least occurrences kept.")] = None,
    min_length: Annotated[int | None, typer.Option(help="The least characters kept.")] = None,
) -> None:
    """Write a lexicon in another format, say as a user dictionary of jieba."""
    result.check()
    lexicon = load_words(file) if source is None else Lexicon.load(file, source)
    if min_count is not None:
        lexicon = lexicon.filter(min_count=min_count)
    if min_length is not None:
        lexicon = lexicon.filter(min_length=min_length)
    words = chosen(lexicon, result.sort, result.new, result.top)
    deliver(words, result.output, result.to, result.top)
