"""Decoding in both directions at once: a compiled step driven by a bidirectional search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from newword import _check
from newword.keras.seq2seq.generation import (
    CompiledStep,
    check_room,
    check_unused,
    joined_state,
    repeated,
    state_parts,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

__all__ = ["generate_bidirectional"]


def generate_bidirectional(
    step: Callable[[Any, Any], Any] | CompiledStep,
    state: Any,
    search: Any,
    *,
    start_tokens: Sequence[int | ArrayLike],
) -> list[Any]:
    """Generates sequences from both ends with a model whose directions see each other.

    The step is that of `generate` for the hypotheses of both directions: all from left to right,
    then all from right to left. With r rows in each direction:

    - `tokens`: int32 of shape (2 r,). Rows with token 0 must not change: their direction has no
      live hypothesis left.
    - `state`: as for `generate`, with 2 r rows, except for the memory, which has one row per
      source.
    - `log_probs`: of shape (2 r hypotheses, tokens) for a search in mode `"average"`: for each row
      those with each hypothesis of the other direction; in mode `"paired"` (2 r, tokens).

    Args:
        step: The model's step, such as `BidirectionalLSTMEncoderDecoder.step` for mode `"average"`
            and `paired_step` for mode `"paired"`. Pass a `CompiledStep` if there is more than one
            batch.
        state: The state before the first step, with two rows per source, the sources from left to
            right, then those from right to left, and the memory with one row per source.
        search: A `newword.beam.BidirectionalBeamSearch` before its first step, with 0 as its pad
            token.
        start_tokens: The first inputs of both directions, each one for all or one per source.

    Returns:
        The results of the search: for each source a list of hypotheses in reading order, best
        first.

    Raises:
        InvalidArgumentError: As for `generate`, or the step returns a wrong number of rows.

    Complexity:
        One call of the step per token of the longer direction.

    Examples:
        >>> from newword.beam import BidirectionalBeamSearch
        >>> from newword.keras import BidirectionalLSTMEncoderDecoder
        >>> model = BidirectionalLSTMEncoderDecoder(9, 8)
        >>> search = BidirectionalBeamSearch(1, 2, end_token=model.end_tokens, max_length=3)
        >>> state = model.start(np.array([[4, 5, 6]]), 3)
        >>> found = generate_bidirectional(
        ...     model.step, state, search, start_tokens=model.start_tokens
        ... )
        >>> len(found[0][0].tokens) <= 3
        True
    """
    run = step if isinstance(step, CompiledStep) else CompiledStep(step)
    check_unused(search)
    sources, rows = len(search.finished), int(search.rows)
    width = rows // sources
    if len(start_tokens) != 2:
        raise _check.invalid("start_tokens", "a pair, one for each direction", start_tokens)
    first = [np.broadcast_to(np.asarray(one, "int32"), (sources,)) for one in start_tokens]
    tokens, parents = np.concatenate(first).repeat(width), np.arange(2 * rows, dtype=np.int32)
    memory, changing = state_parts(state)
    memory = repeated(memory, sources, 1)
    state = joined_state(memory, repeated(changing, 2 * sources, width))
    room = run.owner.room(state) if hasattr(run.owner, "room") else None
    while not search.done:
        check_room(room, search)
        log_probs, state = run(tokens, parents, state)
        if len(log_probs) % 2:
            rule = "a function that returns as many rows for each direction"
            raise _check.invalid("step", rule, log_probs.shape)
        ahead, back = search.step(*np.split(log_probs, 2))
        parents = np.concatenate([ahead[0], back[0] + np.int32(rows)])
        tokens = np.concatenate([ahead[1], back[1]])
    results: list[Any] = search.results()
    return results
