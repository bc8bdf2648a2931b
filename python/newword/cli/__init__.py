"""The command line. Typer and rich are loaded when it runs, not when `newword` is imported."""

__all__ = ["main"]


def main() -> None:
    """Runs the command line and ends the process with its exit code."""
    from newword.cli.guard import run

    run()
