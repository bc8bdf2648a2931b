"""Batches for training: texts with their mentions, and a sampled pair for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from newword.keras._batches import (
    padded_length,
    put_unlike_first,
    replaced_by_unknown,
    stacked,
    unknown_rate,
)
from newword.keras.linking.features import (
    covered_by_objects,
    occurs_in_entity,
    spans_of_pairs,
)
from newword.keras.linking.loss import IGNORED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from newword.keras.linking.sampling import Sample, TrainingMentions
    from newword.keras.linking.texts import EntityStore, Texts
    from newword.linking import LinkedText

__all__ = ["TrainingBatches", "indicators", "mention_labels", "padded_rows"]


def padded_rows(run: NDArray[np.int32], texts: Texts, rows: NDArray[np.int64], shape: Any) -> Any:
    """Two numbers for each character of some texts, padded with 0: (rows, steps, 2)."""
    start, lengths = texts.offsets[rows], texts.lengths[rows]
    return np.stack([stacked(one, start, lengths, shape) for one in run.T], -1).astype(np.float32)


def indicators(
    texts: Texts,
    rows: NDArray[np.int64],
    steps: int,
    features: Sequence[str],
    store: EntityStore,
    pairs: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
) -> NDArray[np.float32]:
    """The indicators of pairs, (pairs, steps, 1 + features), zero at padding.

    Args:
        texts: All texts.
        rows: Those of the batch.
        steps: The number of steps of the batch.
        features: The names of the features.
        store: The entities.
        pairs: For each pair the place of its text in the batch, start and end of the mention, and
            the row of the entity.
    """
    place, starts, ends, entity = pairs
    distinct, of_pair = np.unique(entity, return_inverse=True)
    described = store.get(distinct.tolist())
    found = [spans_of_pairs(starts, ends, steps)]
    for name in features:
        if name == "objects":
            batch = [texts.texts[one] for one in rows.tolist()]
            objects = [one.objects for one in described]
            found.append(covered_by_objects(batch, steps, objects, (place, of_pair)))
            continue
        items = texts.item_rows(name, rows, steps)
        sets = [one.items[name] for one in described]
        found.append(occurs_in_entity(items, sets, place, of_pair))
    inside = np.arange(steps) < texts.lengths[rows][place, None]
    return (np.stack(found, -1) & inside[..., None]).astype(np.float32)


def mention_labels(texts: Sequence[LinkedText], offsets: NDArray[np.int64]) -> NDArray[np.int32]:
    """Where mentions start and end, 0 or 1 for all characters, (characters, 2)."""
    found = np.zeros((int(offsets[-1]), 2), np.int32)
    for start, text in zip(offsets.tolist(), texts, strict=False):
        for one in text.mentions:
            found[start + one.start, 0] = 1
            found[start + one.end - 1, 1] = 1
    return found


class TrainingBatches(keras.utils.PyDataset):  # type: ignore[misc, unused-ignore]
    """Batches for `fit`, with other samples in another order each epoch, by the seed.

    All batches have the same number of rows; missing rows are padding. Rare characters of texts
    are sometimes replaced by unknown, as by the tagger.

    Args:
        texts: The arrays of the texts, none of them empty.
        ends: Where matches start and end.
        labels: Where mentions start and end.
        mentions: The mentions to sample from.
        store: The entities.
        features: The names of the features.
        batch_size: Texts per batch.
        seed: Seed of order, samples and replacements.
    """

    def __init__(
        self,
        texts: Texts,
        ends: NDArray[np.int32],
        labels: NDArray[np.int32],
        mentions: TrainingMentions,
        store: EntityStore,
        features: Sequence[str],
        batch_size: int,
        seed: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.texts, self.ends, self.labels = texts, ends, labels
        self.mentions, self.store, self.features = mentions, store, tuple(features)
        self.rows, self.seed = min(batch_size, len(texts.texts)), seed
        self.unknown_rate = unknown_rate(texts.inputs["characters"])
        self.steps = np.array([padded_length(int(one)) for one in texts.lengths])
        self.epoch = -1
        self.batches: list[NDArray[np.int64]] = []
        self.sample: Sample
        self._served: set[int] = set()
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        """Counts the samples of the epoch, draws new ones, and shuffles the batches."""
        if self.batches and len(self._served) == len(self.batches):
            self.mentions.count(self.sample)
        self._served = set()
        self.epoch += 1
        random = np.random.default_rng([*self.seed, self.epoch])
        self.sample = self.mentions.sample(random)
        # Descriptions have 8 steps at least, so that texts without a pair have some.
        described = np.full(len(self.steps), 8)
        paired = self.sample.entity >= 0
        lengths = self.store.lengths(self.sample.entity[paired].tolist())
        described[paired] = [padded_length(int(one)) for one in lengths]
        order = random.permutation(len(self.steps))
        order = order[np.lexsort([described[order], self.steps[order]])]
        batches = [order[at : at + self.rows] for at in range(0, len(order), self.rows)]
        random.shuffle(batches)
        self.described = described
        put_unlike_first(batches, (self.steps, described))
        self.batches = batches

    def begin(self) -> None:
        """Forgets the batches that Keras read before training, to see their shapes."""
        self._served = set()
        self.mentions.reset()

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Inputs and labels of a batch."""
        rows = self.batches[index]
        self._served.add(index)
        shape = (self.rows, int(self.steps[rows].max()))
        inputs = self.texts.batch(rows, shape)
        random = np.random.default_rng([*self.seed, self.epoch, index])
        inputs["characters"] = replaced_by_unknown(inputs["characters"], self.unknown_rate, random)
        inputs["matches"] = padded_rows(self.ends, self.texts, rows, shape)
        labels = np.full((*shape, 2), IGNORED, np.float32)
        valid = np.arange(shape[1]) < self.texts.lengths[rows, None]
        labels[: len(rows)][valid] = padded_rows(self.labels, self.texts, rows, shape)[: len(rows)][
            valid
        ]
        links = np.full((self.rows, 1), IGNORED, np.float32)
        self._add_pairs(rows, shape, inputs, links)
        return inputs, {"mentions": labels, "link": links}

    def _add_pairs(
        self,
        rows: NDArray[np.int64],
        shape: tuple[int, int],
        inputs: dict[str, Any],
        links: NDArray[np.float32],
    ) -> None:
        """Adds indicators and descriptions of the sampled pairs to inputs, and their labels."""
        width = 1 + len(self.features)
        inputs["indicators"] = np.zeros((*shape, width), np.float32)
        entity = self.sample.entity[rows]
        place = np.flatnonzero(entity >= 0)
        steps = int(self.described[rows].max())
        described = self.store.batch(entity[place], (len(place), steps))
        for name, ids in described.items():
            inputs[name] = np.zeros((self.rows, steps), np.int32)
            inputs[name][place] = ids
        if len(place):
            chosen = rows[place]
            pairs = (place, self.sample.start[chosen], self.sample.end[chosen], entity[place])
            made = indicators(self.texts, rows, shape[1], self.features, self.store, pairs)
            inputs["indicators"][place] = made
            links[place, 0] = self.sample.positive[chosen]
