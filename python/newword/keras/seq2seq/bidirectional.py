"""The encoder-decoder with two decoders, from left to right and from right to left."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from newword import _check
from newword.keras.seq2seq.attention import CachedAttention
from newword.keras.seq2seq.base import Seq2SeqModel
from newword.keras.seq2seq.lstm_blocks import LSTMDecoder, LSTMEncoder

__all__ = ["DIRECTIONS", "BidirectionalLSTMEncoderDecoder"]

DIRECTIONS = ("forward", "backward")
"""The names of inputs and outputs: from left to right, and from right to left."""
FUSIONS = ("concatenate", "sbnmt")
SHARE = 0.1
"""The weight of the other direction in the fusion of SB-NMT."""


@keras.saving.register_keras_serializable(package="newword")
class BidirectionalLSTMEncoderDecoder(Seq2SeqModel):
    """An LSTM encoder and two LSTM decoders that see each other.

    One decoder predicts the target from left to right, the other one from right to left. Embedding,
    encoder and output are shared. At step n each decoder attends, with its own state, to the states
    1 to n of the other one. Both see states of LSTMs that have seen nothing of the other direction,
    so the model is symmetric. Each step is joined with attention over the source, as in
    `LSTMEncoderDecoder`.

    From left to right targets begin with `start_token` and end with `end_token`; from right to left
    it is the other way round. A backward target is the whole forward one reversed.

    When half of the target is predicted, the inputs of one direction contain the labels of the
    other. The loss with gold inputs therefore says little about generated texts, and cannot select
    a model.

    Args:
        vocabulary_size: As for `LSTMEncoderDecoder`.
        units: As for `LSTMEncoderDecoder`.
        num_layers: LSTM layers of the encoder, and of each decoder.
        num_heads: Heads of each attention.
        fusion: How the state h of a decoder and what it attends to in the other direction, o, are
            combined: `"concatenate"`, or `"sbnmt"`: h + 0.1 tanh(o).
        dropout: As for `LSTMEncoderDecoder`.
        copy_prior: As for `LSTMEncoderDecoder`.
        recurrent_initializer: Initialiser of the recurrent kernels.
        **kwargs: Arguments of `keras.Model`, such as `name` and `dtype`.

    Input:
        A dict of ids, padded with 0:

        - "source", (batch, source steps), padded anywhere.
        - "forward", (batch, steps): the start token, then the target, padded on the right.
        - "backward", (batch, steps): the end token, then the reversed target, padded on the right.
        - "forward_seen" and "backward_seen", (batch, any number of steps), or neither: what the
          other direction sees instead of "forward" and "backward", for a second stage of training
          with generated targets.

    Output:
        A dict of logits of the next token, "forward" and "backward", each float32 of shape
        (batch, steps, vocabulary_size + 2). A pass takes O(batch units (units (source steps +
        steps) + steps (source steps + steps))), twice with other inputs to see.

    Raises:
        InvalidArgumentError: An argument is out of range, or inputs are missing.

    Source:
        Su Jianlin, https://kexue.fm/archives/6877, as the text describes it: in the code that was
        published with it, one direction sees states that have seen the other one. `"sbnmt"`: Zhou
        et al., Synchronous bidirectional neural machine translation, 2019.

    Examples:
        >>> import numpy as np
        >>> model = BidirectionalLSTMEncoderDecoder(10, 8)
        >>> inputs = {
        ...     "source": np.array([[4, 5, 6, 0]]),
        ...     "forward": np.array([[model.start_token, 4, 5]]),
        ...     "backward": np.array([[model.end_token, 5, 4]]),
        ... }
        >>> {name: tuple(logits.shape) for name, logits in model(inputs).items()}
        {'forward': (1, 3, 12), 'backward': (1, 3, 12)}
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int = 128,
        num_layers: int = 2,
        *,
        num_heads: int = 8,
        fusion: str = "concatenate",
        dropout: float = 0.0,
        copy_prior: bool = True,
        recurrent_initializer: Any = "orthogonal",
        **kwargs: Any,
    ) -> None:
        super().__init__(vocabulary_size, units, dropout, copy_prior, **kwargs)
        self.num_layers = _check.whole("num_layers", num_layers, 1)
        self.num_heads = num_heads
        self.fusion = _check.choice("fusion", fusion, FUSIONS)
        self.recurrent_initializer = keras.initializers.get(recurrent_initializer)
        self.encoder = LSTMEncoder(
            self.units,
            self.num_layers,
            self.recurrent_initializer,
            dtype=self.dtype_policy,
            name="encoder",
        )
        self.decoders = [self._decoder(f"{name}_decoder") for name in DIRECTIONS]
        # The attention of a decoder over the states of the other one.
        self.crosses = [self._cross(f"{name}_cross") for name in DIRECTIONS]
        self.build()

    def _decoder(self, name: str) -> Any:
        return LSTMDecoder(
            self.units,
            self.num_layers,
            self.num_heads,
            self.recurrent_initializer,
            joined_parts=2 if self.fusion == "concatenate" else 1,
            dtype=self.dtype_policy,
            name=name,
        )

    def _cross(self, name: str) -> Any:
        return CachedAttention(
            self.units, self.num_heads, rotary=False, dtype=self.dtype_policy, name=name
        )

    def build_blocks(self, shape: Any) -> None:
        """Creates the weights of the encoder and of both decoders."""
        for layer in (self.encoder, *self.decoders):
            layer.build(shape)
        for cross in self.crosses:
            cross.build(shape, shape)

    @property
    def start_tokens(self) -> tuple[int, int]:
        """The first inputs of the decoders."""
        return self.start_token, self.end_token

    @property
    def end_tokens(self) -> tuple[int, int]:
        """The tokens that end a target from left to right, and from right to left."""
        return self.end_token, self.start_token

    def call(self, inputs: Any, training: Any = None) -> dict[str, Any]:
        """The logits of every next token in both directions; see the class."""
        seen = _checked_inputs(inputs)
        memory = self.encode(inputs["source"], training=training)
        states = [
            self._states(side, inputs[name], memory, training)
            for side, name in enumerate(DIRECTIONS)
        ]
        others = states
        if seen != DIRECTIONS:
            others = [
                self._states(side, inputs[name], memory, training) for side, name in enumerate(seen)
            ]
        outputs = {}
        for side, name in enumerate(DIRECTIONS):
            other = 1 - side
            mask = _seen_steps(states[side], inputs[seen[other]])
            keys_values = self.crosses[side].keys_values(others[other], None)
            crossed = self.crosses[side].attend(states[side], None, keys_values, mask)
            attended = self._attended(side, states[side], memory)
            hidden = self._fused(side, states[side], crossed, attended)
            outputs[name] = self.logits(hidden, memory, training)
        return outputs

    def encode(self, source: Any, training: Any = None) -> dict[str, Any]:
        """What the decoders need of a source."""
        parts = self.source_parts(source)
        x = self.embed(source, training=training)
        x = self.encoder(x, mask=parts["mask"], training=training)
        for name, decoder in zip(DIRECTIONS, self.decoders, strict=True):
            parts[name] = decoder.memory(x, parts["mask"])
        return parts

    def start(self, source: Any, max_length: int) -> dict[str, Any]:
        """Computes the state before the first token, for `generate_bidirectional`.

        Args:
            source: Ids of shape (sources, source steps).
            max_length: The largest number of steps.

        Raises:
            InvalidArgumentError: `max_length` is below 1.
        """
        max_length = _check.whole("max_length", max_length, 1)
        source = ops.convert_to_tensor(source, "int32")
        rows = 2 * ops.shape(source)[0]
        shape = (rows, max_length, self.num_heads, self.units // self.num_heads)
        caches = {
            "lstm": self.decoders[0].caches(rows),
            "seen": [ops.zeros(shape, dtype=self.compute_dtype) for _ in range(2)],
            "position": ops.zeros((rows,), dtype="int32"),
        }
        return {"memory": self.encode(source, training=False), "caches": caches}

    def step(self, tokens: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Scores each hypothesis of a source with each hypothesis of the other direction.

        Args:
            tokens: The last token of each hypothesis, (2 rows,): those from left to right, then
                those from right to left, in each direction those of a source after each other. At
                first `start_tokens`. A row with padding is not changed.
            state: The result of `start`, its caches repeated for the hypotheses of each source, or
                that of the last step.

        Returns:
            Log-probabilities and the new state. Log-probabilities are float32 of shape (2 rows
            hypotheses, num_tokens): for each row of `tokens` those with each hypothesis of the
            other direction.
        """
        return self._step(tokens, state, self._crossed_with_all)

    def paired_step(self, tokens: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The same with only the hypothesis of equal rank; log-probabilities (2 rows, tokens)."""
        return self._step(tokens, state, self._crossed_with_one)

    def room(self, state: dict[str, Any]) -> int:
        """The number of steps of the caches."""
        return int(state["caches"]["seen"][0].shape[1])

    def _step(self, tokens: Any, state: Any, cross: Any) -> tuple[Any, dict[str, Any]]:
        """A step of both directions; `cross` attends to the other direction."""
        memory, caches = state["memory"], _halves(state["caches"])
        sources = ops.shape(memory["mask"])[0]
        states = []
        for side, token in enumerate(_halves(tokens)):
            ids = ops.reshape(token, (sources, -1))
            new, caches[side] = self._advanced(side, ids, memory, caches[side])
            states.append(new)
        found = []
        for side, own in enumerate(states):
            crossed = cross(side, own, caches[1 - side])
            attended = self._attended(side, own, memory)[:, :, None]
            hidden = self._fused(side, own[:, :, None], crossed, attended)
            hidden = ops.reshape(hidden, (sources, -1, self.units))
            logits = self.logits(hidden, memory, training=False)
            found.append(ops.reshape(logits, (-1, self.num_tokens)))
        log_probs = ops.log_softmax(ops.concatenate(found, axis=0), axis=-1)
        return log_probs, {"memory": memory, "caches": _end_to_end(*caches)}

    def _advanced(self, side: int, token: Any, memory: Any, caches: Any) -> tuple[Any, Any]:
        """The states for a token of each hypothesis, and the caches with them.

        Args:
            side: 0 from left to right, 1 from right to left.
            token: Ids of shape (sources, hypotheses).
            memory: That of the sources.
            caches: Those of this direction, (sources hypotheses, ...). What the other direction
                sees are keys and values for its attention.
        """
        embedded = self.embed(token, training=False)
        decoder, cross = self.decoders[side], self.crosses[1 - side]
        states, lstm = decoder.states_step(embedded, memory[DIRECTIONS[side]], caches["lstm"])
        rows = ops.reshape(states, (-1, 1, self.units))
        real, position = ops.reshape(token != 0, (-1,)), caches["position"]
        steps = ops.arange(ops.shape(caches["seen"][0])[1], dtype="int32")[None]
        here = ops.logical_and(steps == position[:, None], real[:, None])[..., None, None]
        seen = [
            ops.where(here, new, old)
            for new, old in zip(cross.keys_values(rows, None), caches["seen"], strict=True)
        ]
        lstm = keras.tree.map_structure(
            lambda new, old: ops.where(real[:, None], new, old), lstm, caches["lstm"]
        )
        position = position + ops.cast(real, "int32")
        return states, {"lstm": lstm, "seen": seen, "position": position}

    def _crossed_with_all(self, side: int, own: Any, other: Any) -> Any:
        """Attention of each hypothesis over each of the other direction.

        Keys and values are not copied: hypotheses of this direction are the queries.

        Args:
            side: The direction of the queries.
            own: Their states, (sources, hypotheses, units).
            other: The caches of the other direction.

        Returns:
            Tensor of shape (sources, hypotheses, hypotheses of the other direction, units).
        """
        sources, many, _ = ops.shape(own)
        queries = ops.broadcast_to(own[:, None], (sources, many, many, self.units))
        queries = ops.reshape(queries, (-1, many, self.units))
        crossed = self.crosses[side].attend(queries, None, other["seen"], _filled(other))
        crossed = ops.reshape(crossed, (sources, many, many, self.units))
        return ops.transpose(crossed, (0, 2, 1, 3))

    def _crossed_with_one(self, side: int, own: Any, other: Any) -> Any:
        """The same over the hypothesis of equal rank, (sources, hypotheses, 1, units)."""
        sources, many, _ = ops.shape(own)
        queries = ops.reshape(own, (-1, 1, self.units))
        crossed = self.crosses[side].attend(queries, None, other["seen"], _filled(other))
        return ops.reshape(crossed, (sources, many, 1, self.units))

    def _states(self, side: int, ids: Any, memory: dict[str, Any], training: Any) -> Any:
        """The states of a decoder for all steps, which have seen nothing of the other one."""
        embedded = self.embed(ids, training=training)
        return self.decoders[side].states(embedded, memory[DIRECTIONS[side]], training)

    def _attended(self, side: int, states: Any, memory: dict[str, Any]) -> Any:
        """What states attend to in the source."""
        return self.decoders[side].attended(states, memory[DIRECTIONS[side]], memory["mask"])

    def _fused(self, side: int, own: Any, crossed: Any, attended: Any) -> Any:
        """Joins states, what they see of the other direction, and of the source."""
        if self.fusion == "sbnmt":
            own = own + SHARE * ops.tanh(crossed)
            parts = [own, ops.broadcast_to(attended, ops.shape(own))]
        else:
            shape = ops.shape(crossed)
            parts = [ops.broadcast_to(own, shape), crossed, ops.broadcast_to(attended, shape)]
        return self.decoders[side].joined(parts)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "fusion": self.fusion,
            "recurrent_initializer": keras.initializers.serialize(self.recurrent_initializer),
        }


def _checked_inputs(inputs: Any) -> tuple[str, str]:
    """The names of what the other direction sees of each direction."""
    seen = tuple(f"{name}_seen" for name in DIRECTIONS)
    given = [name for name in seen if name in inputs]
    wanted = {"source", *DIRECTIONS, *(seen if given else ())}
    if not wanted <= set(inputs):
        raise _check.invalid("inputs", f"a dict with {sorted(wanted)}", sorted(inputs))
    return seen if given else DIRECTIONS  # type: ignore[return-value]


def _seen_steps(states: Any, other: Any) -> Any:
    """The steps of the other direction that each step sees: real ones up to the same number."""
    step, place = ops.arange(ops.shape(states)[1]), ops.arange(ops.shape(other)[1])
    return ops.logical_and((place[None] <= step[:, None])[None], (other != 0)[:, None])


def _filled(caches: Any) -> Any:
    """The steps of caches that hold something, (rows, 1, steps)."""
    steps = ops.arange(ops.shape(caches["seen"][0])[1], dtype="int32")
    return steps[None, None] < caches["position"][:, None, None]


def _halves(both: Any) -> list[Any]:
    """The rows of each direction, from those of both end to end."""
    rows = ops.shape(keras.tree.flatten(both)[0])[0] // 2
    return [
        keras.tree.map_structure(lambda one: one[:rows], both),
        keras.tree.map_structure(lambda one: one[rows:], both),
    ]


def _end_to_end(forward: Any, backward: Any) -> Any:
    """The rows of both directions end to end."""
    return keras.tree.map_structure(
        lambda one, other: ops.concatenate([one, other], axis=0), forward, backward
    )
