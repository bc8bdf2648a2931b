"""Seeding of Keras layers without changing the user's random states."""

import random
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Layers and initialisers created in the block draw their seeds from this one.

    Keras draws missing seeds from Python's `random`, whose state is restored at the end.
    `keras.utils.set_random_seed` would also reset the states of NumPy and the backend.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def dropout_seed(rate: float) -> int | None:
    """Returns a seed for a dropout layer; None if the rate is 0.

    It is drawn as Keras draws missing seeds. On PyTorch an explicit seed is needed, because Keras
    otherwise uses PyTorch's global random state for dropout.
    """
    return random.randint(1, 10**9) if rate else None  # noqa: S311
