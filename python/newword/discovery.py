"""Finding the words of a corpus, in one step or through count files."""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from newword import _call, _check
from newword._advice import warn_about
from newword._arguments import Alphabet, Reading, Running, all_arguments, group_of
from newword._atomic import check_writable
from newword._corpus.source import can_be_read_twice, source_of
from newword.errors import InvalidArgumentError
from newword.lexicon import Lexicon
from newword.lexicon.known import known_words, with_known
from newword.progress import Progress

__all__ = ["contrast", "count_ngrams", "discover", "merge_counts", "score_counts"]

METHODS = ("combined", "chain", "entropy", "bigram", "autonomy")
COUNTS = ("exact", "kenlm")
KNOWN_ACTIONS = ("mark", "drop")
LARGEST_ORDER = 8

Path = str | os.PathLike[str]


def discover(
    corpus: Any,
    *,
    order: int = 4,
    min_count: int | None = None,
    method: str | None = None,
    min_pmi: float | Sequence[float] | None = None,
    min_entropy: float | None = None,
    max_length: int | None = None,
    counts: str = "exact",
    known: Path | Iterable[str] | Lexicon | None = None,
    known_action: str = "mark",
    edge_stops: str | Iterable[str] = (),
    reasons: bool = False,
    format: str = "auto",  # noqa: A002
    field: str = "text",
    encoding: str = "utf-8",
    errors: str = "strict",
    strip_html: bool = False,
    letters: str = "unit",
    digits: str = "unit",
    nfkc: bool = False,
    skip_variation_selectors: bool = False,
    drop_duplicates: bool = False,
    threads: int | None = None,
    memory: str | int | None = None,
    temp_dir: Path | None = None,
    progress: bool | Callable[[Progress], object] | None = None,
) -> Lexicon:
    """Finds the words of a corpus.

    What `corpus` may be:

    - a str or a path: a file, a glob (`"news/**/*.txt.gz"`), a directory (all files below it), or
      `"-"` for standard input. Text, JSON lines, CSV and TSV, plain or compressed (.gz, .zst,
      .xz), and Parquet with pyarrow;
    - several paths, as `pathlib.Path` objects in any iterable;
    - a list or tuple of str: paths if each of them names something that exists (or a glob that
      finds something, or a file name with an extension such as .txt or .gz); texts if none does;
    - any other iterable of str, as a generator: texts. No n-gram spans two of them;
    - an Arrow, pandas or Polars column of strings, or a table with a column `field`.

    Args:
        corpus: Where the text is; see above.
        order: The longest n-grams counted, 2 to 8 characters. Words may be longer.
        min_count: The least occurrences of a word; chosen from the corpus where left out.
        method: What makes a word; `"combined"` where left out, `"chain"` with `counts="kenlm"`.
            `"combined"` takes the words of a segmentation by autonomy and the longer chains,
            unless the words that they could be cut into explain them; `"chain"` joins
            overlapping strong n-grams and takes false chains back (Su 2019); `"entropy"` asks for
            cohesion and branching entropy (matrix67 2012); `"bigram"` joins neighbours of high
            cohesion; `"autonomy"` segments by normalised variation of branching entropy (Magistry
            and Sagot 2012).
        min_pmi: The least cohesion in nats, one for all lengths or one for each length from 1 to
            `order` (the first is unused); chosen by the method where left out. `"autonomy"` asks
            for none.
        min_entropy: The least of left and right branching entropy in nats.
        max_length: The longest word in characters.
        counts: `"exact"`, or `"kenlm"` to reproduce the biased counts of the published script.
        known: Words that are known: a Lexicon, the path of one, of a jieba dictionary or of a
            word list, or an iterable of words.
        known_action: `"mark"` sets the column `known`; `"drop"` leaves known words out.
        edge_stops: Characters a word must neither begin nor end with, as `"的了"`.
        reasons: Keep rejected candidates and why they were in `Lexicon.rejected`.
        format: `"text"`, `"jsonl"`, `"csv"`, `"tsv"`, `"parquet"`, or `"auto"` by the files'
            extensions.
        field: The JSON key or the column that holds the text; `"a.b"` is the key b within a.
            Records without a text (null, None) are left out and counted in `summary["missing"]`.
        encoding: The files' encoding, as `"utf-8"`, `"gb18030"`, `"big5"`.
        errors: What invalid bytes bring: `"strict"` an error, `"replace"` U+FFFD, `"skip"` the
            loss of the line.
        strip_html: Take out tags, entities, comments, scripts, URLs and e-mail addresses. In text
            files a tag may go on in the next line.
        letters: Whether a run of letters (Latin, Greek, ...) is one `"unit"`, so that 卡拉OK can
            be a word, single `"characters"`, or a `"break"` in the text.
        digits: The same for runs of digits.
        nfkc: Fold the text with NFKC: full-width forms, ligatures, compatibility characters.
        skip_variation_selectors: Ignore variation selectors, so that a variant of a character
            counts as the character. Other characters without a shape are always ignored.
        drop_duplicates: Leave out lines, records or items that were there before.
        threads: How many threads; all cores where left out. The result does not depend on it.
        memory: The most memory, as `"2GB"` or in bytes; half of what is free where left out. The
            result does not depend on it.
        temp_dir: Where spill files go; the system's own folder where left out.
        progress: True for a bar on stderr, or a function that is called with `Progress`.

    Returns:
        The words by falling score (cohesion times the lesser entropy; 0 for single characters),
        then count, then code points.

    Raises:
        InvalidArgumentError: An argument breaks its rule.
        CorpusError: The corpus is empty, or too short for any word.
        DecodeError: A file is not in `encoding`; names file and byte.
        MemoryBudgetError: `memory` is too small for what must be held at once.
        MissingDependencyError: An optional library is needed and not installed.
        OSError: A file cannot be read, or the disk is full.

    Time is linear in the corpus; memory is bounded by `memory` whatever the corpus.

    Source:
        Su Jianlin, kexue.fm 6920 (2019) and 4256 (2017): statistics, cutting, backtracking.

    Examples:
        >>> import newword
        >>> words = newword.discover("corpus.txt", known="dict.txt")  # doctest: +SKIP
        >>> words.new[:20]  # doctest: +SKIP
    """
    reading = Reading(
        format=format, field=field, encoding=encoding, errors=errors, strip_html=strip_html
    )
    alphabet = Alphabet(
        letters=letters,
        digits=digits,
        nfkc=nfkc,
        skip_variation_selectors=skip_variation_selectors,
        drop_duplicates=drop_duplicates,
    )
    running = Running(threads=threads, memory=memory, temp_dir=temp_dir, progress=progress)
    counts = _check.choice("counts", counts, COUNTS)
    if method is None:
        method = "chain" if counts == "kenlm" else "combined"
    options: dict[str, Any] = {
        **_scoring(
            _check.whole("order", order, 2, LARGEST_ORDER),
            min_count=min_count,
            method=method,
            min_pmi=min_pmi,
            min_entropy=min_entropy,
            max_length=max_length,
            edge_stops=edge_stops,
            reasons=reasons,
        ),
        **alphabet.options(),
        "counts": counts,
    }
    if counts == "kenlm" and method != "chain":
        raise _check.invalid("method", "'chain' with counts='kenlm'", method)
    action = _check.choice("known_action", known_action, KNOWN_ACTIONS)
    already = known_words(known, nfkc=options["nfkc"])
    words = _call.discover(source_of(corpus, reading), options, running)
    warn_about(words)
    return with_known(words, already, action)


