"""The model of a tagger: builds and validates embeddings, encoder and head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from newword import _check
from newword.keras._lexicons import NUM_PLACES
from newword.keras._seeding import dropout_seed
from newword.keras.layers.encoders import BiLSTMEncoder, DGCNNEncoder
from newword.keras.layers.transformer import TransformerEncoder
from newword.keras.tagging.crf import CRF
from newword.keras.tagging.heads import TaggingHead
from newword.keras.tagging.memm import MEMM, BidirectionalMEMM
from newword.keras.tagging.softmax import SoftmaxTagging
from newword.keras.tagging.tagger.batches import model_inputs

if TYPE_CHECKING:
    from newword.keras.vocabulary import Vocabulary
    from newword.tag_scheme import TagScheme

__all__ = ["check_rows", "make_encoder", "make_head", "make_model", "takes_ids"]

ENCODERS = {"bilstm": BiLSTMEncoder, "dgcnn": DGCNNEncoder, "transformer": TransformerEncoder}
HEADS = {
    "crf": CRF,
    "memm": MEMM,
    "bidirectional_memm": BidirectionalMEMM,
    "softmax": SoftmaxTagging,
}
PLACE_FEATURES = 16
"""Number of features of the embedding of lexicon positions."""
PROBE = 7
"""Number of steps of the input that tests whether an encoder keeps the steps."""


def make_encoder(encoder: Any, units: int, num_layers: int | None, dropout: float) -> Any:
    """Returns an encoder by name, or a user-defined layer or model unchanged.

    Raises:
        InvalidArgumentError: The encoder is neither.
    """
    if isinstance(encoder, keras.layers.Layer):
        return encoder
    if not isinstance(encoder, str) or encoder not in ENCODERS:
        rule = f"one of {', '.join(map(repr, ENCODERS))}, or a Keras layer or model"
        raise _check.invalid("encoder", rule, encoder)
    options: dict[str, Any] = {} if num_layers is None else {"num_layers": num_layers}
    return ENCODERS[encoder](units, dropout=dropout, name="encoder", **options)


def make_head(head: Any, scheme: TagScheme, constrained: bool, lr_multiplier: float) -> TaggingHead:
    """Returns a head by name for the scheme, or a user-defined head with the same number of tags.

    Raises:
        InvalidArgumentError: The head is neither, or the numbers of tags differ.
    """
    if isinstance(head, TaggingHead):
        if head.num_tags != scheme.num_tags:
            raise _check.invalid("head", f"one of {scheme.num_tags} tags", head.num_tags)
        return head
    if not isinstance(head, str) or head not in HEADS:
        rule = f"one of {', '.join(map(repr, HEADS))}, or a tagging head"
        raise _check.invalid("head", rule, head)
    options: dict[str, Any] = {}
    if constrained:
        options = {
            "allowed_transitions": scheme.allowed_transitions,
            "allowed_start": scheme.allowed_start,
            "allowed_end": scheme.allowed_end,
        }
    if head != "softmax":
        options["lr_multiplier"] = lr_multiplier
    return HEADS[head](scheme.num_tags, name="head", **options)


def takes_ids(encoder: Any) -> bool:
    """Whether an encoder takes ids, (batch, steps), instead of embeddings.

    Raises:
        InvalidArgumentError: The encoder is a model with several inputs, or inputs of other ranks.
    """
    if not isinstance(encoder, keras.Model) or not hasattr(encoder, "inputs"):
        return False
    inputs = encoder.inputs or []
    if not inputs:
        return False  # a subclassed model that has seen nothing yet
    rank = len(inputs[0].shape)
    if len(inputs) != 1 or rank not in (2, 3):
        shapes = [tuple(one.shape) for one in inputs]
        rule = (
            "a model with one input, of ids (batch, steps) or embeddings (batch, steps, features)"
        )
        raise _check.invalid("encoder", rule, shapes)
    if inputs[0].shape[1] is not None:
        raise _check.invalid("encoder", "for any number of steps", tuple(inputs[0].shape))
    return rank == 2


def make_model(
    encoder: Any,
    head: TaggingHead,
    vocabulary: Vocabulary,
    *,
    embedding_dim: int,
    dropout: float,
    lexicon: bool,
) -> Any:
    """Builds a model from ids of characters (and lexicon features) to the packed tensor.

    Raises:
        InvalidArgumentError: The output of the encoder is not (batch, steps, features), it has too
            few embeddings for the vocabulary, or it takes ids while there is a lexicon.
    """
    ids = keras.Input((None,), dtype="int32", name="characters")
    inputs = {"characters": ids}
    if takes_ids(encoder):
        if lexicon:
            rule = "None for an encoder that takes ids: it has no place for a second input"
            raise _check.invalid("lexicon", rule, encoder)
        check_rows(encoder, vocabulary)
        hidden = _encoded(encoder, ids)
    else:
        embedding = keras.layers.Embedding(
            len(vocabulary), embedding_dim, mask_zero=True, name="embedding"
        )
        features = embedding(ids)
        if lexicon:
            inputs["places"] = keras.Input((None,), dtype="int32", name="places")
            places = keras.layers.Embedding(
                NUM_PLACES, PLACE_FEATURES, mask_zero=True, name="place_embedding"
            )(inputs["places"])
            features = keras.layers.Concatenate(name="features")([features, places])
        hidden = _encoded(encoder, _dropout(dropout, "dropout")(features))
    hidden = _dropout(dropout, "encoder_dropout")(hidden)
    # By name, because a user-defined encoder may drop the mask.
    packed = head(hidden, mask=ops.not_equal(ids, 0))
    return keras.Model(model_inputs(inputs), packed, name="tagger")


def _dropout(rate: float, name: str) -> Any:
    """Dropout with its own seed."""
    return keras.layers.Dropout(rate, seed=dropout_seed(rate), name=name)


def check_rows(model: Any, vocabulary: Vocabulary) -> None:
    """Raises if the embedding of a model has fewer rows than the vocabulary has ids."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.Embedding) and layer.name != "place_embedding":
            if layer.input_dim < len(vocabulary):
                rule = f"at most {layer.input_dim} ids, which is what {layer.name!r} has rows for"
                raise _check.invalid("vocabulary", rule, len(vocabulary))
            return


def _encoded(encoder: Any, inputs: Any) -> Any:
    """Returns the encoder's output after testing that it keeps the steps."""
    hidden = encoder(inputs)
    rule = "one that gives (batch, steps, features)"
    if isinstance(hidden, (list, tuple, dict)) or len(hidden.shape) != 3 or hidden.shape[2] is None:
        shape = getattr(hidden, "shape", type(hidden).__name__)
        raise _check.invalid("encoder", rule, shape)
    probe = keras.Input(batch_shape=(1, PROBE, *inputs.shape[2:]), dtype=inputs.dtype)
    if encoder(probe).shape[1] not in (None, PROBE):
        rule = f"{rule} with as many steps as went in, {PROBE}"
        raise _check.invalid("encoder", rule, encoder(probe).shape[1])
    return hidden
