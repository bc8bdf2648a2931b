"""Random numbers of Keras that a seed decides, without touching what the user seeded."""

import random
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Layers and initialisers made in the block draw their own seeds from this one.

    Keras takes the seed of whatever is given none from Python's `random`, whose state is put back
    at the end; `keras.utils.set_random_seed` would reset those of NumPy and the backend for good.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


def dropout_seed(rate: float) -> int | None:
    """A seed for a layer that drops that share; None where it drops nothing.

    Drawn as Keras draws the seed of a layer that is given none. Given, it also counts on PyTorch,
    where Keras otherwise leaves dropout to PyTorch's own state of random numbers.
    """
    return random.randint(1, 10**9) if rate else None  # noqa: S311
