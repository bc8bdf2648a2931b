"""The command line. Typer and rich are loaded when it runs, not when `newword` is imported."""

__all__ = ["main"]


def main() -> None:
    """Runs the command line and ends the process with its exit code."""
    from newword.cli.process import run

    run(_start)


def _start() -> None:
    from newword.cli.app import app

    app(prog_name="newword")
