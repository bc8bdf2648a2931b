"""The command line with a stand-in for the core: options, outputs, exit codes."""

from __future__ import annotations

import gzip
import json
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from newword import CorpusError, Lexicon, MemoryBudgetError
from newword.cli.app import app
from newword.cli.groups import thresholds
from tests.support.fake_core import FakeCore

Run = Callable[..., Any]


@pytest.fixture
def run(fake_core: FakeCore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("今天天气\n", "utf-8")

    def invoke(*arguments: str, input: bytes | None = None) -> Any:  # noqa: A002
        return CliRunner().invoke(app, [str(one) for one in arguments], input=input)

    return invoke


def test_discover_into_a_pipe(run: Run, fake_core: FakeCore) -> None:
    done = run("discover", "a.txt")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].split("\t")[:3] == ["word", "count", "length"]
    assert lines[1].startswith("时间\t9\t2\t3.0\t")
    assert "newword: 3 words in" in done.stderr
    assert fake_core.calls[0][1][0]["data"] == ["a.txt"]
    assert run("discover", "-q", "a.txt").stderr == ""


@pytest.mark.parametrize("name", ["w.tsv", "w.csv", "w.jsonl", "w.parquet", "w.txt"])
def test_discover_into_files(run: Run, tmp_path: Path, name: str) -> None:
    done = run("discover", "a.txt", "-o", name, "--top", "2")
    assert done.exit_code == 0
    assert done.stdout == ""
    assert f"2 words in" in done.stderr  # noqa: F541
    assert f"written to {name}" in done.stderr
    assert Lexicon.load(tmp_path / name)["word"].tolist() == ["时间", "5G网络"]
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", name}


def test_discover_hands_its_options_on(run: Run, fake_core: FakeCore) -> None:
    text = "--order 3 --min-count 2 --method entropy --min-pmi 0,1,2 --min-entropy 0.5"
    text += " --max-length 6 --edge-stops 的了 --letters break --digits characters"
    text += " --nfkc --skip-variation-selectors"
    text += " --drop-duplicates --strip-html --format jsonl --field body"
    text += " --encoding gb18030 --errors skip"
    text += " --threads 2 -S 1GB -T ."
    assert run("discover", "a.txt", *text.split()).exit_code == 0
    source, options, job = fake_core.calls[0][1]
    reading = {
        "format": "jsonl", "field": "body", "encoding": "gb18030", "errors": "skip",
        "strip_html": True,
    }  # fmt: skip
    assert source == {"kind": "paths", "data": ["a.txt"], **reading}
    assert options == {
        "order": 3,
        "min_count": 2,
        "method": "entropy",
        "min_pmi": [0.0, 1.0, 2.0],
        "min_entropy": 0.5,
        "max_length": 6,
        "counts": "exact",
        "edge_stops": ["的", "了"],
        "reasons": False,
        "letters": "break",
        "digits": "characters",
        "nfkc": True,
        "skip_variation_selectors": True,
        "drop_duplicates": True,
    }
    assert job == {"threads": 2, "memory": "1GB", "temp_dir": ".", "progress": None}


