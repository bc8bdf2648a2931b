"""Arguments that functions share: the same everywhere, described once, options of the commands."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
import typer.core
import typer.main

import newword
from newword._arguments import Alphabet, Reading, Running, all_arguments, group_of
from newword.cli.app import app

FUNCTIONS = {
    name: getattr(newword, name)
    for name in newword.__all__
    if inspect.isfunction(getattr(newword, name))
}
REFERS = re.compile(r"^ {4}All (?:other )?arguments are those of `(\w+)`\.$", re.MULTILINE)
# Arguments that the functions read as one, and the names that the commands have for them.
OF_COMMANDS = {"known_action": "drop_known", "reasons": "rejected", "progress": "quiet"}
COMMANDS = {
    "discover": "discover",
    "contrast": "discover",
    "count": "count_ngrams",
    "merge": "merge_counts",
    "score": "score_counts",
}


def described(function: Callable[..., Any]) -> list[str]:
    """The names in the section `Args:` of a docstring, without stars."""
    section = re.search(r"^ {4}Args:\n((?: {8}.*\n|\n)+)", function.__doc__ or "", re.MULTILINE)
    return re.findall(r"^ {8}\*{0,2}(\w+):", section[1], re.MULTILINE) if section else []


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(function).parameters)


def test_there_are_functions_that_share_arguments() -> None:
    sharing = [name for name, one in FUNCTIONS.items() if REFERS.search(one.__doc__ or "")]
    assert {"count_ngrams", "score_counts", "train_segmenter", "beam_search"} <= set(sharing)
    assert described(newword.beam_search) == ["beam_size", "normalization"]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_is_described_once(name: str) -> None:
    own, found = parameters(FUNCTIONS[name]), described(FUNCTIONS[name])
    assert len(found) == len(set(found))
    assert set(found) <= set(own), "described, but no argument"
    left = set(own) - set(found)
    other = REFERS.search(FUNCTIONS[name].__doc__ or "")
    if other is None:
        assert not left
        return
    assert left, "nothing is left to describe elsewhere"
    assert left <= set(described(FUNCTIONS[other[1]]))
    theirs = parameters(FUNCTIONS[other[1]])
    for one in left:
        assert str(own[one]) == str(theirs[one])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_shared_arguments_have_the_same_default_and_type(name: str) -> None:
    """Arguments of the groups mean one thing, so they have one default and one type."""
    own, theirs = parameters(FUNCTIONS[name]), parameters(newword.discover)
    for group in (Reading, Alphabet, Running):
        for field in fields(group):
            if field.name in own and "threads" in own and "memory" in own:
                assert own[field.name].default == theirs[field.name].default
                assert own[field.name].kind is inspect.Parameter.KEYWORD_ONLY


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_have_every_argument_as_an_option(command: str) -> None:
    commands = typer.main.get_command(app)
    assert isinstance(commands, typer.core.TyperGroup)
    options: dict[str, Any] = {str(one.name): one for one in commands.commands[command].params}
    assert "traceback" in options
    for name, parameter in parameters(FUNCTIONS[COMMANDS[command]]).items():
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            continue
        option = options[OF_COMMANDS.get(name, name)]
        assert option.help
        if name not in OF_COMMANDS and name != "edge_stops":
            assert option.default == parameter.default, name


def test_groups_take_their_arguments_out_of_a_call() -> None:
    given = all_arguments(newword.discover, "a.txt", encoding="gb18030", threads=2)
    assert group_of(Reading, given).encoding == "gb18030"
    assert group_of(Reading, given).format == "auto"
    assert group_of(Running, given).options() == {"threads": 2, "memory": None, "temp_dir": None}


@pytest.mark.parametrize(
    ("name", "value"),
    [("format", "xml"), ("field", ""), ("encoding", 8), ("errors", None), ("strip_html", 0),
     ("letters", "one"), ("digits", 1), ("nfkc", "yes"), ("skip_variation_selectors", 2),
     ("drop_duplicates", 1), ("threads", 0), ("memory", 0), ("temp_dir", "nowhere"),
     ("progress", 3)],
)  # fmt: skip
def test_a_group_is_checked_when_it_is_made(name: str, value: Any) -> None:
    given = all_arguments(newword.discover, "a.txt", **{name: value})
    (group,) = (
        one for one in (Reading, Alphabet, Running) if name in {field.name for field in fields(one)}
    )
    with pytest.raises(newword.InvalidArgumentError, match=f"^{name}: must be .*, got {value!r}"):
        group_of(group, given)
