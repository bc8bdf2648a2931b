"""Remedies for exposure bias: what training changes so that a model can use its own output.

A decoder trained with gold prefixes has never seen a prefix with an error. The remedies here change
the decoder's inputs or add to the loss, inside the compiled training step. Labels are never
changed, and at inference nothing is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from newword import _check
from newword.keras.seq2seq.encoder_decoder import FIRST_TOKEN
from newword.keras.seq2seq.loss import mean_over_tokens, token_losses

if TYPE_CHECKING:
    from newword.keras.seq2seq.encoder_decoder import EncoderDecoder

__all__ = ["RDrop", "RandomReplacement", "Remedy", "ScheduledSampling", "TeaForN"]

POOLS = ("target", "source_target", "vocabulary", "model")
register = keras.saving.register_keras_serializable(package="newword")


class Remedy(keras.layers.Layer):
    """Base class: changes the decoder's inputs, adds to the loss, or both.

    It is a layer only to keep its random state and its config; it has no weights.
    """

    def __init__(self, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = _check.whole("seed", seed, 0)
        self.random = keras.random.SeedGenerator(self.seed)
        self.built = True

    def inputs(self, model: EncoderDecoder, source: Any, target: Any) -> Any:  # noqa: ARG002
        """Returns the decoder's inputs in training.

        Args:
            model: The encoder-decoder.
            source: Ids of shape (batch, source steps).
            target: The gold inputs, (batch, steps): the start token, then the target.
        """
        return target

    def loss(self, model: EncoderDecoder, x: Any, y: Any, logits: Any) -> Any:  # noqa: ARG002
        """Returns what is added to the mean loss of a batch, a scalar, or None.

        Args:
            model: The encoder-decoder.
            x: The inputs of the model, "source" and "target".
            y: The labels, (batch, steps).
            logits: The model's output for `x`, with dropout.
        """
        return None

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "seed": self.seed}

    def _uniform(self, shape: Any) -> Any:
        return keras.random.uniform(shape, dtype="float32", seed=self.random)


@register
class RandomReplacement(Remedy):
    """Replaces some of the decoder's inputs by other tokens.

    In a share `p_sample` of the rows, each token but the start token is replaced with
    probability `p_token`. The new tokens are drawn from the gold sequence, not from one with
    replacements. The article's text draws them from the target; its code draws from
    source and target.

    Args:
        p_sample: Probability that a row is changed at all.
        p_token: Probability that a token of such a row is replaced.
        pool: Where new tokens come from: `"target"`, the tokens of the target;
            `"source_target"`, those of source and target together, which must be padded on the
            right; `"vocabulary"`, all ordinary tokens; each with equal probability for each
            position or token. `"model"`: one of the `top_k` tokens that the model itself finds most
            probable there, which takes one more pass without gradients.
        top_k: Number of candidates of the pool `"model"`.
        seed: Seed of the random numbers.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Raises:
        InvalidArgumentError: An argument is out of range.

    Source:
        Su Jianlin, https://kexue.fm/archives/7259.

    Examples:
        >>> from newword.keras import LSTMEncoderDecoder, TeacherForcing
        >>> training = TeacherForcing(LSTMEncoderDecoder(9, 8), [RandomReplacement()])
    """

    def __init__(
        self,
        p_sample: float = 0.5,
        p_token: float = 0.3,
        pool: str = "target",
        *,
        top_k: int = 5,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        self.p_sample = _chance("p_sample", p_sample)
        self.p_token = _chance("p_token", p_token)
        self.pool = _check.choice("pool", pool, POOLS)
        self.top_k = _check.whole("top_k", top_k, 1)

    def inputs(self, model: EncoderDecoder, source: Any, target: Any) -> Any:
        """The inputs with replacements."""
        shape = ops.shape(target)
        row = self._uniform((shape[0], 1)) < self.p_sample
        hit = ops.logical_and(row, self._uniform(shape) < self.p_token)
        hit = ops.logical_and(hit, replaceable(target))
        new = self._candidates(model, source, target, self._uniform(shape))
        return ops.where(hit, ops.cast(new, target.dtype), target)

    def _candidates(self, model: EncoderDecoder, source: Any, target: Any, draw: Any) -> Any:
        """A token for each position, by uniform numbers from 0 to 1."""
        if self.pool == "vocabulary":
            ordinary = model.vocabulary_size - FIRST_TOKEN
            return FIRST_TOKEN + _index(draw, ordinary)
        if self.pool == "model":
            return self._predicted(model, source, target, draw)
        own = ops.sum(ops.cast(replaceable(target), "int32"), axis=1, keepdims=True)
        if self.pool == "target":
            return _take(target, 1 + _index(draw, own))
        given = ops.sum(ops.cast(source != 0, "int32"), axis=1, keepdims=True)
        drawn = _index(draw, given + own)
        # The source is followed by its padding, and the target begins with the start token.
        gap = ops.shape(source)[1] - given + 1
        place = ops.where(drawn < given, drawn, drawn + gap)
        both = ops.concatenate([ops.cast(source, target.dtype), target], axis=1)
        return _take(both, place)

    def _predicted(self, model: EncoderDecoder, source: Any, target: Any, draw: Any) -> Any:
        """One of the most probable tokens, by the model's own prediction from the gold prefix."""
        with frozen(model):
            logits = model({"source": source, "target": target}, training=False)
        logits = ops.stop_gradient(ordinary_only(model, logits))
        count = min(self.top_k, model.vocabulary_size - FIRST_TOKEN)
        best = ops.top_k(logits, count)[1]
        # What is predicted at a step is the input of the next one.
        best = ops.concatenate([best[:, :1], best[:, :-1]], axis=1)
        return ops.take_along_axis(best, _index(draw, count)[..., None], axis=-1)[..., 0]

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        own = ("p_sample", "p_token", "pool", "top_k")
        return {**super().get_config(), **{name: getattr(self, name) for name in own}}


