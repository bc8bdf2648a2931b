"""A small Transformer encoder-decoder with caches."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from newword import _check
from newword.keras._seeding import dropout_seed
from newword.keras.layers.rotary import positions
from newword.keras.layers.transformer import TransformerEncoder
from newword.keras.seq2seq.attention import CachedAttention
from newword.keras.seq2seq.encoder_decoder import EncoderDecoder

__all__ = ["TransformerEncoderDecoder"]


@keras.saving.register_keras_serializable(package="newword")
class TransformerEncoderDecoder(EncoderDecoder):
    """A pre-norm Transformer with rotary positions, also between target and source.

    Attention depends on the distance of two steps: within the source, within the target, and from a
    target step to the source step at the same position.

    Args:
        vocabulary_size: Number of ids of the vocabulary, `len(vocabulary)`. Two more ids follow:
            `start_token` and `end_token`.
        units: Features of every layer; a multiple of twice `num_heads`.
        num_layers: Layers of the encoder, and of the decoder.
        num_heads: Heads of the attentions.
        feedforward: Hidden units of the feed-forward layers; four times `units` by default.
        dropout: Dropout rate of embeddings, of the outputs of attention and feed-forward layers,
            and of the decoder's output.
        copy_prior: Whether logits are averaged with a prior for tokens that occur in the source;
            see `CopyPrior`.
        **kwargs: Arguments of `keras.Model`, such as `name` and `dtype`.

    Input:
        As for `LSTMEncoderDecoder`.

    Output:
        As for `LSTMEncoderDecoder`. A pass takes O(batch units (source steps + steps) (source
        steps + steps + units)). Generation keeps keys and values in caches of the maximum
        length; a step takes O(rows units (maximum length + source steps + units)).

    Raises:
        InvalidArgumentError: An argument is out of range.

    Source:
        Vaswani et al., Attention is all you need, 2017; Xiong et al., On layer normalization in
        the Transformer architecture, 2020; rotary positions: Su Jianlin,
        https://kexue.fm/archives/8265.

    Examples:
        >>> import numpy as np
        >>> model = TransformerEncoderDecoder(10, 8, num_layers=1)
        >>> source = np.array([[4, 5, 6, 0]])
        >>> target = np.array([[model.start_token, 4, 5]])
        >>> tuple(model({"source": source, "target": target}).shape)
        (1, 3, 12)
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int = 128,
        num_layers: int = 2,
        *,
        num_heads: int = 4,
        feedforward: int | None = None,
        dropout: float = 0.0,
        copy_prior: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(vocabulary_size, units, dropout, copy_prior, **kwargs)
        self.num_layers = _check.whole("num_layers", num_layers, 1)
        self.num_heads = num_heads
        self.encoder = TransformerEncoder(
            self.units,
            self.num_layers,
            num_heads=num_heads,
            feedforward=feedforward,
            dropout=self.dropout,
            dtype=self.dtype_policy,
            name="encoder",
        )
        self.feedforward = self.encoder.feedforward
        self.blocks = [self._block(f"decoder_{index}") for index in range(self.num_layers)]
        self.norm = keras.layers.LayerNormalization(dtype=self.dtype_policy, name="norm")
        self.build()

    def _block(self, name: str) -> Any:
        return DecoderBlock(
            self.units,
            self.num_heads,
            self.feedforward,
            self.dropout,
            dtype=self.dtype_policy,
            name=name,
        )

    def build_blocks(self, shape: Any) -> None:
        """Creates the weights of encoder and decoder."""
        for layer in (self.encoder, *self.blocks, self.norm):
            layer.build(shape)

    def encode(self, source: Any, training: Any = None) -> dict[str, Any]:
        """Keys and values of the attention of each block over the source."""
        parts = self.source_parts(source)
        x = self.embed(source, training=training)
        x = self.encoder(x, mask=parts["mask"], training=training)
        place = positions(x, parts["mask"])
        parts["source"] = [block.cross.keys_values(x, place) for block in self.blocks]
        return parts

    def hidden(self, embedded: Any, memory: dict[str, Any], training: Any = None) -> Any:
        """Runs the blocks over all steps, each seeing the steps before it."""
        x, place = embedded, positions(embedded, None)
        step = ops.arange(ops.shape(embedded)[1])
        mask = (step[None] <= step[:, None])[None]
        for block, source in zip(self.blocks, memory["source"], strict=True):
            own = block.own_keys_values(x, place)
            x = block(x, place, own, mask, source, memory["mask"], training=training)
        return self.norm(x)

    def caches(self, rows: Any, max_length: int) -> dict[str, Any]:
        """Empty keys and values of each block, and the position of each row."""
        shape = (rows, max_length, self.num_heads, self.units // self.num_heads)
        # A tensor of its own for each cache, because JAX reuses the memory of each.
        return {
            "own": [
                tuple(ops.zeros(shape, dtype=self.compute_dtype) for _ in range(2))
                for _ in self.blocks
            ],
            "position": ops.zeros((rows,), dtype="int32"),
        }

    def hidden_step(
        self, embedded: Any, memory: dict[str, Any], caches: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Adds keys and values of a token to the caches, and runs the blocks for it."""
        position = caches["position"][:, None]
        place = ops.cast(position, "float32") + 1
        step = ops.arange(ops.shape(caches["own"][0][0])[1], dtype="int32")[None]
        here, mask = (step == position)[..., None, None], (step <= position)[:, None]
        x, kept = embedded, []
        for block, source, old in zip(self.blocks, memory["source"], caches["own"], strict=True):
            new = block.own_keys_values(x, place)
            own = tuple(ops.where(here, one, was) for one, was in zip(new, old, strict=True))
            x = block(x, place, own, mask, source, memory["mask"], training=False)
            kept.append(own)
        return self.norm(x), {"own": kept, "position": caches["position"] + 1}

    def room(self, state: dict[str, Any]) -> int:
        """The number of steps of the caches."""
        return int(state["caches"]["own"][0][0].shape[1])

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            **super().get_config(),
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "feedforward": self.feedforward,
        }


class DecoderBlock(keras.layers.Layer):
    """x + self-attention(norm(x)), the same with attention over the source, and a feed-forward."""

    def __init__(
        self, units: int, num_heads: int, feedforward: int, dropout: float, **kwargs: Any
    ) -> None:
        # Otherwise Keras would cast positions to half precision.
        super().__init__(autocast=False, **kwargs)
        policy = self.dtype_policy
        self.own = CachedAttention(units, num_heads, rotary=True, dtype=policy, name="own")
        self.cross = CachedAttention(units, num_heads, rotary=True, dtype=policy, name="cross")
        self.norms = [
            keras.layers.LayerNormalization(dtype=policy, name=f"{name}_norm")
            for name in ("own", "cross", "feedforward")
        ]
        self.widen = keras.layers.Dense(feedforward, "gelu", dtype=policy, name="widen")
        self.narrow = keras.layers.Dense(units, dtype=policy, name="narrow")
        self.drop = keras.layers.Dropout(dropout, seed=dropout_seed(dropout), dtype=policy)

    def build(self, input_shape: Any) -> None:
        """Creates the weights for (batch, steps, units)."""
        for layer in (*self.norms, self.widen):
            layer.build(input_shape)
        self.own.build(input_shape, input_shape)
        self.cross.build(input_shape, input_shape)
        self.narrow.build((*input_shape[:2], self.widen.units))

    def own_keys_values(self, x: Any, place: Any) -> tuple[Any, Any]:
        """Keys and values of steps for the self-attention."""
        return self.own.keys_values(self.norms[0](x), place)

    def call(
        self,
        x: Any,
        place: Any,
        own: Any,
        seen: Any,
        source: Any,
        valid: Any,
        training: Any = None,
    ) -> Any:
        """The block's output for steps at `place`.

        Args:
            x: Tensor of shape (batch, steps, units).
            place: The positions of the steps, (batch, steps).
            own: Keys and values of the target.
            seen: The target steps that each step sees; as `mask` of `CachedAttention.attend`.
            source: Keys and values of the source.
            valid: The mask of the source, (batch, source steps).
            training: Whether dropout is active.
        """
        attended = self.own.attend(self.norms[0](x), place, own, seen)
        x = x + self.drop(attended, training=training)
        attended = self.cross.attend(self.norms[1](x), place, source, valid[:, None])
        x = x + self.drop(attended, training=training)
        fed = self.narrow(self.widen(self.norms[2](x)))
        return x + self.drop(fed, training=training)

    def compute_output_spec(self, x: Any, *others: Any, **options: Any) -> Any:  # noqa: ARG002
        """Shape and dtype of the input."""
        return keras.KerasTensor(x.shape, dtype=self.compute_dtype)
