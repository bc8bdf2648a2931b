"""Word discovery in a corpus, in one step or through count files."""

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

    Types of `corpus`:

    - a str or a path: a file, a glob (`"news/**/*.txt.gz"`), a directory (all files below it), or
      `"-"` for standard input. Text, JSON lines, CSV and TSV, plain or compressed (.gz, .zst,
      .xz), and Parquet with pyarrow;
    - several paths, as `pathlib.Path` objects in any iterable;
    - a list or tuple of str: paths if each of them names something that exists (or a glob that
      finds something, or a file name with an extension such as .txt or .gz); texts if none does;
    - any other iterable of str, such as a generator: texts. No n-gram spans two of them;
    - an Arrow, pandas or Polars column of strings, or a table with a column `field`.

    Args:
        corpus: The text; see above.
        order: Length of the longest n-grams counted, 2 to 8 characters. Words may be longer.
        min_count: Minimum count of a word; by default chosen by the size of the corpus.
        method: `"combined"`, the default, takes the words of a segmentation by autonomy and longer
            chains, except candidates that a segmentation into frequent words explains; `"chain"`,
            the default with `counts="kenlm"`, joins overlapping strong n-grams and rejects false
            chains by backtracking (Su 2019); `"entropy"` uses thresholds of cohesion and
            branching entropy (matrix67 2012); `"bigram"` joins neighbours of high cohesion;
            `"autonomy"` segments by normalised variation of branching entropy (Magistry and Sagot
            2012).
        min_pmi: Minimum cohesion in nats, one for all lengths or one for each length from 1 to
            `order` (the first is unused); by default chosen by the method. `"autonomy"`
            ignores it.
        min_entropy: Minimum of the left and right branching entropy in nats.
        max_length: Maximum length of a word in characters.
        counts: `"exact"`, or `"kenlm"` to reproduce the biased counts of the published script.
        known: Known words: a Lexicon, the path of a lexicon, jieba dictionary or word list, or an
            iterable of words.
        known_action: `"mark"` sets the column `known`; `"drop"` drops known words.
        edge_stops: Characters that no word may begin or end with, such as `"的了"`.
        reasons: Whether to keep rejected candidates, with reasons, in `Lexicon.rejected`.
        format: `"text"`, `"jsonl"`, `"csv"`, `"tsv"`, `"parquet"`, or `"auto"` by the files'
            extensions.
        field: The JSON key or the column of the text; `"a.b"` is the key b within a.
            Records without a text (null, None) are skipped and counted in `summary["missing"]`.
        encoding: The files' encoding, such as `"utf-8"`, `"gb18030"`, `"big5"`.
        errors: Handling of invalid bytes: `"strict"` raises an error, `"replace"` replaces them by
            U+FFFD, `"skip"` skips the line.
        strip_html: Whether to remove tags, comments, scripts, URLs and e-mail addresses, and decode
            entities. In text files a tag may continue on the next line.
        letters: How a run of letters (Latin, Greek, ...) is read: as one `"unit"`, so that 卡拉OK
            can be a word, as single `"characters"`, or as a `"break"`.
        digits: The same for runs of digits.
        nfkc: Whether to normalize the text with NFKC: full-width forms, ligatures, compatibility
            characters.
        skip_variation_selectors: Whether to ignore variation selectors. Other default-ignorable
            characters are always ignored.
        drop_duplicates: Whether to skip lines, records or items that are equal to an earlier one.
        threads: Number of threads; all cores by default. The result does not depend on it.
        memory: Memory limit, such as `"2GB"` or in bytes; by default half of the free memory. The
            result does not depend on it.
        temp_dir: Directory for spill files; by default that of the system.
        progress: True for a bar on stderr, or a function that is called with `Progress`.

    Returns:
        The words by descending score (cohesion times the smaller entropy; 0 for single
        characters), then count, then code points.

    Raises:
        InvalidArgumentError: An argument is invalid.
        CorpusError: The corpus is empty, or too short for any word.
        DecodeError: A file is not in `encoding`; names file and byte.
        MemoryBudgetError: `memory` is too small for the data that must be in memory at once.
        MissingDependencyError: An optional library is needed and not installed.
        OSError: A file cannot be read, or the disk is full.

    Time is linear in the size of the corpus; memory is bounded by `memory`.

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
        **scoring_options(
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
    """Counts all n-grams of a corpus and writes a count file, to merge and score later.

    Args:
        corpus: The text, as for `discover`.
        output: The count file, written atomically.
        order: Length of the longest n-grams, 1 to 8 characters.
        min_count: Minimum count of an n-gram. Above 1 the file is pruned and cannot be merged.
        resume: Whether to add the corpus to `output` instead of replacing it.

    All other arguments are those of `discover`.

    Returns:
        The summary of the count file: `order`, `total` characters, and more.

    Raises:
        InvalidArgumentError: An argument is invalid.
        FormatError: With `resume`, `output` is not a count file or has other settings.
        CorpusError: The corpus contains no text.
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
    """Merges count files into one, as if their corpora had been counted together.

    Args:
        paths: Count files with the same order and alphabet.
        output: The count file, written atomically.

    All other arguments are those of `discover`.

    Returns:
        The summary of the merged file: `order`, `total` characters, and more.

    Raises:
        InvalidArgumentError: `paths` is empty, or an argument is invalid.
        FormatError: A file is not a count file, or does not match the others.
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
    """Finds the words of a count file: n-grams of high cohesion and branching entropy.

    The text is not segmented, so no word is longer than the counted n-grams, and the count of a
    word is that of its n-gram.

    Args:
        path: A count file.
        method: `"chain"`, the default, or `"entropy"`; the others need the text.
        known: As for `discover`, but not normalized.

    All other arguments are those of `discover`.

    Returns:
        The words by descending score, then count, then code points.

    Raises:
        InvalidArgumentError: An argument is invalid.
        FormatError: The file is not a count file, or has another version.
        OSError: A file cannot be read.
    """
    name = _check.path("path", path)
    options = scoring_options(
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
    """Finds the words typical of a corpus compared with a background: the terms of a domain.

    The words come from `discover(corpus)`. Each is then counted in both corpora in the same way,
    including overlaps. With relative frequencies f and g in corpus and background and the mean m of
    f + g over all words, the score is (f + m / 2) / (f + g + m). It is one half for a word with the
    same frequency in both, and approaches 1 for a word that occurs only in the corpus; m smooths
    the scores of rare words.

    Args:
        corpus: The texts of the domain, as for `discover`. It is read twice, so a generator or
            `"-"` is not allowed.
        background: General texts, as for `discover`.
        **options: Any argument of `discover`.

    Returns:
        The words by descending score, with counts in `count` and `background_count`.

    Raises:
        InvalidArgumentError: `corpus` can be read only once, or an argument is invalid.
        CorpusError: A corpus contains no text, or no words.

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


def scoring_options(
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
    """Validates method and thresholds; `order` is None if the count file determines it."""
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
