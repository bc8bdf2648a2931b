"""Characters as ids: against a dict, and normal forms against Unicode itself."""

from __future__ import annotations

import json
import pickle
import unicodedata
from collections import Counter
from typing import Any, cast

import numpy as np
import pytest

from newword.errors import InvalidArgumentError
from newword.keras import Vocabulary
from newword.keras import vocabulary as module
from tests.support.text import UNICODE_TEXTS


@pytest.mark.parametrize("normalize", [True, False])
def test_ids_are_those_of_a_dict(normalize: bool) -> None:
    def form(character: str) -> str:
        one = unicodedata.normalize("NFKC", character)
        return one if normalize and len(one) == 1 else character

    counts = Counter(form(one) for text in UNICODE_TEXTS for one in text)
    ranked = sorted(counts, key=lambda one: (-counts[one], one))
    vocabulary = Vocabulary.from_texts(UNICODE_TEXTS, min_count=2, normalize=normalize)
    kept = [one for one in ranked if counts[one] >= 2]
    assert list(vocabulary.characters) == kept
    assert len(vocabulary) == len(kept) + 2
    ids = {one: number for number, one in enumerate(kept, 2)}
    for text in UNICODE_TEXTS:
        expected = [ids.get(form(one), 1) for one in text]
        assert vocabulary.encode(text).tolist() == expected
    run, offsets = vocabulary.encode_many(UNICODE_TEXTS)
    assert run.dtype == np.int32
    for place, text in enumerate(UNICODE_TEXTS):
        part = run[offsets[place] : offsets[place + 1]]
        assert part.tolist() == vocabulary.encode(text).tolist()


def testnormal_forms_are_those_of_unicode() -> None:
    forms = module.normal_forms()
    for code in range(0x110000):
        one = unicodedata.normalize("NFKC", chr(code))
        assert forms[code] == (ord(one) if len(one) == 1 else code)


def test_one_step_per_character_of_any_plane_and_width() -> None:
    vocabulary = Vocabulary("𠮷Aガ")
    assert vocabulary.encode("𠮷Ａガｶﾞe\u0301\ud800").tolist() == [2, 3, 4, 1, 1, 1, 1, 1]
    assert "Ａ" in vocabulary
    assert "B" not in vocabulary
    assert "AA" not in vocabulary
    assert 1 not in vocabulary
    assert vocabulary.decode([2, 0, 3, 1]) == "𠮷A\ufffd"
    assert "Ａ" not in Vocabulary("A", normalize=False)


def test_the_largest_size_keeps_the_most_frequent() -> None:
    assert Vocabulary.from_texts(["ccbba"], max_size=2).characters == ("b", "c")
    assert Vocabulary.from_texts([]).characters == ()


def test_it_comes_back_from_json_and_pickle() -> None:
    vocabulary = Vocabulary.from_texts(UNICODE_TEXTS)
    config = json.loads(json.dumps(vocabulary.to_config()))
    for again in (Vocabulary.from_config(config), pickle.loads(pickle.dumps(vocabulary))):
        assert again == vocabulary
        assert hash(again) == hash(vocabulary)
        assert again.encode("𠮷？").tolist() == vocabulary.encode("𠮷？").tolist()
    assert vocabulary != Vocabulary("a")
    assert vocabulary != "a"
    assert repr(Vocabulary("ab")) == "Vocabulary of 2 characters"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Vocabulary(["ab"]), "characters: must be single characters, got 'ab'"),
        (lambda: Vocabulary("aba"), "characters: must be none twice"),
        (lambda: Vocabulary("AＡ"), "characters: must be none twice, once normalised, got 'Ａ'"),
        (lambda: Vocabulary(cast("Any", [1])), "characters: must be made of non-empty str"),
        (lambda: Vocabulary("a", normalize=cast("Any", 1)), "normalize: must be True or False"),
        (lambda: Vocabulary.from_texts("ab"), "texts: must be an iterable of str"),
        (lambda: Vocabulary.from_texts(cast("Any", ["a", 2])), r"texts\[1\]: must be a str, got 2"),
        (lambda: Vocabulary.from_texts(["a"], min_count=0), "min_count: must be"),
        (lambda: Vocabulary("a").decode([3]), "ids: must be between 0 and 2"),
        (lambda: Vocabulary("a").encode(cast("Any", 3)), r"texts\[0\]: must be a str"),
    ],
)
def test_errors_name_the_argument(make: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        make()
