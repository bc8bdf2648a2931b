"""Decoding step by step: a compiled step of any model, driven by a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from newword import _check
from newword.keras._backend import compiled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["CompiledStep", "generate"]

MEMORY = "memory"
"""The entry of a state that is the same for all hypotheses of a source."""


class CompiledStep:
    """A compiled decoding step, which also reorders the state.

    A step is a function `step(tokens, state) -> (log_probs, state)` of `keras.ops`:

    - `tokens`: int32 of shape (rows,), the last token of each hypothesis.
    - `state`: any nest of tensors whose first axis has one entry per row, such as caches of
      attention. If it is a dict, its entry `"memory"` is what belongs to the source, such as the
      encoder's output. It is the same for all hypotheses of a source, so it is neither
      reordered nor returned.
    - `log_probs`: log-probabilities, or logits for a `newword.beam.Sampler`, of shape (rows,
      tokens) and any float dtype.

    Shapes must not change from step to step: use caches of the final length and a position.
    Before the step, row i of the state is replaced by row `parents[i]`, the hypothesis that row i
    continues. Both happen in one compiled function, which is compiled once and reused.

    Args:
        step: The function, or a method of a Keras layer or model.
        variables: The Keras variables that the step reads. JAX needs them to see weights that
            change later. By default those of the layer or model that `step` is a method of.

    Raises:
        InvalidArgumentError: `step` is not callable.

    Examples:
        A model that counts, its state the number of steps of each row.

        >>> def step(tokens, state):
        ...     count = state["count"] + 1
        ...     return keras.ops.log_softmax(keras.ops.one_hot(count, 4)), {"count": count}
        >>> run = CompiledStep(step)
        >>> state = {"count": np.array([0, 1], "int32")}
        >>> log_probs, state = run(np.array([0, 0]), np.array([1, 0]), state)
        >>> log_probs.argmax(-1).tolist()
        [2, 1]
    """

    def __init__(
        self, step: Callable[[Any, Any], Any], variables: Iterable[Any] | None = None
    ) -> None:
        if not callable(step):
            raise _check.invalid("step", "a function of tokens and a state", step)
        self.step = step
        self.owner: Any = getattr(step, "__self__", None)
        if variables is None:
            variables = getattr(self.owner, "variables", ())
        # The state of the last call is not needed again, but the memory is.
        self._run = compiled(self._reordered_step, list(variables), donate=(3,))

    def __call__(
        self, tokens: ArrayLike, parents: ArrayLike, state: Any
    ) -> tuple[NDArray[Any], Any]:
        """Reorders the state and runs the step.

        Args:
            tokens: The last token of each row, integers of shape (rows,).
            parents: The row of `state` that each row continues, integers of shape (rows,).
            state: The state of the last step. On JAX its buffers are reused, so it must not be used
                again, except for the memory.

        Returns:
            The log-probabilities as a NumPy array, float32 of shape (rows, tokens), and the
            new state.

        Raises:
            InvalidArgumentError: The step returns something else.
        """
        rows = [ops.convert_to_tensor(np.asarray(one, "int32")) for one in (tokens, parents)]
        memory, changing = state_parts(state)
        log_probs, changing = self._run(*rows, memory, changing)
        return np.asarray(ops.convert_to_numpy(log_probs)), joined_state(memory, changing)

    def _reordered_step(self, tokens: Any, parents: Any, memory: Any, changing: Any) -> Any:
        changing = keras.tree.map_structure(lambda one: ops.take(one, parents, axis=0), changing)
        result = self.step(tokens, joined_state(memory, changing))
        if not isinstance(result, (tuple, list)) or len(result) != 2:
            raise _check.invalid("step", "a function that returns (log_probs, state)", result)
        log_probs, (_, after) = ops.convert_to_tensor(result[0]), state_parts(result[1])
        if len(log_probs.shape) != 2:
            rule = "a function that returns log-probabilities of shape (rows, tokens)"
            raise _check.invalid("step", rule, tuple(log_probs.shape))
        _check_same(changing, after)
        return ops.cast(log_probs, "float32"), after


def generate(
    step: Callable[[Any, Any], Any] | CompiledStep,
    state: Any,
    search: Any,
    *,
    start_token: int | ArrayLike,
) -> list[Any]:
    """Generates sequences with any model and any search of `newword.beam`.

    Args:
        step: The model's step, as described at `CompiledStep`. Pass a `CompiledStep` if there is
            more than one batch, otherwise each call compiles it again.
        state: The state before the first step, one row per source. It is repeated for the
            hypotheses of each source.
        search: A `newword.beam.BeamSearch` or `Sampler` before its first step. Its batch is the
            number of sources. Any object with `rows`, `finished`, `steps`, `done`, `step` and
            `results` will do.
        start_token: The first input of the decoder, one for all or one per source.

    Returns:
        The results of the search: for each source a list of hypotheses, best first.

    Raises:
        InvalidArgumentError: A tensor of the state does not have one row per source, the state
            changes its structure or its shapes, its caches are shorter than the search's maximum
            length, or the search has begun.

    Complexity:
        One call of the step per token, for all hypotheses of all sources at once.

    Examples:
        >>> from newword.beam import BeamSearch
        >>> from newword.keras import LSTMEncoderDecoder
        >>> model = LSTMEncoderDecoder(9, 8)
        >>> search = BeamSearch(1, 2, end_token=model.end_token, max_length=3)
        >>> state = model.start(keras.ops.convert_to_tensor([[4, 5, 6]]), 3)
        >>> best = generate(model.step, state, search, start_token=model.start_token)[0][0]
        >>> len(best.tokens) <= 3
        True
    """
    run = step if isinstance(step, CompiledStep) else CompiledStep(step)
    check_unused(search)
    sources, rows = len(search.finished), int(search.rows)
    tokens = np.broadcast_to(np.asarray(start_token, "int32"), (sources,)).repeat(rows // sources)
    state = repeated(state, sources, rows // sources)
    room = run.owner.room(state) if hasattr(run.owner, "room") else None
    parents = np.arange(rows, dtype=np.int32)
    while not search.done:
        check_room(room, search)
        log_probs, state = run(tokens, parents, state)
        parents, tokens = search.step(log_probs)
    results: list[Any] = search.results()
    return results


def check_unused(search: Any) -> None:
    """Raises if the search has taken a step."""
    if search.steps:
        raise _check.invalid("search", "before its first step", f"one after {search.steps} steps")


def check_room(room: int | None, search: Any) -> None:
    """Raises if the caches are full, because they would ignore the token."""
    if room is not None and search.steps >= room:
        rule = f"made by start for the max_length of the search, which is above {room}"
        raise _check.invalid("state", rule, room)


def state_parts(state: Any) -> tuple[Any, Any]:
    """The memory and the rest of a state."""
    if isinstance(state, dict) and MEMORY in state:
        return state[MEMORY], {name: one for name, one in state.items() if name != MEMORY}
    return (), state


def joined_state(memory: Any, changing: Any) -> Any:
    """The state of both parts."""
    return changing if isinstance(memory, tuple) and not memory else {**changing, MEMORY: memory}


def repeated(state: Any, sources: int, width: int) -> Any:
    """Repeats each row `width` times; always a copy, because the first step may reuse it."""
    tensors = keras.tree.map_structure(ops.convert_to_tensor, state)
    for path, one in keras.tree.flatten_with_path(tensors):
        shape = tuple(one.shape)
        if shape[:1] != (sources,):
            name = "".join(f"[{key!r}]" for key in path)
            rule = f"of {sources} rows, one per source"
            raise _check.invalid(f"state{name}", rule, f"shape {shape}")
    index = ops.convert_to_tensor(np.arange(sources, dtype=np.int32).repeat(width))
    return keras.tree.map_structure(lambda one: ops.take(one, index, axis=0), tensors)


def _check_same(before: Any, after: Any) -> None:
    """Raises if a step changes the structure, a shape or a dtype of the state."""
    kinds = [
        [
            (path, tuple(one.shape), keras.backend.standardize_dtype(one.dtype))
            for path, one in found
        ]
        for found in map(keras.tree.flatten_with_path, (before, after))
    ]
    if len(kinds[0]) != len(kinds[1]):
        rule = f"a state of the same structure, {len(kinds[0])} tensors"
        raise _check.invalid("step", f"a function that returns {rule}", f"{len(kinds[1])} tensors")
    for was, now in zip(*kinds, strict=True):
        sizes = zip(was[1], now[1], strict=False)
        alike = was[0] == now[0] and was[2] == now[2] and len(was[1]) == len(now[1])
        if not alike or any(None not in pair and pair[0] != pair[1] for pair in sizes):
            raise _check.invalid("step", f"a function that keeps its state, {was}", now)
