"""What `import newword` costs and brings in; what happens without the core."""

from __future__ import annotations

import ast
import subprocess
import sys
import time
from collections.abc import Collection
from graphlib import TopologicalSorter
from importlib.util import find_spec
from pathlib import Path

import pytest

import newword

HEAVY = (
    *("pandas", "pyarrow", "polars", "matplotlib", "typer", "rich", "jieba", "keras"),
    *("tensorflow", "newword._newword", "newword.cli", "newword.samples"),
)


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def test_it_brings_in_numpy_only() -> None:
    loaded = run(f"import newword, sys; print([name for name in {HEAVY} if name in sys.modules])")
    assert loaded == "[]"


@pytest.mark.serial
def test_it_is_fast() -> None:
    # The least of several runs in turn: what is slower was disturbed by something else.
    code = (
        "import time, numpy; began = time.perf_counter(); import newword;"
        "print(time.perf_counter() - began)"
    )
    best = 1.0
    deadline = time.monotonic() + 20
    for _ in range(15):
        best = min(best, float(run(code)))
        if best <= 0.05 or time.monotonic() > deadline:
            break
    assert best <= 0.1


def test_everything_promised_is_there() -> None:
    names = set(newword.__all__) - {"__version__"}
    assert all(hasattr(newword, name) for name in names)
    assert all(getattr(newword, name).__doc__ for name in names)
    with pytest.raises(AttributeError, match="nonsense"):
        newword.nonsense  # noqa: B018


def test_a_missing_core_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    # None stands for a module that cannot be imported.
    monkeypatch.setitem(sys.modules, "newword._newword", None)
    with pytest.raises(newword.NewwordError, match="install the package"):
        newword.Lexicon.from_words(["a"]).segment("a")


def test_without_keras_its_part_says_what_to_install() -> None:
    # None stands for a module that cannot be imported.
    code = (
        "import sys; sys.modules['keras'] = None\n"
        "try: import newword.keras\n"
        "except ImportError as error: print(type(error).__name__, error)"
    )
    said = run(code)
    assert said == 'MissingDependencyError Layers need keras: pip install "newword[keras]"'


@pytest.mark.skipif(find_spec("keras") is None, reason="Keras is not installed")
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_without_its_backend_keras_says_what_to_install(backend: str) -> None:
    code = (
        "import os, sys\n"
        f"os.environ['KERAS_BACKEND'], sys.modules[{backend!r}] = {backend!r}, None\n"
        "try: import newword.keras\n"
        "except ImportError as error: print(type(error).__name__, error)"
    )
    said = run(code)
    advice = f'Keras is set to {backend}: pip install "newword[{backend}]", or set KERAS_BACKEND'
    assert said.startswith(f"MissingDependencyError {advice}")


def test_exception_classes_have_standard_bases() -> None:
    assert issubclass(newword.InvalidArgumentError, ValueError)
    assert issubclass(newword.MissingDependencyError, ImportError)
    assert issubclass(newword.MemoryBudgetError, MemoryError)
    assert issubclass(newword.DecodeError, newword.CorpusError)
    for name in newword.__all__:
        if name.endswith("Error"):
            assert issubclass(getattr(newword, name), newword.NewwordError)


def test_no_two_modules_import_each_other() -> None:
    """Wherever the import stands: at the top, in a function, for type checkers only."""
    package = Path(newword.__file__).parent
    files = {
        ".".join(path.relative_to(package.parent).with_suffix("").parts): path
        for path in package.rglob("*.py")
    }
    modules = {name.removesuffix(".__init__"): path for name, path in files.items()}
    assert "newword.lexicon.plot" in modules
    graph = {name: _imported(path, modules) - {name} for name, path in modules.items()}
    assert "newword.lexicon.plot" in graph["newword.lexicon.lexicon"]
    # Raises CycleError, which names the circle.
    assert len(tuple(TopologicalSorter(graph).static_order())) == len(modules)


def _imported(path: Path, modules: Collection[str]) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            within = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= within & set(modules) or {node.module}
    return found & set(modules)
