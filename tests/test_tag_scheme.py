"""Tag schemes: what they allow, spans to tags and back, and what seqeval makes of the same tags."""

from __future__ import annotations

import importlib.util
import itertools
import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import newword
from newword import InvalidArgumentError, Span, TagScheme

TYPED = ["BIO", "IOB1", "BIOES", "BMES"]
TYPES = ["LOC", "人名"]
SCHEMES = [*(TagScheme(kind, TYPES) for kind in TYPED), TagScheme("BMES"), TagScheme("BI")]
# Not IOB1 strictly: there, seqeval loses a span that another of its type touches.
COMPARED = [("BIO", False), ("BIO", True), ("IOB1", False), ("BIOES", False), ("BIOES", True)]
needs_seqeval = pytest.mark.skipif(
    importlib.util.find_spec("seqeval") is None, reason="seqeval is not installed"
)


@st.composite
def spans(draw: st.DrawFn, gaps: bool = True) -> tuple[list[Span], int]:
    """Spans one behind the other, and the length of their text."""
    found, place = [], 0
    for _ in range(draw(st.integers(0, 6))):
        start = place + (draw(st.integers(0, 2)) if gaps else 0)
        place = start + draw(st.integers(1, 4))
        found.append(Span(start, place, draw(st.sampled_from(TYPES)) if gaps else ""))
    return found, place + (draw(st.integers(0, 2)) if gaps else 0)


def example(scheme: TagScheme) -> st.SearchStrategy[tuple[list[Span], int]]:
    return spans(gaps=scheme.types is not None)


def is_allowed(scheme: TagScheme, ids: Any) -> bool:
    path = [int(tag) for tag in ids]
    steps = all(scheme.allowed_transitions[pair] for pair in itertools.pairwise(path))
    ends = not path or bool(scheme.allowed_start[path[0]] and scheme.allowed_end[path[-1]])
    return steps and ends


@settings(deadline=None)
@given(st.data(), st.sampled_from(SCHEMES))
def test_spans_come_back_and_are_allowed(data: st.DataObject, scheme: TagScheme) -> None:
    wanted, length = data.draw(example(scheme))
    ids = scheme.encode(reversed(wanted), length)
    assert ids.dtype == np.int32
    assert len(ids) == length
    assert is_allowed(scheme, ids)
    for strict in (False, True):
        assert scheme.decode(ids, strict=strict) == wanted
    assert scheme.decode([scheme.tags[tag] for tag in ids]) == wanted
    for other in SCHEMES:
        if other.types == scheme.types:
            assert other.decode(scheme.convert(ids, other)) == wanted


@pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
def test_valid_sequences_equal_those_of_strict_decoding(scheme: TagScheme) -> None:
    # Every sequence of four tags: allowed if and only if it is what its own spans are written as.
    for path in itertools.product(range(scheme.num_tags), repeat=4):
        found = scheme.decode(path, strict=True)
        try:
            same = scheme.encode(found, 4).tolist() == list(path)
        except InvalidArgumentError:  # Words with a gap between them.
            same = False
        assert is_allowed(scheme, path) == same, [scheme.tags[tag] for tag in path]


@pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
def test_decoding_with_penalties_keeps_to_the_scheme(scheme: TagScheme) -> None:
    rng = np.random.default_rng(0)
    emissions = rng.normal(size=(40, 12, scheme.num_tags))
    lengths = rng.integers(0, 13, 40)
    rules = scheme.penalties()
    found = newword.viterbi(
        emissions, rules.transitions, start=rules.start, end=rules.end, lengths=lengths
    )
    for path, length in zip(found.paths, lengths, strict=True):
        assert is_allowed(scheme, path[:length])


