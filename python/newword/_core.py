"""The compiled core, loaded when it is first needed."""

import functools
import importlib
from typing import Any

from newword.errors import NewwordError


@functools.cache
def core() -> Any:
    """The module `newword._newword`.

    Raises:
        NewwordError: It is not there: the package was not installed but put on the path.
    """
    try:
        return importlib.import_module("newword._newword")
    except ModuleNotFoundError as error:
        if error.name != "newword._newword":
            raise
        message = "the compiled core newword._newword is missing: install the package with pip"
        raise NewwordError(message) from error
