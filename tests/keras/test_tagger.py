"""Taggers from texts to words and entities."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import keras
import numpy as np
import pytest

import newword
from newword import Lexicon, Span, TagScheme
from newword.keras import CRF, SoftmaxTagging, Tagger, TransformerEncoder, Vocabulary
from newword.keras._batches import padded_length
from newword.keras.tagging.tagger.batches import TrainingBatches, Windows
from newword.keras.tagging.tagger.data import gold_of
from newword.keras.tagging.tagger.invalid_targets import valid_gold
from newword.keras.tagging.tagger.training import Validation
from tests.keras.taggers import TYPES, eager, entities, sentences, small
from tests.support.tagging import compile_lightly
from tests.support.text import UNICODE_TEXTS

compile_lightly()

ENCODERS = ("bilstm", "dgcnn", "transformer")
# What Keras says of layers that know no mask; the head has it all the same.
deaf = pytest.mark.filterwarnings("ignore:Layer .* does not support masking")
HEADS = ("crf", "memm", "bidirectional_memm", "softmax")


@pytest.fixture(scope="module")
def segmenter() -> Any:
    """A tagger that has learnt words."""
    tagger = small()
    held_out = sentences(20, 1)
    tagger.history = tagger.fit(
        None,
        sentences(200, 0),
        validation_data=(None, held_out),
        epochs=12,
        learning_rate=0.03,
        verbose=0,
    ).history
    return tagger


@pytest.fixture(scope="module")
def recogniser() -> Any:
    """A tagger that has learnt names."""
    tagger = small(scheme=TagScheme("BIO", TYPES), encoder="transformer", head="bidirectional_memm")
    tagger.fit(*entities(200, 0), epochs=12, learning_rate=0.02, verbose=0)
    return tagger


@pytest.mark.contract
def test_it_learns_words(segmenter: Any) -> None:
    gold = sentences(50, 2, longest=40)
    texts = ["".join(words) for words in gold]
    assert segmenter.predict(texts) == gold
    score = segmenter.evaluate(texts, gold, known_words={"今天"})
    assert score.f1 == 1
    assert score.oov_rate > 0
    assert segmenter.evaluate(None, [" ".join(words) for words in gold]) == segmenter.evaluate(
        texts, gold
    )
    history = segmenter.history
    assert {"loss", "emission_accuracy", "val_precision", "val_recall", "val_f1"} <= set(history)
    assert max(history["val_f1"]) == 1
    assert len(history["val_f1"]) == 12


@pytest.mark.contract
def test_it_learns_entities(recogniser: Any) -> None:
    texts, spans = entities(50, 3)
    assert recogniser.predict(texts) == spans
    assert recogniser.evaluate(texts, spans).f1 == 1
    assert recogniser.predict("在 𠮷田") == [Span(2, 4, "PER")]
    tags = recogniser.predict_tags(texts)
    assert [recogniser.scheme.decode(one) for one in tags] == spans
    assert recogniser.evaluate(texts, tags).f1 == 1


def test_unknown_labels_are_ignored(recogniser: Any) -> None:
    gold = ["B-PER", "I-PER", "O", "B-LOC", "I-LOC"]
    one = recogniser.evaluate(["𠮷田和北京"], [gold])
    assert (one.micro.gold, one.micro.correct) == (2, 2)
    hidden = recogniser.scheme.to_ids(gold)
    hidden[3:] = -100
    one = recogniser.evaluate(["𠮷田和北京"], [hidden])
    assert (one.micro.gold, one.micro.predicted, one.micro.correct) == (1, 1, 1)


@pytest.mark.parametrize("texts", [UNICODE_TEXTS, ["", " \u3000\n", "天气", "今天 天气"]])
def test_words_are_the_text_without_white_space(segmenter: Any, texts: Any) -> None:
    found = segmenter.predict(texts)
    assert ["".join(words) for words in found] == ["".join(text.split()) for text in texts]
    assert not any(not word or word.split() != [word] for words in found for word in words)
    tags = segmenter.predict_tags(texts)
    assert [one.shape for one in tags] == [(len(text),) for text in texts]
    for text, one in zip(texts, tags, strict=True):
        assert [tag < 0 for tag in one] == [character.isspace() for character in text]


def test_white_space_parts_words(segmenter: Any) -> None:
    assert segmenter.predict(["今 天", "今天"]) == [["今", "天"], ["今天"]]
    assert segmenter.predict(" 今天天气\u3000很好 ") == ["今天", "天气", "很", "好"]


def test_texts_without_anything_have_no_spans(recogniser: Any) -> None:
    texts = ["", "  ", "\u3000", "在北京"]
    assert recogniser.predict(texts) == [[], [], [], [(1, 3, "LOC")]]
    assert [one.tolist() for one in recogniser.predict_tags(texts)[:3]] == [[], [0, 0], [0]]
    assert recogniser.predict([]) == []
    assert recogniser.predict("") == []


@pytest.mark.parametrize("batch_size", [1, 7])
def test_no_text_depends_on_the_others(segmenter: Any, recogniser: Any, batch_size: int) -> None:
    texts = ["".join(words) for words in sentences(9, 4, longest=60)]
    for tagger in (segmenter, recogniser):
        together = tagger.predict([*texts, "", "天" * 700], batch_size=batch_size)
        assert [tagger.predict(text) for text in texts] == together[: len(texts)]


def test_a_long_text_is_as_if_seen_at_once(segmenter: Any) -> None:
    # One convolution sees one character to each side: any context is enough.
    words = [word for one in sentences(40, 5) for word in one]
    text = "".join(words)
    usual = segmenter.max_length
    try:
        for length in (16, 17, 40, len(text), len(text) + 1):
            segmenter.max_length = length
            assert segmenter.predict(text) == words
            assert segmenter.predict(["今天", text, "很好"])[1] == words
    finally:
        segmenter.max_length = usual
    million = "今天天气" * 25_000
    assert segmenter.predict(million) == ["今天", "天气"] * 25_000


def test_windows_cover_every_character_once() -> None:
    rng = np.random.default_rng(0)
    for max_length in (16, 24, 512):
        offsets = np.append(0, np.cumsum(rng.integers(0, 4 * max_length, 30)))
        offsets = np.append(offsets, [offsets[-1], offsets[-1] + max_length])
        windows = Windows.of(offsets, max_length)
        covered = np.zeros(offsets[-1], int)
        for place in range(len(windows)):
            start, end = windows.core_start[place], windows.core_end[place]
            covered[start:end] += 1
            first, last = offsets[windows.text[place]], offsets[windows.text[place] + 1]
            assert first <= windows.start[place] <= start < end <= windows.end[place] <= last
            context = max_length // 8
            assert start == first or start - windows.start[place] == context
            assert end == last or windows.end[place] - end == context
        assert (covered == 1).all()
        assert windows.lengths.max() == max_length


def batches(many: int = 50, **options: Any) -> tuple[TrainingBatches, Any]:
    """Batches of texts in which every character has its own id and label."""
    lengths = np.random.default_rng(1).integers(0, 40, many)
    offsets = np.append(0, np.cumsum(lengths))
    run = np.arange(offsets[-1], dtype=np.int32)
    given = {"batch_size": 8, "seed": (0, 0), **options}
    windows = Windows.of(offsets, 16)
    return TrainingBatches({"characters": run + 2}, run, windows, **given), run


def test_an_epoch_has_every_label_once() -> None:
    made, run = batches()
    orders = []
    for _ in range(2):
        found = [made[index] for index in range(len(made))]
        labels = np.concatenate([one[one >= 0] for _, one in found])
        assert sorted(labels.tolist()) == run.tolist()
        for ids, one in found:
            assert len(ids) == 8
            assert ids.shape[1] == padded_length(ids.shape[1])
            assert ids.shape == one.shape
            assert set((ids - one)[(one >= 0) & (ids > 1)].tolist()) == {2}
            assert ((ids > 0) | (one == -100)).all()
        # What TensorFlow looks at must not be all alike unless all batches are.
        assert found[0][0].shape != found[1][0].shape
        orders.append(labels.tolist())
        made.on_epoch_end()
    assert orders[0] != orders[1]


def test_batches_are_decided_by_the_seed() -> None:
    one, same, other = batches()[0], batches()[0], batches(seed=(1, 0))[0]
    for index in range(len(one)):
        np.testing.assert_array_equal(one[index][0], same[index][0])
        np.testing.assert_array_equal(one[index][0], one[index][0])
    assert any(
        one[index][0].shape != other[index][0].shape or (one[index][0] != other[index][0]).any()
        for index in range(len(one))
    )


def test_rare_characters_are_made_unknown_at_their_rate() -> None:
    run = np.tile(np.append(np.arange(1000) + 3, np.full(1000, 2)), 1).astype(np.int32)
    offsets = np.arange(0, 2001, 10)
    made = TrainingBatches({"characters": run}, run, Windows.of(offsets, 16), 10, (0, 0))
    hidden = {True: 0, False: 0}
    for _ in range(10):
        for index in range(len(made)):
            ids, labels = made[index]
            for frequent in hidden:
                hidden[frequent] += int((ids[(labels == 2) == frequent] == 1).sum())
        made.on_epoch_end()
    assert hidden[False] / 10_000 == pytest.approx(0.25 / 1.25, abs=0.02)
    assert hidden[True] / 10_000 < 0.003


PAIRS = [(encoder, head) for head in HEADS for encoder in ENCODERS]
if keras.backend.backend() == "jax":
    # Which compiles each pair for seconds: every encoder and every head once.
    PAIRS = [(ENCODERS[at % 3], head) for at, head in enumerate(HEADS)]


@pytest.mark.contract
@pytest.mark.parametrize(("encoder", "head"), PAIRS)
def test_every_encoder_with_every_head(encoder: str, head: str) -> None:
    texts, spans = entities(6, 0)
    scheme = TagScheme("BIOES", TYPES)
    tagger = small(scheme=scheme, encoder=encoder, head=head, units=8, lr_multiplier=2.0)
    eager(tagger, texts)
    loss = tagger.fit(texts, spans, epochs=2, verbose=0).history["loss"]
    assert np.isfinite(loss).all()
    assert loss[-1] < loss[0]
    allowed = scheme.allowed_transitions
    for tags in tagger.predict_tags(texts):
        assert scheme.allowed_start[tags[0]]
        assert scheme.allowed_end[tags[-1]]
        assert all(allowed[one, other] for one, other in pairwise(tags.tolist()))


# One stands for all where only contracts are run.
DROPPING = [
    pytest.param(one, marks=pytest.mark.contract if one == "dgcnn" else ())
    for one in ("dgcnn", "transformer", "bilstm")
]


@pytest.mark.parametrize("encoder", DROPPING)
def test_the_same_seed_gives_the_same_tagger(encoder: str) -> None:
    gold = sentences(10, 0)
    state = random.getstate()
    taggers = []
    for seed in (3, 3, 4):
        # Between layers of LSTMs features are dropped too.
        layers = 2 if encoder == "bilstm" else 1
        tagger = small(encoder=encoder, num_layers=layers, seed=seed, dropout=0.5, head="softmax")
        eager(tagger, ["".join(map("".join, gold))])
        tagger.fit(None, gold, epochs=2, verbose=0)
        tagger.fit(None, gold, epochs=1, verbose=0)
        taggers.append(tagger.model.get_weights())
    for one, same in zip(taggers[0], taggers[1], strict=True):
        np.testing.assert_allclose(one, same, atol=1e-6)
    assert any((one != other).any() for one, other in zip(taggers[0], taggers[2], strict=True))
    assert random.getstate() == state


def test_the_best_weights_stay_and_patience_ends_training() -> None:
    class Score:
        precision = recall = f1 = float("nan")

    scores = iter([float("nan"), 0.5, 0.9, 0.9, 0.8, 0.7])
    score = Score()

    def evaluate() -> Any:
        score.f1 = next(scores)
        return score

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    callback = Validation(evaluate, patience=2)
    callback.set_model(model)
    model.stop_training = False
    seen = []
    for epoch in range(6):
        model.set_weights([np.full((1, 1), epoch), np.zeros(1)])
        logs: dict[str, Any] = {}
        callback.on_epoch_end(epoch, logs)
        seen.append(logs["val_f1"])
        if model.stop_training:
            break
    callback.on_train_end()
    assert seen == [0, 0.5, 0.9, 0.9, 0.8]
    assert model.get_weights()[0].item() == 2


@keras.saving.register_keras_serializable(package="newword-tests")
class Doubling(keras.layers.Layer):
    """A layer of a user's that loses the mask."""

    def call(self, inputs: Any) -> Any:
        return keras.ops.concatenate([inputs, inputs], axis=-1)