@settings(deadline=None)
@given(st.data(), st.sampled_from(SCHEMES), st.booleans())
def test_a_padded_batch_equals_its_rows(
    data: st.DataObject, scheme: TagScheme, strict: bool
) -> None:
    tags = st.integers(0, scheme.num_tags - 1)
    rows = data.draw(st.lists(st.lists(tags, max_size=8), min_size=1, max_size=4))
    for padding in (-1, -100):
        for extra in (0, 3):
            batch = np.full((len(rows), max(map(len, rows)) + extra), padding)
            for ids, row in zip(batch, rows, strict=True):
                ids[: len(row)] = row
            alone = [scheme.decode(np.array(row, int), strict=strict) for row in rows]
            assert scheme.decode_batch(batch, strict=strict) == alone


@needs_seqeval
@settings(deadline=None, max_examples=300)
@given(st.data(), st.sampled_from(COMPARED))
def test_seqeval_sees_the_same_spans(data: st.DataObject, case: tuple[str, bool]) -> None:
    from seqeval.metrics.sequence_labeling import get_entities
    from seqeval.scheme import IOB2, IOBES, Entities

    kind, strict = case
    scheme = TagScheme(kind, TYPES)
    tags = data.draw(st.lists(st.sampled_from(scheme.tags), min_size=1, max_size=9))
    if strict:
        seen = Entities([tags], {"BIO": IOB2, "BIOES": IOBES}[kind]).entities[0]
        expected = [Span(one.start, one.end, one.tag) for one in seen]
    else:
        expected = [Span(start, end + 1, name) for name, start, end in get_entities(tags)]
    assert scheme.decode(tags, strict=strict) == expected


@needs_seqeval
@pytest.mark.filterwarnings("ignore")
@settings(deadline=None)
@given(st.data())
def test_seqeval_reckons_the_same(data: st.DataObject) -> None:
    from seqeval.metrics import classification_report, f1_score

    scheme = TagScheme("BIO", TYPES)
    lengths = data.draw(st.lists(st.integers(1, 8), min_size=1, max_size=4))
    sides = [
        [data.draw(st.lists(st.sampled_from(scheme.tags), min_size=n, max_size=n)) for n in lengths]
        for _ in range(2)
    ]
    score = newword.evaluate_spans(*([scheme.decode(tags) for tags in side] for side in sides))
    assert score.f1 == pytest.approx(f1_score(*sides, zero_division=0))
    if not score.types:
        return
    report = classification_report(*sides, output_dict=True, zero_division=0)
    assert score.precision == pytest.approx(report["micro avg"]["precision"])
    assert score.recall == pytest.approx(report["micro avg"]["recall"])
    assert score.macro_f1 == pytest.approx(report["macro avg"]["f1-score"])
    assert score.weighted_f1 == pytest.approx(report["weighted avg"]["f1-score"])
    for name, counts in score.types.items():
        assert counts.f1 == pytest.approx(report[name]["f1-score"])
        assert counts.gold == report[name]["support"]


def test_words() -> None:
    for scheme in (TagScheme("BMES"), TagScheme("BI")):
        # Beyond the basic plane, full width, a combining mark, an emoji of several code points.
        words = ["𠀀𠮷", "天", "５Ｇ网", "e\u0301", "👩‍💻", "长" * 3000]
        text = "".join(words)
        ids = scheme.encode_words(words)
        assert len(ids) == len(text)
        assert scheme.decode_words(text, ids) == words
        assert scheme.decode_words("", []) == []
        assert scheme.encode_words([]).shape == (0,)
        # Any tags at all cut a text into words that join up again.
        for path in itertools.product(range(scheme.num_tags), repeat=4):
            assert "".join(scheme.decode_words("一二三四", list(path))) == "一二三四"


