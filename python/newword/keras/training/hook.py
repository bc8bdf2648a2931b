"""The hook on a compiled model: its loss in training becomes that of a method.

Only `compute_loss` of this one object is replaced. The training step of Keras remains as it is,
with loss scaling, gradient accumulation, replicas and compilation. The class and what is saved
remain those of the plain model.

This module, `forward` and `sites` use attributes of Keras that are not public:
`_compute_loss_has_training_arg`, because a model's own `compute_loss` may lack the argument
`training`; `_metrics`, because a metric that is an attribute would be saved with the model;
`_losses_override` and `_flatten_layers`.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from newword import _check
from newword.keras._backend import replicas
from newword.keras.training.forward import Batch, Forward
from newword.keras.training.methods import LOGGED, Losses, Step, method_of
from newword.keras.training.schedule import Steps, check_schedule
from newword.keras.training.sites import sites_of

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from newword.keras.training.options import AdversarialTraining

__all__ = ["AdversarialHook", "applied", "check_model"]

ATTRIBUTE = "_newword_adversarial"


class AdversarialHook:
    """Adversarial training of a model, until it is removed.

    Args:
        model: A compiled model.
        options: The options.

    Raises:
        InvalidArgumentError: See `adversarial_training`.
    """

    def __init__(self, model: Any, options: AdversarialTraining) -> None:
        check_model(model)
        if getattr(model, ATTRIBUTE, None) is not None:
            raise _check.invalid("model", "without adversarial training: call remove()", model.name)
        check_schedule(options)
        sites = None
        if options.method != "r_drop":
            sites = sites_of(model, options.layer, options.where)
        if options.method == "gradient_penalty":
            _check_compilation(model)
        self.model, self.options = model, options
        self._plain = model.compute_loss
        self._takes_training: bool = model._compute_loss_has_training_arg
        strategy = getattr(model, "distribute_strategy", None)
        with nullcontext() if strategy is None else strategy.scope():
            self._clean = keras.metrics.Mean(name="clean_loss")
            self._added = keras.metrics.Mean(name=LOGGED[options.method])
            self._steps = Steps(options)
        self._method = method_of(options, Forward(model, self._plain_loss, sites), self._steps)
        self._called = self._in_training = False
        self._attach()

    def remove(self) -> None:
        """Gives the plain model back. A second call does nothing."""
        if getattr(self.model, ATTRIBUTE, None) is not self:
            return
        for name in (*self._hooks, ATTRIBUTE):
            object.__delattr__(self.model, name)
        self.model._compute_loss_has_training_arg = self._takes_training
        own = {id(one) for one in self._metrics}
        kept = [one for one in self.model._metrics if id(one) not in own]
        self.model._metrics[:] = kept
        self.model.train_function = None

    def __enter__(self) -> AdversarialHook:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()

    def __repr__(self) -> str:
        state = "" if getattr(self.model, ATTRIBUTE, None) is self else ", removed"
        return f"AdversarialHook({self.model.name!r}, {self.options.method!r}{state})"

    @property
    def _metrics(self) -> list[Any]:
        return [self._clean, self._added, self._steps]

    def _attach(self) -> None:
        """Puts the hooks on the model."""
        model = self.model
        self._hooks = {"compute_loss": self._loss_hook(), "compute_metrics": self._metrics_hook()}
        twice = self.options.method == "gradient_penalty"
        if twice or type(model).train_step is not keras.Model.train_step:
            self._hooks["train_step"] = self._step_hook(twice)
        for name, hook in {**self._hooks, ATTRIBUTE: self}.items():
            object.__setattr__(model, name, hook)
        model._compute_loss_has_training_arg = True
        model._metrics.extend(self._metrics)
        # Keras compiles the step again.
        model.train_function = None

    def _plain_loss(self, **arguments: Any) -> Any:
        """The model's own loss in training."""
        if self._takes_training:
            arguments["training"] = True
        return self._plain(**arguments)

    def _loss_hook(self) -> Any:
        def compute_loss(
            x: Any = None,
            y: Any = None,
            y_pred: Any = None,
            sample_weight: Any = None,
            training: bool = True,
        ) -> Any:
            self._called, self._in_training = True, bool(training)
            arguments = {"x": x, "y": y, "y_pred": y_pred, "sample_weight": sample_weight}
            if self._takes_training:
                arguments["training"] = training
            clean = self._plain(**arguments)
            # Keras also calls it with symbolic tensors, only to create the metrics.
            symbolic = any(isinstance(one, keras.KerasTensor) for one in keras.tree.flatten(y_pred))
            if not training or symbolic:
                return clean
            return self._losses(Batch(x, y, sample_weight), clean, y_pred)

        return compute_loss

    def _losses(self, batch: Batch, clean: Any, outputs: Any) -> Any:
        """The loss of a training step; logs its parts."""
        epsilon = self._steps.epsilon()
        step = Step(batch, clean, outputs, epsilon)
        if self.options.start_step:
            epsilon = ops.where(self._steps.started(), epsilon, ops.zeros_like(epsilon))
            logs_loss = LOGGED[self.options.method] == "adversarial_loss"
            total, added = ops.cond(
                self._steps.started(),
                lambda: tuple(self._method(step)),
                lambda: (clean, clean if logs_loss else ops.zeros_like(clean)),
            )
            # TensorFlow forgets the shapes.
            losses = Losses(ops.reshape(total, ()), ops.reshape(added, ()))
        else:
            losses = self._method(step)
        rows = ops.shape(next(one for one in keras.tree.flatten(batch.x) if one is not None))[0]
        for metric, value in ((self._clean, clean), (self._added, losses.added)):
            metric.update_state(value * replicas(), sample_weight=rows)
        self._steps.update_state(epsilon)
        return losses.total

    def _metrics_hook(self) -> Any:
        plain = self.model.compute_metrics
        hidden = [self._steps.name]
        if callable(self.options.epsilon) or self.options.start_step:
            hidden = []

        def compute_metrics(*arguments: Any, **named: Any) -> Any:
            found = plain(*arguments, **named)
            # Evaluation reports what it reports of the plain model.
            names = hidden if self._in_training else [one.name for one in self._metrics]
            return {name: value for name, value in found.items() if name not in names}

        return compute_metrics

    def _step_hook(self, twice: bool) -> Any:
        """For a step of the user's own, which may not ask for the loss, and for penalties.

        The second derivative of a penalty is taken by the step of Keras.
        """
        plain = self.model.train_step

        def train_step(*arguments: Any, **named: Any) -> Any:
            self._called = False
            try:
                found = plain(*arguments, **named)
            except (LookupError, NotImplementedError) as error:
                if not twice:
                    raise
                rule = "one that can be differentiated twice for method 'gradient_penalty'; 'fgm'"
                raise _check.invalid("loss", f"{rule} needs one derivative", error) from error
            if not self._called:
                rule = "one that calls compute_loss, because that is what changes"
                raise _check.invalid("train_step", rule, type(self.model).train_step.__qualname__)
            return found

        return train_step


def applied(model: Any, options: AdversarialTraining | None) -> AbstractContextManager[Any]:
    """Trains a model adversarially within a block; None for plain training."""
    return nullcontext() if options is None else AdversarialHook(model, options)


def check_model(model: Any) -> None:
    """Raises unless it is a compiled Keras model with a loss."""
    if not isinstance(model, keras.Model):
        raise _check.invalid("model", "a Keras model", model)
    if not model.compiled:
        raise _check.invalid("model", "compiled: call model.compile before", model.name)


def _check_compilation(model: Any) -> None:
    """Raises where XLA cannot differentiate loops twice."""
    if keras.backend.backend() != "tensorflow" or not model.jit_compile or model.run_eagerly:
        return
    loops = [
        one.name
        for one in model._flatten_layers()
        if isinstance(one, (keras.layers.RNN, keras.layers.Bidirectional))
    ]
    losses = [one for one in keras.tree.flatten(model.loss) if hasattr(one, "twice_differentiable")]
    if loops or losses:
        what = ", ".join(loops) or losses[0].name
        rule = f"False with method 'gradient_penalty' and the loops of {what}: XLA cannot "
        raise _check.invalid("jit_compile", rule + "differentiate them twice", True)