def own_model() -> Any:
    """A model of a user's from ids, which loses the mask, too."""
    ids = keras.Input((None,), dtype="int32")
    hidden = keras.layers.Embedding(30, 8)(ids)
    return keras.Model(ids, keras.layers.Conv1D(8, 1)(hidden), name="own")


@deaf
@pytest.mark.parametrize("make", [Doubling, own_model])
def test_an_encoder_of_ones_own(make: Any, tmp_path: Any) -> None:
    gold = sentences(12, 0)
    head = CRF(4, use_boundary=True)
    tagger = Tagger(TagScheme("BMES"), make(), head, embedding_dim=8, max_length=32)
    assert tagger.head is head
    eager(tagger, ["".join(map("".join, gold))])
    tagger.fit(None, gold, epochs=2, verbose=0)
    texts = ["".join(words) for words in gold]
    together = tagger.predict(texts)
    assert [tagger.predict(text) for text in texts] == together
    tagger.save(tmp_path / "own")
    again = Tagger.load(tmp_path / "own")
    assert again.predict(texts) == together
    assert again.max_length == 32
    assert type(again.encoder) is type(tagger.encoder)


def test_a_lexicon_helps_with_unseen_characters() -> None:
    def draw(alphabet: str, seed: int) -> tuple[list[str], list[list[str]]]:
        rng = np.random.default_rng(seed)
        characters = rng.permutation(list(alphabet)).tolist()
        words = ["".join(characters[at : at + 1 + at % 3]) for at in range(0, len(alphabet), 3)]
        return words, [rng.choice(words, rng.integers(2, 12)).tolist() for _ in range(100)]

    known, train = draw("".join(map(chr, range(0x4E00, 0x4E60))), 0)
    other, test = draw("".join(map(chr, range(0x5E00, 0x5E60))), 1)
    lexicon = Lexicon.from_words(known + other)
    tagger = eager(small(lexicon=lexicon, head="softmax"), ["".join(map("".join, train))])
    tagger.fit(None, train, epochs=8, learning_rate=0.03, verbose=0)
    # Every character of the test is unknown to the vocabulary.
    assert (tagger.vocabulary.encode("".join(map("".join, test))) == 1).all()
    assert tagger.evaluate(None, test).f1 > 0.99
    assert set(tagger.model.input) == {"characters", "places"}