@register
class ScheduledSampling(Remedy):
    """Replaces some of the decoder's inputs by tokens that the model generates itself.

    Inputs are chosen from left to right: each is, with the given probability, drawn from the
    model's prediction for the inputs chosen so far, without dropout. The model is then trained on
    the chosen inputs in one pass. Gradients do not pass through the draws. Choosing takes one step
    per token, one after the other: a training step takes 1.4 to 1.6 times as long with the LSTM,
    and longer with models that compute all tokens at once.

    Args:
        probability: Probability that an input is the model's own.
        seed: Seed of the random numbers.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Raises:
        InvalidArgumentError: `probability` is not between 0 and 1.

    Source:
        Bengio et al., Scheduled sampling for sequence prediction with recurrent neural networks,
        2015.

    Examples:
        >>> ScheduledSampling(0.25).probability
        0.25
    """

    def __init__(self, probability: float = 0.25, *, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.probability = _chance("probability", probability)

    def inputs(self, model: EncoderDecoder, source: Any, target: Any) -> Any:
        """The chosen inputs."""
        shape = ops.shape(target)
        hit = ops.logical_and(self._uniform(shape) < self.probability, replaceable(target))
        draw = self._uniform(shape)
        place = ops.arange(shape[1], dtype="int32")[None]
        with frozen(model):
            memory = model.encode(source, training=False)
            caches = model.caches(shape[0], shape[1])

            def choose(step: Any, carried: Any) -> Any:
                chosen, caches = carried
                tokens = ops.take(chosen, step, axis=1)
                state = {"memory": memory, "caches": caches}
                log_probs, state = model.step(tokens, state)
                here = place == step + 1
                uniform = ops.sum(ops.where(here, draw, ops.zeros_like(draw)), axis=1)
                new = ops.cast(sampled(ordinary_only(model, log_probs), uniform), chosen.dtype)
                chosen = ops.where(ops.logical_and(here, hit), new[:, None], chosen)
                return chosen, state["caches"]

            chosen, _ = ops.fori_loop(0, shape[1] - 1, choose, (target, caches))
        return ops.stop_gradient(chosen)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "probability": self.probability}


@register
class RDrop(Remedy):
    """Makes two passes with different dropout agree: R-Drop.

    The loss is the mean of both cross-entropies plus `weight` / 2 times the mean of both
    Kullback-Leibler divergences, all means over tokens. That is half the sum in the paper. The
    training step takes two passes. It needs dropout.

    Args:
        weight: The weight of the divergences.
        seed: Not used, because the model has its own seeds.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Raises:
        InvalidArgumentError: `weight` is negative.

    Source:
        Liang et al., R-Drop: regularized dropout for neural networks, 2021; Su Jianlin,
        https://kexue.fm/archives/8496.

    Examples:
        >>> RDrop(weight=4.0).weight
        4.0
    """

    def __init__(self, weight: float = 4.0, *, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.weight = _check.threshold("weight", weight)

    def loss(self, model: EncoderDecoder, x: Any, y: Any, logits: Any) -> Any:
        """The difference to the cross-entropy of the first pass."""
        again = model(x, training=True)
        first, mask = token_losses(y, logits)
        second, _ = token_losses(y, again)
        one, other = (ops.log_softmax(ops.cast(each, "float32")) for each in (logits, again))
        # KL(p, q) + KL(q, p) = sum (p - q) (log p - log q).
        both = ops.sum((ops.exp(one) - ops.exp(other)) * (one - other), axis=-1)
        return mean_over_tokens((second - first) / 2 + self.weight / 4 * both, mask)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "weight": self.weight}


