"""Files of trained models: a zip archive, written atomically and validated when read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

from newword import _check
from newword._atomic import replacing
from newword.errors import FormatError, InvalidArgumentError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = ["MODEL", "Archive", "load_model", "sound"]

MODEL = "model.keras"
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time stamp of all members, so that archives are reproducible as far as Keras allows."""


@dataclass(frozen=True)
class Archive:
    """A kind of archive: a description as JSON, a Keras model, and other members.

    The description holds format, version and the digests of all other members.
    """

    format: str
    version: int
    about: str
    """The name of the description."""
    kind: str
    """What the file is, in error messages: "a tagger"."""

    def save(
        self,
        path: str | os.PathLike[str],
        model: Any,
        about: Mapping[str, Any],
        others: Mapping[str, bytes],
    ) -> None:
        """Writes an archive.

        Args:
            path: The file.
            model: The Keras model.
            about: The rest of the description.
            others: Other members by name.

        Raises:
            InvalidArgumentError: The path is invalid.
            OSError: The file cannot be written.
        """
        target = _check.path("path", path)
        members = dict(others)
        with replacing(target) as temporary:
            with tempfile.TemporaryDirectory(dir=temporary.parent, prefix=".newword-") as folder:
                file = Path(folder, MODEL)
                model.save(file)
                members[MODEL] = file.read_bytes()
            digests = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
            whole = {"format": self.format, "version": self.version, **about, "sha256": digests}
            with zipfile.ZipFile(temporary, "w") as archive:
                for name, data in {self.about: json.dumps(whole).encode(), **members}.items():
                    archive.writestr(zipfile.ZipInfo(name, EPOCH), data, zipfile.ZIP_DEFLATED)

    def load(self, source: str) -> tuple[dict[str, Any], dict[str, bytes]]:
        """Reads the description and the members; validates format, version and digests.

        Raises:
            FormatError: The file is something else, corrupt, or from a later version.
            OSError: The file cannot be read.
        """
        members = self._members(source)
        with sound(source, self.about):
            about = json.loads(members[self.about])
            if about["format"] != self.format:
                raise ValueError(f"the format is {about['format']!r}")
            version, digests = int(about["version"]), dict(about["sha256"])
        if version > self.version:
            rule = f"version {version}, and this newword reads up to version {self.version}"
            raise FormatError(f"{source}: {rule}")
        for name in {MODEL, *digests}:
            if name not in members or name not in digests:
                raise FormatError(f"{source}: {name} is missing")
            if hashlib.sha256(members[name]).hexdigest() != digests[name]:
                raise FormatError(f"{source}: {name} is not the one that was saved")
        return about, members

    def _members(self, source: str) -> dict[str, bytes]:
        """All members by name."""
        try:
            with zipfile.ZipFile(source) as archive:
                return {name: archive.read(name) for name in archive.namelist()}
        except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
            message = f"{source}: not {self.kind} file, or corrupt: {error}"
            raise FormatError(message) from error


def load_model(source: str, data: bytes, custom_objects: Mapping[str, Any] | None) -> Any:
    """Loads the model of an archive.

    Raises:
        FormatError: Keras cannot load it.
    """
    with tempfile.TemporaryDirectory(prefix="newword-") as folder:
        file = Path(folder, MODEL)
        file.write_bytes(data)
        try:
            return keras.models.load_model(file, custom_objects=dict(custom_objects or {}))
        except Exception as error:
            # Keras raises exceptions of any type; the message includes theirs.
            rule = (
                "Keras cannot load the model (own classes must be registered or in custom_objects)"
            )
            raise FormatError(f"{source}: {rule}: {error}") from error


@contextlib.contextmanager
def sound(source: str, part: str) -> Any:
    """Converts the errors of a part to `FormatError`."""
    try:
        yield
    except (KeyError, TypeError, ValueError, InvalidArgumentError) as error:
        raise FormatError(f"{source}: {part}: {error}") from error