@pytest.mark.parametrize(
    ("texts", "targets", "message"),
    [
        (None, ["今天 好", 5], r"targets\[1\]: must be words or tags"),
        (None, "今天 好", "targets: must be a sequence of one target a text"),
        (None, [[0, 2]], r"targets\[0\]: must be words, or tags of texts that are given"),
        (None, [], "texts: must be at least one with a character"),
        (None, ["", "  "], "texts: must be at least one with a character"),
        ([], [], "texts: must be at least one with a character"),
        ("今天", ["今天"], "texts: must be an iterable of str"),
        (["今天", None], ["今天", "好"], r"texts\[1\]: must be a str, got None"),
        (["今天"], ["今天", "好"], "targets: must be as many as texts, 1, got 2"),
        (["今天好"], ["今天 坏"], r"targets\[0\]: must be the words of texts\[0\], which has '好'"),
        (["今天好"], ["今天"], r"targets\[0\]: must be the words .* at character 2, got ''"),
        (["今天"], [[0, 4]], r"targets\[0\].tags: must be ids from 0 to 3, -1 or -100, got 4"),
        (["好", "今天"], [[3], [0]], r"targets\[1\]: must be one tag per character of texts\[1\]"),
        (["今天"], [[0.5, 1.0]], r"targets\[0\].tags: must be whole numbers"),
        (["好", "今天好"], [[3], [0, 3, 3]], r"targets\[1\]: must be what .* character 1 breaks"),
        (["今天"], [["M", "E"]], "character 0 breaks"),
        (["今天"], [["S", "B"]], "character 1 breaks"),
    ],
)
def test_wrong_words_are_named(texts: Any, targets: Any, message: str) -> None:
    tagger = small()
    with pytest.raises(newword.InvalidArgumentError, match=message):
        tagger.fit(texts, targets)
    with pytest.raises(newword.InvalidArgumentError, match="fitted or built"):
        _ = tagger.model


