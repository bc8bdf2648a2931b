"""The application: its commands and global options."""

from typing import Annotated

import typer

from newword.cli import counts, discovery, knowledge_bases, lexicons, linking, segmentation
from newword.cli.guard import guarded

app = typer.Typer(
    name="newword",
    help="Find the words of an unannotated corpus, and segment text with them.",
    epilog="Exit codes: 0 success, 1 failure, 2 wrong usage, 130 Ctrl-C, 143 terminated.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@guarded
def _print_version(asked: bool) -> None:
    if asked:
        import newword

        typer.echo(f"newword {newword.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Find the words of an unannotated corpus, and segment text with them."""


FINDING = "Find words"
COUNTING = "Count files"
USING = "Use words"
LINKING = "Link entities"

for command, panel in (
    (discovery.discover, FINDING),
    (discovery.contrast, FINDING),
    (discovery.demo, FINDING),
    (counts.count, COUNTING),
    (counts.merge, COUNTING),
    (counts.score, COUNTING),
    (segmentation.segment, USING),
    (segmentation.evaluate, USING),
    (lexicons.convert, USING),
):
    app.command(rich_help_panel=panel)(command)
# A function called compile would hide Python's own.
app.command("compile", rich_help_panel=USING)(lexicons.compile_lexicon)
app.add_typer(knowledge_bases.app, rich_help_panel=LINKING)
app.command(rich_help_panel=LINKING)(linking.link)
