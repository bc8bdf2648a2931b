"""Validation of what users pass to a linker."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from newword import _check
from newword.keras.training.options import options_of
from newword.linking import KnowledgeBase, LinkedText, Mention
from newword.linking.linked_texts import checked_linked_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from newword.keras.training.options import AdversarialTraining

__all__ = [
    "checked_base",
    "checked_lengths",
    "checked_spans",
    "linker_options",
    "training_texts",
]


def checked_base(kb: Any) -> KnowledgeBase:
    """Validates a knowledge base.

    Raises:
        InvalidArgumentError: It is none.
    """
    if not isinstance(kb, KnowledgeBase):
        raise _check.invalid("kb", "a KnowledgeBase", kb)
    return kb


def checked_lengths(argument: str, texts: Sequence[str], most: int) -> None:
    """Raises if a text is longer than `max_length`; names the index."""
    for place, text in enumerate(texts):
        if len(text) > most:
            rule = f"at most {most} characters long (max_length)"
            raise _check.invalid(f"{argument}[{place}]", rule, len(text))


def training_texts(
    argument: str, texts: Any, kb: Any, *, nil: bool, on_missing: str, most: int
) -> list[LinkedText]:
    """Annotated texts that a linker can learn from or be compared with.

    Args:
        argument: What errors call the texts.
        texts: The texts.
        kb: The knowledge base.
        nil: Whether mentions without an entity stay.
        on_missing: Handling of ids that the knowledge base does not have: "error", "nil" or
            "keep".
        most: The largest length of a text.

    Raises:
        InvalidArgumentError: An item is not a `LinkedText`, is too long, or has an unknown id;
            names the index.
    """
    found = []
    many = checked_linked_texts(argument, texts)
    checked_lengths(argument, [one.text for one in many], most)
    for place, text in enumerate(many):
        kept = []
        for number, one in enumerate(text.mentions):
            mention = one
            if on_missing != "keep" and one.id is not None and one.id not in kb:
                if on_missing == "error":
                    where = f"{argument}[{place}].mentions[{number}]"
                    rule = "linked to an id of the knowledge base, or on_missing='nil'"
                    raise _check.invalid(where, rule, one.id)
                mention = replace(one, id=None)
            if nil or mention.id is not None:
                kept.append(mention)
        found.append(LinkedText(text.text, tuple(kept)))
    return found


def checked_spans(texts: Sequence[str], mentions: Any) -> list[list[tuple[int, int]]]:
    """The spans of given mentions, one list for each text.

    Raises:
        InvalidArgumentError: There are not as many lists as texts, or a mention is not in its text;
            names the index.
    """
    rule = "an iterable of the mentions of each text"
    given = list(_check.iterable("mentions", mentions, rule))
    if len(given) != len(texts):
        raise _check.invalid("mentions", f"as many as texts, {len(texts)}", len(given))
    return [
        [_span(f"mentions[{place}][{at}]", one, text) for at, one in enumerate(_many(place, each))]
        for place, (text, each) in enumerate(zip(texts, given, strict=True))
    ]


def _many(place: int, mentions: Any) -> Iterable[Any]:
    rule = "an iterable of Mention or (start, end)"
    return _check.iterable(f"mentions[{place}]", mentions, rule)


def _span(argument: str, mention: Any, text: str) -> tuple[int, int]:
    if isinstance(mention, Mention):
        if text[mention.start : mention.end] != mention.text:
            rule = f"{text[mention.start : mention.end]!r}, the text at {mention.start}"
            raise _check.invalid(argument, rule, mention)
        return mention.start, mention.end
    rule = f"a Mention, or (start, end) with 0 <= start < end <= {len(text)}"
    if not isinstance(mention, (tuple, list)) or len(mention) != 2:
        raise _check.invalid(argument, rule, mention)
    start, end = mention
    whole = all(isinstance(one, int) and not isinstance(one, bool) for one in mention)
    if not whole or not 0 <= start < end <= len(text):
        raise _check.invalid(argument, rule, mention)
    return start, end


def linker_options(adversarial: Any) -> AdversarialTraining | None:
    """The options of adversarial training; without a layer, characters are perturbed.

    Raises:
        InvalidArgumentError: They are none, or their method compares outputs, which have padding
            here that only the loss knows of.
    """
    options = options_of("adversarial", adversarial)
    if options is not None and options.method in ("vat", "r_drop"):
        rule = "a method that does not compare outputs: 'fgm', 'pgd', 'freelb', 'gradient_penalty'"
        raise _check.invalid("adversarial", rule, options.method)
    if options is None or options.layer is not None:
        return options
    return replace(options, layer="embedding")