def count_ngrams(
    corpus: Any,
    output: Path,
    *,
    order: int = 4,
    min_count: int = 1,
    resume: bool = False,
    format: str = "auto",  # noqa: A002
    field: str = "text",
    encoding: str = "utf-8",
    errors: str = "strict",
    strip_html: bool = False,
    letters: str = "unit",
    digits: str = "unit",
    nfkc: bool = False,
    skip_variation_selectors: bool = False,
    drop_duplicates: bool = False,
    threads: int | None = None,
    memory: str | int | None = None,
    temp_dir: Path | None = None,
    progress: bool | Callable[[Progress], object] | None = None,
) -> dict[str, Any]:
    """Counts all n-grams of a corpus into a count file, to be merged and scored later.

    Args:
        corpus: Where the text is, as for `discover`.
        output: The count file. It is complete or not there.
        order: The longest n-grams, 1 to 8 characters.
        min_count: The least occurrences kept. With more than 1 a merge of several files is no
            longer exact.
        resume: Add the corpus to what `output` holds already, instead of replacing it.

    All other arguments are those of `discover`.

    Returns:
        What was counted: `order`, `total` characters, and more.

    Raises:
        InvalidArgumentError: An argument breaks its rule.
        FormatError: `resume`, and `output` is no count file or one of other settings.
        CorpusError: The corpus holds no text.
        OSError: A file cannot be read or written.
    """
    target = _output(output)
    reading = Reading(
        format=format, field=field, encoding=encoding, errors=errors, strip_html=strip_html
    )
    alphabet = Alphabet(
        letters=letters,
        digits=digits,
        nfkc=nfkc,
        skip_variation_selectors=skip_variation_selectors,
        drop_duplicates=drop_duplicates,
    )
    running = Running(threads=threads, memory=memory, temp_dir=temp_dir, progress=progress)
    options: dict[str, Any] = {
        "order": _check.whole("order", order, 1, LARGEST_ORDER),
        "min_count": _check.whole("min_count", min_count, 1),
        "resume": _check.flag("resume", resume),
        **alphabet.options(),
    }
    return _call.count_ngrams(source_of(corpus, reading), target, options, running)


