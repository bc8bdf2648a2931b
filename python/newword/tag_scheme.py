"""Tag schemes: spans and words as sequences of tags, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from newword import _check

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Penalties", "Span", "TagScheme"]

OUTSIDE, BEGIN, INSIDE, END, SINGLE = range(5)
LETTERS = {
    "BIO": {"B": BEGIN, "I": INSIDE},
    "IOB1": {"B": BEGIN, "I": INSIDE},
    "BIOES": {"B": BEGIN, "I": INSIDE, "E": END, "S": SINGLE},
    "BMES": {"B": BEGIN, "M": INSIDE, "E": END, "S": SINGLE},
    "BI": {"B": BEGIN, "I": INSIDE},
}
"""The letters of each kind, in the order of their ids, and their roles."""
WORDS_ONLY = ("BI",)
WORDS_TOO = ("BI", "BMES")
ALIASES = {"IOB2": "BIO", "IOBES": "BIOES"}
IGNORED = (-1, -100)
"""Ids without a tag: padding, and labels that a loss ignores."""


class Span(NamedTuple):
    """A typed span of a text."""

    start: int
    """Offset of the first character, in code points."""
    end: int
    """Exclusive end, in code points."""
    type: str


class Penalties(NamedTuple):
    """The constraints of a scheme as scores: 0 if allowed, -inf if forbidden."""

    transitions: NDArray[np.float32]
    """(tags, tags), [i, j] for j after i."""
    start: NDArray[np.float32]
    """(tags,), for the first tag."""
    end: NDArray[np.float32]
    """(tags,), for the last tag."""


class TagScheme:
    """The tags of a task, the allowed transitions, and the conversion between tags and spans.

    Ids: "O" is 0 if the scheme has it, followed by the tags of the first type, of the second, and
    so on.

    Args:
        kind: `"BIO"` (also called IOB2: the first character of a span is B, the others I), `"IOB1"`
            (B only for a span right after another of the same type), `"BIOES"` (E for the last
            character, S for a span of one), `"BMES"` (the same with M for I), or `"BI"`, for words
            only.
        types: The types of spans. None for word segmentation, where words cover the text without
            gaps and there is no O; `"BMES"` and `"BI"` only.

    Raises:
        InvalidArgumentError: The kind is unknown, or types are missing, empty, not str, or
            duplicated.

    Source:
        L. A. Ramshaw and M. P. Marcus, "Text chunking using transformation-based learning", 1995
        (IOB1); N. Xue, "Chinese word segmentation as character tagging", 2003 (words).

    Examples:
        >>> import newword
        >>> scheme = newword.TagScheme("BIO", ["PER", "LOC"])
        >>> scheme.tags
        ('O', 'B-PER', 'I-PER', 'B-LOC', 'I-LOC')
        >>> ids = scheme.encode([(0, 2, "PER"), (3, 5, "LOC")], 5)
        >>> ids.tolist(), scheme.decode(ids)[0]
        ([1, 2, 0, 3, 4], Span(start=0, end=2, type='PER'))
        >>> newword.TagScheme("BMES").decode_words("今天好", [0, 2, 3])
        ['今天', '好']
    """

    __slots__ = ("_ids", "_roles", "_types", "kind", "tags", "types")

    kind: str
    """The kind, without aliases."""
    types: tuple[str, ...] | None
    """The types of spans; None for words."""
    tags: tuple[str, ...]
    """All tags; the index of a tag is its id."""
    _ids: dict[str, int]
    _roles: NDArray[np.int8]
    _types: NDArray[np.int32]

    def __init__(self, kind: str, types: Sequence[str] | None = None) -> None:
        kind = ALIASES.get(kind, kind) if isinstance(kind, str) else kind
        kind = _check.choice("kind", kind, tuple(LETTERS))
        names = _type_names(kind, types)
        tags, roles, owners = [], [], []
        if names is not None:
            tags, roles, owners = ["O"], [OUTSIDE], [-1]
        for owner, name in enumerate([""] if names is None else names):
            for letter, role in LETTERS[kind].items():
                tags.append(f"{letter}-{name}" if name else letter)
                roles.append(role)
                owners.append(owner)
        values = {
            "kind": kind,
            "types": names,
            "tags": tuple(tags),
            "_ids": {tag: number for number, tag in enumerate(tags)},
            "_roles": np.array(roles, np.int8),
            "_types": np.array(owners, np.int32),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @classmethod
    def from_tags(cls, tags: Iterable[str], kind: str | None = "BIO") -> TagScheme:
        """Creates the scheme of a set of tags, with the types sorted.

        Args:
            tags: The tags.
            kind: The kind; None infers it from the letters: BMES if there is an M, else BIOES
                if there is an E or S, else BIO. Tags of words, which have no type, are BMES or
                BI.

        Raises:
            InvalidArgumentError: A tag is not of this kind.
        """
        if not isinstance(tags, str):
            _check.iterable("tags", tags, "an iterable of tags")
        tags = list(map(str, tags))
        if kind is None:
            kind = _kind_of(set(tags))
        kind = _check.choice("kind", kind, (*LETTERS, *ALIASES))
        kind = ALIASES.get(kind, kind)
        letters = LETTERS[kind]
        types: set[str] = set()
        for tag in tags:
            letter, dash, name = tag.partition("-")
            if tag == "O" or (letter in letters and not name and not dash):
                continue
            if letter not in letters or not name:
                rule = f"made of 'O' and {'-, '.join(letters)}- with a type"
                raise _check.invalid("tags", rule, tag)
            types.add(name)
        return cls(kind, sorted(types) or None)

    @property
    def num_tags(self) -> int:
        """The number of tags."""
        return len(self.tags)

    @property
    def ids(self) -> dict[str, int]:
        """The id of each tag."""
        return dict(self._ids)

    @property
    def allowed_transitions(self) -> NDArray[np.bool_]:
        """The allowed transitions, bool of shape (tags, tags); [i, j] for j after i."""
        ids = np.arange(self.num_tags)
        return self._may_follow(ids[:, None], ids[None])

    @property
    def allowed_start(self) -> NDArray[np.bool_]:
        """The tags allowed at the first step, bool of shape (tags,)."""
        if self.kind == "IOB1":
            return np.asarray(self._roles != BEGIN)
        return ~np.isin(self._roles, (INSIDE, END))

    @property
    def allowed_end(self) -> NDArray[np.bool_]:
        """The tags allowed at the last step, bool of shape (tags,)."""
        if self.kind in ("BIOES", "BMES"):
            return ~np.isin(self._roles, (BEGIN, INSIDE))
        return np.ones(self.num_tags, np.bool_)

    def penalties(self) -> Penalties:
        """Returns the constraints as scores, for `newword.viterbi` and the other decoders.

        Examples:
            >>> import numpy as np, newword
            >>> scheme = newword.TagScheme("BMES")
            >>> rules = scheme.penalties()
            >>> scores = np.array([[[0.0, 0.0, 0.0, 1.0], [2.0, 0.0, 0.0, 1.0]]])
            >>> found = newword.viterbi(scores, rules.transitions, start=rules.start, end=rules.end)
            >>> [scheme.tags[tag] for tag in found.paths[0]]
            ['S', 'S']
        """

        def scores(allowed: NDArray[np.bool_]) -> NDArray[np.float32]:
            return np.asarray(np.where(allowed, 0, -np.inf), np.float32)

        return Penalties(
            scores(self.allowed_transitions), scores(self.allowed_start), scores(self.allowed_end)
        )

    def encode(self, spans: Iterable[tuple[int, int, str]], length: int) -> NDArray[np.int32]:
        """Encodes the spans of a text of `length` characters as tags, int32 of shape (length,).

        Raises:
            InvalidArgumentError: A span is empty, lies outside the text, overlaps another or has
                an unknown type; or the scheme is one of words and the spans leave gaps.
        """
        # NumPy's own error for a larger length does not name the argument.
        length = _check.whole("length", length, 0, 2**48)
        roles = np.full(length, OUTSIDE, np.int8)
        owners = np.full(length, -1, np.int32)
        last = Span(0, 0, "")
        for span in self._checked(spans, length):
            if span.start < last.end:
                raise _check.invalid("spans", f"apart from {tuple(last)}", tuple(span))
            if self.types is None and span.start > last.end:
                raise _check.invalid("spans", f"without a gap behind {last.end}", tuple(span))
            roles[span.start : span.end] = INSIDE
            touches = last.end == span.start and last.type == span.type and last.end > 0
            if self.kind != "IOB1" or touches:
                roles[span.start] = BEGIN
            if self.kind in ("BIOES", "BMES"):
                roles[span.end - 1] = SINGLE if span.end == span.start + 1 else END
            owners[span.start : span.end] = self._owner(span.type)
            last = span
        if self.types is None and last.end < length:
            raise _check.invalid("spans", f"up to the end, {length}", last.end)
        number = np.full((5, max(len(self.types or ()), 1) + 1), -1, np.int32)
        number[self._roles, self._types] = np.arange(self.num_tags)
        return np.asarray(number[roles, owners])

    def encode_words(self, words: Iterable[str]) -> NDArray[np.int32]:
        """Encodes a segmented text as tags, one per character.

        Raises:
            InvalidArgumentError: The scheme has types, or a word is empty.
        """
        self._words_only()
        ends = np.cumsum([len(word) for word in _check.word_list("words", words)], dtype=np.int64)
        starts = [0, *ends[:-1].tolist()] if len(ends) else []
        spans = [(start, end, "") for start, end in zip(starts, ends.tolist(), strict=True)]
        return self.encode(spans, int(ends[-1]) if len(ends) else 0)

    def decode(self, tags: ArrayLike | Sequence[str], *, strict: bool = False) -> list[Span]:
        """Decodes one sequence of tags, ids or str, to spans.

        An invalid sequence is decoded as by conlleval and seqeval: an I or E without a preceding
        tag of its span begins a span. With `strict`, only spans that follow the scheme are
        returned. Ids of -1 and -100 belong to no span.

        Raises:
            InvalidArgumentError: A tag is not in the scheme.

        Complexity:
            O(length).

        Source:
            E. F. Tjong Kim Sang and S. Buchholz, "Introduction to the CoNLL-2000 shared task",
            2000.

        Examples:
            >>> import newword
            >>> scheme = newword.TagScheme("BIO", ["PER"])
            >>> scheme.decode(["I-PER", "O", "B-PER"])
            [Span(start=0, end=1, type='PER'), Span(start=2, end=3, type='PER')]
            >>> scheme.decode(["I-PER", "O", "B-PER"], strict=True)
            [Span(start=2, end=3, type='PER')]
        """
        return self.decode_batch(self.to_ids(tags)[None], strict=strict)[0]

    def decode_batch(self, ids: ArrayLike, *, strict: bool = False) -> list[list[Span]]:
        """Decodes a padded batch of ids, integers of shape (batch, steps), to spans.

        Raises:
            InvalidArgumentError: The array is not two-dimensional, or an id is not in the scheme
                and not -1 or -100.
        """
        array = np.asarray(ids)
        if array.ndim != 2:
            raise _check.invalid("ids", "of shape (batch, steps)", array.shape)
        batch, steps = array.shape
        array = self._in_range(array)
        # An additional step with O ends each row.
        roles = np.full((batch, steps + 1), OUTSIDE, np.int8)
        owners = np.full((batch, steps + 1), -1, np.int32)
        known = array >= 0
        roles[:, :-1][known] = self._roles[array[known]]
        owners[:, :-1][known] = self._types[array[known]]
        spans: list[list[Span]] = [[] for _ in range(batch)]
        for row, start, end in zip(*self._bounds(roles, owners, strict), strict=True):
            name = "" if self.types is None else self.types[owners[row, start]]
            spans[row].append(Span(int(start), int(end), name))
        return spans

    def decode_words(self, text: str, tags: ArrayLike | Sequence[str]) -> list[str]:
        """Decodes tags, one per character, to words, whose concatenation is the text.

        Raises:
            InvalidArgumentError: The scheme has types, or there is not one tag per character.
        """
        self._words_only()
        ids = self.to_ids(tags)
        if len(ids) != len(text) or (ids < 0).any():
            raise _check.invalid("tags", f"one a character, {len(text)}", len(ids[ids >= 0]))
        return [text[span.start : span.end] for span in self.decode(ids)]

    def to_ids(self, tags: ArrayLike | Sequence[str]) -> NDArray[np.int64]:
        """Converts one sequence of tags, ids or str, to ids; -1 and -100 are kept.

        Raises:
            InvalidArgumentError: A tag is not in the scheme.

        Examples:
            >>> import newword
            >>> newword.TagScheme("BMES").to_ids(["B", "E", "S"]).tolist()
            [0, 2, 3]
        """
        array = np.asarray(tags)
        if array.ndim != 1:
            raise _check.invalid("tags", "one sequence", array.shape)
        if array.dtype.kind not in "UO":
            return self._in_range(array)
        unknown = [tag for tag in array.tolist() if tag not in self._ids]
        if unknown:
            raise _check.invalid("tags", f"among {list(self.tags)}", unknown[0])
        return np.array([self._ids[tag] for tag in array.tolist()], np.int64)

    def word_starts(self, tags: ArrayLike | Sequence[str]) -> NDArray[np.bool_]:
        """Returns the starts of words as a mask over characters, bool of shape (length,).

        The words are those of `decode_words`, but no strings are created.

        Raises:
            InvalidArgumentError: The scheme has types, or a tag is not in it.

        Examples:
            >>> import newword
            >>> newword.TagScheme("BMES").word_starts(["B", "E", "S"]).tolist()
            [True, False, True]
        """
        self._words_only()
        ids = self.to_ids(tags)
        if (ids < 0).any():
            raise _check.invalid("tags", "known everywhere", int(ids.min()))
        roles = np.append(self._roles[ids], np.int8(OUTSIDE))[None]
        owners = np.append(self._types[ids], np.int32(-1))[None]
        starts = np.zeros(len(ids), np.bool_)
        starts[self._bounds(roles, owners, strict=False)[1]] = True
        return starts

    def is_valid(self, tags: ArrayLike | Sequence[str]) -> bool:
        """Whether tags follow the rules of the scheme; any tag may be next to -1 and -100.

        Raises:
            InvalidArgumentError: A tag is not in the scheme.

        Complexity:
            O(length + number of tags).

        Examples:
            >>> import newword
            >>> newword.TagScheme("BMES").is_valid(["S", "B", "M"])
            False
        """
        ids = self.to_ids(tags)
        if not len(ids):
            return True
        known = ids >= 0
        pairs = known[:-1] & known[1:]
        steps = self._may_follow(ids[:-1][pairs], ids[1:][pairs])
        first = not known[0] or self.allowed_start[ids[0]]
        last = not known[-1] or self.allowed_end[ids[-1]]
        return bool(steps.all() and first and last)

    def repair(self, tags: ArrayLike | Sequence[str]) -> NDArray[np.int64]:
        """Replaces invalid tags by valid ones with the same spans, as `decode` finds them.

        Returns ids. Valid tags are unchanged. Ids of -1 and -100 are kept and divide the tags into
        runs; only runs that break a rule are replaced.

        Raises:
            InvalidArgumentError: A tag is not in the scheme.

        Complexity:
            O(length).

        Examples:
            >>> import newword
            >>> scheme = newword.TagScheme("BMES", ["ORG"])
            >>> [scheme.tags[tag] for tag in scheme.repair(["O", "B-ORG", "M-ORG", "M-ORG"])]
            ['O', 'B-ORG', 'M-ORG', 'E-ORG']
        """
        ids: NDArray[np.int64] = self.to_ids(tags).copy()
        if self.is_valid(ids):
            return ids
        edges = np.flatnonzero(np.diff(ids >= 0, prepend=False, append=False))
        for start, end in edges.reshape(-1, 2).tolist():
            # An unknown tag on either side of a run is part of its context.
            around = ids[max(start - 1, 0) : end + 1]
            if not self.is_valid(around):
                ids[start:end] = self.convert(ids[start:end], self)
        return ids

    def convert(self, tags: ArrayLike | Sequence[str], to: TagScheme) -> NDArray[np.int32]:
        """Converts tags to ids of another scheme with the same spans.

        Raises:
            InvalidArgumentError: A tag is not in this scheme, or a type is not in the other.
        """
        if not isinstance(to, TagScheme):
            raise _check.invalid("to", "a TagScheme", to)
        ids = self.to_ids(tags)
        return to.encode(self.decode(ids), len(ids))

    def to_config(self) -> dict[str, Any]:
        """Returns a JSON-serializable configuration for `from_config`."""
        return {"kind": self.kind, "types": None if self.types is None else list(self.types)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> TagScheme:
        """Creates a scheme from the configuration of `to_config`."""
        if not isinstance(config, Mapping) or set(config) != {"kind", "types"}:
            raise _check.invalid("config", "a configuration of to_config", config)
        return cls(**config)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a TagScheme is immutable: {name}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TagScheme) and self.tags == other.tags and self.kind == other.kind

    def __hash__(self) -> int:
        return hash((self.kind, self.tags))

    def __repr__(self) -> str:
        types = "" if self.types is None else f", {list(self.types)!r}"
        return f"TagScheme({self.kind!r}{types})"

    def __reduce__(self) -> tuple[Any, ...]:
        return TagScheme, (self.kind, self.types)

    def _may_follow(self, before: NDArray[Any], after: NDArray[Any]) -> NDArray[np.bool_]:
        """Whether the tags `after` may follow the tags `before`, by id, elementwise."""
        same = self._types[before] == self._types[after]
        before, after = self._roles[before], self._roles[after]
        if self.kind in ("BIO", "BI"):
            return np.asarray((after != INSIDE) | ((before != OUTSIDE) & same))
        if self.kind == "IOB1":
            return np.asarray((after != BEGIN) | ((before != OUTSIDE) & same))
        opened = np.isin(before, (BEGIN, INSIDE))
        goes_on = np.isin(after, (INSIDE, END))
        return np.where(opened, goes_on & same, ~goes_on)

    def _bounds(
        self, roles: NDArray[np.int8], owners: NDArray[np.int32], strict: bool
    ) -> tuple[Any, Any, Any]:
        """Rows, starts and ends of all spans, in order."""
        before = np.concatenate([np.full_like(roles[:, :1], OUTSIDE), roles[:, :-1]], axis=1)
        owner_before = np.concatenate([np.full_like(owners[:, :1], -1), owners[:, :-1]], axis=1)
        other = owners != owner_before
        ends = np.isin(before, (END, SINGLE))
        ends |= np.isin(before, (BEGIN, INSIDE)) & np.isin(roles, (BEGIN, SINGLE, OUTSIDE))
        ends |= (before != OUTSIDE) & other
        starts = np.isin(roles, (BEGIN, SINGLE))
        starts |= np.isin(before, (END, SINGLE, OUTSIDE)) & np.isin(roles, (INSIDE, END))
        starts |= (roles != OUTSIDE) & other
        rows, first = np.nonzero(starts)
        _, behind = np.nonzero(ends)
        if strict:
            head, tail = roles[rows, first], roles[rows, behind - 1]
            if self.kind in ("BIOES", "BMES"):
                keep = (head == SINGLE) | ((head == BEGIN) & (tail == END))
            elif self.kind == "IOB1":
                touches = (before[rows, first] != OUTSIDE) & ~other[rows, first]
                keep = (head == BEGIN) == touches
            else:
                keep = head == BEGIN
            rows, first, behind = rows[keep], first[keep], behind[keep]
        return rows, first, behind

    def _checked(self, spans: Iterable[tuple[int, int, str]], length: int) -> list[Span]:
        """Validates spans and sorts them by position."""
        checked = []
        for place, span in enumerate(spans):
            try:
                start, end, name = span
            except (TypeError, ValueError):
                raise _check.invalid(f"spans[{place}]", "(start, end, type)", span) from None
            start = _check.whole(f"spans[{place}].start", start, 0, length)
            end = _check.whole(f"spans[{place}].end", end, start + 1, length)
            checked.append(Span(start, end, name))
            self._owner(name)
        return sorted(checked, key=lambda span: span[:2])

    def _owner(self, name: str) -> int:
        """The index of a type."""
        names = ("",) if self.types is None else self.types
        if name not in names:
            raise _check.invalid("spans", f"of a type among {list(names)}", name)
        return names.index(name)

    def _in_range(self, array: NDArray[Any]) -> NDArray[np.int64]:
        if not array.size:
            return array.astype(np.int64)
        if array.dtype.kind not in "iu":
            raise _check.invalid("tags", "whole numbers or str", array.dtype.name)
        wrong = ((array < 0) & ~np.isin(array, IGNORED)) | (array >= self.num_tags)
        if wrong.any():
            rule = f"ids from 0 to {self.num_tags - 1}, -1 or -100"
            raise _check.invalid("tags", rule, int(array[wrong][0]))
        return array.astype(np.int64)

    def _words_only(self) -> None:
        if self.types is not None:
            raise _check.invalid("kind", "a scheme of words, without types", self)


def _kind_of(tags: set[str]) -> str:
    """Infers the kind of tags from their letters."""
    letters = {tag.partition("-")[0] for tag in tags}
    of_words = bool(tags) and not any("-" in tag or tag == "O" for tag in tags)
    if "M" in letters or (of_words and letters & {"E", "S"}):
        return "BMES"
    if letters & {"E", "S"}:
        return "BIOES"
    return "BI" if of_words else "BIO"


def _type_names(kind: str, types: Sequence[str] | None) -> tuple[str, ...] | None:
    if types is None:
        if kind not in WORDS_TOO:
            raise _check.invalid("types", f"given for {kind!r}", types)
        return None
    if kind in WORDS_ONLY:
        raise _check.invalid("types", f"None for {kind!r}", types)
    if isinstance(types, str):
        raise _check.invalid("types", "a sequence of str", types)
    names = tuple(types)
    for name in names:
        if not isinstance(name, str) or not name or re.search(r"\s", name):
            raise _check.invalid("types", "made of non-empty str without white space", name)
    if not names or len(set(names)) < len(names):
        raise _check.invalid("types", "at least one, without duplicates", list(names))
    return names
