"""Whatever a public function is given: an exception of this package, or of the operating system."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import newword
from newword.samples import sample_path
from tests.support.fake_core import needs_core

pytestmark = needs_core

EXPECTED = (newword.NewwordError, OSError)

FILES = {
    "bad.parquet": b"PAR1 no",
    "bad.jsonl": b"{\n",
    "bytes.txt": bytes(range(256)),
    "e.txt": b"",
}
ODD: list[Any] = [
    *(None, True, -1, 3, 10**30, 2.5, float("nan"), b"x", "", "\ud800", "a\0b", object()),
    *("a.txt", *FILES, "/", "no/x", [], {}, {"a": 1}, [None], [3], ["今天"], ["\ud800"], [["今"]]),
    *([("B", "x")], np.zeros((2, 3)), np.full((2, 3, 4), np.nan), np.zeros((2, 3, 4), complex)),
    *(np.array(["a"]), len),
]
GOOD: dict[str, Any] = {
    "output": "o.nwc", "text": "今天", "texts": ["今天"], "counts": "a.nwc", "paths": ["a.nwc"],
    "words": ["今天"], "gold": ["今天"], "predicted": ["今天"], "emissions": np.zeros((1, 3, 4)),
    "tags": np.zeros((1, 3), np.int32), "transitions": np.zeros((4, 4)),
}  # fmt: skip
"""What stands for the arguments that must be given; all others are read from the file a.txt."""


def methods(name: str, owner: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    for method in dir(owner):
        # A mapping's look-up raises KeyError.
        if not method.startswith("_") and method != "word" and callable(getattr(owner, method)):
            yield f"{name}.{method}", getattr(owner, method)


@cache
def functions() -> dict[str, Callable[..., Any]]:
    """Everything public that is called, by name."""
    found: dict[str, Callable[..., Any]] = {}
    for name in newword.__all__:
        one = getattr(newword, name)
        is_exception = inspect.isclass(one) and issubclass(one, BaseException)
        if callable(one) and not is_exception:
            found[name] = one
    found |= methods("Lexicon", newword.Lexicon.from_words(["今天", "天气"], [2, 1]))
    found |= methods("Segmenter", newword.train_segmenter(sample_path()))
    for kind, types in (("BIO", ["A"]), ("BMES", None)):
        found |= methods(f"TagScheme({kind})", newword.TagScheme(kind, types))
    return found


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    path, before = tmp_path_factory.mktemp("odd"), Path.cwd()
    os.chdir(path)
    for name, data in FILES.items():
        Path(name).write_bytes(data)
    Path("a.txt").write_text("今天天气很好，今天天气\n" * 5, "utf-8")
    newword.count_ngrams("a.txt", "a.nwc")
    yield
    os.chdir(before)


@pytest.mark.parametrize("name", functions())
@pytest.mark.filterwarnings("ignore::newword.CorpusWarning")
def test_odd_arguments(name: str) -> None:
    function = functions()[name]
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        pytest.skip("a built-in class without a signature")
    named = [
        one
        for one in parameters.values()
        # What a callback raises is handed on.
        if one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD) and one.name != "progress"
    ]
    must = {one.name: GOOD.get(one.name, "a.txt") for one in named if one.default is one.empty}
    for one in named:
        for value in ODD:
            given = {**must, one.name: value}
            first = [
                given.pop(each.name)
                for each in named
                if each.kind == each.POSITIONAL_ONLY and each.name in given
            ]
            try:
                function(*first, **given)
            except EXPECTED:
                pass
            except Exception as error:  # noqa: BLE001
                pytest.fail(f"{one.name}={value!r:.60}: {type(error).__name__}: {error}")
