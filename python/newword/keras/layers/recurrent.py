"""Bidirectional recurrent layers over the valid steps only."""

from typing import Any

import keras
from keras import ops

from newword._check import choice, invalid
from newword.keras.layers._shapes import feature_count, sequence_shape
from newword.keras.layers.masks import apply_mask
from newword.keras.layers.sequences import last_valid, pack_by_mask, unpack_by_mask

__all__ = ["LengthAwareBidirectional"]

MERGE_MODES = ("concat", "sum", "mul", "ave")


@keras.saving.register_keras_serializable(package="newword")
class LengthAwareBidirectional(keras.layers.Layer):
    """A bidirectional wrapper that is correct for any padding and any recurrent layer.

    The valid steps are moved to the front, in order for one direction and in reverse order for
    the other. Both directions run without a mask, and their steps are moved back. The final state
    is the output at the last valid step. Padding on the right, on the left or inside therefore has
    no effect, even for layers without mask support, such as custom layers or fused kernels.
    `keras.layers.Bidirectional` is also correct if it receives the mask and the inner layer
    respects it; otherwise its backward half starts with the padding.

    Args:
        layer: A recurrent layer, `keras.layers.RNN` or any layer with `return_sequences` in its
            config, whose output at a step depends only on that step and earlier ones. It is cloned
            twice from its config, with the prefixes `forward_` and `backward_` in the names; its
            weights, if any, are not copied. Its `return_sequences` determines the output of this
            layer.
        merge_mode: "concat", "sum", "mul", "ave", or None for a list of both outputs.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`. The clones
            keep the dtype of `layer`, which is the default.

    Input:
        Tensor of shape (batch, steps, features), and its mask of shape (batch, steps). Without a
        mask all steps are valid.

    Output:
        With `return_sequences`, a tensor of shape (batch, steps, units), zero at padding, with the
        input's mask; both directions are aligned by step. Otherwise a tensor of
        shape (batch, units): the outputs after the last valid step and, backwards, after the
        first one. `merge_mode="concat"` doubles the units. The output is zero for a sequence
        without valid steps. The cost is that of `layer` for each direction, over all steps of the
        padded batch.

    Raises:
        InvalidArgumentError: `layer` has no `return_sequences`, or it has
            `return_state`, `stateful` or `go_backwards`; `merge_mode` is unknown; an
            input has not three axes or does not fit its mask.

    Source:
        `OurBidirectional` of Su Jianlin, 层中层与mask, https://kexue.fm/archives/6810, which
        reverses by lengths and so needs padding on the right and `return_sequences=True`.

    Examples:
        >>> both = LengthAwareBidirectional(keras.layers.GRU(4, return_sequences=True))
        >>> x, mask = keras.ops.ones((2, 5, 3)), keras.ops.ones((2, 5), "bool")
        >>> both(x, mask=mask).shape[2]
        8
        >>> both.forward_layer.name.startswith("forward_gru")
        True
    """

    def __init__(self, layer: Any, merge_mode: str | None = "concat", **kwargs: Any) -> None:
        _check_recurrent(layer)
        super().__init__(**{"dtype": layer.dtype_policy, **kwargs})
        self.merge_mode = merge_mode
        if merge_mode is not None:
            choice("merge_mode", merge_mode, MERGE_MODES)
        self.return_sequences = bool(layer.get_config()["return_sequences"])
        self.forward_layer = _clone(layer, "forward_")
        self.backward_layer = _clone(layer, "backward_")
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Creates the weights of both directions."""
        feature_count(input_shape)
        self.forward_layer.build(input_shape)
        self.backward_layer.build(input_shape)

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:  # noqa: ARG002
        """Runs both directions and merges them; Keras passes `training` to the inner layers."""
        sequence_shape(inputs.shape, rank=3)
        x = apply_mask(inputs, mask)
        return self._merged(
            self._directed(self.forward_layer, x, mask, reverse=False),
            self._directed(self.backward_layer, x, mask, reverse=True),
        )

    def _directed(self, layer: Any, x: Any, mask: Any, reverse: bool) -> Any:
        packed = ops.cast(layer(pack_by_mask(x, mask, reverse)), self.compute_dtype)
        if self.return_sequences:
            return apply_mask(unpack_by_mask(packed, mask, reverse), mask)
        # A packed sequence ends with its last valid step.
        return last_valid(packed, None if mask is None else pack_by_mask(mask, mask))

    def _merged(self, forward: Any, backward: Any) -> Any:
        match self.merge_mode:
            case None:
                return [forward, backward]
            case "concat":
                return ops.concatenate([forward, backward], axis=-1)
            case "sum":
                return forward + backward
            case "mul":
                return forward * backward
        return (forward + backward) / 2

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:  # noqa: ARG002
        """The input's mask for each output with steps, otherwise None."""
        mask = previous_mask if self.return_sequences else None
        return [mask, mask] if self.merge_mode is None else mask

    def compute_output_shape(self, input_shape: Any) -> Any:
        """(batch, steps, units) or (batch, units); a list of two without a merge mode."""
        shape = sequence_shape(input_shape, rank=3)
        batch, *_, units = self.forward_layer.compute_output_shape(shape)
        if self.merge_mode == "concat":
            units *= 2
        merged = (batch, shape[1], units) if self.return_sequences else (batch, units)
        return [merged, merged] if self.merge_mode is None else merged

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, with the config of the layer but not its weights."""
        layer = _without_identity(keras.saving.serialize_keras_object(self.forward_layer))
        layer["config"] = {
            **layer["config"],
            "name": self.forward_layer.name.removeprefix("forward_"),
            "return_sequences": self.return_sequences,
        }
        return {**super().get_config(), "layer": layer, "merge_mode": self.merge_mode}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Creates the layer from its config."""
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})


def _check_recurrent(layer: Any) -> None:
    """Raises for a layer that cannot run in both directions over all steps."""
    rule = "a recurrent layer with return_sequences in its config"
    if not isinstance(layer, keras.layers.Layer):
        raise invalid("layer", rule, layer)
    config = layer.get_config()
    if "return_sequences" not in config:
        raise invalid("layer", rule, layer)
    for option in ("return_state", "stateful", "go_backwards"):
        if config.get(option):
            raise invalid("layer", f"without {option}", layer)


def _clone(layer: Any, prefix: str) -> Any:
    """Returns an unbuilt copy of a layer that returns every step."""
    changed = {"name": prefix + layer.name, "return_sequences": True}
    return type(layer).from_config({**_without_identity(layer.get_config()), **changed})


def _without_identity(config: Any) -> Any:
    """Returns a copy of a config without object identities.

    While a model is saved or loaded, Keras records the identity of shared objects in configs, so
    both directions would share the cells of a recurrent layer.
    """
    if isinstance(config, dict):
        marks = {"shared_object_id", "build_config"}
        return {key: _without_identity(one) for key, one in config.items() if key not in marks}
    if isinstance(config, (list, tuple)):
        return type(config)(_without_identity(one) for one in config)
    return config