def merge_counts(
    paths: Iterable[Path],
    output: Path,
    *,
    threads: int | None = None,
    memory: str | int | None = None,
    temp_dir: Path | None = None,
    progress: bool | Callable[[Progress], object] | None = None,
) -> dict[str, Any]:
    """Adds count files up into one, as if their corpora had been counted together.

    Args:
        paths: Count files of the same order and alphabet.
        output: The count file to write. It is complete or not there.

    All other arguments are those of `discover`.

    Returns:
        What the result holds: `order`, `total` characters, and more.

    Raises:
        InvalidArgumentError: There is no file to merge, or an argument breaks its rule.
        FormatError: A file is no count file, or does not fit the others.
        OSError: A file cannot be read or written.
    """
    if isinstance(paths, (str, os.PathLike)) or not isinstance(paths, Iterable):
        raise _check.invalid("paths", "several paths", paths)
    names = [_check.path("paths", path) for path in paths]
    if not names:
        raise _check.invalid("paths", "at least one count file", names)
    running = Running(threads=threads, memory=memory, temp_dir=temp_dir, progress=progress)
    return _call.merge_counts(names, _output(output), running)


def score_counts(
    path: Path,
    *,
    min_count: int | None = None,
    method: str | None = None,
    min_pmi: float | Sequence[float] | None = None,
    min_entropy: float | None = None,
    max_length: int | None = None,
    known: Path | Iterable[str] | Lexicon | None = None,
    known_action: str = "mark",
    edge_stops: str | Iterable[str] = (),
    reasons: bool = False,
    threads: int | None = None,
    memory: str | int | None = None,
    temp_dir: Path | None = None,
    progress: bool | Callable[[Progress], object] | None = None,
) -> Lexicon:
    """Finds words from a count file: the n-grams that hold together and are used freely.

    Without the text nothing can be segmented, so no word is longer than the counted n-grams, and a
    word's count is that of its n-gram.

    Args:
        path: A count file.
        method: `"chain"`, where left out, or `"entropy"`; the others need the text itself.
        known: As for `discover`, but not folded.

    All other arguments are those of `discover`.

    Returns:
        The words by falling score, then count, then code points.

    Raises:
        InvalidArgumentError: An argument breaks its rule.
        FormatError: The file is no count file, or of another version.
        OSError: A file cannot be read.
    """
    name = _check.path("path", path)
    options = _scoring(
        None,
        min_count=min_count,
        method="chain" if method is None else method,
        min_pmi=min_pmi,
        min_entropy=min_entropy,
        max_length=max_length,
        edge_stops=edge_stops,
        reasons=reasons,
    )
    running = Running(threads=threads, memory=memory, temp_dir=temp_dir, progress=progress)
    action = _check.choice("known_action", known_action, KNOWN_ACTIONS)
    already = known_words(known, nfkc=False)
    words = _call.score_counts(name, options, running)
    # Only the file knows its order.
    _check.thresholds("min_pmi", min_pmi, words.summary["order"])
    return with_known(words, already, action)


