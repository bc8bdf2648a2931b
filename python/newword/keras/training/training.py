"""Adversarial training of a compiled model, in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from newword.keras.training.hook import AdversarialHook
from newword.keras.training.options import AdversarialTraining

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["adversarial_training"]


def adversarial_training(
    model: Any,
    layer: Any = None,
    method: str = "fgm",
    *,
    epsilon: float | Callable[[Any], Any] = 0.5,
    where: str = "weights",
    norm: str = "l2",
    norm_over: str | None = None,
    steps: int | None = None,
    step_size: float | None = None,
    random_start: bool | None = None,
    clean_weight: float = 0.0,
    penalty: str = "squared",
    xi: float | None = None,
    weight: float | None = None,
    divergence: Callable[[Any, Any], Any] | None = None,
    dropout: str = "same",
    start_step: int = 0,
    seed: int = 0,
) -> AdversarialHook:
    """Changes the training of a compiled model: `fit` now trains adversarially.

    | `method` | loss L' of a step, where L is the model's loss and x the embedding |
    |---|---|
    | `"fgm"` | L(x + d), d = epsilon g / norm(g), g the gradient of L by x |
    | `"pgd"` | the same after several smaller steps, projected on the ball of radius epsilon |
    | `"freelb"` | the mean of L at all points of such an ascent, from a random start |
    | `"vat"` | L + weight KL(p(x), p(x + d)), for the d that changes the output most; no labels |
    | `"gradient_penalty"` | L + epsilon / 2 times the squared norm of g |
    | `"r_drop"` | the mean L of two passes, + weight / 2 times the mean of both KL divergences |

    `evaluate`, `predict`, callbacks, metrics, saving and compilation go on as before: the model
    keeps its class and its file is that of the plain model. Inference does not change. The history
    also has `clean_loss`, and `adversarial_loss`, `divergence` or `gradient_penalty`; `loss` is
    what is minimised. Metrics are those of unperturbed outputs. A perturbation is never written
    to a variable, so weights and the optimizer's state see nothing of it, also after an exception.
    Extra passes run in training mode and change neither the statistics of batch normalization
    nor seeds. Sample and class weights apply to all losses, but not to the divergence of VAT, which
    may have unlabelled samples; see `SemiSupervisedBatches`.

    Perturbed weights are perturbed wherever the layer uses them: with tied embeddings in the output
    layer, too, and in their regularizers. With `where="outputs"` only lookups are perturbed.
    Row 0 of an embedding with `mask_zero=True` is not perturbed.

    Args:
        model: A compiled Keras model. Compiling it again keeps the method.
        layer: See `AdversarialTraining`, as for all other arguments.
        method: One of the methods above.
        epsilon: The size of the perturbation or the weight of the penalty. A norm over the batch
            shares it among all tokens of a batch, so the best epsilon then depends on the batch
            size and on the lengths.
        where: `"weights"` or `"outputs"`.
        norm: `"l2"`, `"raw"` or `"sign"`.
        norm_over: `"batch"`, `"sample"` or `"token"`. Of several layers, each has its own norm.
        steps: Number of ascent steps.
        step_size: The size of a step.
        random_start: Whether the first perturbation is random.
        clean_weight: The weight of the clean loss.
        penalty: `"squared"`, `"norm"` or `"published"`.
        xi: The size of the perturbation at which VAT takes the gradient.
        weight: The weight of the divergence.
        divergence: A function of two outputs.
        dropout: `"same"` or `"new"` masks in the extra passes.
        start_step: The number of steps of plain training before. Steps are batches, and
            are counted from this call.
        seed: Seed of random perturbations.

    Returns:
        The hook. Its `remove` gives the plain model back; it is also a context manager.

    Raises:
        InvalidArgumentError: An option is invalid; the model is not compiled, has no such layer or
            has adversarial training already; the loss is no cross-entropy for a divergence; there
            is no dropout for R-Drop; XLA would have to differentiate a loop twice. In training:
            a layer has no gradient (not detected on JAX, where its perturbation is zero), or
            `train_step` is the user's own and does not call `compute_loss`.

    Complexity:
        Passes forward and backward per step, besides the ordinary forward pass: 2 for FGM, k + 1
        for PGD with k steps, 2 k - 1 for FreeLB, k + 2 for VAT (and another one forward for a model
        with dropout, unless the masks are new), about 3 for the penalty, 2 for R-Drop.

    Source:
        Su Jianlin, https://kexue.fm/archives/7234, 7466 and 8496; Goodfellow et al., 2014; Miyato
        et al., 2016 and 2017; Madry et al., 2017; Zhu et al., FreeLB, 2019; Liang et al., R-Drop,
        2021.

    Examples:
        >>> import keras, numpy as np
        >>> from newword.keras import adversarial_training
        >>> ids = keras.Input((None,), dtype="int32")
        >>> x = keras.layers.Embedding(9, 4, name="embedding")(ids)
        >>> x = keras.layers.GlobalAveragePooling1D()(x)
        >>> model = keras.Model(ids, keras.layers.Dense(2, activation="softmax")(x))
        >>> model.compile("adam", "sparse_categorical_crossentropy")
        >>> hook = adversarial_training(model, "embedding", method="fgm", epsilon=0.5)
        >>> history = model.fit(np.ones((4, 3), "int32"), np.array([0, 1, 0, 1]), verbose=0)
        >>> sorted(history.history)
        ['adversarial_loss', 'clean_loss', 'loss']
        >>> hook.remove()
    """
    options = AdversarialTraining(
        method=method,
        epsilon=epsilon,
        layer=layer,
        where=where,
        norm=norm,
        norm_over=norm_over,
        steps=steps,
        step_size=step_size,
        random_start=random_start,
        clean_weight=clean_weight,
        penalty=penalty,
        xi=xi,
        weight=weight,
        divergence=divergence,
        dropout=dropout,
        start_step=start_step,
        seed=seed,
    )
    return AdversarialHook(model, options)
