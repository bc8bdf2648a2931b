"""Commands on lexicon files: convert."""

from pathlib import Path
from typing import Annotated

import typer

from newword.cli import options as opt
from newword.cli.guard import guarded
from newword.cli.output import check_target, chosen, deliver
from newword.lexicon import Lexicon
from newword.lexicon.known import load_words


@guarded
def convert(
    file: Annotated[Path, typer.Argument(help="A lexicon, a jieba dictionary or a word list.")],
    output: opt.Output = None,
    to: opt.To = None,
    source: Annotated[
        str | None,
        typer.Option("--from", help="The format of FILE where the extension does not tell."),
    ] = None,
    min_count: Annotated[int | None, typer.Option(help="The least occurrences kept.")] = None,
    min_length: Annotated[int | None, typer.Option(help="The least characters kept.")] = None,
    top: opt.Top = None,
    sort: opt.Sort = None,
    new: opt.New = False,
    traceback: opt.Traceback = False,
) -> None:
    """Write a lexicon in another format, say as a user dictionary of jieba."""
    check_target(output, to)
    lexicon = load_words(file) if source is None else Lexicon.load(file, source)
    if min_count is not None:
        lexicon = lexicon.filter(min_count=min_count)
    if min_length is not None:
        lexicon = lexicon.filter(min_length=min_length)
    deliver(chosen(lexicon, sort, new, top), output, to, top)
