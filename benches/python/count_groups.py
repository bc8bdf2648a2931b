"""Time and bytes of counting a text into the count files of groups, as the tasks of a cluster do.

    python benches/python/count_groups.py FILE GROUPS...

Prints, for each number of groups, the files, their bytes, the largest against the mean, and the
seconds of `count_buckets` on one thread.
"""

from __future__ import annotations

import sys
import tempfile
import time
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
            wall, cpu = time.perf_counter(), time.process_time()
            options = ALPHABET | {"order": 4, "buckets": groups}
            files = text.count_buckets(folder, options, JOB | {"temp_dir": folder})
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            bytes_of = [Path(path).stat().st_size for _, path in files]
        size, largest = sum(bytes_of), max(bytes_of) * len(bytes_of) / sum(bytes_of)
        sizes = (
            f"{len(files):>6} files, {size / 1e6:>7.2f} MB, largest {largest:.2f} times the mean"
        )
        print(f"{groups:>6} groups: {sizes}, {wall:>6.2f} s, {cpu:>6.2f} s of CPU")


if __name__ == "__main__":
    main()
