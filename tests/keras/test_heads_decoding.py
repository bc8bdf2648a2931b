"""Decoders of the tagging heads against enumeration of all paths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from keras import ops  # noqa: E402

import newword  # noqa: E402
from newword.keras import decode, predict_tags  # noqa: E402
from newword.keras.tagging.tagger import decoding as tagger_decoding  # noqa: E402
from tests.support.tagging import (  # noqa: E402
    CONSTRAINTS,
    HEADS,
    TAGS,
    batch,
    compile_lightly,
    make_head,
    random_head,
    twin,
)
from tests.support.tensors import numpy  # noqa: E402

compile_lightly()

METHODS = ["map", "numerator"]


def best(head: Any, emissions: Any, mask: Any, method: Any) -> Any:
    chain, tags = twin(head), np.full(mask.shape, -1)
    for row, keep in enumerate(mask):
        if keep.any():
            tags[row, keep] = chain.best(emissions[row][keep].astype(float), method)
    return tags


CONSTRAINED = ["softmax", "memm_boundary", "memm_second_order", "bidirectional_full", "crf"]
CASES: list[tuple[str, Any]] = [(name, {}) for name in HEADS] + [
    (name, CONSTRAINTS) for name in CONSTRAINED
]


@pytest.mark.contract
@pytest.mark.parametrize(("variant", "constraints"), CASES)
def test_both_decoders_find_the_best_path(variant: Any, constraints: Any) -> None:
    rng = np.random.default_rng(0)
    head = random_head(variant, rng, **constraints)
    emissions, mask, _ = batch(rng, scale=1.5)
    packed = head(emissions, mask=ops.convert_to_tensor(mask))
    for method in METHODS:
        expected = best(head, emissions, mask, method)
        in_graph = numpy(head.decoder(method)(packed))
        np.testing.assert_array_equal(in_graph, expected)
        compiled = decode(packed, method=method)
        np.testing.assert_array_equal(compiled, expected)
        assert compiled.dtype == np.int32


def test_the_most_probable_path_is_not_that_of_the_numerator() -> None:
    rng = np.random.default_rng(1)
    head = random_head("memm", rng)
    head.set_weights([rng.normal(size=(TAGS, TAGS)) * 2])
    packed = head(rng.normal(size=(64, 12, TAGS)).astype("float32"))
    differs = np.any(decode(packed) != decode(packed, "numerator"), axis=1).mean()
    assert 0.3 < differs < 1.0


@pytest.mark.parametrize("variant", ["memm", "bidirectional"])
def test_normalisers_too_small_for_products_are_right(variant: Any) -> None:
    rng = np.random.default_rng(5)
    head = random_head(variant, rng)
    # A tag that emissions ask for and transitions forbid: the product of weights is nothing.
    head.set_weights([rng.normal(size=(TAGS, TAGS)) * 200])
    emissions, mask, _ = batch(rng, scale=200)
    packed = head(emissions, mask=ops.convert_to_tensor(mask))
    np.testing.assert_array_equal(decode(packed), best(head, emissions, mask, "map"))


@pytest.mark.parametrize("variant", ["softmax", "bidirectional_full", "memm_second_order"])
def test_texts_in_a_row_are_decoded_like_a_batch(variant: Any, monkeypatch: Any) -> None:
    # Several groups, and a text that is a group of its own.
    monkeypatch.setattr(tagger_decoding, "MOST_STEPS", 16)
    rng = np.random.default_rng(6)
    head = random_head(variant, rng, **CONSTRAINTS)
    lengths = np.array([3, 0, 20, 1, 5, 0, 3, 7])
    mask = np.arange(20) < lengths[:, None]
    emissions = rng.normal(size=(*mask.shape, TAGS)).astype("float32")
    packed = numpy(head(emissions, mask=ops.convert_to_tensor(mask)))
    offsets = np.concatenate([[0], lengths.cumsum()])
    for method in METHODS:
        expected = decode(packed, method)[mask]
        scores, rows = emissions[mask], packed[0, 20:]
        found = tagger_decoding.decode_scores(scores, rows, offsets, method)
        np.testing.assert_array_equal(found, expected)
    nothing = tagger_decoding.decode_scores(scores[:0], rows, offsets[:1], "map")
    assert nothing.shape == (0,)


def test_constraints_hold_against_large_emissions() -> None:
    rng = np.random.default_rng(2)
    head = random_head("crf", rng, **CONSTRAINTS)
    packed = head(rng.normal(size=(16, 9, TAGS)).astype("float32") * 200)
    for tags in (decode(packed), numpy(head.decoder()(packed))):
        assert CONSTRAINTS["allowed_transitions"][tags[:, :-1], tags[:, 1:]].all()
        assert CONSTRAINTS["allowed_start"][tags[:, 0]].all()
        assert CONSTRAINTS["allowed_end"][tags[:, -1]].all()


@pytest.mark.parametrize("variant", ["crf", "memm_second_order"])
@pytest.mark.parametrize("steps", [1, 2])
def test_the_shortest_sequences(variant: Any, steps: Any) -> None:
    rng = np.random.default_rng(3)
    head = random_head(variant, rng)
    emissions = rng.normal(size=(4, steps, TAGS)).astype("float32")
    expected = best(head, emissions, np.ones((4, steps), bool), "map")
    packed = head(emissions)
    np.testing.assert_array_equal(numpy(head.decoder()(packed)), expected)
    np.testing.assert_array_equal(decode(packed), expected)


@pytest.mark.contract
def test_predict_tags_reads_ids_with_pads() -> None:
    ids = np.array([[1, 2, 3, 0], [4, 5, 0, 0], [6, 0, 0, 0]])
    inputs = keras.Input((None,), dtype="int32")
    hidden = keras.layers.Embedding(9, 8, mask_zero=True)(inputs)
    model = keras.Model(inputs, make_head("bidirectional")(hidden))
    tags = predict_tags(model, ids, batch_size=2)
    assert tags.shape == ids.shape
    np.testing.assert_array_equal(tags >= 0, ids > 0)


@pytest.mark.parametrize(
    ("packed", "rule"),
    [
        (np.zeros((2, 3)), "of shape (batch, rows, num_tags + 1)"),
        (np.zeros((0, 3, 4)), "at least one sequence"),
        (np.full((1, 3, 4), -18.0), "the output of a tagging head"),
    ],
)
def test_tensors_that_are_not_packed_raise(packed: Any, rule: Any) -> None:
    with pytest.raises(newword.InvalidArgumentError, match="packed: must be") as caught:
        decode(packed)
    assert rule in str(caught.value)


def test_unknown_methods_are_refused() -> None:
    head = make_head("crf", use_kernel=False)
    packed = head(np.zeros((1, 2, TAGS), "float32"))
    for call in (lambda: decode(packed, "best"), lambda: head.decoder("best")):
        with pytest.raises(newword.InvalidArgumentError, match="method: must be one of 'map'"):
            call()