def test_attributes_of_a_scheme() -> None:
    scheme = TagScheme("IOB2", ["A", "B"])
    assert scheme.kind == "BIO"
    assert scheme.tags == ("O", "B-A", "I-A", "B-B", "I-B")
    assert scheme.ids["I-B"] == 4
    assert TagScheme("BMES").tags == ("B", "M", "E", "S")
    assert scheme == TagScheme.from_tags(["B-B", "O", "I-A"])
    assert TagScheme.from_tags("BES", "BMES") == TagScheme("BMES")
    assert len({scheme, TagScheme("BIO", ["A", "B"]), TagScheme("IOB1", ["A", "B"])}) == 2
    assert TagScheme.from_config(json.loads(json.dumps(scheme.to_config()))) == scheme
    assert pickle.loads(pickle.dumps(scheme)) == scheme
    assert repr(scheme) == "TagScheme('BIO', ['A', 'B'])"
    with pytest.raises(AttributeError):
        scheme.kind = "BI"


def test_errors_name_the_argument_the_rule_and_the_value() -> None:
    scheme = TagScheme("BIO", ["A"])
    words = TagScheme("BMES")
    cases: list[tuple[Any, str]] = [
        (lambda: TagScheme("BILOU", ["A"]), "kind: .* 'BILOU'"),
        (lambda: TagScheme("BIO"), "types"),
        (lambda: TagScheme("BI", ["A"]), "types"),
        (lambda: TagScheme("BIO", []), "types"),
        (lambda: TagScheme("BIO", ["A", "A"]), "types: .* duplicates"),
        (lambda: TagScheme("BIO", "A"), "types: must be a sequence"),
        (lambda: TagScheme("BIO", ["A b"]), "types"),
        (lambda: TagScheme.from_tags(["X-A"]), "tags: .* 'X-A'"),
        (lambda: scheme.encode([(0, 0, "A")], 3), r"spans\[0\].end: .* got 0"),
        (lambda: scheme.encode([(1, 4, "A")], 3), r"spans\[0\].end: .* got 4"),
        (lambda: scheme.encode([(-1, 2, "A")], 3), r"spans\[0\].start"),
        (lambda: scheme.encode([(0, 2, "A"), (1, 3, "A")], 3), "spans: must be apart"),
        (lambda: scheme.encode([(0, 2, "B")], 3), "spans: .* got 'B'"),
        (lambda: scheme.encode([(0, 2)], 3), r"spans\[0\]"),  # type: ignore[list-item]
        (lambda: words.encode([(1, 2, "")], 2), "without a gap"),
        (lambda: words.encode([(0, 1, "")], 2), "up to the end"),
        (lambda: words.encode_words(["a", ""]), "words"),
        (lambda: words.decode_words("ab", [0]), "tags: must be one a character"),
        (lambda: scheme.encode_words(["a"]), "kind"),
        (lambda: scheme.decode([3]), "tags: .* got 3"),
        (lambda: scheme.decode([-2]), "tags: .* got -2"),
        (lambda: scheme.decode([0.5]), "tags: must be whole numbers"),
        (lambda: scheme.decode(["B-X"]), "tags: .* 'B-X'"),
        (lambda: scheme.decode([[0]]), "tags: must be one sequence"),
        (lambda: scheme.decode_batch([0]), "ids"),
        (lambda: newword.evaluate_spans([[]], []), "predicted"),
        (lambda: newword.evaluate_spans([["PER"]], [[]]), "spans"),  # type: ignore[list-item]
    ]
    for call, message in cases:
        with pytest.raises(InvalidArgumentError, match=message):
            call()


def test_scores_of_nothing_are_zero_and_the_table_is_readable() -> None:
    empty = newword.evaluate_spans([[]], [[]])
    assert (empty.precision, empty.recall, empty.f1, empty.macro_f1, empty.weighted_f1) == (0,) * 5
    score = newword.evaluate_spans([[(0, 1, "LOC")], []], [[(0, 1, "LOC"), (2, 3, "人名")], []])
    assert str(score).splitlines()[0].split() == ["type", "precision", "recall", "F1", "gold"]
    assert str(score).splitlines()[-1].split() == ["all", "0.5000", "1.0000", "0.6667", "1"]


