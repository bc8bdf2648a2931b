"""Train an entity recogniser, on built-in synthetic text or on files of characters and tags.

    python examples/entities.py --quick
    python examples/entities.py --train train.bmes --test test.bmes

Files may be written in BIO, BIOES or BMES, with a tab or spaces between the columns.
"""

from __future__ import annotations

import random

from _options import fit_options, held_out, parser, tagger_options
from newword import Span, TagScheme, read_conll
from newword.keras import Tagger
from newword.samples import SyntheticCorpus

SURNAMES = "王李张刘陈𠮷"
PLACES = ("省", "市", "县")
COMPANIES = ("公司", "集团", "银行")


def invented(many: int, seed: int) -> tuple[list[str], list[list[Span]]]:
    """Sentences of made-up words with people, places and companies among them."""
    draw = random.Random(seed)
    corpus = SyntheticCorpus(seed, vocabulary_size=500, alphabet_size=300)
    texts, spans = [], []
    for words in corpus.segmented_lines(n_chars=40 * many):
        text, found = "", []
        for word in words:
            kind, piece = "", word
            if draw.random() < 0.1:
                kind = draw.choice(("PER", "LOC", "ORG"))
                name = draw.choice(corpus.vocabulary[:200])
                ends = {"LOC": PLACES, "ORG": COMPANIES}
                piece = draw.choice(SURNAMES) + name if kind == "PER" else name
                piece += draw.choice(ends[kind]) if kind in ends else ""
            if kind:
                found.append(Span(len(text), len(text) + len(piece), kind))
            text += piece
        texts.append(text)
        spans.append(found)
    return texts[:many], spans[:many]


def main(arguments: list[str] | None = None) -> float:
    """Trains, prints scores, and gives the F1."""
    options = parser(__doc__, "a character and a tag a line")
    options.add_argument(
        "--segment-digits", action="store_true", help="a digit behind each character, as in Weibo"
    )
    given = options.parse_args(arguments)
    if given.train:
        paths = [one for one in (given.train, given.test) if one]
        read = [read_conll(one, segment_digits=given.segment_digits) for one in paths]
        scheme = TagScheme.from_tags(set().union(*(one.tag_set for one in read)), None)
        files = [one.to_spans(scheme) for one in read]
    else:
        scheme = TagScheme("BMES", ["PER", "LOC", "ORG"])
        files = [invented(600 if given.quick else 6000, given.seed)]
    samples = list(zip(*files[0], strict=True))
    train, test = held_out(samples)
    if len(files) > 1:
        train, test = samples, list(zip(*files[1], strict=True))
    learn, check = held_out(train)

    tagger = Tagger(scheme, **tagger_options(given))
    validation = tuple(zip(*check, strict=True))
    tagger.fit(*zip(*learn, strict=True), validation_data=validation, **fit_options(given))

    texts, gold = zip(*test, strict=True)
    score = tagger.evaluate(texts, gold)
    print(f"sentences: {len(train):,} to learn from, {len(test):,} to test on")
    print(score)
    found = [(texts[0][one.start : one.end], one.type) for one in tagger.predict(texts[0])]
    print(texts[0], found)
    if given.save:
        tagger.save(given.save)
    return score.f1


if __name__ == "__main__":
    main()
