"""The pages of the documentation and the code blocks in them."""

from __future__ import annotations

import ast
import re
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted([*ROOT.glob("README*.md"), *ROOT.glob("docs/**/*.md")])
KERAS_PAGES = [page for page in PAGES if page.stem.startswith("keras")]
"""Pages that need Keras; their blocks run on every backend."""
SPARK_PAGES = [page for page in PAGES if page.stem == "spark"]
"""Pages that need Spark; their blocks run in its tests."""


def blocks(page: Path, language: str) -> list[tuple[int, str]]:
    """The blocks in a language, each with the line its code begins at."""
    text = page.read_text("utf-8")
    return [
        (text.count("\n", 0, found.start(2)), found[2])
        for found in BLOCK.finditer(text)
        if found[1] == language
    ]


def run_blocks(page: Path) -> None:
    """Runs the Python blocks of a page one after the other; a warning is an error."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Keras itself, where it saves or prints its variables.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        # PySpark 4 of pandas 3.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support", FutureWarning)
        for line, code in blocks(page, "python"):
            # Blank lines before it, so that a traceback shows the page's own line.
            exec(compile("\n" * line + code, str(page), "exec"), names)


def runs_like_its_twin(page: Path) -> bool:
    """Whether a translated page has the blocks of the original, comments aside.

    One run then serves both.
    """
    twin = ROOT / "docs" / page.name
    if page.parent.name != "zh" or not twin.exists():
        return False
    programs = [
        [ast.dump(ast.parse(code)) for _, code in blocks(one, "python")] for one in (page, twin)
    ]
    return programs[0] == programs[1]
