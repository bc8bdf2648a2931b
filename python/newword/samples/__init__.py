"""Text to try the package on: a written sample and a generator of synthetic corpora.

Two kinds of text live here.

* The *written sample* (:func:`sample_text`, :func:`sample_path`) is about 16,000 characters of
  original modern Chinese prose: eighteen short articles, from local news to a recipe and a short
  story, one paragraph a line. It contains coined words that no dictionary lists
  (:func:`coined_terms`), each at least twelve times and in varied contexts, so that a discovery
  run over it has something to find and something to be checked against.
* The *synthetic corpus* (:class:`SyntheticCorpus`) streams text of any size with a known
  vocabulary, a known segmentation and Zipfian word frequencies, the same for the same seed. Tests
  and benchmarks use it.

>>> from newword.samples import coined_terms, sample_text
>>> text = sample_text()
>>> all(text.count(term) >= 12 for term in coined_terms())
True
"""

from __future__ import annotations

import importlib.resources
from pathlib import Path

from newword.samples.synthetic import SyntheticCorpus

__all__ = ["SyntheticCorpus", "coined_terms", "sample_path", "sample_text"]


def _resource(name: str) -> Path:
    return Path(str(importlib.resources.files("newword.samples").joinpath(name)))


def sample_path() -> Path:
    """Return the path of the written sample, a UTF-8 text file with LF line ends.

    The file has one paragraph a line and no empty lines; the first line of each article is its
    title, which is the only kind of line that does not end in punctuation. The file belongs to
    the installed package: read it, do not write it.

    Returns
    -------
    pathlib.Path
        Absolute path of ``prose.txt`` (about 48 kB).

    Examples
    --------
    >>> from newword.samples import sample_path
    >>> sample_path().name
    'prose.txt'
    """
    return _resource("prose.txt")


def sample_text() -> str:
    """Return the written sample as one string.

    Returns
    -------
    str
        About 16,000 characters (code points); every line, the last one included, ends in LF.

    Raises
    ------
    OSError
        If the installed package is damaged and the file cannot be read.

    Notes
    -----
    Reads the file anew each time, in O(size of the file).

    Examples
    --------
    >>> from newword.samples import sample_text
    >>> sample_text().splitlines()[0]
    '老街喝上雾水，墨蚕巷的夏天不再停水'
    """
    return sample_path().read_text(encoding="utf-8")


def coined_terms() -> list[str]:
    """Return the coined words of the written sample, sorted by code point.

    They are names of people, places, companies and products, technical and medical terms, dishes
    and slang, 2 to 7 characters long; a few mix Latin letters and digits with Han characters.

    Returns
    -------
    list of str
        Unique terms; a new list each time.

    Raises
    ------
    OSError
        If the installed package is damaged and the file cannot be read.

    Examples
    --------
    >>> from newword.samples import coined_terms
    >>> terms = coined_terms()
    >>> len(terms), terms[0], terms[-1]
    (32, '6G鹭桥网', '飞鳐队')
    """
    return _resource("coined.txt").read_text(encoding="utf-8").splitlines()
