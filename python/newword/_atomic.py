"""Files that are complete or not there."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(target: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path in the folder of `target` that takes its place when the block succeeds.

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
    temporary = _create_beside(path)
    try:
        yield temporary
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename == str(temporary):
            raise _of_target(error, path) from None
        raise


def check_writable(target: str | os.PathLike[str]) -> None:
    """Raises now what `replacing` would raise at the end of hours of work."""
    path = _checked(target)
    if not path.exists() or path.is_file():
        _create_beside(path).unlink()


def _checked(target: str | os.PathLike[str]) -> Path:
    path = Path(target)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "cannot write a file over a directory", str(path))
    if not path.parent.is_dir():
        reason = "the folder to write into does not exist"
        raise FileNotFoundError(errno.ENOENT, reason, str(path.parent))
    # A link keeps pointing where it did: its destination is replaced.
    return path.resolve()


def _create_beside(path: Path) -> Path:
    """An empty file next to `path`, with its permissions or else those of any new file."""
    temporary = path.with_name(f".newword-{os.urandom(8).hex()}.part")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    except OSError as error:
        raise _of_target(error, path) from None
    with suppress(OSError):
        temporary.chmod(path.stat().st_mode & 0o777)
    return temporary


def _of_target(error: OSError, path: Path) -> OSError:
    """The failure of the temporary file as one of the file that the user named."""
    return OSError(error.errno, f"cannot write: {error.strerror}", str(path))
