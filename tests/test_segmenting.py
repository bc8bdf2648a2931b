"""Segmentation with the real core: what the fast ways of it must not change."""

from __future__ import annotations

import gc
import os
import subprocess
import sys

import pytest

from newword import Lexicon, train_segmenter
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


ADDRESSES = (
    "http://t.cn/Rx7?a=1&b=(2)",
    "HTTPS://zh.wikipedia.org/wiki/%E5%AD%97_(x)",
    "ftp://u:p@ftp.x.org:21/a.gz",
    "www.gov.cn",
    "163.com/a",
    "12345@qq.com",
    "first.last+tag@mail.example.co.uk",
)


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize(
    "around", ["{}", "𠮷野{}𠮷", "（{}）。", "，{}, ", "😀{}。", "字\u0301{}字"]
)
def test_addresses_are_one_word_each(address: str, around: str) -> None:
    segmenters = (
        Lexicon.from_words(["http", "com", "的", "cn"], [9, 9, 900, 9]),
        train_segmenter(["见http，com的12345，cn的𠮷野" * 9], min_count=1),
    )
    text = around.format(address)
    for segmenter in segmenters:
        pieces = segmenter.segment(text)
        assert address in pieces
        assert "".join(pieces) == text
        assert segmenter.segment_many([text]) == [pieces]


def test_letters_and_digits_that_touch_stay_together_unless_the_lexicon_has_more() -> None:
    words = ["T恤", "卡拉OK", "维生素C", "K歌", "C++", "C#", ".NET", "5G网络", "5", "G", "的"]
    lexicon = Lexicon.from_words(words, [9] * 8 + [900, 900, 9000])
    for text in (
        "5G 的 iPhone15 的 COVID19 的 B2B 的 ５Ｇ 的 v1.2a 的 ж5",
        "T恤 的 卡拉OK 的 维生素C 的 K歌 的 C++ 的 C# 的 .NET 的 5G网络 的 C++ 11",
    ):
        pieces = text.split()
        assert lexicon.segment("".join(pieces)) == pieces
    learnt = train_segmenter(["用5G的，用4G的，iPhone15的" * 9], min_count=1)
    assert learnt.segment("5G，iPhone15，B2B") == ["5G", "，", "iPhone15", "，", "B2B"]


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
