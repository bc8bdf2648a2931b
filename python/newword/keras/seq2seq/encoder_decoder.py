"""The base class of encoder-decoders from left to right, in one pass or in steps."""

from __future__ import annotations

from typing import Any

from keras import ops

from newword import _check
from newword.keras.seq2seq.base import FIRST_TOKEN, Seq2SeqModel

__all__ = ["FIRST_TOKEN", "EncoderDecoder"]


class EncoderDecoder(Seq2SeqModel):
    """Base class of models from a source to the probabilities of the next target token.

    A subclass defines `encode`, `hidden`, `caches` and `hidden_step`. The same weights then
    compute a whole target in one pass (`call`), for training, and one token at a time (`start`,
    `step`), for generation, with the same probabilities up to rounding.
    """

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Computes the logits of every next token, given all tokens before it.

        Args:
            inputs: A dict: "source", ids of shape (batch, source steps), and "target", ids of
                shape (batch, steps): the start token, then the target; both padded with 0. The
                source may be padded anywhere, the target on the right.
            training: Whether dropout is active.

        Returns:
            Logits, float32 of shape (batch, steps, num_tokens). Those at padding are meaningless.
        """
        memory = self.encode(inputs["source"], training=training)
        embedded = self.embed(inputs["target"], training=training)
        return self.logits(self.hidden(embedded, memory, training=training), memory, training)

    def hidden(self, embedded: Any, memory: dict[str, Any], training: Any = None) -> Any:
        """The decoder's output for embedded tokens, both (batch, steps, units); it is causal."""
        raise NotImplementedError

    def caches(self, rows: Any, max_length: int) -> dict[str, Any]:
        """The decoder's state before the first token, a nest of tensors with rows first."""
        raise NotImplementedError

    def hidden_step(
        self, embedded: Any, memory: dict[str, Any], caches: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """The decoder's output for one token, (rows, 1, units), and the new state."""
        raise NotImplementedError

    def start(self, source: Any, max_length: int) -> dict[str, Any]:
        """Computes the state before the first token, for `generate` and `step`.

        Args:
            source: Ids of shape (rows, source steps).
            max_length: The largest number of steps.

        Raises:
            InvalidArgumentError: `max_length` is below 1.
        """
        max_length = _check.whole("max_length", max_length, 1)
        source = ops.convert_to_tensor(source, "int32")
        memory = self.encode(source, training=False)
        return {"memory": memory, "caches": self.caches(ops.shape(source)[0], max_length)}

    def step(self, tokens: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Computes the log-probabilities of the next token.

        Args:
            tokens: The last token of each row, (rows,); at first the start token.
            state: The result of `start` or of the last step.

        Returns:
            Log-probabilities, float32 of shape (rows, num_tokens), and the new state.
        """
        memory = state["memory"]
        embedded = self.embed(tokens[:, None], training=False)
        hidden, caches = self.hidden_step(embedded, memory, state["caches"])
        logits = self.logits(hidden, memory, training=False)[:, 0]
        return ops.log_softmax(logits, axis=-1), {"memory": memory, "caches": caches}
