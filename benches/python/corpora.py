"""The texts that benchmarks read: the data pack where it is there, a synthetic corpus elsewhere."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from newword.samples import SyntheticCorpus

MEGABYTE = 1_000_000


def data_pack() -> Path | None:
    """The unpacked data pack, or None where this machine has none."""
    named = os.environ.get("NEWWORD_DATA")
    if named and (Path(named) / "raw").is_dir():
        return Path(named)
    unpack = Path("../shared/data/unpack.py")
    if unpack.is_file():
        found = subprocess.run(
            [sys.executable, str(unpack)], check=True, capture_output=True, text=True
        )
        return Path(found.stdout.strip())
    return None


def raw_files(pack: Path) -> list[Path]:
    """The unlabelled texts of the pack."""
    return sorted((pack / "raw").glob("*.txt"))


def concatenation(pack: Path, folder: Path) -> Path:
    """All unlabelled texts of the pack in one file."""
    target = folder / "raw_all.txt"
    with target.open("wb") as out:
        for path in raw_files(pack):
            with path.open("rb") as text:
                shutil.copyfileobj(text, out, 1 << 20)
    return target


def synthetic(folder: Path, size: int) -> Path:
    """A synthetic corpus of about ``size`` bytes."""
    target = folder / f"synthetic_{size // MEGABYTE}MB.txt"
    SyntheticCorpus(seed=1).write(target, size)
    return target


def one_run(source: Path, folder: Path) -> Path:
    """The Han characters of ``source``, without anything between them."""
    target = folder / f"one_run_{source.name}"
    with source.open(encoding="utf-8") as text, target.open("w", encoding="utf-8") as out:
        out.writelines("".join(re.findall("[\u4e00-\u9fff]+", line)) for line in text)
    return target


def repeated(source: Path, folder: Path, size: int, seed: int = 1) -> Path:
    """The lines of ``source``, a new order each round, until there are ``size`` bytes."""
    target = folder / f"repeated_{size // MEGABYTE}MB.txt"
    written = 0
    with target.open("wb") as out:
        for line in _rounds(source.read_bytes().splitlines(keepends=True), seed):
            out.write(line)
            written += len(line)
            if written >= size:
                return target
    return target


def _rounds(lines: list[bytes], seed: int) -> Iterator[bytes]:
    shuffle = random.Random(seed).shuffle
    while True:
        shuffle(lines)
        yield from lines
