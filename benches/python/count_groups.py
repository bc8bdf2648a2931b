"""Time and bytes of counting a text into the count files of groups, as the tasks of a cluster do.

    python benches/python/count_groups.py FILE GROUPS...

Prints, for each number of groups, the files, their bytes, the largest against the mean, and the
seconds of counting them on one thread: wall, user and system.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from newword._core import core

ALPHABET = {"letters": "unit", "digits": "unit", "nfkc": False, "skip_variation_selectors": True}
JOB = {"threads": 1, "memory": "2GB", "progress": None}


def main() -> None:
    """Counts the text of the first argument into as many groups as each of the others says."""
    import pyarrow as pa

    name, *numbers = sys.argv[1:]
    lines = Path(name).read_text("utf-8").splitlines()
    source = {
        "kind": "arrow",
        "data": pa.chunked_array([pa.array(lines)]),
        "format": "auto",
        "field": "text",
        "encoding": "utf-8",
        "errors": "strict",
        "strip_html": False,
    }
    text = core().EncodedText(source, ALPHABET, JOB | {"temp_dir": tempfile.gettempdir()})
    for groups in map(int, numbers):
        with tempfile.TemporaryDirectory() as folder:
            start = os.times()
            options = ALPHABET | {"order": 4, "groups": groups}
            files = text.count_groups(options, JOB | {"temp_dir": folder})
            bytes_of = [len(counts) for _, counts in iter(files.next, None)]
            end = os.times()
        wall, system = end.elapsed - start.elapsed, end.system - start.system
        user = end.user - start.user
        size, largest = sum(bytes_of), max(bytes_of) * len(bytes_of) / sum(bytes_of)
        sizes = (
            f"{len(bytes_of):>6} files, {size / 1e6:>7.2f} MB, largest {largest:.2f} times the mean"
        )
        print(
            f"{groups:>6} groups: {sizes}, {wall:.2f} s, {user:.2f} s user, {system:.2f} s system"
        )


if __name__ == "__main__":
    main()
