"""Train a word segmenter, on built-in synthetic text or on files of words separated by spaces.

    python examples/segmenter.py --quick
    python examples/segmenter.py --train train.txt --test test.txt --raw unlabelled.txt

With --raw the words of an unlabelled corpus are discovered first, and help as a lexicon.
"""

from __future__ import annotations

import itertools

import newword
from _options import fit_options, held_out, parser, tagger_options
from newword.keras import Tagger
from newword.samples import SyntheticCorpus


def main(arguments: list[str] | None = None) -> float:
    """Trains, prints scores, and gives the F1."""
    options = parser(__doc__, "words separated by spaces, a sentence a line")
    options.add_argument("--raw", metavar="FILE", help="unlabelled text to discover a lexicon in")
    given = options.parse_args(arguments)
    if given.train:
        train = newword.read_words(given.train)
        test = newword.read_words(given.test) if given.test else None
    else:
        corpus = SyntheticCorpus(given.seed, vocabulary_size=300, alphabet_size=200)
        many = 400 if given.quick else 4000
        train, test = list(itertools.islice(corpus.segmented_lines(n_chars=10**6), many)), None
    if test is None:
        train, test = held_out(train)
    learn, check = held_out(train)

    lexicon = newword.discover(given.raw) if given.raw else None
    tagger = Tagger(newword.TagScheme("BMES"), lexicon=lexicon, **tagger_options(given))
    tagger.fit(None, learn, validation_data=(None, check), **fit_options(given))

    known = {word for words in train for word in words}
    score = tagger.evaluate(None, test, known_words=known)
    print(f"sentences: {len(train):,} to learn from, {len(test):,} to test on")
    print(f"precision {score.precision:.4f}, recall {score.recall:.4f}, F1 {score.f1:.4f}")
    print(f"recall of words not seen in training {score.oov_recall:.4f}")
    print("/".join(tagger.predict("".join(test[0]))))
    if given.save:
        tagger.save(given.save)
    return score.f1


if __name__ == "__main__":
    main()
