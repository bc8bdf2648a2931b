"""What Keras has no function for: compilation and differentiation of functions of tensors.

The only module that uses a backend directly.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "compiled",
    "hessian_vector_product",
    "keeping_random_state",
    "replicas",
    "value_and_gradients",
    "value_and_inner_gradients",
]


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


def value_and_gradients(
    function: Callable[..., Any], *, has_aux: bool = False, differentiable: bool = False
) -> Callable[..., tuple[Any, list[Any]]]:
    """Makes a function that returns a scalar and its gradients. Calls may be nested.

    Args:
        function: A function of tensors that returns a scalar, or with `has_aux` a scalar and
            anything else. Variables that it reads are constants, unless an outer function
            differentiates with respect to them.
        has_aux: Whether the function returns more than the scalar.
        differentiable: Whether the gradients will be differentiated in turn. PyTorch then keeps
            what it needs for that, which takes memory; the other backends ignore it.

    Returns:
        A function of the same tensors that returns what `function` returns, and a list with a
        gradient for each tensor: dense, and zeros where the scalar does not depend on it.
    """
    backend = keras.backend.backend()
    run = {"tensorflow": _tensorflow, "jax": _jax}.get(backend, _torch)

    def differentiated(*tensors: Any) -> tuple[Any, list[Any]]:
        return run(
            function, [ops.convert_to_tensor(one) for one in tensors], has_aux, differentiable
        )

    return differentiated


def value_and_inner_gradients(
    function: Callable[..., tuple[Any, Any]], *, differentiable: bool = False
) -> tuple[tuple[Any, Any], list[Any]]:
    """Runs a function, and differentiates its scalar by tensors that appear inside of it.

    Unlike with `value_and_gradients`, the shapes of these tensors need not be known beforehand.

    Args:
        function: Takes `visit`, passes each of these tensors through it in the same order every
            time, and returns a scalar and a nest of anything else. JAX runs it twice, once of them
            for the shapes alone.
        differentiable: As for `value_and_gradients`.

    Returns:
        What the function returns, and a dense gradient for each visited tensor. Where the scalar
        does not depend on one it is None, or zeros on JAX.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return _tensorflow_inner(function)
    if backend == "jax":
        return _jax_inner(function)
    return _torch_inner(function, differentiable)


def replicas() -> int:
    """The number of replicas that share a batch; Keras divides the loss of each by it."""
    if keras.backend.backend() != "tensorflow":
        return 1
    import tensorflow as tf

    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def hessian_vector_product(
    function: Callable[..., Any], tensors: Sequence[Any], vectors: Sequence[Any]
) -> list[Any]:
    """The product of the Hessian of a function with a vector, by two reverse passes.

    Args:
        function: A function of tensors that returns a scalar and can be differentiated twice.
        tensors: Where the Hessian is taken.
        vectors: The vector, in parts of the shapes of the tensors.

    Returns:
        The product, in parts of the same shapes.
    """
    inner = value_and_gradients(function, differentiable=True)
    constants = [ops.stop_gradient(ops.convert_to_tensor(one)) for one in vectors]

    def along(*tensors: Any) -> Any:
        _, gradients = inner(*tensors)
        return sum(ops.sum(one * other) for one, other in zip(gradients, constants, strict=True))

    return value_and_gradients(along)(*tensors)[1]


def _tensorflow(
    function: Callable[..., Any], tensors: list[Any], has_aux: bool, _: bool
) -> tuple[Any, list[Any]]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(tensors)
        output = function(*tensors)
    scalar = output[0] if has_aux else output
    zero = tf.UnconnectedGradients.ZERO
    gradients = tape.gradient(scalar, tensors, unconnected_gradients=zero)
    # Lookups have gradients of slices.
    return output, [tf.convert_to_tensor(one) for one in gradients]


def _jax(
    function: Callable[..., Any], tensors: list[Any], has_aux: bool, _: bool
) -> tuple[Any, list[Any]]:
    import jax

    every = tuple(range(len(tensors)))
    output, gradients = jax.value_and_grad(function, argnums=every, has_aux=has_aux)(*tensors)
    return output, list(gradients)


def _torch(
    function: Callable[..., Any], tensors: list[Any], has_aux: bool, differentiable: bool
) -> tuple[Any, list[Any]]:
    import torch

    leaves = [one if one.requires_grad else one.detach().requires_grad_() for one in tensors]
    with torch.enable_grad():
        output = function(*leaves)
        scalar = output[0] if has_aux else output
        gradients = torch.autograd.grad(
            scalar, leaves, create_graph=differentiable, allow_unused=True
        )
    return output, [
        torch.zeros_like(leaf) if one is None else one
        for one, leaf in zip(gradients, leaves, strict=True)
    ]


def _tensorflow_inner(function: Callable[..., Any]) -> tuple[Any, list[Any]]:
    import tensorflow as tf

    visited: list[Any] = []
    with tf.GradientTape() as tape:

        def visit(tensor: Any) -> Any:
            # A tensor of its own, because another use of the same one is not meant.
            visited.append(tf.identity(tensor))
            tape.watch(visited[-1])
            return visited[-1]

        output = function(visit)
    gradients = tape.gradient(output[0], visited)
    return output, [None if one is None else tf.convert_to_tensor(one) for one in gradients]


def _jax_inner(function: Callable[..., Any]) -> tuple[Any, list[Any]]:
    import jax

    shapes: list[Any] = []

    def record(tensor: Any) -> Any:
        shapes.append((tensor.shape, tensor.dtype))
        return tensor

    jax.eval_shape(lambda: function(record)[0])

    def moved(*steps: Any) -> Any:
        left = iter(steps)
        return function(lambda tensor: tensor + next(left))

    zeros = [jax.numpy.zeros(*one) for one in shapes]
    if not zeros:
        return moved(), []
    return _jax(moved, zeros, True, False)


def _torch_inner(function: Callable[..., Any], differentiable: bool) -> tuple[Any, list[Any]]:
    import torch

    visited: list[Any] = []

    def visit(tensor: Any) -> Any:
        visited.append(
            tensor.view_as(tensor) if tensor.requires_grad else tensor.detach().requires_grad_()
        )
        return visited[-1]

    with torch.enable_grad():
        output = function(visit)
        if not visited:
            return output, []
        gradients = torch.autograd.grad(
            output[0],
            visited,
            create_graph=differentiable,
            # What the function returns may still be differentiated by others.
            retain_graph=True,
            allow_unused=True,
        )
    return output, list(gradients)


@contextmanager
def keeping_random_state() -> Iterator[None]:
    """Restores the backend's global random state at the end of the block.

    Only PyTorch has one that Keras uses: for layers without a seed of their own.
    """
    if keras.backend.backend() != "torch":
        yield
        return
    import torch

    with torch.random.fork_rng():
        yield
