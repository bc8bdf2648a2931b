"""Invalid targets: rejected, repaired or skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from newword import _check
from newword.keras.tagging.tagger.data import UNKNOWN_TAG, Corpus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from newword.keras.tagging.tagger.data import Gold
    from newword.tag_scheme import TagScheme

__all__ = ["InvalidTargets", "valid_gold"]


class InvalidTargets(NamedTuple):
    """Counts of repaired or skipped targets of `Tagger.fit`."""

    texts: int
    """Number of repaired or skipped texts."""
    tags: int
    """Number of changed tags, or of all tags of the skipped texts."""


def valid_gold(
    gold: Gold, scheme: TagScheme, head: Any, on_invalid: str, name: str
) -> tuple[Gold, InvalidTargets]:
    """Returns texts whose labels the head allows, and the counts of changes.

    Raises:
        InvalidArgumentError: A transition, first tag or last tag of a text is forbidden: the loss
            would be in the thousands, and training could not reduce it.
    """
    corpus, labels, words = gold
    wrong = _forbidden(corpus, labels, head)
    places = np.searchsorted(corpus.offsets, np.flatnonzero(wrong), side="right") - 1
    texts = sorted(set(places.tolist()))
    if not texts:
        return gold, InvalidTargets(0, 0)
    if on_invalid == "skip":
        length = int(corpus.lengths[texts].sum())
        return _without(gold, scheme, set(texts)), InvalidTargets(len(texts), length)
    if on_invalid == "repair":
        repaired = labels.copy()
        for place in texts:
            part = slice(*corpus.offsets[place : place + 2])
            fixed = scheme.repair(labels[part])
            repaired[part] = np.where(fixed < 0, UNKNOWN_TAG, fixed)
        changed = InvalidTargets(len(texts), int((repaired != labels).sum()))
        # A user-defined head may forbid more than the scheme does.
        return valid_gold((corpus, repaired, words), scheme, head, "error", name)[0], changed
    at, place = int(np.flatnonzero(wrong)[0]), texts[0]
    own = labels[corpus.offsets[place] : corpus.offsets[place + 1]].tolist()
    rule = f"what the scheme allows, which character {at - int(corpus.offsets[place])} breaks"
    mend = "(or on_invalid='repair' or 'skip', or constrained=False)"
    raise _check.invalid(f"{name}[{place}]", f"{rule} {mend}", own)


def _without(gold: Gold, scheme: TagScheme, left_out: set[int]) -> Gold:
    """Removes some of the texts."""
    corpus, labels, words = gold
    kept = [place for place in range(len(corpus.texts)) if place not in left_out]
    parts = [labels[slice(*corpus.offsets[place : place + 2])] for place in kept]
    run = np.concatenate([*parts, np.zeros(0, np.int32)])
    texts = Corpus.of([corpus.texts[place] for place in kept], scheme)
    return texts, run, None if words is None else [words[place] for place in kept]


def _forbidden(corpus: Corpus, labels: NDArray[np.int32], head: Any) -> NDArray[np.bool_]:
    """The mask of labels that break a rule of the head: as next, first or last tag."""
    wrong = np.zeros(len(labels), np.bool_)
    if not head.constrained:
        return wrong
    if head.allowed_transitions is not None and len(labels) > 1:
        before, after = labels[:-1], labels[1:]
        inside = np.ones(len(labels), np.bool_)
        inside[corpus.offsets[:-1][corpus.lengths > 0]] = False
        known = inside[1:] & (before >= 0) & (after >= 0)
        wrong[1:] |= known & ~head.allowed_transitions[before, after]
    used = corpus.lengths > 0
    for allowed, places in (
        (head.allowed_start, corpus.offsets[:-1][used]),
        (head.allowed_end, corpus.offsets[1:][used] - 1),
    ):
        if allowed is not None:
            wrong[places] |= (labels[places] >= 0) & ~allowed[labels[places]]
    return wrong
