"""The studies of `examples/` run through, with built-in data, and say what they promise to say."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from tests.support.pages import ROOT

EXAMPLES = ROOT / "examples"

VERSION = tuple(map(int, keras.__version__.split(".")[:2]))

# Batches of many lengths: JAX would compile each of them for each model.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        keras.backend.backend() != "tensorflow" or VERSION < (3, 13),
        reason="one backend is enough, and one version",
    ),
]


def run(script: str, *arguments: object) -> str:
    """What a script prints; a failure of it is one of the test."""
    done = subprocess.run(
        [sys.executable, EXAMPLES / script, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stdout


def tables(printed: str) -> list[list[dict[str, str]]]:
    """The Markdown tables in a text, as rows by the names of their columns."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", printed, re.MULTILINE):
        head, _, *rows = (
            [cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()
        )
        found.append([dict(zip(head, row, strict=True)) for row in rows])
    return found


def share(cell: str) -> float:
    """The number a cell begins with, which must be a share."""
    number = float(re.match(r"[\d.]+", cell)[0])  # type: ignore[index]
    assert 0 <= number <= 1, cell
    return number


def test_label_bias(tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    (rows,) = tables(run("label_bias.py", "--quick", "--results", results))
    assert [row["head"] for row in rows] == ["softmax", "memm", "bidirectional_memm", "crf"]
    for row in rows:
        # Seen clearly, the second step is what its features say, better than a guess.
        assert share(row["A clear"]) > 0.6
        for view in ("clear", "dim", "hidden"):
            assert share(row[f"A {view}"]) >= 0
            assert share(row[f"A {view}, numerator"]) >= 0
    records = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    assert [record["head"] for record in records] == [row["head"] for row in rows]
    # Without transitions nothing at the first step can harm the second.
    right = records[0]["right"]
    assert abs(right["clear"]["map"] - right["hidden"]["map"]) < 0.03
    assert records[0]["g"] == 0
    assert all(record["g"] > 0 for record in records[1:])


def test_transition_rate(tmp_path: Path) -> None:
    results = tmp_path / "results.jsonl"
    printed = run("transition_rate.py", "--quick", "--results", results)
    (rows,) = tables(printed)
    assert [row["head"] for row in rows] == ["softmax", "memm", "memm"]
    for row in rows:
        assert share(row["best epoch"]) >= share(row["epoch 1"]) > 0
    records = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    assert "transitions" not in records[0]
    for record in records[1:]:
        assert len(record["transitions"]) == 4
        # The scores are those of rows about their mean.
        assert record["legal"] == pytest.approx(-record["illegal"], abs=1e-4)
    # Ten times the rate moves transitions further.
    assert records[2]["legal"] > records[1]["legal"]


def test_interrupted_studies_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    study = importlib.import_module("_study")
    monkeypatch.delitem(sys.modules, "_study")
    path = tmp_path / "results.jsonl"
    runs: list[int] = []

    def once(number: int) -> dict[str, object]:
        """The record of a number from a fresh reading of the file."""

        def work() -> dict[str, float]:
            runs.append(number)
            return {"f1": 0.5}

        record: dict[str, object] = study.Results(path).once({"set": "𠮷", "seed": number}, work)
        return record

    records = [once(0), once(1)]
    assert [once(0), once(1)] == records
    assert runs == [0, 1]
    # A line that was cut off is run again, and nothing of it is left.
    text = path.read_text("utf-8")
    path.write_text(text[:-20], "utf-8")
    assert once(0) == records[0]
    assert {**once(1), "seconds": 0} == {**records[1], "seconds": 0}
    assert runs == [0, 1, 1]
    assert [json.loads(line)["seed"] for line in path.read_text("utf-8").splitlines()] == [0, 1]


def test_compare_heads() -> None:
    scores, differences, times = tables(run("compare_heads.py", "--quick"))
    assert [row["head"] for row in scores] == ["softmax", "memm"]
    softmax, memm = scores
    # A softmax has one decoding; the rules of the scheme can only help it to legal tags.
    assert softmax["rules, map"] == softmax["rules, numerator"]
    for row in scores:
        assert share(row["rules, map"]) > 0.2
    (row,) = differences
    gain = float(row["rules, map"].split()[0])
    assert gain == pytest.approx(
        share(memm["rules, map"]) - share(softmax["rules, map"]), abs=0.0015
    )
    assert [(row["tags"], row["head"]) for row in times] == [
        ("4", "softmax"),
        ("4", "memm"),
    ]
    for row in times:
        for kind in ("training step", "encoder and head", "decoding, map", "decoding, numerator"):
            milliseconds, ratio = re.match(r"([\d.]+) \(([\d.]+)\)", row[kind]).groups()  # type: ignore[union-attr]
            assert float(milliseconds) > 0
            assert row["head"] != "softmax" or float(ratio) == 1


def test_compare_heads_is_timed_on_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jax")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    options = ["--encoders", "characters", "--heads", "softmax", "memm", "--turns", 2]
    printed = run("compare_heads.py", "--timing", *options)
    assert "on jax" in printed
    (times,) = tables(printed)
    assert [row["tags"] for row in times] == ["4", "4", "33", "33"]


def test_compare_heads_reads_files(tmp_path: Path) -> None:
    sentence = [("我", "O"), ("叫", "O"), ("张", "B-PER"), ("𠮷", "I-PER"), ("。", "O")]
    lines = "".join(f"{character}\t{tag}\n" for character, tag in sentence) + "\n"
    path = tmp_path / "people.txt"
    path.write_text(lines * 60, "utf-8")
    options = ["--encoders", "convolution", "--heads", "softmax", "--seeds", 1, "--rate", 0.05]
    printed = run("compare_heads.py", "--files", path, *options)
    assert "people: 3 tags, (48, 6, 6) sentences" in printed
    scores, _ = tables(printed)
    assert [share(row["rules, map"]) for row in scores] == [1.0]


def test_lexicon_features(tmp_path: Path) -> None:
    figure = tmp_path / "figure.png"
    printed = run("lexicon_features.py", "--quick", "--figure", figure)
    (rows,) = tables(printed)
    assert [row["lexicon"] for row in rows] == ["no lexicon", "synthetic"]
    gain = float(rows[1]["gain over no lexicon"])
    assert gain == pytest.approx(share(rows[1]["F1"]) - share(rows[0]["F1"]), abs=0.0015)
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert re.search(r"synthetic: \d+ words, which alone segment with an F1 of 0\.\d{3}", printed)


def test_exposure_bias(tmp_path: Path) -> None:
    results, figure = tmp_path / "runs.jsonl", tmp_path / "beams.png"
    arguments = ("--quick", "--results", results, "--figure", figure)
    scores, gains, times = tables(run("exposure_bias.py", *arguments))
    none, target = scores
    assert [(row["beams"], row["remedy"]) for row in scores] == [("2", "none"), ("2", "target")]
    gain = float(target["rouge_l"]) - float(none["rouge_l"])
    assert [(row["beams"], row["remedy"]) for row in gains] == [("2", "target")]
    assert float(gains[0]["ROUGE-L, seeds"]) == pytest.approx(gain, abs=0.015)
    assert float(gains[0]["ROUGE-L, texts"].split()[0]) == pytest.approx(gain, abs=0.015)
    assert [row["remedy"] for row in times] == ["none", "target"]
    records = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    for record in records:
        assert max(record["val_bleu"]) > 2 * record["val_bleu"][0]
        assert record["scores"]["2"]["rouge_1"] > 0.3
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_bidirectional_decoding(tmp_path: Path) -> None:
    results, figure = tmp_path / "runs.jsonl", tmp_path / "leakage.png"
    arguments = ("--quick", "--results", results, "--figure", figure)
    scores, gains, losses = tables(run("bidirectional_decoding.py", *arguments))
    models = ["left_to_right", "right_to_left", "gold", "second_stage"]
    assert [row["model"] for row in scores] == [row["model"] for row in losses] == models
    for row, gained in zip(scores[1:], gains, strict=True):
        gain = float(row["bleu"]) - float(scores[0]["bleu"])
        assert float(gained["BLEU, seeds"]) == pytest.approx(gain, abs=0.015)
    records = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    assert [record["kind"] for record in records] == ["left_to_right", "right_to_left", "both"]
    both = records[-1]["models"]
    # The first stage is one, and what follows differs.
    first = [one["val_bleu"][:3] for one in both.values()]
    assert first[0] == first[1]
    assert both["gold"]["val_bleu"] != both["second_stage"]["val_bleu"]
    assert all(one["scores"]["1"]["rouge_1"] > 0.3 for one in both.values())
    assert figure.read_bytes().startswith(b"\x89PNG")


def test_batch_normalization(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    results = tmp_path / "results.jsonl"
    options = ["--quick", "--claim", "bound", "parts", "--results", results]
    bound, parts = tables(run("batch_normalization.py", *options))
    names = ("norm of E[λ x]", "by the top eigenvalue", "by the trace (article)")
    for row in bound:
        measured, spectral, trace = (float(row[name]) for name in names)
        assert 0 < measured <= spectral <= trace
    raw, centred = bound[:2]
    assert float(centred[names[1]]) < float(raw[names[1]])
    none, batch = parts
    assert share(batch["accuracy"]) > share(none["accuracy"]) > 0.1
    records = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    assert {record["claim"] for record in records} == {"bound", "trained"}


def test_robust_training(tmp_path: Path) -> None:
    results = tmp_path / "runs.jsonl"
    (rows,) = tables(run("robust_training.py", "--quick", "--results", results))
    assert [row["method"] for row in rows] == ["none", "fgm", "vat"]
    accuracies = [float(row["test"]) for row in rows]
    assert all(60 < one < 100 for one in accuracies)
    gain = accuracies[1] - accuracies[0]
    assert float(rows[1]["gain, seeds"]) == pytest.approx(gain, abs=0.015)
    assert float(rows[1]["gain, texts"].split()[0]) == pytest.approx(gain, abs=0.015)
    records = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    assert len({tuple(record["right"]) for record in records}) == 3


def test_robust_tagging(tmp_path: Path) -> None:
    results = tmp_path / "runs.jsonl"
    (rows,) = tables(run("robust_tagging.py", "--quick", "--results", results))
    assert [row["method"] for row in rows] == ["none", "fgm"]
    scores = [float(row["test"]) for row in rows]
    assert all(65 < one < 95 for one in scores)
    assert float(rows[1]["gain over none"]) == pytest.approx(scores[1] - scores[0], abs=0.015)
    records = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    assert len({record["test"] for record in records}) == 2


def test_a_number_is_chosen_by_development(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    study = importlib.import_module("_study")
    dev = {(0.1, 100): 0.2, (0.1, 101): 0.4, (1.0, 100): 0.1, (1.0, 101): 0.6}
    asked = []

    def run(candidate: float, seed: int) -> dict[str, float]:
        asked.append(seed)
        return {"dev": dev[candidate, seed]}

    assert study.best_on_development([0.1, 1.0], run) == 1.0
    assert set(asked) == set(study.TUNING_SEEDS)
    assert study.best_on_development([0.1, 1.0], run, quick=True) == 0.1


def test_folds_judge_each_text_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    linking = importlib.import_module("_linking")
    monkeypatch.delitem(sys.modules, "_linking")
    splits = linking.split(list(range(23)), 5)
    assert sorted(one for _, _, judged in splits for one in judged) == list(range(23))
    for parts in splits:
        assert sorted(one for part in parts for one in part) == list(range(23))
    assert [len(part) for part in linking.split(list(range(20)))[0]] == [16, 2, 2]


def test_entity_linking(tmp_path: Path) -> None:
    results = tmp_path / "runs.jsonl"
    matching, rows = tables(run("entity_linking.py", "--quick", "--results", results))
    assert [row["names"] for row in matching] == ["all", "pruned"]
    assert share(matching[0]["precision"]) < share(matching[1]["precision"])
    assert [row["variant"] for row in rows] == ["everything", "no features"]
    scores = [float(row["F1"]) for row in rows]
    assert all(40 < one < 100 for one in scores)
    assert float(rows[1]["difference"]) == pytest.approx(scores[1] - scores[0], abs=0.015)
    records = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
    assert all(0.3 < record["positive"] < 0.8 for record in records)