@pytest.mark.parametrize(
    ("texts", "targets", "message"),
    [
        (None, [[]], "texts: must be given, unless targets are words"),
        (["在京"], ["在京"], r"targets\[0\]: must be a sequence of spans"),
        (["在京"], [[(1, 3, "LOC")]], r"targets\[0\].spans\[0\].end: must be .* got 3"),
        (["在京"], [[(1, 2, "ORG")]], r"targets\[0\].spans: must be of a type among"),
        (["在京"], [[(0, 2, "LOC"), (1, 2, "PER")]], r"targets\[0\].spans: must be apart from"),
        (["在京"], [[(0, 2)]], r"targets\[0\].spans\[0\]: must be \(start, end, type\)"),
        (["在京"], [["O", "B-ORG"]], r"targets\[0\].tags: must be among"),
        (["在京"], [["O", "I-LOC"]], "character 1 breaks"),
    ],
)
def test_wrong_spans_are_named(texts: Any, targets: Any, message: str) -> None:
    tagger = small(scheme=TagScheme("BIO", TYPES))
    with pytest.raises(newword.InvalidArgumentError, match=message):
        tagger.fit(texts, targets)


def test_without_constraints_any_tags_can_be_learnt() -> None:
    tagger = eager(small(constrained=False), ["今天"])
    assert np.isfinite(tagger.fit(["今天"], [["M", "B"]], epochs=1, verbose=0).history["loss"][0])


