"""The tagging heads under test, each next to its slow twin."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.support.chains import Chain
from tests.support.tensors import numpy

TAGS = 3
ALLOWED = np.array([[True, True, False], [True, False, True], [True, True, True]])
START = np.array([True, False, True])
END = np.array([True, True, False])

HEADS: dict[str, dict[str, Any]] = {
    "softmax": {"head": "SoftmaxTagging"},
    "memm": {"head": "MEMM"},
    "memm_boundary": {"head": "MEMM", "use_boundary": True},
    "memm_rank": {"head": "MEMM", "rank": 2},
    "memm_halved": {"head": "MEMM", "halve_history": True},
    "memm_second_order": {"head": "MEMM", "order": 2},
    "memm_second_order_halved": {
        "head": "MEMM",
        "order": 2,
        "halve_history": True,
        "use_boundary": True,
    },
    "bidirectional": {"head": "BidirectionalMEMM"},
    "bidirectional_full": {
        "head": "BidirectionalMEMM",
        "use_boundary": True,
        "rank": 2,
        "halve_history": True,
        "lr_multiplier": 50.0,
    },
    "crf": {"head": "CRF"},
    "crf_boundary": {"head": "CRF", "use_boundary": True, "lr_multiplier": 10.0},
    "crf_rank": {"head": "CRF", "rank": 2},
}
SHORT = ["softmax", "memm", "bidirectional", "crf"]
CONSTRAINTS = {"allowed_transitions": ALLOWED, "allowed_start": START, "allowed_end": END}


def make_head(variant: str, tags: int = TAGS, **more: Any) -> Any:
    """A head by its name here."""
    import newword.keras as heads

    options = {**HEADS[variant], **more}
    return getattr(heads, options.pop("head"))(tags, **options)


def random_head(variant: str, rng: np.random.Generator, **more: Any) -> Any:
    """A head on raw emissions with random parameters."""
    head = make_head(variant, use_kernel=False, **more)
    head.build((None, None, TAGS))
    for weight in head.weights:
        scale = 1 / getattr(head, "lr_multiplier", 1.0)
        weight.assign(scale * rng.normal(size=weight.shape).astype("float32"))
    return head


def twin(head: Any) -> Chain:
    """The slow twin with the parameters of a head."""
    tags = head.num_tags
    chain = Chain(head.layout.model, np.zeros((tags, tags)), np.zeros(tags), np.zeros(tags))
    if head.layout.model != "softmax":
        values = numpy(head.transitions).astype(float)
        chain.g = values if head.rank is None else values[: head.rank].T @ values[head.rank :]
        if head.boundary is not None:
            chain.start, chain.end = numpy(head.boundary).astype(float)
    if head.layout.second_order:
        stored = numpy(head.stored_second_order).astype(float) * head.lr_multiplier
        chain.h = stored.reshape(tags, tags, tags)
    chain.halve = head.layout.halve_history
    if head.constrained:
        chain.start_penalty = np.where(head.allowed_start, 0.0, -1e4)
        chain.end_penalty = np.where(head.allowed_end, 0.0, -1e4)
        chain.penalty = np.where(head.allowed_transitions, 0.0, -1e4)
    return chain


def batch(rng: np.random.Generator, scale: float = 2.0) -> tuple[Any, Any, Any]:
    """Emissions, a mask with pads at the end, at the beginning, inside and everywhere, labels."""
    mask = np.array(
        [
            [1, 1, 1, 1, 1],
            [1, 1, 1, 0, 0],
            [0, 0, 1, 1, 1],
            [1, 0, 1, 0, 1],
            [0, 1, 0, 0, 0],
            [0] * 5,
        ],
        bool,
    )
    emissions = (scale * rng.normal(size=(*mask.shape, TAGS))).astype("float32")
    labels = np.where(mask, rng.integers(0, TAGS, mask.shape), -100)
    return emissions, mask, labels


def compile_lightly() -> None:
    """On JAX, leaves optimisations out: these tests compile for longer than they compute."""
    import keras

    if keras.backend.backend() == "jax":
        importlib.import_module("jax").config.update("jax_disable_most_optimizations", True)


def gradients(function: Callable[..., Any], *arrays: Any) -> list[Any]:
    """The gradients of a scalar function, as arrays."""
    return [numpy(one) for one in differentiate(function)(*arrays)]


def differentiate(function: Callable[..., Any]) -> Callable[..., list[Any]]:
    """The function of a scalar function's gradients, which may be differentiated again."""
    import keras

    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return lambda *xs: list(jax.jit(jax.grad(function, argnums=tuple(range(len(xs)))))(*xs))
    if backend == "tensorflow":
        import tensorflow as tf

        def run(*arrays: Any) -> list[Any]:
            xs = [tf.convert_to_tensor(one) for one in arrays]
            with tf.GradientTape() as tape:
                tape.watch(xs)
                value = function(*xs)
            return list(tape.gradient(value, xs, unconnected_gradients="zero"))

        return run
    torch = importlib.import_module("torch")

    def run_torch(*arrays: Any) -> list[Any]:
        xs = [torch.as_tensor(one) for one in arrays]
        xs = [one if one.requires_grad else one.detach().requires_grad_() for one in xs]
        return list(torch.autograd.grad(function(*xs), xs, create_graph=True))

    return run_torch
