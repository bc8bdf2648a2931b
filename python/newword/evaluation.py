"""Evaluation of a segmentation against a gold standard."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from math import nan

from newword import _check
from newword.errors import InvalidArgumentError

__all__ = ["SegmentationScore", "evaluate_segmentation"]

Sentence = str | Iterable[str]
"""A sentence: a str of words separated by white space, or a sequence of words."""

_MISSING = object()


@dataclass(frozen=True, slots=True)
class SegmentationScore:
    """Word counts and the measures computed from them.

    A measure is NaN if its denominator is 0 or it needs a vocabulary that was not given.
    """

    gold_words: int
    """Words of the gold standard."""
    predicted_words: int
    """Words of the predicted segmentation."""
    correct: int
    """Predicted words with the same start and end as a gold word."""
    insertions: int
    """Inserted words, as the bakeoff's scorer counts them."""
    deletions: int
    """Deleted words."""
    substitutions: int
    """Substituted words."""
    oov_words: int | None = None
    """Out-of-vocabulary gold words; None without a vocabulary."""
    oov_correct: int | None = None
    """Out-of-vocabulary gold words that were found."""

    @property
    def precision(self) -> float:
        """Share of the predicted words that are correct."""
        return _ratio(self.correct, self.predicted_words)

    @property
    def recall(self) -> float:
        """Share of the gold words that were found."""
        return _ratio(self.correct, self.gold_words)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return _ratio(2 * self.correct, self.gold_words + self.predicted_words)

    @property
    def oov_rate(self) -> float:
        """Share of the gold words that are out of vocabulary."""
        return nan if self.oov_words is None else _ratio(self.oov_words, self.gold_words)

    @property
    def oov_recall(self) -> float:
        """Recall of out-of-vocabulary words."""
        if self.oov_words is None or self.oov_correct is None:
            return nan
        return _ratio(self.oov_correct, self.oov_words)

    @property
    def iv_recall(self) -> float:
        """Recall of in-vocabulary words."""
        if self.oov_words is None or self.oov_correct is None:
            return nan
        return _ratio(self.correct - self.oov_correct, self.gold_words - self.oov_words)

    def to_dict(self) -> dict[str, int | float | None]:
        """All counts and measures by name."""
        names = (
            *("gold_words", "predicted_words", "correct", "insertions", "deletions"),
            *("substitutions", "oov_words", "oov_correct", "precision", "recall", "f1"),
            *("oov_rate", "oov_recall", "iv_recall"),
        )
        return {name: getattr(self, name) for name in names}


def evaluate_segmentation(
    gold: Iterable[Sentence],
    predicted: Iterable[Sentence],
    vocabulary: Container[str] | None = None,
) -> SegmentationScore:
    """Evaluates a segmentation against a gold standard, as in the SIGHAN 2005 bakeoff.

    Words are separated by any white space, including the ideographic space U+3000, which is never
    part of a word. A predicted word is correct if a gold word has the same start and end.
    Insertions, deletions and substitutions follow the bakeoff's scorer: in a stretch of g gold and
    p predicted words without a correct one, min(g, p) are substitutions and the rest insertions or
    deletions. (The scorer aligns words with `diff`, which sometimes matches equal words at
    different positions. This function does not.)

    O(characters) time; both inputs are read once, line by line.

    Args:
        gold: Sentences, each a str of words separated by white space or a sequence of words.
        predicted: The segmented sentences, in the same order.
        vocabulary: Known words, such as those of the training data or a Lexicon, for the recall of
            out-of-vocabulary words.

    Raises:
        InvalidArgumentError: The texts differ; names line and first difference.

    Source:
        Emerson (2005), The Second International Chinese Word Segmentation Bakeoff.

    Examples:
        >>> score = evaluate_segmentation(["今天 天气 很 不错"], ["今天 天 气 很 不错"])
        >>> score.correct, score.precision, score.recall
        (3, 0.6, 0.75)
    """
    for name, given in (("gold", gold), ("predicted", predicted)):
        _check.iterable(name, given, "an iterable of sentences")
    is_bytes = isinstance(vocabulary, (bytes, bytearray))
    if is_bytes or not (vocabulary is None or hasattr(vocabulary, "__contains__")):
        raise _check.invalid("vocabulary", "None or a container of words", vocabulary)
    totals = [0] * 8
    for line, pair in enumerate(zip_longest(gold, predicted, fillvalue=_MISSING), 1):
        if any(side is _MISSING for side in pair):
            short = "gold" if pair[0] is _MISSING else "predicted"
            raise InvalidArgumentError(
                f"{short}: must have as many lines as the other, got {line - 1} and no line {line}"
            )
        want, got = _words(pair[0], "gold", line), _words(pair[1], "predicted", line)
        _check_same_text(want, got, line)
        for index, amount in enumerate(_line_counts(want, got, vocabulary)):
            totals[index] += amount
    if vocabulary is None:
        return SegmentationScore(*totals[:6])
    return SegmentationScore(*totals)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else nan