def test_targets_of_every_kind_say_the_same() -> None:
    from newword.keras.tagging.tagger.data import gold_of

    scheme = TagScheme("BMES")
    kinds = ["今天 好", ["今天", "好"], [0, 2, 3], ["B", "E", "S"], np.array([0, 2, 3])]
    for kind in kinds:
        assert gold_of(["今天好"], [kind], scheme)[1].tolist() == [0, 2, 3]
    # Letters that are the text are words.
    assert gold_of(["BES"], [["B", "E", "S"]], scheme)[1].tolist() == [3, 3, 3]
    # White space parts words in texts as in targets, and has no tag.
    corpus, labels, words = gold_of(["今天 好"], [["今天", "好 "]], scheme)
    assert (corpus.text, labels.tolist(), words) == ("今天好", [0, 2, 3], [["今天", "好"]])
    assert gold_of(["今天 好"], [[0, 2, -1, 3]], scheme)[1].tolist() == [0, 2, 3]
    assert gold_of(["今天好"], [[0, 2, -1]], scheme)[1].tolist() == [0, 2, -100]
    spans = TagScheme("BIO", TYPES)
    for kind in ([(1, 2, "LOC")], [Span(1, 2, "LOC")], [[1, 2, "LOC"]], ["O", "B-LOC"], [0, 3]):
        assert gold_of(["在京"], [kind], spans)[1].tolist() == [0, 3]
    assert gold_of(["在京", " ", ""], [[], [0], []], spans)[1].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheme": "BMES"}, "scheme: must be a TagScheme"),
        ({"encoder": "gru"}, "encoder: must be one of 'bilstm', 'dgcnn', 'transformer'"),
        ({"head": "hmm"}, "head: must be one of 'crf'"),
        ({"head": SoftmaxTagging(3)}, "head: must be one of 4 tags, got 3"),
        ({"units": 0}, "units: must be"),
        ({"num_layers": 0}, "num_layers: must be"),
        ({"embedding_dim": 0}, "embedding_dim: must be"),
        ({"dropout": 1}, "dropout: must be at least 0 and below 1"),
        ({"lexicon": {"a"}}, "lexicon: must be None or something with segment_many"),
        ({"vocabulary": "abc"}, "vocabulary: must be a Vocabulary"),
        ({"lr_multiplier": 0}, "lr_multiplier: must be greater than 0"),
        ({"max_length": 8}, "max_length: must be"),
        ({"seed": -1}, "seed: must be"),
        ({"constrained": 1}, "constrained: must be True or False"),
    ],
)
def test_wrong_options_are_named(options: Any, message: str) -> None:
    with pytest.raises(newword.InvalidArgumentError, match=message):
        small(**options)


def ids_model(*layers: Any, shape: Any = (None,), rows: int = 30) -> Any:
    start = [keras.Input(shape, dtype="int32"), keras.layers.Embedding(rows, 4)]
    return keras.Sequential([*start, *layers])


@deaf
@pytest.mark.parametrize(
    ("encoder", "options", "message"),
    [
        (keras.layers.GlobalMaxPooling1D, {}, "encoder: must be one that gives"),
        (lambda: keras.layers.Conv1D(4, 3), {}, "with as many steps as went in, 7, got 5"),
        (lambda: ids_model(rows=3), {}, "vocabulary: must be at most 3 ids"),
        (lambda: ids_model(shape=(9,)), {}, "encoder: must be for any number of steps"),
        (lambda: ids_model(keras.layers.LSTM(3)), {}, "encoder: must be one that gives"),
        (
            ids_model,
            {"lexicon": Lexicon.from_words(["a"])},
            "lexicon: must be None for an encoder that takes ids",
        ),
    ],
)
def test_encoders_that_do_not_fit(encoder: Any, options: Any, message: str) -> None:
    with pytest.raises(newword.InvalidArgumentError, match=message):
        Tagger(TagScheme("BMES"), encoder(), **options).build(["今天"])


