"""Knowledge bases and linking against their targets: `make bench-linking`, or with QUICK=1.

A synthetic base of 400,000 entities and 1,000,000 names is built, opened and searched, and its
names are matched in texts, on one core; other people's matchers do the same if installed.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import newword
from harness import Report, in_child, machine, require_release, timed
from knowledge_bases import names_of, texts_of, write_base
from newword.linking import KnowledgeBase, LinkedText, Mention

MEGABYTE = 1_000_000
TEXTS = 200_000
QUICK = 10
"""How many times smaller everything is with --quick."""
MOST_CANDIDATES = (5, 1)
"""Of a name, for predictions: as many as the article has left by its prior, and one."""
KNOWN = 400
"""Texts whose descriptions the linker can keep all."""
CHECKED = 300
"""How many texts the slow twin matches."""

BUILD = (
    "from newword.linking import KnowledgeBase\n"
    "base = KnowledgeBase.build(*argument)\n"
    "answer = [len(base), time.process_time()]"
)
LOOK_UP = (
    "from newword.linking import KnowledgeBase\n"
    "path, names = argument\n"
    "base = KnowledgeBase.open(path)\n"
    "found = base.candidates_many(names)\n"
    "texts = base.texts([id for some in found for id in some])\n"
    "answer = [found, len(texts)]"
)


def main() -> None:
    """Runs every step; exits with 1 where an answer is wrong, never for a slow machine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size")
    parser.add_argument("--entities", type=int, default=400_000)
    options = parser.parse_args()
    entities = options.entities // (QUICK if options.quick else 1)
    require_release()
    print(f"# {machine()}, newword {newword.__version__}, {entities:,} entities")
    report = Report()
    names = names_of(entities)
    with tempfile.TemporaryDirectory(prefix="newword-bench-") as folder:
        source, path = Path(folder) / "base.jsonl", Path(folder) / "base.kb"
        size = write_base(source, names)
        report.add("records", f"{size / MEGABYTE:.0f} MB")
        build(report, source, path, entities)
        base = look_up(report, path, names)
        texts = texts_of(names, TEXTS // (QUICK if options.quick else 1))
        match(report, base, names, texts)
        predict(report, base, texts[: 64 + KNOWN + (200 if options.quick else 2000)])


def build(report: Report, source: Path, path: Path, entities: int) -> None:
    """Builds the base in a process of its own."""
    child = in_child(BUILD, [str(source), str(path)])
    count, cpu = child.answer
    assert count == entities
    peak = child.peak_bytes / MEGABYTE
    measured = f"{child.seconds:.2f} s, {cpu:.2f} s CPU, {peak:.0f} MB"
    report.add("build", measured, "20 s, 1500 MB", child.seconds <= 20 and peak <= 1500)
    statistics = KnowledgeBase.open(path).statistics()
    report.add("names", f"{statistics.names:,}, {statistics.ambiguous_names:,} ambiguous")
    report.add("file", f"{statistics.bytes / MEGABYTE:.0f} MB")


def look_up(report: Report, path: Path, names: list[list[str]]) -> KnowledgeBase:
    """Opens the base and looks names up; a dictionary of Python is the twin."""
    seconds, base = timed(lambda: KnowledgeBase.open(path), repeat=9)
    report.add("open", f"{1000 * seconds:.2f} ms", "20 ms", seconds <= 0.02)
    owners: dict[str, list[str]] = {}
    for number, some in enumerate(names):
        for name in some:
            owners.setdefault(name, []).append(str(100_000 + number))
    asked = random.Random(3).choices(list(owners), k=20_000)
    expected = [owners[name] for name in asked]
    child = in_child(LOOK_UP, [str(path), asked[:2000]])
    assert child.answer == [expected[:2000], sum(map(len, expected[:2000]))]
    peak = child.peak_bytes / MEGABYTE
    report.add(
        "2,000 names and their texts, new process",
        f"{1000 * child.seconds:.0f} ms, {peak:.0f} MB", "200 MB", peak <= 200,
    )  # fmt: skip
    seconds, found = timed(lambda: base.candidates_many(asked))
    assert found == expected
    slow, _ = timed(lambda: [list(owners[name]) for name in asked])
    report.add("20,000 names", f"{1000 * seconds:.1f} ms; dict {1000 * slow:.1f} ms")
    ids = [one for some in expected[:5000] for one in some]
    seconds, texts = timed(lambda: base.texts(ids))
    assert texts[0] == base[ids[0]].text()
    report.add(f"{len(ids):,} texts of entities", f"{1000 * seconds:.1f} ms")
    return base


def match(report: Report, base: KnowledgeBase, names: list[list[str]], texts: list[str]) -> None:
    """Matches the names in texts on one core, as peers do."""
    size = sum(len(text.encode()) for text in texts) / MEGABYTE
    report.add("texts", f"{len(texts):,}, {size:.1f} MB")
    words = {name for some in names for name in some}
    found: dict[str, Any] = {}
    for mode in ("all", "longest", "optimal"):
        slow = [slow_spans(words, text, mode) for text in texts[:CHECKED]]
        first = base.matches_many(texts[:CHECKED], mode)
        assert [[(one.start, one.end) for one in some] for some in first] == slow
        seconds, found[mode] = timed(lambda mode=mode: base.match_arrays(texts, mode, threads=1))
        rate = size / seconds
        report.add(f"match, {mode}, arrays", f"{rate:.0f} MB/s", "50 MB/s", rate >= 50)
    matches = len(found["all"].starts)
    report.add("matches, all", f"{matches:,}")
    seconds, _ = timed(lambda: base.matches_many(texts, "optimal", threads=1), repeat=2)
    report.add("match, optimal, objects", f"{size / seconds:.0f} MB/s")
    seconds, _ = timed(lambda: base.match_arrays(texts, "optimal"))
    report.add("match, optimal, arrays, all cores", f"{size / seconds:.0f} MB/s")
    chosen = base.name_set(sorted(words)[::2])
    seconds, _ = timed(lambda: base.match_arrays(texts, "optimal", chosen, threads=1))
    report.add("match, optimal, half of the names", f"{size / seconds:.0f} MB/s")
    for name, mode, same, run in peers(sorted(words)):
        seconds, answer = timed(lambda run=run: run(texts), repeat=1)
        assert sum(map(len, answer)) == len(found[mode].starts) or not same, name
        del answer
        ours, _ = timed(lambda mode=mode: base.match_arrays(texts, mode, threads=1))
        as_objects, _ = timed(lambda mode=mode: base.matches_many(texts, mode, threads=1), repeat=1)
        ratio = seconds / ours
        measured = f"{size / seconds:.1f} MB/s; {ratio:.0f}x, objects {seconds / as_objects:.1f}x"
        report.add(f"{name}, {mode}", measured, "1x, 1x", ratio >= 1 and seconds >= as_objects)


def predict(report: Report, base: KnowledgeBase, texts: list[str]) -> None:
    """Scores the candidates of all matches with a model of the article's size, on all cores."""
    if importlib.util.find_spec("keras") is None:
        report.add("predict", "Keras is not installed")
        return
    from newword.keras import EntityLinker

    matches = base.matches_many(texts)
    linked = [
        LinkedText(
            text,
            tuple(Mention(*one, base.candidates(one.name)[0]) for one in some),
        )
        for text, some in zip(texts, matches, strict=True)
    ]
    spans = [[one[:2] for one in some] for some in matches]
    known, new = slice(64, 64 + KNOWN), slice(64 + KNOWN, None)
    for most in MOST_CANDIDATES:
        linker = EntityLinker(max_candidates=most, pruning_ratio=None, prior_min_count=None)
        linker.fit(linked[:64], base, epochs=1, verbose=0)
        linker.predict(texts[known], mentions=spans[known])
        for name, part in (("known descriptions", known), ("new descriptions", new)):
            work = functools.partial(linker.predict, texts[part], mentions=spans[part])
            seconds, found = timed(work, repeat=1)
            assert [[(one.start, one.end) for one in some] for some in found] == spans[part]
            pairs = 0
            for one in (one for some in found for one in some):
                ids = base.candidates(one.text)[:most]
                assert one.id in ids
                pairs += len(ids)
            rate = len(found) / seconds
            result = f"{rate:.0f} texts/s, {pairs / len(found):.1f} pairs each"
            report.add(f"predict, {name}", result, "500 texts/s", rate >= 500)


def slow_spans(words: set[str], text: str, mode: str) -> list[tuple[int, int]]:
    """The matches of a text by looking every part of it up."""
    longest = 4
    every = [
        (start, end)
        for start in range(len(text))
        for end in range(start + 1, min(len(text), start + longest) + 1)
        if text[start:end] in words
    ]
    if mode == "all":
        return every
    if mode == "longest":
        chosen: list[tuple[int, int]] = []
        for start, end in sorted(every, key=lambda span: (span[0], -span[1])):
            if not chosen or start >= chosen[-1][1]:
                chosen.append((start, end))
        return chosen
    best: list[tuple[int, int, list[tuple[int, int]]]] = [(0, 0, [])]
    for end in range(1, len(text) + 1):
        ways = [
            (best[span[0]][0], best[span[0]][1] + 1, [*best[span[0]][2], span])
            for span in every
            if span[1] == end
        ]
        ways.append((best[-1][0] + 1, *best[-1][1:]))
        best.append(min(ways, key=lambda way: way[:2]))
    return best[-1][2]


Matcher = Callable[[list[str]], list[list[Any]]]


def peers(words: list[str]) -> list[tuple[str, str, bool, Matcher]]:
    """The installed matchers: name, mode, whether the answers are the same, the matcher."""
    found: list[tuple[str, str, bool, Matcher]] = []
    if importlib.util.find_spec("ahocorasick") is not None:
        import ahocorasick

        automaton = ahocorasick.Automaton()
        for word in words:
            automaton.add_word(word, len(word))
        automaton.make_automaton()

        def iterate(method: Callable[[str], Any]) -> Matcher:
            return lambda texts: [
                [(end + 1 - length, end + 1) for end, length in method(text)] for text in texts
            ]

        found.append(("pyahocorasick", "all", True, iterate(automaton.iter)))
        # iter_long misses matches after some dead ends: its answers are not compared.
        found.append(("pyahocorasick", "longest", False, iterate(automaton.iter_long)))
    if importlib.util.find_spec("ahocorasick_rs") is not None:
        import ahocorasick_rs

        began = time.perf_counter()
        longest = ahocorasick_rs.AhoCorasick(words, ahocorasick_rs.MatchKind.LeftmostLongest)
        every = ahocorasick_rs.AhoCorasick(words)
        print(f"# ahocorasick_rs built two automata in {time.perf_counter() - began:.1f} s")

        def every_span(texts: list[str]) -> list[list[Any]]:
            return [every.find_matches_as_indexes(text, overlapping=True) for text in texts]

        def longest_span(texts: list[str]) -> list[list[Any]]:
            return [longest.find_matches_as_indexes(text) for text in texts]

        found.append(("ahocorasick_rs", "all", True, every_span))
        found.append(("ahocorasick_rs", "longest", True, longest_span))
    return found


if __name__ == "__main__":
    main()
