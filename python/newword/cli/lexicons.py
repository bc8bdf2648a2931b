"""Commands on lexicon files: convert, compile."""

from pathlib import Path
from typing import Annotated

import typer

from newword._atomic import check_writable
from newword.cli.groups import Result, command
from newword.cli.output import chosen, deliver
from newword.errors import InvalidArgumentError
from newword.lexicon import Lexicon
from newword.lexicon.known import load_words

File = Annotated[Path, typer.Argument(help="A lexicon, a jieba dictionary or a word list.")]
Source = Annotated[
    str | None,
    typer.Option("--from", help="Format of FILE. Default: by the extension."),
]


def _loaded(file: Path, source: str | None) -> Lexicon:
    return load_words(file) if source is None else Lexicon.load(file, source)


@command
def convert(
    file: File,
    result: Result,
    source: Source = None,
    min_count: Annotated[int | None, typer.Option(help="Minimum count of a word.")] = None,
    min_length: Annotated[
        int | None, typer.Option(help="Minimum length of a word in characters.")
    ] = None,
) -> None:
    """Convert a lexicon to another format, such as a user dictionary of jieba."""
    result.check()
    lexicon = _loaded(file, source)
    if min_count is not None:
        lexicon = lexicon.filter(min_count=min_count)
    if min_length is not None:
        lexicon = lexicon.filter(min_length=min_length)
    words = chosen(lexicon, result.sort, result.new, result.top)
    deliver(words, result.output, result.to, result.top)


@command
def compile_lexicon(
    file: File,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="The file to write, such as words.seg.", show_default=False
        ),
    ],
    source: Source = None,
    top: Annotated[
        int | None, typer.Option("--top", "-n", min=1, help="Use only the first N words.")
    ] = None,
) -> None:
    """Compile a lexicon into a segmenter file, which opens at once whatever its size."""
    if output.is_dir():
        raise InvalidArgumentError(f"output: must not be a directory, got {str(output)!r}")
    check_writable(output)
    lexicon = _loaded(file, source)
    (lexicon if top is None else lexicon[:top]).compile(output)
