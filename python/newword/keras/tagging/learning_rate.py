"""A separate learning rate for one weight, under any optimizer."""

from typing import Any

from keras import ops

__all__ = ["with_rate"]


def with_rate(stored: Any, multiplier: float) -> Any:
    """Returns a weight that trains `multiplier` times as fast as its stored variable.

    The weight is W = m p for a stored variable p, and the gradient of p is that of W: the forward
    pass scales the value, the backward pass does not scale the gradient. An optimizer changes p by
    -r u(g1, g2, ...), where r is its learning rate and u depends only on past gradients. So W
    changes by -(m r) u(g1, g2, ...), exactly the step of an ordinary weight with the rate m r. This
    holds for SGD, momentum, Nesterov, RMSprop, Adagrad, Adam and Lion, including epsilons and
    clipping.

    Plain scaling, W = m p with the true gradient m g, gives m^2 r under SGD and depends on epsilon
    under Adam. Decoupled weight decay (AdamW) is not multiplied: it decays W by r times the
    decay, like every other weight. Optimizers that scale a step by the norm of its variable
    (Adafactor, LAMB) cancel every such multiplier.

    Args:
        stored: The variable p.
        multiplier: m, greater than 0.

    Returns:
        The tensor W of the same shape.

    Source:
        The need for a larger rate, and plain scaling: kexue.fm/archives/7196.
    """
    value = ops.convert_to_tensor(stored)
    return value + ops.stop_gradient((multiplier - 1.0) * value)
