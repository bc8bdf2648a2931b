"""Raises an error with installation instructions if Keras or its backend is missing.

Imported before all other modules of `newword.keras`.
"""

from newword._optional import optional_module
from newword.errors import MissingDependencyError

BACKENDS = ("tensorflow", "jax", "torch")

try:
    optional_module("keras", "keras", "Layers")
except ModuleNotFoundError as error:
    # Keras is installed, but not the backend that it is configured to use.
    missing = (error.name or "").partition(".")[0]
    if missing not in BACKENDS:
        raise
    others = ", ".join(one for one in BACKENDS if one != missing)
    message = (
        f'Keras is set to {missing}: pip install "newword[{missing}]", '
        f"or set KERAS_BACKEND to another backend ({others})"
    )
    raise MissingDependencyError(message, name=missing) from error
