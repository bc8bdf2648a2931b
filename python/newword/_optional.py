"""Optional libraries, imported when they are needed."""

import importlib
from typing import TYPE_CHECKING, Any

from newword.errors import MissingDependencyError

if TYPE_CHECKING:
    from types import ModuleType


def optional_module(name: str, extra: str, purpose: str) -> Any:
    """Imports an optional library.

    Args:
        name: The module, such as `"pyarrow.parquet"`.
        extra: The extra of this package that installs it, such as `"arrow"`.
        purpose: The purpose, as the subject of the error message: `"Parquet files"`.

    Raises:
        MissingDependencyError: The library is not installed.
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