def _words(sentence: object, name: str, line: int) -> list[str]:
    if isinstance(sentence, str):
        return sentence.split()
    if not isinstance(sentence, Iterable):
        kind = type(sentence).__name__
        raise InvalidArgumentError(f"{name}: must hold str or words, got {kind} at line {line}")
    words = list(sentence)
    for word in words:
        if not isinstance(word, str):
            kind = type(word).__name__
            raise InvalidArgumentError(f"{name}: words must be str, got {kind} at line {line}")
    # As the scorer reads them from a file.
    return " ".join(words).split()


def _check_same_text(gold: list[str], predicted: list[str], line: int) -> None:
    want, got = "".join(gold), "".join(predicted)
    if want == got:
        return
    pairs = zip_longest(want, got, fillvalue="")
    at = next(index for index, (one, other) in enumerate(pairs) if one != other)
    raise InvalidArgumentError(
        f"predicted: must hold the same text as gold, got a difference at line {line}, "
        f"character {at + 1}: {want[at : at + 10]!r} in gold, {got[at : at + 10]!r} in predicted"
    )


def _spans(words: list[str]) -> Iterator[tuple[int, int]]:
    end = 0
    for word in words:
        start, end = end, end + len(word)
        yield start, end


def _line_counts(
    gold: list[str], predicted: list[str], vocabulary: Container[str] | None
) -> tuple[int, int, int, int, int, int, int, int]:
    """The fields of `SegmentationScore` for one line, in their order."""
    found = set(_spans(predicted))
    hits = [span in found for span in _spans(gold)]
    correct = sum(hits)
    insertions = deletions = substitutions = 0
    for missed, extra in _wrong_stretches(gold, predicted):
        substitutions += min(missed, extra)
        insertions += max(0, extra - missed)
        deletions += max(0, missed - extra)
    oov = oov_correct = 0
    if vocabulary is not None:
        outside = [word not in vocabulary for word in gold]
        oov = sum(outside)
        oov_correct = sum(hit and out for hit, out in zip(hits, outside, strict=True))
    counts = (len(gold), len(predicted), correct, insertions, deletions, substitutions)
    return (*counts, oov, oov_correct)


def _wrong_stretches(gold: list[str], predicted: list[str]) -> Iterator[tuple[int, int]]:
    """Yields the numbers of gold and predicted words in each stretch between correct words."""
    spans = (list(_spans(gold)), list(_spans(predicted)))
    both = set(spans[0]) & set(spans[1])
    rows = tuple([index for index, span in enumerate(side) if span in both] for side in spans)
    before = (-1, -1)
    for here in (*zip(*rows, strict=True), (len(gold), len(predicted))):
        missed, extra = here[0] - before[0] - 1, here[1] - before[1] - 1
        if missed or extra:
            yield missed, extra
        before = here
