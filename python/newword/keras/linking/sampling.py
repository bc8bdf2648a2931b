"""Samples for training: of each text one mention, and one entity of its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from newword.keras.linking.candidates import Candidates
    from newword.keras.linking.texts import EntityStore
    from newword.linking import LinkedText

__all__ = ["Sample", "SamplingCoverage", "TrainingMentions"]


@dataclass(frozen=True)
class SamplingCoverage:
    """How much of the training data the samples of a `fit` covered."""

    samples: int
    """Pairs that were sampled, with repetitions."""
    positives: int
    """Those of them whose entity is the right one."""
    mentions: int
    """Mentions that can be sampled."""
    sampled_mentions: int
    """Mentions that were sampled at least once."""
    pairs: int
    """Pairs of a mention and an entity of its name."""
    sampled_pairs: int
    """Pairs that were sampled at least once."""

    def __str__(self) -> str:
        return (
            f"{self.samples:,} samples, {self.positives / max(self.samples, 1):.0%} positive; "
            f"{self.sampled_mentions:,} of {self.mentions:,} mentions, "
            f"{self.sampled_pairs:,} of {self.pairs:,} pairs"
        )


class Sample(NamedTuple):
    """A pair for each text; texts without a mention have none."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    entity: NDArray[np.int64]
    """The row of the entity; -1 if there is no pair."""
    positive: NDArray[np.bool_]
    place: NDArray[np.int64]
    """The number of the mention of a positive pair, and of the pair of a negative one."""


class TrainingMentions:
    """The mentions of training texts with the entities of their names.

    Mentions without any entity are left out: there is nothing to tell apart.

    Args:
        texts: The texts.
        candidates: The source of entities.
        store: Gives entities their rows.
        positive_share: The probability that the right entity is sampled for a name with several;
            None for the uniform distribution over the entities of the name.
    """

    def __init__(
        self,
        texts: Sequence[LinkedText],
        candidates: Candidates,
        store: EntityStore,
        positive_share: float | None,
    ) -> None:
        self.positive_share = positive_share
        homonyms = candidates.homonyms([one.text for text in texts for one in text.mentions])
        bounds, spans, gold = [0], [], []
        others: list[NDArray[np.int64]] = []
        for text in texts:
            for one in text.mentions:
                wrong = [each for each in homonyms[one.text] if each != one.id]
                if one.id is None and not wrong:
                    continue
                spans.append((one.start, one.end))
                gold.append(-1 if one.id is None else int(store.rows([one.id])[0]))
                others.append(store.rows(wrong))
            bounds.append(len(spans))
        self.bounds = np.array(bounds, np.int64)
        self.spans = np.array(spans, np.int64).reshape(-1, 2)
        self.gold = np.array(gold, np.int64)
        self.counts = np.array([len(one) for one in others], np.int64)
        self.others = np.concatenate([*others, np.zeros(0, np.int64)])
        self.first = np.cumsum(self.counts) - self.counts
        self.reset()

    def reset(self) -> None:
        """Counts from the beginning."""
        self._samples = self._positives = 0
        self._seen_right = np.zeros(len(self.gold), np.bool_)
        self._seen_wrong = np.zeros(len(self.others), np.bool_)

    def sample(self, random: np.random.Generator) -> Sample:
        """Draws a pair for each text."""
        many = np.diff(self.bounds)
        text = np.flatnonzero(many)
        mention = self.bounds[text] + (random.random(len(text)) * many[text]).astype(np.int64)
        count = self.counts[mention]
        right = random.random(len(text)) < self._share(mention)
        wrong = np.minimum((random.random(len(text)) * count).astype(np.int64), count - 1)
        place = self.first[mention] + wrong
        entity = self.gold[mention].copy()
        entity[~right] = self.others[place[~right]]
        found = Sample(
            np.zeros(len(many), np.int64),
            np.zeros(len(many), np.int64),
            np.full(len(many), -1, np.int64),
            np.zeros(len(many), np.bool_),
            np.zeros(len(many), np.int64),
        )
        found.start[text], found.end[text] = self.spans[mention].T
        found.entity[text], found.positive[text] = entity, right
        found.place[text] = np.where(right, mention, place)
        return found

    def count(self, sample: Sample) -> None:
        """Counts the pairs of a sample as trained on."""
        paired = sample.entity >= 0
        right = paired & sample.positive
        self._samples += int(paired.sum())
        self._positives += int(right.sum())
        self._seen_right[sample.place[right]] = True
        self._seen_wrong[sample.place[paired & ~right]] = True

    def _share(self, mention: NDArray[np.int64]) -> NDArray[np.float64]:
        """The probability of the right entity for each mention."""
        count = self.counts[mention]
        uniform = 1 / (count + 1)
        share = (
            uniform if self.positive_share is None else np.full(len(mention), self.positive_share)
        )
        return np.where(self.gold[mention] < 0, 0.0, np.where(count > 0, share, 1.0))

    @property
    def coverage(self) -> SamplingCoverage:
        """What the samples so far covered."""
        linked = self.gold >= 0
        wrong = np.zeros(len(self.gold), np.bool_)
        owner = np.repeat(np.arange(len(self.gold)), self.counts)
        wrong[owner[self._seen_wrong]] = True
        return SamplingCoverage(
            samples=self._samples,
            positives=self._positives,
            mentions=len(self.gold),
            sampled_mentions=int((self._seen_right | wrong).sum()),
            pairs=int(linked.sum()) + len(self.others),
            sampled_pairs=int(self._seen_right.sum()) + int(self._seen_wrong.sum()),
        )
