"""Other people's tools, where they are installed."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

from newword import Lexicon


@contextlib.contextmanager
def jieba_without_hmm(
    lexicon: Lexicon, folder: Path
) -> Iterator[Callable[[str], list[str]] | None]:
    """jieba's cutter with only the words of ``lexicon``, or None where jieba is missing."""
    if importlib.util.find_spec("jieba") is None:
        yield None
        return
    import jieba

    jieba.setLogLevel(logging.WARNING)
    dictionary = folder / "jieba.dict"
    lexicon.save(dictionary, format="jieba")
    tokenizer = jieba.Tokenizer(dictionary=str(dictionary))
    tokenizer.tmp_dir = str(folder)
    tokenizer.initialize()
    yield lambda line: tokenizer.lcut(line, HMM=False)


def trainers() -> Iterator[tuple[str, Callable[[Path, Path], int]]]:
    """The installed trainers: name, and a function from a text to its vocabulary's size."""
    known = {
        "gensim": ("gensim Phrases over characters, 3 rounds", _phrases),
        "sentencepiece": ("sentencepiece unigram, 20,000 pieces", _sentencepiece),
        "tokenizers": ("tokenizers unigram, 20,000 pieces", _tokenizers),
    }
    for module, (name, train) in known.items():
        if importlib.util.find_spec(module) is not None:
            yield name, train


# gensim cuts its phrases at the delimiter, so it must be something that no text holds.
_JOINER = "\x1f"


def _phrases(text: Path, folder: Path) -> int:
    from gensim.models.phrases import Phrases

    del folder
    sentences = [list(line) for line in text.read_text(encoding="utf-8").splitlines()]
    found: set[str] = set()
    for _ in range(3):
        model = Phrases(sentences, min_count=32, threshold=10, delimiter=_JOINER)
        found.update(phrase.replace(_JOINER, "") for phrase in model.export_phrases())
        sentences = [model[sentence] for sentence in sentences]
    return len(found)


def _sentencepiece(text: Path, folder: Path) -> int:
    import sentencepiece

    sentencepiece.SentencePieceTrainer.train(
        input=str(text),
        model_prefix=str(folder / "sentencepiece"),
        vocab_size=20_000,
        character_coverage=0.9995,
        max_sentence_length=1 << 20,
        minloglevel=2,
        hard_vocab_limit=False,
    )
    return len((folder / "sentencepiece.vocab").read_text(encoding="utf-8").splitlines())


def _tokenizers(text: Path, folder: Path) -> int:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    del folder
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Punctuation()
    trainer = trainers.UnigramTrainer(vocab_size=20_000, show_progress=False)
    tokenizer.train([str(text)], trainer)
    return int(tokenizer.get_vocab_size())
