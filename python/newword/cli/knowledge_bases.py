"""Commands on knowledge bases: kb build, kb info, kb search."""

import json as json_format
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from newword._atomic import check_writable
from newword.cli import options as opt
from newword.cli.groups import command
from newword.cli.output import print_json, shows_progress
from newword.cli.process import say
from newword.errors import InvalidArgumentError
from newword.linking import KnowledgeBase

Base = Annotated[Path, typer.Argument(help="A knowledge base.", show_default=False)]
Verify = Annotated[
    bool, typer.Option("--verify", help="Compare the whole file with its checksums.")
]

app = typer.Typer(
    name="kb",
    help="Build, describe and search the knowledge bases of entity linking.",
    no_args_is_help=True,
)


@command
def build(
    files: Annotated[
        list[str],
        typer.Argument(
            help="JSON lines, plain, .gz, .zst or .xz; folders, globs, or - for standard input.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", help="The file to write, such as base.kb.", show_default=False
        ),
    ],
    *,
    schema: Annotated[
        str,
        typer.Option(
            help="ccks: subject_id, subject, alias, type, data, as in CCKS 2019; simple: id, name, "
            "aliases, types, attributes."
        ),
    ] = "ccks",
    skip_invalid: Annotated[
        bool,
        typer.Option(
            "--skip-invalid", help="Skip invalid records, with a warning, instead of failing."
        ),
    ] = False,
    add_to: Annotated[
        Path | None,
        typer.Option(
            help="A knowledge base whose entities come first; its normalization is kept.",
            show_default=False,
        ),
    ] = None,
    keep_brackets: Annotated[
        bool,
        typer.Option("--keep-brackets", help="Compare names with the brackets around them."),
    ] = False,
    keep_case: Annotated[
        bool, typer.Option("--keep-case", help="Distinguish upper and lower case.")
    ] = False,
    keep_width: Annotated[
        bool, typer.Option("--keep-width", help="Distinguish full-width and half-width forms.")
    ] = False,
    json: opt.Json = False,
    threads: opt.Threads = None,
    quiet: opt.Quiet = False,
) -> None:
    """Build a knowledge base from JSON lines."""
    if output.is_dir():
        raise InvalidArgumentError(f"output: must not be a directory, got {str(output)!r}")
    kept = [
        name
        for name, given in (
            ("keep_brackets", keep_brackets),
            ("keep_case", keep_case),
            ("keep_width", keep_width),
        )
        if given
    ]
    if add_to is not None and kept:
        rule = "left out with add_to, which keeps the normalization"
        raise InvalidArgumentError(f"{kept[0]}: must be {rule}, got True")
    check_writable(output)
    began = time.monotonic()
    running: dict[str, Any] = {
        "schema": schema,
        "on_invalid": "skip" if skip_invalid else "error",
        "threads": threads,
        "progress": shows_progress(quiet),
    }
    if add_to is not None:
        base = KnowledgeBase.open(add_to).add(files, output, **running)
    else:
        base = KnowledgeBase.build(
            files,
            output,
            strip_brackets=not keep_brackets,
            fold_case=not keep_case,
            fold_width=not keep_width,
            **running,
        )
    seconds = time.monotonic() - began
    sizes = asdict(base.statistics())
    if json:
        print_json({**sizes, "seconds": seconds})
    if not quiet:
        say(
            f"{sizes['entities']:,} entities with {sizes['names']:,} names in {seconds:.1f} s, "
            f"written to {output}"
        )


@command
def info(base: Base, *, verify: Verify = False, json: opt.Json = False) -> None:
    """Show the size of a knowledge base and how its names are compared."""
    opened = KnowledgeBase.open(base, verify=verify)
    facts: dict[str, object] = {
        **asdict(opened.statistics()),
        **opened.normalization,
        "fingerprint": opened.fingerprint,
    }
    if json:
        print_json(facts)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in facts.items():
        is_size = isinstance(value, int) and not isinstance(value, bool)
        table.add_row(name.replace("_", " "), f"{value:,}" if is_size else str(value))
    Console().print(table)


@command
def search(
    base: Base,
    names: Annotated[
        list[str],
        typer.Argument(help="Names; ids with --id, texts with --text.", show_default=False),
    ],
    *,
    by_id: Annotated[bool, typer.Option("--id", help="Search by id.")] = False,
    in_text: Annotated[
        bool, typer.Option("--text", help="Search for the entities named in texts.")
    ] = False,
    mode: Annotated[
        str, typer.Option(help="With --text: optimal, longest, or all with overlapping names.")
    ] = "optimal",
) -> None:
    """Print the entities that go by a name, as JSON lines."""
    if by_id and in_text:
        raise InvalidArgumentError("text: must be left out with id, got True")
    opened = KnowledgeBase.open(base)
    count = 0
    for record in _found(opened, names, by_id, mode if in_text else None):
        count += 1
        line = json_format.dumps(record, ensure_ascii=False)
        # UTF-8 whatever the locale, so the bytes are the same everywhere.
        sys.stdout.buffer.write(f"{line}\n".encode())
    sys.stdout.buffer.flush()
    if not count:
        say("no entity found")


def _found(
    base: KnowledgeBase, names: list[str], by_id: bool, mode: str | None
) -> Iterator[dict[str, object]]:
    if mode is not None:
        for text, matches in zip(names, base.matches_many(names, mode), strict=True):
            for match in matches:
                for found in base.candidates(match.name):
                    yield {"text": text, **match._asdict(), "entity": asdict(base[found])}
    elif by_id:
        yield from (asdict(base[found]) for found in names if found in base)
    else:
        for candidates in base.candidates_many(names):
            yield from (asdict(base[found]) for found in candidates)


app.command("build")(build)
app.command("info")(info)
app.command("search")(search)
