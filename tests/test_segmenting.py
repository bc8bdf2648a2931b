"""Segmentation with the real core: what the fast ways of it must not change."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import pytest

from newword import Lexicon
from tests.support.fake_core import needs_core
from tests.support.text import UNICODE_TEXTS

pytestmark = needs_core


def test_words_that_are_looked_up_alike_keep_their_text() -> None:
    lexicon = Lexicon.from_words(["5G网络", "豈有", "Ａ股", "的"], [9, 9, 9, 90])
    words = ["5G网络", "５Ｇ网络", "豈有", "\uf900有", "A股", "Ａ股", "的", "的\ufe00"]
    for order in (words, words[::-1]):
        assert lexicon.segment_many(["，".join(order)]) == [
            [piece for word in order for piece in (word, "，")][:-1]
        ]
        assert [lexicon.segment(word) for word in order] == [[word] for word in order]


def test_equal_words_share_a_string_from_call_to_call() -> None:
    lexicon = Lexicon.from_words(["今天", "天气"], [9, 7])
    [first], [second] = (lexicon.segment_many(["今天天气，"]) for _ in range(2))
    assert first == second == ["今天", "天气", "，"]
    assert all(one is other for one, other in zip(first, second, strict=True))
    assert lexicon.segment("天气")[0] is first[1]


def test_many_texts_of_all_lengths_are_cut_as_each_alone() -> None:
    lexicon = Lexicon.from_words(["今天", "天气", "很", "𠮷野"], [9, 7, 5, 2])
    short = [*UNICODE_TEXTS, "今天𠮷野，ａ"]
    texts = short + [text * (20_000 // max(len(text), 1)) for text in short]
    alone = [lexicon.segment(text) for text in texts]
    for threads in (1, 2):
        assert lexicon.segment_many(texts, threads=threads) == alone
    assert ["".join(pieces) for pieces in alone] == texts


def test_the_collector_is_left_as_it_was() -> None:
    lexicon = Lexicon.from_words(["今天"])
    assert gc.isenabled()
    lexicon.segment_many(["今天"])
    assert gc.isenabled()
    gc.disable()
    try:
        lexicon.segment_many(["今天"])
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_ctrl_c_stops_one_long_text() -> None:
    # Long words that begin at every fourth character: nearly all the time goes into the search.
    code = """
import os, signal, threading, time
from newword import Lexicon
word = "今天天气" * 8
lexicon = Lexicon.from_words([word])
text = (word + "，") * 600_000
def seconds():
    began = time.perf_counter()
    lexicon.segment(text)
    return time.perf_counter() - began
whole = min(seconds(), seconds())
def interrupt():
    time.sleep(whole / 10)
    print(time.perf_counter(), flush=True)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    lexicon.segment(text)
except KeyboardInterrupt:
    print(time.perf_counter(), whole, flush=True)
assert lexicon.segment(word + "。") == [word, "。"]
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True)
    sent, stopped, whole = map(float, done.stdout.split())
    assert stopped - sent < whole / 4
