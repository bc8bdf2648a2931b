"""Discovery on Spark against that of one machine, to the last digit."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

import newword
from newword.samples import sample_text
from newword.spark import _plan, discover, discovery
from tests.support.fake_core import needs_core
from tests.support.spark import failing_once
from tests.test_words import equal

pytestmark = [needs_core, pytest.mark.slow]

MEMORY = "300MB"
TEXTS: list[str | None] = [*sample_text().splitlines(), None, "", "第3天，第4天下雨"]


def frame(session: Any, texts: list[str | None] = TEXTS) -> Any:
    return session.createDataFrame([(text,) for text in texts], "text string")


@pytest.mark.parametrize(
    ("partitions", "options"),
    [
        (1, {}),
        (4, {"method": "chain", "order": 3, "reasons": True, "edge_stops": "的"}),
        (7, {"method": "entropy", "min_count": 3, "known": ["天"], "known_action": "drop"}),
    ],
)
def test_the_words_of_one_machine(session: Any, partitions: int, options: dict[str, Any]) -> None:
    rows = frame(session).repartition(partitions)
    found = discover(rows, memory=MEMORY, **options)
    here = newword.discover(iter(TEXTS), **options)
    there = found.to_lexicon()
    assert len(here) > 50
    assert equal(there, here)
    assert there.summary == here.summary == found.summary
    if options.get("reasons"):
        assert there.rejected is not None
        assert here.rejected is not None
        assert equal(there.rejected, here.rejected)
    assert tuple(found.columns) == tuple(here.columns)
    assert [row["word"] for row in found.collect()] == here["word"].tolist()
    assert copy.copy(found).summary == here.summary
    assert found.filter("count >= 10").count() == (here["count"] >= 10).sum()


def test_the_same_when_a_worker_of_each_stage_is_killed(
    session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_plan, "task", failing_once(tmp_path, kill=True))
    # Of few tasks, the driver adds up the sums.
    monkeypatch.setattr(discovery, "FEW", 0)
    found = discover(frame(session).repartition(3), memory=MEMORY).to_lexicon()
    assert equal(found, newword.discover(iter(TEXTS)))
    stages = ["count", "encode", "gather", "pass", "shares", "sum"]
    assert sorted(path.name for path in tmp_path.iterdir()) == stages


WRONG: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "column": ({"column": "body"}, newword.InvalidArgumentError, "column: must name a column"),
    "order": (
        {"order": 1},
        newword.InvalidArgumentError,
        "order: must be a whole number between 2",
    ),
    "method": ({"method": "best"}, newword.InvalidArgumentError, "method: must be one of"),
    "kenlm": ({"counts": "kenlm"}, newword.InvalidArgumentError, "counts: must be 'exact' on a"),
    "duplicates": ({"drop_duplicates": True}, newword.InvalidArgumentError, "df.dropDuplicates"),
    "min_count": ({"min_count": 99}, newword.InvalidArgumentError, "must not exceed the 3 symbols"),
    "known": ({"known": "missing.txt"}, FileNotFoundError, "missing.txt"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments(session: Any, case: str) -> None:
    given, kind, message = WRONG[case]
    with pytest.raises(kind, match=message):
        discover(frame(session, ["天气好"]), **given)


def test_a_frame_without_text(session: Any) -> None:
    with pytest.raises(newword.CorpusError, match="no symbol"):
        discover(frame(session, [None, "，"]))


def test_an_error_of_any_stage_keeps_its_type(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = _plan.task
    # Spark hands over those of a stage that ends in a collection in another way.
    for stage in ("encode", "gather"):

        def failing(name: str, settings: dict[str, Any], version: str, at: str = stage) -> Any:
            inner = plain(name, settings, version)

            def run(batches: Any) -> Any:
                if name == at:
                    from newword.errors import MemoryBudgetError

                    raise MemoryBudgetError(f"memory: of {name}")
                return inner(batches)

            return run

        monkeypatch.setattr(_plan, "task", failing)
        with pytest.raises(newword.MemoryBudgetError, match=f"^memory: of {stage}$"):
            discover(frame(session).repartition(2), memory=MEMORY)


def test_nothing_is_left_of_a_discovery(session: Any, tmp_path: Path) -> None:
    data = session.createDataFrame([(b"\xff",)], "text binary")
    with pytest.raises(newword.DecodeError, match="row 0 of the partition is not UTF-8"):
        discover(data, temp_dir=tmp_path)
    assert not list(tmp_path.iterdir())