def chunks_of_conlleval(tags: list[str]) -> list[Span]:
    """A slow twin: the chunks of conlleval, tag by tag, with M read as I."""
    pairs = [(tag.partition("-")[0].replace("M", "I"), tag.partition("-")[2]) for tag in tags]
    found: list[Span] = []
    start = None
    before = ("O", "")
    for place, now in enumerate([*pairs, ("O", "")]):
        (last, last_type), (letter, name) = before, now
        ends = last in "ES" or (last in "BI" and letter in "BSO") or last_type != name
        begins = letter in "BS" or (last in "ESO" and letter in "EI") or last_type != name
        if last != "O" and ends:
            assert start is not None
            found.append(Span(start, place, last_type))
        if letter != "O" and begins:
            start = place
        before = now
    return found


def valid_by_rule(scheme: TagScheme, ids: list[int]) -> bool:
    """Whether each step that is known at both of its sides is allowed."""
    steps = itertools.pairwise(ids)
    if not all(scheme.allowed_transitions[a, b] for a, b in steps if a >= 0 and b >= 0):
        return False
    first = not ids or ids[0] < 0 or scheme.allowed_start[ids[0]]
    return bool(first and (not ids or ids[-1] < 0 or scheme.allowed_end[ids[-1]]))


@pytest.mark.parametrize("scheme", SCHEMES, ids=repr)
def test_repair_of_all_short_sequences(scheme: TagScheme) -> None:
    for length in range(5 if scheme.num_tags < 6 else 4):
        for ids in itertools.product([*range(scheme.num_tags), -100], repeat=length):
            given_ids = np.array(ids, np.int64)
            repaired = scheme.repair(given_ids)
            assert scheme.is_valid(given_ids) == valid_by_rule(scheme, list(ids))
            assert valid_by_rule(scheme, repaired.tolist())
            assert ((repaired == -100) == (given_ids == -100)).all()
            if valid_by_rule(scheme, list(ids)):
                assert repaired.tolist() == list(ids)
            if -100 not in ids:
                tags = [scheme.tags[tag] for tag in ids]
                want = chunks_of_conlleval(tags)
                assert scheme.decode(repaired, strict=True) == want
                assert chunks_of_conlleval([scheme.tags[tag] for tag in repaired]) == want


@settings(deadline=None)
@given(st.data(), st.sampled_from(SCHEMES))
def test_repair_is_valid_and_stable(data: st.DataObject, scheme: TagScheme) -> None:
    ids = data.draw(st.lists(st.sampled_from([*range(scheme.num_tags), -1, -100]), max_size=30))
    before = np.array(ids, np.int64)
    repaired = scheme.repair(before)
    assert before.tolist() == ids
    assert valid_by_rule(scheme, repaired.tolist())
    assert scheme.repair(repaired).tolist() == repaired.tolist()
    assert scheme.decode(repaired) == scheme.decode(before)


@needs_seqeval
@settings(deadline=None)
@given(st.data(), st.sampled_from(["BIO", "IOB1", "BIOES"]))
def test_repair_keeps_the_spans_of_seqeval(data: st.DataObject, kind: str) -> None:
    from seqeval.metrics.sequence_labeling import get_entities

    scheme = TagScheme(kind, TYPES)
    tags = data.draw(st.lists(st.sampled_from(scheme.tags), max_size=20))
    repaired = [scheme.tags[tag] for tag in scheme.repair(tags)]
    assert get_entities(repaired) == get_entities(tags)


def test_the_kind_of_tags_is_seen_in_their_letters() -> None:
    assert TagScheme.from_tags(["O", "B-A", "M-A", "E-A"], None).kind == "BMES"
    assert TagScheme.from_tags(["O", "B-A", "I-A", "E-A"], None).kind == "BIOES"
    assert TagScheme.from_tags(iter(["O", "B-A", "I-A"]), None) == TagScheme("BIO", ["A"])
    # Words of one and two characters have no M.
    assert TagScheme.from_tags("BES", None) == TagScheme("BMES")
    assert TagScheme.from_tags("BI", None) == TagScheme("BI")
