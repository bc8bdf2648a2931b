"""What is new in raw text, by method: precision by depth, recall, and lists to judge by hand.

    python benches/python/precision.py                  # tables; needs the data pack and jieba
    python benches/python/precision.py --list 200       # the first 200 new words of each text

New words are `Lexicon.new` against jieba's dictionary, the most frequent first, of two characters
or more with at least one that is not ASCII. Precision is the share of them in a gold vocabulary or
in THUOCL: a lower bound, since most new words are in neither. Recall is over the gold words that
jieba's dictionary lacks and the text has five times or more. CPU is seconds of all threads.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import corpora
import newword
import quality
from newword import _call
from newword._arguments import Alphabet, Reading, Running, all_arguments, group_of
from newword._corpus.source import source_of

METHODS = ("chain", "autonomy", "combined")
DEPTHS = (100, 1000, 5000, 10_000)
LEAST = 5
"""Occurrences of a gold word that a method could have found."""


def main() -> None:
    """Prints a table, or the new words of each text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", type=int, default=0, metavar="N", help="print N new words a text")
    parser.add_argument("--methods", nargs="*", default=METHODS)
    asked = parser.parse_args()
    pack = corpora.data_pack()
    if pack is None:
        sys.exit("precision needs the data pack: set NEWWORD_DATA")
    judge = Judge(pack)
    if not asked.list:
        head()
    for path in corpora.raw_files(pack):
        for method in asked.methods:
            if asked.list:
                judge.show(path, method, asked.list)
            else:
                judge.row(path, method)


def head() -> None:
    """Opens the table."""
    depths = " | ".join(f"P@{depth}" for depth in DEPTHS)
    print(f"| text | method | new words | {depths} | recall | gold words | F1 rest | CPU |")
    print("|---|---|---|" + "---|" * (len(DEPTHS) + 4), flush=True)


class Judge:
    """Known words and gold words, read once."""

    def __init__(self, pack: Path) -> None:
        import jieba

        dictionary = Path(jieba.__file__).with_name("dict.txt")
        lines = dictionary.read_text(encoding="utf-8").splitlines()
        self.known = {line.split(" ")[0] for line in lines}
        self.rest = quality.people_daily(pack)
        self.texts = ["".join(words) for words in self.rest]
        golds = [quality.people_daily(pack, tuning=True), self.rest, quality.ud_gsd(pack)]
        gold = {word for sentences in golds for words in sentences for word in words}
        self.gold = {word for word in gold if is_word(word) and word not in self.known}
        self.right = set(gold)
        for path in (pack / "lexicon").glob("THUOCL_*.txt"):
            lines = path.read_text(encoding="utf-8").splitlines()
            self.right.update(line.split("\t")[0].strip() for line in lines)
        self.findable: dict[Path, set[str]] = {}

    def row(self, path: Path, method: str) -> None:
        """Discovers and prints what was found."""
        start = time.process_time()
        lexicon = newword.discover(path, method=method, known=self.known)
        seconds = time.process_time() - start
        new = self.new(lexicon)
        right = [word in self.right for word in new]
        shares = [sum(right[:depth]) / max(1, min(depth, len(new))) for depth in DEPTHS]
        findable = self.findable_in(path)
        recall = len(findable & set(lexicon["word"].tolist())) / max(1, len(findable))
        f1 = newword.evaluate_segmentation(self.rest, lexicon.segment_many(self.texts)).f1
        cells = [path.stem, method, f"{len(new)}", *(f"{share:.3f}" for share in shares)]
        cells += [f"{recall:.3f}", f"{len(findable)}", f"{f1:.4f}", f"{seconds:.2f}"]
        print("| " + " | ".join(cells) + " |", flush=True)

    def show(self, path: Path, method: str, number: int) -> None:
        """Prints the first new words of a text; `*` marks those that the judges know."""
        lexicon = newword.discover(path, method=method, known=self.known)
        words = [word + "*" * (word in self.right) for word in self.new(lexicon)[:number]]
        print(f"\n{path.stem}, {method}: " + " ".join(words), flush=True)

    def new(self, lexicon: newword.Lexicon) -> list[str]:
        """The new words, the most frequent first."""
        return [word for word in lexicon.new.sort("count")["word"] if is_word(word)]

    def findable_in(self, path: Path) -> set[str]:
        """The gold words that jieba lacks and this text has often enough."""
        if path not in self.findable:
            words = sorted(self.gold)
            counts = occurrences(path, words)
            self.findable[path] = {
                word for word, count in zip(words, counts, strict=True) if count >= LEAST
            }
        return self.findable[path]


def occurrences(path: Path, words: list[str]) -> list[int]:
    """How often a text has each word, overlaps included."""
    given = all_arguments(newword.discover, path)
    source = source_of(path, group_of(Reading, given))
    alphabet = group_of(Alphabet, given).options()
    counts, _ = _call.count_words(source, words, alphabet, group_of(Running, given))
    return [int(count) for count in counts]


def is_word(word: str) -> bool:
    """Whether a word is one that segmentation could find: no single, no plain ASCII."""
    return len(word) > 1 and not word.isascii()


if __name__ == "__main__":
    main()
