"""Discovery through the tasks without Spark: the shuffle is a dictionary."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import newword
from newword._call import lexicon_of
from newword._core import core
from newword.discovery import scoring_options
from newword.samples import sample_text
from newword.spark import _tasks
from tests.spark.test_tasks import batches_of
from tests.support.fake_core import needs_core
from tests.support.spark import settings
from tests.test_words import equal

pytestmark = needs_core

JOB = {"threads": 1, "memory": "100MB", "temp_dir": None, "progress": None}
Partitions = Sequence[Sequence[str | None]]
SUMMARY = ("total", "symbols", "ngrams", "strong", "segments", "false_segments", "overlong")


def options_of(asked: dict[str, Any]) -> dict[str, Any]:
    default = dict.fromkeys(["min_count", "min_pmi", "min_entropy", "max_length"])
    others: dict[str, Any] = default | {"method": "combined", "edge_stops": "", "reasons": False}
    asked = others | asked
    return scoring_options(asked.pop("order", 4), **asked)


def counted_in_tasks(
    partitions: Partitions, told: dict[str, Any], options: dict[str, Any]
) -> tuple[Any, list[list[Any]]]:
    """The counts that are kept, as the driver has them, and the encoded texts of each partition."""
    encoded = [
        list(_tasks.run("encode", told, batches_of(list(partition)))) for partition in partitions
    ]
    told |= {"scoring": options, "encoded": True}
    groups: dict[int, list[Any]] = {}
    for texts in encoded:
        for batch in _tasks.run("count", told, texts):
            for at, label in enumerate(batch.column("group_id").to_pylist()):
                groups.setdefault(label, []).append(batch.slice(at, 1))
    kept, files, reports = b"", [], []
    for group in groups.values():
        gathered = list(_tasks.run("gather", told, group))
        files.append([batch for batch in gathered if batch.column("counts")[0].is_valid])
        for row in (row for batch in gathered for row in batch.to_pylist()):
            kept += row["kept"] or b""
            reports += [row["report"]] * (row["report"] is not None)
    [report] = reports
    needed = core().needed_counts(options, json.loads(report)["total"])
    table = core().RemoteCounts(kept, needed)
    asked = told | {"request": table.request()}
    table.add(summed([_tasks.run("shares", asked, pieces) for pieces in files], told))
    return table, encoded


def summed(parts: Iterable[Any], told: dict[str, Any], min_count: int = 0) -> bytes:
    """The sums of what the tasks found, added up group by group."""
    groups: dict[int, list[Any]] = {}
    for batch in itertools.chain.from_iterable(parts):
        for at, label in enumerate(batch.column("group_id").to_pylist()):
            groups.setdefault(label, []).append(batch.slice(at, 1))
    assert set(groups) <= set(told["labels"])
    asked = told | {"min_count": min_count}
    rows = (
        row
        for group in groups.values()
        for batch in _tasks.run("sum", asked, group)
        for row in batch.to_pylist()
    )
    return b"".join(row["sums"] for row in rows)


def discovered_in_tasks(partitions: Partitions, **asked: Any) -> newword.Lexicon:
    """What `newword.spark.discover` does, with a list of partitions for the DataFrame."""
    told, options = settings(labels=[0, 1, 2]), options_of(asked)
    told["options"]["order"] = 2 if options["method"] == "bigram" else options["order"]

    def passes(request: bytes, min_count: int) -> bytes:
        asked = told | {"request": request}
        return summed((_tasks.run("pass", asked, texts) for texts in encoded), told, min_count)

    table, encoded = counted_in_tasks(partitions, told, options)
    return lexicon_of(table.discover(options, JOB, passes))


def same(there: newword.Lexicon, here: newword.Lexicon) -> None:
    assert equal(there, here)
    for name in SUMMARY:
        assert there.summary[name] == here.summary[name], name
    assert (there.rejected is None) == (here.rejected is None)
    if there.rejected is not None and here.rejected is not None:
        assert equal(there.rejected, here.rejected)


METHODS = ["combined", "chain", "entropy", "bigram", "autonomy"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("reasons", [False, True])
def test_tasks_find_what_one_machine_finds(method: str, reasons: bool) -> None:
    texts: list[str | None] = [*sample_text().splitlines(), None, "第3天，第4天，第5天，第6天下雨"]
    partitions = [texts[:3], texts[3:150], [], texts[150:]]
    here = newword.discover(iter(texts), method=method, reasons=reasons)
    assert len(here) > 50
    same(discovered_in_tasks(partitions, method=method, reasons=reasons), here)


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    partitions=st.lists(
        st.lists(st.text("天地人3a，", min_size=1, max_size=40), min_size=1, max_size=6),
        min_size=1,
        max_size=3,
    ),
    method=st.sampled_from(METHODS),
    order=st.integers(2, 6),
    min_count=st.integers(1, 3),
)
@pytest.mark.filterwarnings("ignore::newword.CorpusWarning")
def test_any_corpus(partitions: list[list[str]], method: str, order: int, min_count: int) -> None:
    texts = [text for partition in partitions for text in partition]
    given: dict[str, Any] = {"order": order, "min_count": min_count, "method": method}
    try:
        here = newword.discover(iter(texts), min_pmi=0.1, min_entropy=0.0, **given)
    except newword.NewwordError as error:
        with pytest.raises(type(error)):
            discovered_in_tasks(partitions, min_pmi=0.1, min_entropy=0.0, **given)
        return
    same(discovered_in_tasks(partitions, min_pmi=0.1, min_entropy=0.0, **given), here)


class SeenError(Exception):
    """Ends a discovery in its first pass."""


def test_a_text_that_changed_is_an_error() -> None:
    told, options = settings(), options_of({"min_count": 2})
    table, _ = counted_in_tasks([["天天地地人"] * 9], told, options)
    _, other = counted_in_tasks([["天新"]], told, options)
    found: list[bytes] = []

    def passes(request: bytes, min_count: int) -> Any:
        found.append(request)
        raise SeenError

    with pytest.raises(SeenError):
        table.discover(options, JOB, passes)
    with pytest.raises(newword.CorpusError, match='the text changed between two passes: "新"'):
        list(_tasks.run("pass", told | {"request": found[0]}, other[0]))
