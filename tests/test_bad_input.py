"""Bad input: each kind gets an error that says what and where, and leaves nothing behind."""

from __future__ import annotations

import gzip
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import newword
from newword import (
    CorpusError,
    DecodeError,
    FormatError,
    InvalidArgumentError,
    MemoryBudgetError,
    NewwordError,
    discover,
)
from newword.samples import SyntheticCorpus, sample_text
from tests.support.fake_core import needs_core
from tests.support.process import COMMAND, run

pytestmark = needs_core
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")
not_root = pytest.mark.skipif(
    hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read and write anywhere"
)

NAN = float("nan")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a corpus, and a spill folder beside it."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "ok.txt").write_text(sample_text(), "utf-8")
    (tmp_path / "spill").mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture(scope="session")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus that takes seconds and does not fit 64 MB."""
    path = tmp_path_factory.mktemp("big") / "big.txt"
    SyntheticCorpus(seed=1).write(path, 60_000_000)
    return path


def options_of(arguments: dict[str, Any]) -> Iterator[str]:
    """Keyword arguments as the command line has them."""
    for name, value in arguments.items():
        yield f"--{name.replace('_', '-')}"
        yield ",".join(map(str, value)) if isinstance(value, list) else str(value)


def write(name: str, data: bytes) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        (folder / name).write_bytes(data)

    return prepare


def nothing(_: Path) -> None:
    """Prepares nothing."""


SAMPLE = sample_text().encode("utf-8")

CASES: list[tuple[str, Callable[[Path], None], str, dict[str, Any], type[Exception], str, int]] = [
    ("missing file", nothing, "no.txt", {}, FileNotFoundError, "no.txt", 1),
    (
        "directory without text",
        lambda folder: (folder / "empty").mkdir(),
        "empty",
        {},
        InvalidArgumentError,
        "a folder must hold text files, got .*empty",
        2,
    ),
    ("glob that finds nothing", nothing, "*.zzz", {}, InvalidArgumentError, r"\*\.zzz", 2),
    (
        "truncated gzip",
        write("cut.gz", gzip.compress(SAMPLE)[:-5000]),
        "cut.gz",
        {},
        CorpusError,
        "cut.gz: .*(incomplete|cut)",
        1,
    ),
    (
        "no gzip inside",
        write("junk.gz", b"\x1f\x8b\x08\x00junkjunkjunk" * 4),
        "junk.gz",
        {},
        (OSError, NewwordError),  # type: ignore[list-item]
        "junk.gz",
        1,
    ),
    (
        "wrong encoding",
        write("gb.txt", "今天天气".encode() + "很好".encode("gb18030")),
        "gb.txt",
        {},
        DecodeError,
        "gb.txt: byte 12: not valid UTF-8",
        1,
    ),
    (
        "wrong encoding, named",
        write("u.txt", "今天天气\n".encode("gb18030") + b"\xff\xff"),
        "u.txt",
        {"encoding": "gb18030"},
        DecodeError,
        "u.txt: byte 9",
        1,
    ),
    ("unknown encoding", nothing, "ok.txt", {"encoding": "klingon"}, InvalidArgumentError,
     "encoding: must be .*klingon", 2),
    ("empty corpus", write("e.txt", b""), "e.txt", {}, CorpusError, "corpus", 1),
    ("only breaks", write("e.txt", " \n，。\n".encode()), "e.txt", {}, CorpusError, "corpus", 1),
    ("broken JSON", write("a.jsonl", b'{"text": "a"}\n{"text"\n'), "a.jsonl", {}, CorpusError,
     "a.jsonl: line 2", 1),
    ("missing field", write("a.jsonl", b'{"body": "a"}\n'), "a.jsonl", {}, CorpusError,
     'a.jsonl: line 1: no field "text".*"body"', 1),
    ("field of another type", write("a.jsonl", b'{"text": 3}\n'), "a.jsonl", {}, CorpusError,
     "a.jsonl: line 1.*number", 1),
    ("shorter than min_count", nothing, "ok.txt", {"min_count": 100_000}, InvalidArgumentError,
     "min_count: .*100000", 2),
    ("order too small", nothing, "ok.txt", {"order": 1}, InvalidArgumentError,
     "order: .*between 2 and 8, got 1", 2),
    ("order too large", nothing, "ok.txt", {"order": 9}, InvalidArgumentError,
     "order: .*between 2 and 8, got 9", 2),
    ("negative threshold", nothing, "ok.txt", {"min_entropy": -1.0}, InvalidArgumentError,
     "min_entropy: .*got -1", 2),
    ("NaN threshold", nothing, "ok.txt", {"min_entropy": NAN}, InvalidArgumentError,
     "min_entropy: .*got nan", 2),
    ("NaN among thresholds", nothing, "ok.txt", {"min_pmi": [0.0, 2.0, NAN, 6.0]},
     InvalidArgumentError, r"min_pmi\[2\]: .*got nan", 2),
    ("three thresholds for four lengths", nothing, "ok.txt", {"min_pmi": [0.0, 2.0, 4.0]},
     InvalidArgumentError, "min_pmi: must be one number or 4", 2),
    ("memory too small", nothing, "ok.txt", {"memory": "1KB"},
     (InvalidArgumentError, MemoryBudgetError),  # type: ignore[list-item]
     "memory: must be at least 64MB", 2),
    ("memory of no unit", nothing, "ok.txt", {"memory": "much"}, InvalidArgumentError,
     "memory: must be a size", 2),
    ("missing temp_dir", nothing, "ok.txt", {"temp_dir": "no/such"}, InvalidArgumentError,
     "temp_dir: must be an existing folder, got 'no/such'", 2),
    ("temp_dir is a file", nothing, "ok.txt", {"temp_dir": "ok.txt"}, InvalidArgumentError,
     "temp_dir: must be an existing folder", 2),
    ("missing dictionary", nothing, "ok.txt", {"known": "no.txt"}, FileNotFoundError, "no.txt", 1),
]  # fmt: skip


@pytest.mark.parametrize(
    ("prepare", "corpus", "arguments", "error", "message", "code"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_of_discover(
    folder: Path,
    prepare: Callable[[Path], None],
    corpus: str,
    arguments: dict[str, Any],
    error: type[Exception],
    message: str,
    code: int,
) -> None:
    prepare(folder)
    before = sorted(folder.iterdir())
    with pytest.raises(error, match=message):
        discover(corpus, **arguments)
    done = run("discover", corpus, "-o", "w.tsv", *options_of(arguments), folder=folder)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("newword: error: ")
    assert sorted(folder.iterdir()) == before


@not_root
def test_missing_permissions(folder: Path) -> None:
    (folder / "secret.txt").write_bytes(SAMPLE)
    (folder / "secret.txt").chmod(0)
    with pytest.raises(PermissionError, match="secret"):
        discover("secret.txt")
    assert run("discover", "secret.txt", folder=folder).returncode == 1
    (folder / "locked").mkdir(mode=0o500)
    with pytest.raises(InvalidArgumentError, match="temp_dir: must be a folder that can be"):
        discover("ok.txt", temp_dir=folder / "locked")
    assert run("discover", "ok.txt", "-o", "locked/w.tsv", folder=folder).returncode == 1


def test_an_iterable_of_something_else(folder: Path) -> None:
    for texts in (iter(["今天", 3]), ["今天", 3], ("今天", 3)):
        with pytest.raises(InvalidArgumentError, match="corpus: .*int at item 1"):
            discover(texts)
    with pytest.raises(InvalidArgumentError, match="corpus: .*bytes at item 2"):
        newword.count_ngrams(iter(["今天", None, b"x"]), folder / "a.nwc")
    assert [path.name for path in folder.iterdir()] == ["ok.txt"]


@pytest.mark.parametrize(
    "call",
    [discover, newword.train_segmenter, lambda texts: newword.count_ngrams(texts, "a.nwc")],
    ids=["discover", "train", "count"],
)
def test_an_iterable_that_raises_half_way(folder: Path, call: Callable[[Any], Any]) -> None:
    class OurError(Exception):
        pass

    raised = OurError("from the iterable")

    def texts() -> Iterator[str]:
        yield from ["今天天气很好"] * 10_000
        raise raised

    with pytest.raises(OurError) as caught:
        call(texts())
    assert caught.value is raised
    assert [path.name for path in folder.iterdir()] == ["ok.txt"]


def test_a_callback_that_raises(folder: Path) -> None:
    raised = RuntimeError("from the callback")

    def fail(_: newword.Progress) -> None:
        raise raised

    with pytest.raises(RuntimeError) as caught:
        discover("ok.txt", progress=fail)
    assert caught.value is raised


def test_output_is_a_directory(folder: Path) -> None:
    (folder / "out").mkdir()
    for command in ("discover", "count"):
        done = run(command, "ok.txt", "-o", "out", folder=folder)
        assert done.returncode == 2
        assert "output: must " in done.stderr
    with pytest.raises(InvalidArgumentError, match="output: must be a file to write, not a dir"):
        newword.count_ngrams("ok.txt", "out")
    assert list((folder / "out").iterdir()) == []


def test_output_in_a_missing_folder(folder: Path) -> None:
    with pytest.raises(OSError, match="folder to write into does not exist: 'no'"):
        newword.count_ngrams("ok.txt", "no/a.nwc")
    done = run("count", "ok.txt", "-o", "no/a.nwc", folder=folder)
    assert done.returncode == 1
    assert "no: the folder to write into does not exist" in done.stderr
    assert [path.name for path in folder.iterdir()] == ["ok.txt"]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no folder that takes no files here")
def test_output_in_a_folder_that_takes_no_files(folder: Path) -> None:
    words = discover("ok.txt")
    for save in (
        words.save,
        lambda path: words.save(path, "parquet"),
        lambda path: newword.count_ngrams("ok.txt", path),
        lambda path: newword.merge_counts([folder / "a.nwc"], path),
    ):
        newword.count_ngrams("ok.txt", folder / "a.nwc")
        with pytest.raises(OSError, match="cannot write|cannot create") as caught:
            save("/proc/words.tsv")
        assert caught.value.filename == "/proc/words.tsv"
    done = run("discover", "ok.txt", "-o", "/proc/words.tsv", folder=folder)
    assert done.returncode == 1
    assert ".part" not in done.stderr


def _limit_files_to_a_megabyte() -> None:
    import resource

    # Python ignores the signal that comes with it, so writing fails as on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))


@posix_only
@pytest.mark.parametrize("command", ["discover", "count", "count within memory"])
def test_a_full_disk(folder: Path, big: Path, command: str) -> None:
    spill = folder.parent / "spill"
    arguments: list[object] = [command.split(maxsplit=1)[0], big, "-o", "out.tsv", "-T", spill]
    if command != "count within memory":
        arguments += ["-S", "64MB"]
    done = run(*arguments, folder=folder, before=_limit_files_to_a_megabyte)
    assert done.returncode == 1, done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("newword: error: ")
    assert list(spill.iterdir()) == []
    assert [path.name for path in folder.iterdir()] == ["ok.txt"]


@posix_only
@pytest.mark.parametrize("command", ["discover", "count"])
@pytest.mark.parametrize("delay", [0.3, 1.0])
def test_ctrl_c(folder: Path, big: Path, command: str, delay: float) -> None:
    spill = folder.parent / "spill"
    arguments = [command, big, "-o", "out.tsv", "-T", spill, "-S", "64MB", "--order", "8"]
    process = subprocess.Popen(
        [*COMMAND, *map(str, [*arguments, "--threads", "1"])],
        stderr=subprocess.PIPE, cwd=folder, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 30
    # Spill files may have no name; what counts is that the work is on.
    while _cpu_seconds(process.pid) < delay + 0.2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert process.poll() is None, "the corpus is too small for this test"
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    took = time.monotonic() - began
    assert process.returncode == 130, said
    assert said == "newword: interrupted\n"
    # 0.2 s for the core; the rest is the interpreter's leave-taking on a busy machine.
    assert took < 1.0
    assert list(spill.iterdir()) == []
    assert [path.name for path in folder.iterdir()] == ["ok.txt"]


@posix_only
def test_ctrl_c_while_an_endless_iterable_is_read(folder: Path) -> None:
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    began = time.monotonic()
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        discover(itertools.repeat("今天天气很好"), memory="64MB", temp_dir=folder)
    assert time.monotonic() - began < 1.5
    assert [path.name for path in folder.iterdir()] == ["ok.txt"]


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        time.sleep(0.5)
        return 99.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class TestCountFiles:
    """Files that are not what they should be."""

    @pytest.fixture
    def counts(self, folder: Path) -> bytes:
        newword.count_ngrams("ok.txt", "ok.nwc")
        return (folder / "ok.nwc").read_bytes()

    @pytest.mark.parametrize(
        ("damage", "message"),
        [
            (lambda data: data[:8] + bytes([data[8] + 1]) + data[9:], "another version"),
            (lambda data: data[:-100], "cut short"),
            (lambda data: data[:20], "cut short|damaged"),
            (lambda data: b"", "not a count file|cut short"),
            (lambda data: b"x" + data[1:], "not a count file"),
            (
                lambda data: data[:5000] + bytes([data[5000] ^ 1]) + data[5001:],
                "checksum|damaged",
            ),
        ],
        ids=["version", "cut", "cut in the header", "empty", "other", "flipped bit"],
    )
    def test_damage(
        self, folder: Path, counts: bytes, damage: Callable[[bytes], bytes], message: str
    ) -> None:
        (folder / "bad.nwc").write_bytes(damage(counts))
        before = sorted(folder.iterdir())
        with pytest.raises(FormatError, match=f"bad.nwc: .*({message})"):
            newword.score_counts("bad.nwc")
        with pytest.raises(FormatError, match="bad.nwc"):
            newword.merge_counts(["ok.nwc", "bad.nwc"], "sum.nwc")
        with pytest.raises(FormatError, match="bad.nwc"):
            newword.count_ngrams("ok.txt", "bad.nwc", resume=True)
        for arguments in (
            ("score", "bad.nwc", "-o", "w.tsv"),
            ("merge", "ok.nwc", "bad.nwc", "-o", "sum.nwc"),
        ):
            done = run(*arguments, folder=folder)
            assert done.returncode == 1
            assert "bad.nwc: " in done.stderr
        assert sorted(folder.iterdir()) == before

    @pytest.mark.parametrize(
        ("other", "message"),
        [
            ({"order": 3}, "order 3.*order 4"),
            ({"letters": "break"}, "alphabet"),
            ({"min_count": 3}, "pruned"),
        ],
    )
    def test_files_that_do_not_fit(
        self, folder: Path, counts: bytes, other: dict[str, Any], message: str
    ) -> None:
        newword.count_ngrams("ok.txt", "other.nwc", **other)
        with pytest.raises(FormatError, match=f"other.nwc: .*{message}"):
            newword.merge_counts(["ok.nwc", "other.nwc"], "sum.nwc")
        done = run("merge", "ok.nwc", "other.nwc", "-o", "sum.nwc", folder=folder)
        assert done.returncode == 1
        assert not (folder / "sum.nwc").exists()

    @pytest.mark.parametrize(
        "other",
        [
            {"letters": "break"},
            {"order": 3},
            {"min_count": 3},
        ],
    )
    def test_resuming_with_other_settings(
        self, folder: Path, counts: bytes, other: dict[str, Any]
    ) -> None:
        (folder / "new.txt").write_text("今天天气很好\n", "utf-8")
        with pytest.raises((FormatError, InvalidArgumentError), match=r"ok\.nwc|min_count"):
            newword.count_ngrams("new.txt", "ok.nwc", resume=True, **other)
        assert (folder / "ok.nwc").read_bytes() == counts

    def test_resuming_after_a_change(self, folder: Path, counts: bytes) -> None:
        (folder / "ok.txt").write_text("今天天气很好\n", "utf-8")
        with pytest.raises(FormatError, match=r"ok\.txt"):
            newword.count_ngrams("ok.txt", "ok.nwc", resume=True)
        assert (folder / "ok.nwc").read_bytes() == counts

    def test_missing(self, folder: Path) -> None:
        with pytest.raises(FileNotFoundError, match="no.nwc"):
            newword.score_counts("no.nwc")
        done = run("merge", "no.nwc", "-o", "sum.nwc", folder=folder)
        assert done.returncode == 1
        assert "no.nwc: " in done.stderr

    def test_score_counts_rejects_options_that_need_the_text(
        self, folder: Path, counts: bytes
    ) -> None:
        with pytest.raises(InvalidArgumentError, match="method"):
            newword.score_counts("ok.nwc", method="bigram")
        with pytest.raises(InvalidArgumentError, match="min_count"):
            newword.score_counts("ok.nwc", min_count=1_000_000)
        newword.count_ngrams("ok.txt", "pruned.nwc", min_count=3)
        with pytest.raises((FormatError, InvalidArgumentError), match="3"):
            newword.score_counts("pruned.nwc", min_count=2)

    def test_thresholds_for_another_order(self, folder: Path, counts: bytes) -> None:
        with pytest.raises(InvalidArgumentError, match="min_pmi"):
            newword.score_counts("ok.nwc", min_pmi=[0, 1])