def test_other_wrong_arguments() -> None:
    tagger = small(vocabulary=Vocabulary("今天"))
    invalid = newword.InvalidArgumentError
    with pytest.raises(invalid, match="patience: must be None without validation_data"):
        tagger.fit(None, ["今天"], patience=1)
    with pytest.raises(invalid, match="validation_data: must be"):
        tagger.fit(None, ["今天"], validation_data=["今天"])
    with pytest.raises(invalid, match="learning_rate: must be greater than 0"):
        tagger.fit(None, ["今天"], learning_rate=0)
    with pytest.raises(invalid, match="learning_rate: must be None if"):
        tagger.fit(None, ["今天"], learning_rate=1, optimizer="sgd")
    with pytest.raises(invalid, match="epochs: must be"):
        tagger.fit(None, ["今天"], epochs=0)
    with pytest.raises(invalid, match="texts: must be given"):
        small().build()
    tagger.build()
    with pytest.raises(invalid, match=r"texts\[0\]: must be a str"):
        tagger.predict([5])
    with pytest.raises(invalid, match="method: must be one of"):
        tagger.predict("今天", method="best")
    with pytest.raises(invalid, match="batch_size: must be"):
        tagger.predict("今天", batch_size=0)
    with pytest.raises(invalid, match="targets: must be tags that are all known"):
        tagger.evaluate(["今天"], [[0, -100]])
    with pytest.raises(invalid, match=r"lexicon: must be one whose pieces give texts\[0\] back"):
        small(lexicon=Shortening()).fit(None, ["今天"])
    assert "not built" in repr(small())


class Shortening:
    """No lexicon: it loses a character."""

    def segment_many(self, texts: Any) -> Any:
        return [[text[1:]] for text in texts]


def test_a_transformer_says_which_units_it_can_have() -> None:
    with pytest.raises(newword.InvalidArgumentError, match="units: must be a multiple of 8"):
        TransformerEncoder(12)


def test_invalid_tags_are_refused_repaired_or_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    scheme = TagScheme("BMES", ["A"])
    texts = ["今天", "", "好𠮷好"]
    targets = [["S-A", "O"], [], ["B-A", "M-A", "M-A"]]
    data: Any = {"texts": texts, "targets": targets, "epochs": 1}
    fresh = small(scheme=scheme, head="softmax")
    with pytest.raises(newword.InvalidArgumentError, match=r"targets\[2\]: .*on_invalid='repair'"):
        fresh.fit(**data)
    with pytest.raises(newword.InvalidArgumentError, match=r"validation_data\[1\]\[2\]: "):
        fresh.fit(texts[:1], targets[:1], validation_data=(texts, targets))
    with pytest.raises(newword.InvalidArgumentError, match="on_invalid: must be one of"):
        fresh.fit(**data, on_invalid="drop")
    for mode, want in (("repair", (1, 1)), ("skip", (1, 3))):
        tagger = eager(small(scheme=scheme, head="softmax"), texts)
        capsys.readouterr()
        tagger.fit(**data, validation_data=(texts, targets), on_invalid=mode, verbose=2)
        assert tagger.invalid_targets == {"training": want, "validation": want}
        line = f"on_invalid='{mode}': 1 training texts, 1 validation texts\n"
        assert line in capsys.readouterr().out
        tagger.fit(texts[:1], targets[:1], epochs=1, verbose=0, on_invalid=mode)
        assert tagger.invalid_targets == {"training": (0, 0), "validation": (0, 0)}


@pytest.mark.parametrize("mode", ["repair", "skip"])
def test_repaired_and_skipped_targets_are_as_if_given_so(mode: str) -> None:
    scheme = TagScheme("BMES")
    head = small(scheme=scheme, head="crf").head
    gold = gold_of(["今天", "好 𠮷好", "好"], [list("BE"), ["B", "S", "M", "M"], ["S"]], scheme)
    (corpus, labels, _), counts = valid_gold(gold, scheme, head, mode, "targets")
    if mode == "repair":
        assert (corpus.texts, labels.tolist()) == (["今天", "好 𠮷好", "好"], [0, 2, 0, 1, 2, 3])
        assert counts == (1, 1)
    else:
        assert (corpus.texts, labels.tolist(), counts) == (["今天", "好"], [0, 2, 3], (1, 3))