def test_known_new_sort_rejected_json(run: Run, fake_core: FakeCore, tmp_path: Path) -> None:
    (tmp_path / "dict.txt").write_text("时间 3\n", "utf-8")
    fake_core.rejected = {"word": ["的时"], "count": [5], "reason": ["pmi"]}
    done = run(
        *("discover", "a.txt", "--known", "dict.txt", "--new", "--sort", "pmi"),
        *("--rejected", "r.tsv", "-o", "w.tsv", "--json"),
    )
    assert done.exit_code == 0
    assert Lexicon.load(tmp_path / "w.tsv")["word"].tolist() == ["5G网络", "覆膜机"]
    assert Lexicon.load(tmp_path / "r.tsv")["reason"].tolist() == ["pmi"]
    summary = json.loads(done.stdout)
    assert summary["words"] == 2
    assert summary["min_pmi"] == [0, 2, 4, 6]
    done = run("discover", "a.txt", "--known", "dict.txt", "--drop-known", "-o", "w.tsv")
    assert Lexicon.load(tmp_path / "w.tsv")["word"].tolist() == ["5G网络", "覆膜机"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["discover"],
        ["discover", "a.txt", "--order", "x"],
        ["discover", "a.txt", "--order", "99"],
        ["discover", "a.txt", "--min-pmi", "a,b"],
        ["discover", "a.txt", "--min-pmi", "0,1"],
        ["discover", "a.txt", "--min-pmi", "nan"],
        ["discover", "a.txt", "--no-such-option"],
        ["discover", "a.txt", "-o", "w.xyz"],
        ["discover", "a.txt", "-o", "."],
        ["discover", "a.txt", "--to", "csv"],
        ["discover", "a.txt", "--sort", "freq"],
        ["count", "a.txt"],
        ["count", "a.txt", "-o", "."],
        ["evaluate", "a.txt"],
        ["evaluate", "a.txt", "a.txt", "-l", "a.txt"],
        ["segment", "a.txt"],
        ["compile", "a.txt"],
        ["nonsense"],
    ],
)
def test_wrong_usage_is_2(run: Run, tmp_path: Path, arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (CorpusError("no text in it"), 1, "newword: error: no text in it"),
        (MemoryBudgetError("too\nlittle"), 1, "newword: error: too little"),
        (FileNotFoundError(2, "No such file or directory", "x.txt"), 1, "x.txt: No such file"),
        (OSError("broken"), 1, "newword: error: broken"),
        (KeyboardInterrupt(), 130, "newword: interrupted"),
    ],
)
def test_failures_are_one_line(
    run: Run, fake_core: FakeCore, tmp_path: Path, raised: BaseException, code: int, said: str
) -> None:
    fake_core.raises = raised
    done = run("discover", "a.txt", "-o", "w.tsv")
    assert done.exit_code == code
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    told = run("discover", "a.txt", "--traceback").stderr
    assert "Traceback (most recent call last)" in told


def test_missing_folders_are_found_before_the_work(run: Run, fake_core: FakeCore) -> None:
    done = run("discover", "a.txt", "-o", "missing/w.tsv")
    assert done.exit_code == 1
    assert "missing: the folder to write into does not exist" in done.stderr
    assert fake_core.calls == []


def test_count_merge_score_contrast(run: Run, fake_core: FakeCore) -> None:
    done = run("count", "a.txt", "-o", "a.counts", "--resume", "--json", "--order", "3")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["order"] == 3
    assert "written to a.counts" in done.stderr
    assert run("merge", "a.counts", "b.counts", "-o", "c.counts").exit_code == 0
    done = run("score", "c.counts", "-q")
    assert done.exit_code == 0
    assert done.stdout.splitlines()[1].startswith("时间")
    done = run("contrast", "a.txt", "-b", "a.txt", "-q")
    assert done.exit_code == 0
    assert "background_count" in done.stdout.splitlines()[0]
    names = [name for name, _ in fake_core.calls]
    assert names[:3] == ["count_ngrams", "merge_counts", "score_counts"]
    assert fake_core.calls[2][1][1] == "c.counts"


def test_demo_shows_a_table(run: Run) -> None:
    done = run("demo", "-n", "2")
    assert done.exit_code == 0
    assert "5G网络" in done.stdout
    assert "2 of 3 words" in done.stdout


def test_segment(run: Run, tmp_path: Path) -> None:
    (tmp_path / "w.txt").write_text("今天 9\n天气 7\n", "utf-8")
    text = "\ufeff今天天气\r\n\n今天 很好\n天气"
    (tmp_path / "in.txt").write_bytes(text.encode())
    (tmp_path / "in.txt.gz").write_bytes(gzip.compress(text.encode("gb18030")[4:]))
    (tmp_path / "in.txt.xz").write_bytes(lzma.compress(text.encode()))
    expected = "今天 天气\n\n今天 很 好\n天气\n"
    assert run("segment", "-l", "w.txt", "in.txt").stdout == expected
    assert run("segment", "-l", "w.txt", "in.txt.xz", "in.txt").stdout == expected * 2
    assert run("segment", "-l", "w.txt", "--encoding", "gb18030", "in.txt.gz").stdout == expected
    assert run("segment", "-l", "w.txt", input=text.encode()).stdout == expected
    done = run("segment", "-l", "w.txt", "in.txt", "-o", "out.txt", "--separator", "/")
    assert done.exit_code == 0
    assert (tmp_path / "out.txt").read_text("utf-8") == expected.replace(" ", "/")


