"""The compiled core, loaded when it is first needed."""

import importlib
import sys
from typing import Any

from newword.errors import NewwordError


def core() -> Any:
    """The module `newword._newword`.

    Raises:
        NewwordError: It is not there: the package was not installed but put on the path.
    """
    # Where it is known already: import_module would take a good part of a short call.
    loaded = sys.modules.get("newword._newword")
    if loaded is not None:
        return loaded
    try:
        return importlib.import_module("newword._newword")
    except ModuleNotFoundError as error:
        if error.name != "newword._newword":
            raise
        message = "the compiled core newword._newword is missing: install the package with pip"
        raise NewwordError(message) from error
