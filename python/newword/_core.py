"""The compiled core, loaded when it is first needed."""

import importlib
import sys
from typing import Any

from newword.errors import NewwordError


def core() -> Any:
    """The module `newword._newword`.

    Raises:
        NewwordError: The module is missing, because the package was not installed.
    """
    # import_module takes a noticeable part of a short call, even for a loaded module.
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