def test_segment_refuses(run: Run, tmp_path: Path) -> None:
    (tmp_path / "w.txt").write_text("今天 9\n", "utf-8")
    (tmp_path / "bad.txt").write_bytes("今天\n好".encode() + b"\xff\n")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"abc" * 100)[:-12])
    before = sorted(tmp_path.iterdir())
    for file, code, said in (
        ("bad.txt", 1, "bad.txt: line 2, byte 10: not valid utf-8"),
        ("cut.gz", 1, "cut.gz: corrupt or truncated"),
        ("no.txt", 1, "no.txt: No such file"),
        ("a.zst", 2, "zstd -dc"),
    ):
        done = run("segment", "-l", "w.txt", file, "-o", "out.txt")
        assert done.exit_code == code
        assert said in done.stderr
    assert run("segment", "-l", "w.txt", "a.txt", "--encoding", "klingon").exit_code == 2
    assert run("segment", "-l", "w.txt", "a.txt", "--encoding", "utf-16").exit_code == 2
    assert sorted(tmp_path.iterdir()) == before


def test_evaluate(run: Run, tmp_path: Path) -> None:
    (tmp_path / "gold.txt").write_text("今天 天气 很 好\n", "utf-8")
    (tmp_path / "other.txt").write_text("今天 天 气 很 好\n", "utf-8")
    (tmp_path / "w.txt").write_text("今天 9\n天气 7\n", "utf-8")
    done = run("evaluate", "gold.txt", "other.txt", "--vocabulary", "w.txt", "--json")
    assert done.exit_code == 0
    score = json.loads(done.stdout)
    assert (score["correct"], score["precision"], score["oov_recall"]) == (3, 0.6, 1.0)
    shown = run("evaluate", "gold.txt", "-l", "w.txt").stdout
    assert "f1" in shown
    assert "1.0000" in shown
    assert "oov" not in shown
    assert "0.0000" not in run("evaluate", "gold.txt", "-l", "w.txt", "--top", "1").stdout
    done = run("evaluate", "gold.txt", "a.txt")
    assert done.exit_code == 2
    assert "line 1, character 5" in done.stderr


def test_contrast_hands_its_options_on(run: Run, fake_core: FakeCore) -> None:
    text = "--order 3 --counts kenlm --min-pmi 1 --max-length 6 --letters break --drop-duplicates"
    done = run("contrast", "a.txt", "-b", "a.txt", *text.split(), "--sort", "count", "--new")
    assert done.exit_code == 0
    found, here, there = fake_core.calls
    wanted = {"order": 3, "counts": "kenlm", "min_pmi": [1.0], "max_length": 6}
    assert wanted.items() <= found[1][1].items()
    for _, (_, _, options, _) in (here, there):
        assert options == {
            "letters": "break", "digits": "unit", "nfkc": False,
            "skip_variation_selectors": False, "drop_duplicates": True
        }  # fmt: skip
    counts = [int(line.split("\t")[1]) for line in done.stdout.splitlines()[1:]]
    assert counts == sorted(counts, reverse=True)


def test_convert(run: Run, tmp_path: Path) -> None:
    Lexicon.from_words(["今天", "5G网络", "的"], [9, 7, 30]).save(tmp_path / "w.tsv")
    assert run("convert", "w.tsv", "-o", "w.dict", "--min-length", "2").exit_code == 0
    assert (tmp_path / "w.dict").read_text("utf-8") == "今天 9\n5G网络 7\n"
    done = run("convert", "w.dict", "--sort", "length", "--top", "1")
    assert done.stdout.splitlines()[1].startswith("5G网络\t7\t4")
    assert run("convert", "w.tsv", "--from", "words", "-o", "x.csv").exit_code == 1
    assert run("convert", "w.tsv", "-o", "w", "--to", "words", "--min-count", "9").exit_code == 0
    assert (tmp_path / "w").read_text("utf-8") == "今天\n的\n"


def test_version_and_help(run: Run) -> None:
    assert run("--version").stdout == "newword 0.0.0\n"
    assert run("-h").exit_code == 0
    for command in app.registered_commands:
        assert command.callback is not None
        done = run(command.name or command.callback.__name__, "--help")
        assert done.exit_code == 0
        assert "--traceback" in done.stdout


def test_thresholds() -> None:
    assert thresholds(None) is None
    assert thresholds("3") == 3.0
    assert thresholds("0,2, 4") == [0, 2, 4]
