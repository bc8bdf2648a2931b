"""Compilation of functions of tensors by the backend, outside of `fit` and `predict`.

The only module that uses a backend directly, because Keras compiles only whole models.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["compiled"]


def compiled(
    function: Callable[..., Any], variables: Sequence[Any] = (), donate: tuple[int, ...] = ()
) -> Callable[..., Any]:
    """Compiles a function of tensors, for inference; later calls read the variables' new values.

    Args:
        function: A function of nests of tensors that uses only `keras.ops`.
        variables: The Keras variables that it reads. Changes to them are discarded on JAX.
        donate: Positions of arguments whose memory JAX may reuse for the results; the caller must
            not use them again.

    Returns:
        A function with the same arguments. It is compiled once for each combination of shapes on
        JAX. TensorFlow compiles for the first shapes, and then once for any. PyTorch runs it as it
        is, without recording gradients.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        # Without AutoGraph exceptions keep their types.
        graph: Callable[..., Any] = tf.function(function, reduce_retracing=True, autograph=False)
        return graph
    if backend == "jax":
        return _with_values(function, list(variables), donate)
    return _without_gradients(function)


def _with_values(
    function: Callable[..., Any], variables: list[Any], donate: tuple[int, ...]
) -> Callable[..., Any]:
    """Compiles with JAX, which takes the values of variables as an argument."""
    import jax

    def pure(values: list[Any], *arguments: Any) -> Any:
        with keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True))):
            return function(*arguments)

    jitted = jax.jit(pure, donate_argnums=tuple(one + 1 for one in donate))

    def run(*arguments: Any) -> Any:
        return jitted([one.value for one in variables], *arguments)

    return run


def _without_gradients(function: Callable[..., Any]) -> Callable[..., Any]:
    import torch

    def run(*arguments: Any) -> Any:
        with torch.no_grad():
            return function(*arguments)

    return run
