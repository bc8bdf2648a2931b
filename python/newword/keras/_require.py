"""Says what to install where Keras or its backend is missing; imported before all else here."""

from newword._optional import optional_module
from newword.errors import MissingDependencyError

BACKENDS = ("tensorflow", "jax", "torch")

try:
    optional_module("keras", "keras", "Layers")
except ModuleNotFoundError as error:
    # Keras is here, and the backend it is set to is not.
    missing = (error.name or "").partition(".")[0]
    if missing not in BACKENDS:
        raise
    others = ", ".join(one for one in BACKENDS if one != missing)
    message = (
        f'Keras is set to {missing}: pip install "newword[{missing}]", '
        f"or set KERAS_BACKEND to another backend ({others})"
    )
    raise MissingDependencyError(message, name=missing) from error
