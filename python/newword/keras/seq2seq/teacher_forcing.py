"""Training of an encoder-decoder: teacher forcing, with remedies for exposure bias."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from newword import _check
from newword.keras.seq2seq.encoder_decoder import EncoderDecoder
from newword.keras.seq2seq.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["TeacherForcing"]


@keras.saving.register_keras_serializable(package="newword")
class TeacherForcing(keras.Model):  # type: ignore[misc, unused-ignore]
    """Trains an encoder-decoder on gold prefixes, or on what remedies make of them.

    It has the weights of the encoder-decoder and none of its own. `fit` uses the stock training
    step of Keras, so everything that works with Keras models works here. At inference it is
    the encoder-decoder.

    Args:
        model: The encoder-decoder.
        remedies: Remedies for exposure bias: `RandomReplacement`, `ScheduledSampling`, `RDrop`,
            `TeaForN`. Each changes the inputs that the one before it returned.
        **kwargs: Arguments of `keras.Model`, such as `name`.

    Input:
        The inputs of the encoder-decoder. Labels are the targets followed by the end token.

    Raises:
        InvalidArgumentError: `model` is no encoder-decoder, or a remedy is none.

    Examples:
        >>> import numpy as np
        >>> from newword.keras import LSTMEncoderDecoder, RandomReplacement, TokenCrossEntropy
        >>> training = TeacherForcing(LSTMEncoderDecoder(6, 8), [RandomReplacement()])
        >>> training.compile("adam", TokenCrossEntropy())
        >>> start, end = training.model.start_token, training.model.end_token
        >>> x = {"source": np.array([[2, 3, 4]]), "target": np.array([[start, 2, 3]])}
        >>> y = np.array([[2, 3, end]])          # training.fit(x, y)
        >>> tuple(training(x).shape)
        (1, 3, 8)
    """

    def __init__(self, model: Any, remedies: Sequence[Any] = (), **kwargs: Any) -> None:
        if not isinstance(model, EncoderDecoder):
            raise _check.invalid("model", "an encoder-decoder", model)
        rule = "a list of remedies, such as RandomReplacement()"
        remedies = list(_check.iterable("remedies", remedies, rule))
        for index, remedy in enumerate(remedies):
            if not isinstance(remedy, Remedy):
                raise _check.invalid(f"remedies[{index}]", "a remedy for exposure bias", remedy)
        super().__init__(dtype=model.dtype_policy, **{"name": "teacher_forcing", **kwargs})
        self.model = model
        self.remedies = remedies
        self.build()

    def build(self, input_shape: Any = None) -> None:
        """Does nothing, because the encoder-decoder has its weights."""

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The logits of the encoder-decoder; in training those for the changed inputs."""
        return self.model(self.changed(inputs) if training else inputs, training=training)

    def changed(self, inputs: Any) -> dict[str, Any]:
        """The inputs of the encoder-decoder in training, by all remedies."""
        source, target = inputs["source"], inputs["target"]
        for remedy in self.remedies:
            target = remedy.inputs(self.model, source, target)
        return {"source": source, "target": target}

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The compiled loss; in training with what the remedies add.

        Raises:
            InvalidArgumentError: There are sample weights and a remedy that adds to the loss.
        """
        loss = super().compute_loss(x, y, y_pred, sample_weight, training=training)
        adding = [one for one in self.remedies if type(one).loss is not Remedy.loss]
        # Keras also calls it with symbolic tensors, only to create the metrics.
        if not training or not adding or isinstance(y_pred, keras.KerasTensor):
            return loss
        if sample_weight is not None:
            rule = f"None with {type(adding[0]).__name__}"
            raise _check.invalid("sample_weight", rule, sample_weight)
        for remedy in adding:
            loss = loss + remedy.loss(self.model, self.changed(x), y, y_pred)
        return loss

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "name": self.name,
            "model": keras.saving.serialize_keras_object(self.model),
            "remedies": [keras.saving.serialize_keras_object(one) for one in self.remedies],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Creates the model from its config."""
        parts = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects=custom_objects)
            for name in ("model", "remedies")
        }
        return cls(**{**config, **parts})
