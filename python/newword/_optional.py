"""Optional libraries, imported at the moment they are needed."""

import importlib
from typing import TYPE_CHECKING, Any

from newword.errors import MissingDependencyError

if TYPE_CHECKING:
    from types import ModuleType


def optional_module(name: str, extra: str, purpose: str) -> Any:
    """Imports an optional library.

    Args:
        name: The module, as `"pyarrow.parquet"`.
        extra: The extra of this package that installs it, as `"arrow"`.
        purpose: What it is needed for, as the start of a sentence: `"Parquet files"`.

    Raises:
        MissingDependencyError: It is not installed.
    """
    library = name.partition(".")[0]
    try:
        module: ModuleType = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != library:
            raise
        message = f'{purpose} need {library}: pip install "newword[{extra}]"'
        raise MissingDependencyError(message, name=library) from error
    return module
