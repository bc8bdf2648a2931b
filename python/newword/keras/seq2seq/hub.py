"""Decoding steps of the language models of `keras_hub`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from newword import _check

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["KerasHubDecoder"]


class KerasHubDecoder:
    """Decodes a `CausalLM` or `Seq2SeqLM` of `keras_hub` with the searches of `newword.beam`.

    It uses the cached step of the model, which its own samplers use, too. With greedy search the
    results are the same. With beams they differ from `keras_hub.samplers.BeamSampler`, which goes
    on adding the log-probabilities of tokens behind the end of a sequence, so that a finished
    hypothesis competes with a wrong score, and which has no length penalty.

    Args:
        model: The model. Its preprocessor is not used: prompts and results are token ids.

    Raises:
        InvalidArgumentError: The model has no cached decoding step.

    Examples:
        ```python
        import keras_hub
        import numpy as np
        from newword.beam import BeamSearch
        from newword.keras import KerasHubDecoder, generate

        model = keras_hub.models.GPT2CausalLM.from_preset("gpt2_base_en")
        tokenizer = model.preprocessor.tokenizer
        prompt = np.array([tokenizer("The quick brown fox")])
        decoder = KerasHubDecoder(model)
        search = BeamSearch(1, 5, end_token=tokenizer.end_token_id, max_length=20)
        state = decoder.start(prompt, 20)
        best = generate(decoder.step, state, search, start_token=prompt[:, -1])[0][0]
        print(tokenizer.detokenize(best.tokens))
        ```
    """

    def __init__(self, model: Any) -> None:
        self._is_causal = hasattr(model, "call_with_cache")
        # keras_hub has no public name for what fills a cache; `generate` of every model calls this.
        has_cache = self._is_causal or hasattr(model, "call_decoder_with_cache")
        if not has_cache or not hasattr(model, "_build_cache"):
            rule = "a CausalLM or Seq2SeqLM of keras_hub with a cached decoding step"
            raise _check.invalid("model", rule, type(model).__name__)
        self.model = model

    @property
    def variables(self) -> list[Any]:
        """The variables that a step reads, for `CompiledStep`."""
        return list(self.model.variables)

    def start(
        self,
        prompt: ArrayLike,
        max_length: int,
        *,
        source: ArrayLike | None = None,
        source_mask: ArrayLike | None = None,
    ) -> dict[str, Any]:
        """Computes the state before the first step.

        Args:
            prompt: Token ids of shape (batch, steps), without padding: batch prompts of equal
                length together. The first input of the decoder is the last token of each, so give
                `generate` the argument `start_token=prompt[:, -1]`. For a `Seq2SeqLM`, the start
                token of the decoder and what follows it.
            max_length: The largest number of generated tokens.
            source: For a `Seq2SeqLM`, the token ids of the sources, (batch, source steps).
            source_mask: Where sources are not padding, (batch, source steps); all by default.

        Returns:
            The state, a dict with one row per source.

        Raises:
            InvalidArgumentError: A shape is wrong, or there is a source for a `CausalLM` or none
                for a `Seq2SeqLM`.
        """
        max_length = _check.whole("max_length", max_length, 1)
        ids = _ids("prompt", prompt)
        if (source is None) != self._is_causal:
            rule = "None for a CausalLM" if self._is_causal else "the sources of a Seq2SeqLM"
            raise _check.invalid("source", rule, source)
        # The last generated token is not read.
        room = np.zeros((len(ids), max_length - 1), np.int32)
        padded = ops.convert_to_tensor(np.concatenate([ids, room], axis=1))
        position = ops.full((len(ids),), ids.shape[1] - 1, dtype="int32")
        if self._is_causal:
            return {"cache": self.model._build_cache(padded)[1], "position": position}
        source = _ids("source", source, len(ids))
        given = np.ones_like(source) if source_mask is None else source_mask
        mask = ops.convert_to_tensor(np.asarray(given, bool))
        _, encoded, cache, cross = self.model._build_cache(
            ops.convert_to_tensor(source), mask, padded
        )
        memory = {"encoded": encoded, "mask": mask, "cross": cross}
        return {"memory": memory, "cache": cache, "position": position}

    def step(self, tokens: Any, state: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """Computes the log-probabilities of the next token; see `CompiledStep`."""
        cache, position = state["cache"], state["position"]
        index = position[0]
        if self._is_causal:
            logits, _, cache = self.model.call_with_cache(tokens[:, None], cache, index)
        else:
            memory = state["memory"]
            logits, _, cache, _ = self.model.call_decoder_with_cache(
                encoder_hidden_states=memory["encoded"],
                encoder_padding_mask=memory["mask"],
                decoder_token_ids=tokens[:, None],
                self_attention_cache=cache,
                self_attention_cache_update_index=index,
                cross_attention_cache=memory["cross"],
                cross_attention_cache_update_index=None,
            )
        log_probs = ops.log_softmax(ops.cast(logits[:, 0], "float32"), axis=-1)
        return log_probs, {**state, "cache": cache, "position": position + 1}

    def room(self, state: dict[str, Any]) -> int | None:
        """The largest number of steps of a state; None if its cache does not tell."""
        shape: Any = getattr(state["cache"], "shape", ())
        # Rows, layers, keys and values, steps, heads, features.
        return int(shape[3]) - int(state["position"][0]) if len(shape) == 6 else None


def _ids(argument: str, value: Any, rows: int | None = None) -> Any:
    """Token ids, int32 of shape (batch, steps)."""
    try:
        ids = np.asarray(value)
    except ValueError:
        ids = np.zeros(0)
    if ids.ndim != 2 or not ids.size or ids.dtype.kind not in "iu":
        rule = "integers of shape (batch, steps), all rows of the same length"
        raise _check.invalid(argument, rule, value)
    if rows is not None and len(ids) != rows:
        raise _check.invalid(argument, f"{rows} rows, as prompt has", len(ids))
    return ids.astype(np.int32)