@register
class TeaForN(Remedy):
    """Teacher forcing with n steps: the decoder also reads its own outputs instead of tokens.

    The decoder's outputs of one pass, behind the embedding of the start token, are the inputs of
    the next pass, which has the same labels. The cross-entropy of pass i (from 0) is added
    with weight `decay` to the power i. The training step takes `steps` passes of the decoder.

    Args:
        steps: Number of passes, with the ordinary one.
        decay: The weight of each pass relative to the one before.
        seed: Not used.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Raises:
        InvalidArgumentError: `steps` is below 2 or `decay` is negative.

    Source:
        Goodman, Ding and Soricut, TeaForN: teacher-forcing with n-grams, 2020; Su Jianlin,
        https://kexue.fm/archives/7818.

    Examples:
        >>> TeaForN(steps=2).decay
        0.5
    """

    def __init__(self, steps: int = 2, decay: float = 0.5, *, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.steps = _check.whole("steps", steps, 2)
        self.decay = _check.threshold("decay", decay)

    def loss(self, model: EncoderDecoder, x: Any, y: Any, logits: Any) -> Any:  # noqa: ARG002
        """The weighted cross-entropies of all passes but the first."""
        memory = model.encode(x["source"], training=True)
        embedded = model.embed(x["target"], training=True)
        hidden, total, weight = model.hidden(embedded, memory, training=True), 0.0, 1.0
        for _ in range(self.steps - 1):
            shifted = ops.concatenate([embedded[:, :1], hidden[:, :-1]], axis=1)
            hidden = model.hidden(shifted, memory, training=True)
            losses, mask = token_losses(y, model.logits(hidden, memory, training=True))
            weight *= self.decay
            total += weight * mean_over_tokens(losses, mask)
        return total

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "steps": self.steps, "decay": self.decay}


def _chance(argument: str, value: Any) -> float:
    """A number from 0 to 1."""
    number = _check.threshold(argument, value)
    if number > 1:
        raise _check.invalid(argument, "between 0 and 1", value)
    return number


def replaceable(target: Any) -> Any:
    """The inputs that may be replaced: neither padding nor the start token, which is first."""
    first = ops.arange(ops.shape(target)[1])[None] == 0
    return ops.logical_and(target != 0, ops.logical_not(first))


def frozen(model: Any) -> Any:
    """A scope in which the weights of a model are constants, and changes of state are discarded."""
    # All variables, because inside another scope their own values are not the current ones.
    values = [
        (one, ops.stop_gradient(one.value) if one.trainable else one.value)
        for one in model.variables
    ]
    return keras.StatelessScope(state_mapping=values)


def ordinary_only(model: Any, scores: Any) -> Any:
    """Scores of tokens, -1e9 for padding, unknown, start and end."""
    token = ops.arange(model.num_tokens)
    ordinary = ops.logical_and(token >= FIRST_TOKEN, token < model.vocabulary_size)
    return ops.where(ordinary, scores, ops.full_like(scores, -1e9))


def sampled(log_probs: Any, uniform: Any) -> Any:
    """Tokens drawn by inversion of the cumulative distribution, (rows,)."""
    below = ops.cumsum(ops.softmax(log_probs, axis=-1), axis=-1)
    index = ops.sum(ops.cast(below <= uniform[:, None] * below[:, -1:], "int32"), axis=-1)
    return ops.minimum(index, log_probs.shape[-1] - 1)


def _take(ids: Any, place: Any) -> Any:
    """`ids[row, place[row, step]]`; a row without tokens may ask for one behind its end."""
    return ops.take_along_axis(ids, ops.minimum(place, ops.shape(ids)[1] - 1), axis=1)


def _index(draw: Any, count: Any) -> Any:
    """Integers from 0 to `count` - 1, uniform for uniform numbers; 0 if `count` is 0."""
    count = ops.cast(count, "int32")
    index = ops.cast(ops.floor(draw * ops.cast(count, "float32")), "int32")
    # A product may be rounded up to `count`.
    return ops.maximum(ops.minimum(index, count - 1), 0)
