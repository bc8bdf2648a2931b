"""Atomic writing of files."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

_state = SimpleNamespace(placing=False)


def placing() -> bool:
    """Whether this process is renaming, or has renamed, a complete file to its final name.

    The command line checks it before a signal ends the process: an exit code that says
    "interrupted" beside a complete file would be wrong.
    """
    return bool(_state.placing)


@contextmanager
def replacing(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Yields a temporary path in the folder of `target`, which replaces it if the block succeeds.

    Whatever the block raises, Ctrl-C included, the temporary file is removed and a `target` that
    was there before is untouched. A device or a pipe (`/dev/null`, `/dev/stdout`) cannot be
    replaced and is written to as it stands.

    Args:
        target: The file to write. Its folder must exist.

    Raises:
        IsADirectoryError: `target` is a directory.
        OSError: The folder is missing or not writable, or the disk is full.
    """
    path = _checked(target)
    if path.exists() and not path.is_file():
        yield path
        return
    temporary = _name_beside(path)
    try:
        _create(temporary, path)
        yield temporary
        _place(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename == str(temporary):
            raise _of_target(error, path) from None
        raise


def check_writable(target: str | os.PathLike[str]) -> None:
    """Raises the errors of `replacing` before hours of work rather than after."""
    path = _checked(target)
    if path.exists() and not path.is_file():
        return
    temporary = _name_beside(path)
    try:
        _create(temporary, path)
        temporary.unlink()
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _checked(target: str | os.PathLike[str]) -> Path:
    path = Path(target)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "cannot write a file over a directory", str(path))
    if not path.parent.is_dir():
        reason = "the folder to write into does not exist"
        raise FileNotFoundError(errno.ENOENT, reason, str(path.parent))
    # The destination of a symbolic link is replaced, not the link.
    return path.resolve()


def _name_beside(path: Path) -> Path:
    # Known before the file is made: a signal in between must find something to remove.
    return path.with_name(f".newword-{os.urandom(8).hex()}.part")


def _create(temporary: Path, path: Path) -> None:
    """An empty file with the permissions of `path`, or else those of any new file."""
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        raise _of_target(error, path) from None
    with suppress(OSError):
        temporary.chmod(path.stat().st_mode & 0o777)


def _place(temporary: Path, path: Path) -> None:
    before, _state.placing = _state.placing, True
    try:
        temporary.replace(path)
    except BaseException:
        _state.placing = before
        raise


def _of_target(error: OSError, path: Path) -> OSError:
    """Converts an error of the temporary file to one of the target."""
    return OSError(error.errno, f"cannot write: {error.strerror}", str(path))
