"""The joint model: masks, pairs, the loss; samples and batches."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from newword import InvalidArgumentError
from newword.keras import Vocabulary
from newword.keras._backend import compiled
from newword.keras.linking.batches import TrainingBatches, mention_labels
from newword.keras.linking.candidates import Candidates
from newword.keras.linking.loss import MaskedBinaryCrossentropy
from newword.keras.linking.model import IMPOSSIBLE, EntityLinkingModel
from newword.keras.linking.options import ENCODERS
from newword.keras.linking.sampling import TrainingMentions
from newword.keras.linking.texts import EntityStore, Reader, folded, match_ends
from newword.linking import Entity, LinkedText, Mention, MentionStatistics
from tests.linking.bases import NAMES, base_of, knowledge_base, linked_texts
from tests.support.tensors import numpy

KB = knowledge_base()
TEXTS = linked_texts(24, 0)


def model(**options: Any) -> Any:
    made: Any = EntityLinkingModel(
        30, 3, embedding_dim=6, units=4, filters=5, num_heads=2, dropout=0.0, **options
    )
    rng = np.random.default_rng(0)
    made.set_weights([rng.normal(0, 0.5, one.shape) for one in made.get_weights()])
    return made


def run(made: Any, batch: dict[str, Any]) -> dict[str, Any]:
    """The outputs as arrays; JAX compiles the whole, which takes less time than each operation."""
    call = compiled(made, made.variables) if keras.backend.backend() == "jax" else made
    return {name: numpy(one) for name, one in call(batch).items()}


def inputs(rng: np.random.Generator, steps: int, described: int) -> dict[str, Any]:
    """A batch of two pairs without padding."""
    return {
        "characters": rng.integers(1, 30, (2, steps)).astype("int32"),
        "matches": rng.integers(0, 2, (2, steps, 2)).astype("float32"),
        "indicators": rng.integers(0, 2, (2, steps, 3)).astype("float32"),
        "description": rng.integers(1, 30, (2, described)).astype("int32"),
    }


def padded(batch: dict[str, Any], steps: int, described: int) -> dict[str, Any]:
    """The batch with more steps; the flags of the padding hold junk."""
    found = {}
    for name, one in batch.items():
        more = (described if name == "description" else steps) - one.shape[1]
        fill = 7 if one.ndim == 3 else 0
        width = [(0, 0), (0, more), (0, 0)][: one.ndim]
        found[name] = np.pad(one, width, constant_values=fill)
    return found


@pytest.mark.parametrize(
    "encoder",
    [pytest.param(one, marks=pytest.mark.contract if one == "bilstm" else ()) for one in ENCODERS],
)
def test_padding_makes_no_difference(encoder: str) -> None:
    made = model(dictionary_only=False, encoder=encoder, num_layers=1)
    batch = inputs(np.random.default_rng(1), 5, 7)
    plain = run(made, batch)
    more = run(made, padded(batch, 8, 12))
    np.testing.assert_allclose(more["link"], plain["link"], atol=1e-5)
    np.testing.assert_allclose(more["mentions"][:, :5], plain["mentions"], atol=1e-5)
    assert (more["mentions"][:, 5:] == IMPOSSIBLE).all()
    # The test would notice a model that reads its padding.
    changed = {**batch, "description": batch["description"][:, :-1]}
    assert np.abs(run(made, changed)["link"] - plain["link"]).max() > 1e-4


@pytest.mark.contract
def test_only_matches_can_be_mentions() -> None:
    batch = inputs(np.random.default_rng(2), 6, 4)
    logits = run(model(encoder="dgcnn"), batch)["mentions"]
    np.testing.assert_array_equal(logits == IMPOSSIBLE, batch["matches"] == 0)


def test_nothing_is_divided_by_zero() -> None:
    batch = inputs(np.random.default_rng(3), 6, 4)
    batch["indicators"][:, :, 0] = 0
    batch["description"][:] = 0
    batch["characters"][1] = 0
    for value in run(model(), batch).values():
        assert np.isfinite(value).all()


def test_pairs_do_not_depend_on_each_other() -> None:
    made = model(encoder="dgcnn")
    batch = inputs(np.random.default_rng(4), 5, 6)
    both = run(made, batch)["link"]
    for row in range(2):
        alone = run(made, {name: one[row : row + 1] for name, one in batch.items()})
        np.testing.assert_allclose(alone["link"], both[row : row + 1], atol=1e-5)


@pytest.mark.contract
def test_the_loss_is_a_sum_of_means_over_what_is_known() -> None:
    rng = np.random.default_rng(5)
    logits = rng.normal(size=(3, 4, 2)).astype("float32")
    labels = rng.integers(-1, 2, (3, 4, 2)).astype("float32")
    labels[2] = -1
    probability = 1 / (1 + np.exp(-logits.astype(float)))
    total = 0.0
    for side in range(2):
        known = labels[..., side] >= 0
        gold = labels[..., side][known]
        p = probability[..., side][known]
        total += -(gold * np.log(p) + (1 - gold) * np.log(1 - p)).mean()
    loss = MaskedBinaryCrossentropy()
    assert float(numpy(loss(labels, logits))) == pytest.approx(total, rel=1e-5)
    pair = np.array([[1.0], [-1.0], [0.0]], "float32")
    wanted = (np.log1p(np.exp(-logits[0, 0, 0])) + np.log1p(np.exp(logits[2, 0, 0]))) / 2
    assert float(numpy(loss(pair, logits[:, 0, :1]))) == pytest.approx(wanted, rel=1e-5)
    assert float(numpy(loss(-np.ones((2, 1)), np.ones((2, 1))))) == 0
    assert MaskedBinaryCrossentropy.from_config(loss.get_config()).get_config() == loss.get_config()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": 5, "num_heads": 4}, "num_heads: must be a divisor of 10"),
        ({"encoder": "gru"}, "encoder: must be one of"),
        ({"indicators": 0}, "indicators: must be"),
        ({"dropout": 1.5}, "dropout: must be"),
    ],
)
def test_arguments_are_validated(options: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        EntityLinkingModel(**{"vocabulary_size": 30, "indicators": 1, **options})


def parts(positive_share: float | None, texts: Any = TEXTS, base: Any = KB) -> Any:
    """Store and mentions for sampling."""
    statistics = MentionStatistics.count(texts, base)
    reader = Reader(Vocabulary.from_texts([one.text for one in texts]), None, None)
    store = EntityStore(base, reader, 20)
    candidates = Candidates(base, statistics, 2, None, None)
    return store, TrainingMentions(texts, candidates, store, positive_share)


def test_samples_are_mentions_with_entities_of_their_name() -> None:
    store, mentions = parts(0.5)
    rng = np.random.default_rng(0)
    for _ in range(5):
        sample = mentions.sample(rng)
        for place, text in enumerate(TEXTS):
            spans = {(one.start, one.end): one for one in text.mentions}
            mention = spans[int(sample.start[place]), int(sample.end[place])]
            entity = store.ids[sample.entity[place]]
            assert entity in KB.candidates(mention.text)
            assert bool(sample.positive[place]) == (entity == mention.id)
        mentions.count(sample)
    coverage = mentions.coverage
    assert coverage.samples == 5 * len(TEXTS)
    assert coverage.mentions == sum(len(one.mentions) for one in TEXTS)
    assert coverage.pairs == 3 * coverage.mentions
    assert 0 < coverage.sampled_pairs <= min(coverage.samples, coverage.pairs)
    assert coverage.sampled_mentions <= coverage.mentions
    assert str(coverage).startswith("120 samples")


def test_the_share_of_positives_is_that_asked_for() -> None:
    base = base_of([Entity(str(one), "红豆") for one in range(50)])
    texts = [LinkedText("红豆", (Mention(0, 2, "红豆", "7"),))] * 400
    for share, low, high in ((None, 0.005, 0.05), (0.5, 0.45, 0.55), (0.9, 0.87, 0.93)):
        _, mentions = parts(share, texts, base)
        rng = np.random.default_rng(0)
        for _ in range(5):
            mentions.count(mentions.sample(rng))
        coverage = mentions.coverage
        assert low < coverage.positives / coverage.samples < high
    # A name with one entity has no other to be paired with, and NIL none that is right.
    alone = base_of([Entity("7", "红豆")])
    _, mentions = parts(0.5, texts, alone)
    assert mentions.sample(np.random.default_rng(0)).positive.all()
    nil = [LinkedText("红豆", (Mention(0, 2, "红豆"),)), LinkedText("无", (Mention(0, 1, "无"),))]
    _, mentions = parts(0.5, nil, base)
    sample = mentions.sample(np.random.default_rng(0))
    assert not sample.positive.any()
    assert sample.entity[1] == -1
    assert mentions.coverage.mentions == 1


def test_batches_hold_every_text_once() -> None:
    store, mentions = parts(0.5)
    read = store.reader.read([folded(one.text) for one in TEXTS])
    ends = match_ends(KB.match_arrays([one.text for one in TEXTS]), read.offsets)
    labels = mention_labels(TEXTS, read.offsets)

    def made() -> TrainingBatches:
        return TrainingBatches(read, ends, labels, mentions, store, ("characters",), 10, (0, 0))

    batches = made()
    assert len(batches) == 3
    seen = []
    for place in range(3):
        x, y = batches[place]
        assert len(x["characters"]) == len(y["link"]) == 10
        assert x["indicators"].shape == (*x["characters"].shape, 2)
        real = x["characters"] > 0
        np.testing.assert_array_equal(y["mentions"][..., 0] >= 0, real)
        assert not x["indicators"][~real].any()
        rows = real.any(1)
        np.testing.assert_array_equal(y["link"][:, 0] >= 0, rows)
        # Mentions are marked where they start and end, and one of them is that of the pair.
        span = x["indicators"][rows, :, 0]
        assert ((y["mentions"][rows, :, 0] == 1) & (span == 1)).any(1).all()
        seen.append(batches.batches[place])
    assert sorted(np.concatenate(seen).tolist()) == list(range(len(TEXTS)))
    for one, other in zip(made()[0][0].values(), made()[0][0].values(), strict=True):
        np.testing.assert_array_equal(one, other)
    before = [one.copy() for one in batches.batches]
    batches.on_epoch_end()
    assert any(
        one.tolist() != two.tolist() for one, two in zip(before, batches.batches, strict=True)
    )


def test_the_store_forgets_and_reads_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from newword.keras.linking import texts as module

    monkeypatch.setattr(module, "MOST_ENTITIES", 4)
    store, _ = parts(0.5)
    rows = store.rows([f"{name}-歌" for name in NAMES])
    first = store.get(rows.tolist())
    again = store.get(rows[::-1].tolist())[::-1]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.inputs["characters"], other.inputs["characters"])
        assert one.objects == other.objects
        assert one.objects[0] == "歌曲"
    assert store.rows(["红豆-歌"]).tolist() == [rows.tolist()[NAMES.index("红豆")]]
    shape = (6, 24)
    batch = store.batch(rows, shape)["description"]
    assert batch.shape == shape
    np.testing.assert_array_equal((batch > 0).sum(1), store.lengths(rows.tolist()))


@pytest.mark.contract
def test_a_model_is_saved_with_its_config(tmp_path: Any) -> None:
    made = model(places=True, word_vectors=(5, 3))
    batch = inputs(np.random.default_rng(1), 5, 7)
    for name, of in (("places", "characters"), ("words", "characters")):
        batch[name] = batch[of] % 5
        batch[f"description_{name}"] = batch["description"] % 5
    wanted = made(batch)
    made.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert again.get_config() == made.get_config()
    for name, value in again(batch).items():
        np.testing.assert_array_equal(numpy(value), numpy(wanted[name]))
    frozen = [one.path for one in again.weights if not one.trainable]
    assert any("word_embedding" in one for one in frozen)