def contrast(corpus: Any, background: Any, **options: Any) -> Lexicon:
    """Finds the words that are typical of a corpus against a background: the terms of a domain.

    The words come from `discover(corpus)`. Occurrences of each are then counted in both corpora
    alike, overlaps included. With relative frequencies f and g in corpus and background and the
    mean m of f + g over all words, the score is (f + m / 2) / (f + g + m): one half for a word as
    frequent here as there, towards 1 for one that is only here; m keeps rare words from extremes.

    Args:
        corpus: The texts of the domain, as for `discover`, but nothing that can be read only once
            (a generator, `"-"`): it is read twice.
        background: Texts of every kind, as for `discover`.
        **options: Any argument of `discover`.

    Returns:
        The words by falling score, with occurrences in `count` and `background_count`.

    Raises:
        InvalidArgumentError: `corpus` can be read only once, or an argument breaks its rule.
        CorpusError: A corpus holds no text, or no words.

    Source:
        Su Jianlin, kexue.fm 6540 (2019), with relative frequencies.
    """
    if not can_be_read_twice(corpus):
        kind = type(corpus).__name__
        raise InvalidArgumentError(
            f"corpus: must be something that can be read twice here, got {kind}; "
            "write it to a file, or pass list(texts)"
        )
    words = discover(corpus, **options)
    given = all_arguments(discover, corpus, **options)
    reading, running = group_of(Reading, given), group_of(Running, given)
    alphabet = group_of(Alphabet, given).options()
    names = words["word"].tolist()
    here = source_of(corpus, reading)
    there = source_of(background, reading, "background")
    counts, total = _call.count_words(here, names, alphabet, running)
    others, background_total = _call.count_words(there, names, alphabet, running)
    columns = {name: words[name] for name in words.columns}
    columns |= {"count": counts, "background_count": others}
    columns["score"] = _typicality(counts, total, others, background_total)
    summary = {**words.summary, "background_total": background_total}
    return Lexicon(columns, summary=summary, rejected=words.rejected).sort("score")


def _typicality(counts: Any, total: int, others: Any, background_total: int) -> Any:
    """The score of `contrast`, float64 (words,)."""
    here = counts / max(total, 1)
    there = others / max(background_total, 1)
    mean = np.mean(here + there) if len(here) else 1.0
    return (here + mean / 2) / (here + there + mean)


def _scoring(
    order: int | None,
    *,
    min_count: Any,
    method: Any,
    min_pmi: Any,
    min_entropy: Any,
    max_length: Any,
    edge_stops: Any,
    reasons: Any,
) -> dict[str, Any]:
    """The options that decide what a word is, checked; without `order` where a file knows it."""
    options: dict[str, Any] = {
        "min_count": None if min_count is None else _check.whole("min_count", min_count, 1),
        "method": _check.choice("method", method, METHODS),
        "min_pmi": _check.thresholds("min_pmi", min_pmi, order),
        "min_entropy": None
        if min_entropy is None
        else _check.threshold("min_entropy", min_entropy),
        "max_length": None if max_length is None else _check.whole("max_length", max_length, 1),
        "edge_stops": _check.word_list("edge_stops", edge_stops),
        "reasons": _check.flag("reasons", reasons),
    }
    return options if order is None else {"order": order, **options}


def _output(path: Any) -> str:
    name = _check.path("output", path)
    if os.path.isdir(name):  # noqa: PTH112
        raise _check.invalid("output", "a file to write, not a directory", name)
    check_writable(name)
    return name
