"""The picture: what is drawn, labels that do not overlap, fonts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from newword import InvalidArgumentError, Lexicon
from newword.lexicon import plot

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
pyplot = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _close_figures() -> Any:
    yield
    pyplot.close("all")


@pytest.fixture
def lexicon() -> Lexicon:
    rng = np.random.default_rng(3)
    words = [f"{'词语新发现'[: 1 + i % 5]}{i}" for i in range(300)]
    return Lexicon(
        {
            "word": ["$", *words],
            "count": rng.integers(1, 10_000, 301, dtype=np.uint64),
            "pmi": [np.nan, *rng.gamma(4, 1.5, 300)],
            "left_entropy": [np.nan, *rng.gamma(2, 0.7, 300)],
            "right_entropy": [np.nan, *rng.gamma(2, 0.7, 300)],
            "score": [np.nan, *rng.random(300)],
        },
        summary={"min_pmi": [0, 2, 4, 6], "min_entropy": 0.4},
    )


@pytest.fixture
def any_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot, "cjk_font", lambda: None)


@pytest.mark.usefixtures("any_font")
@pytest.mark.filterwarnings("ignore:Glyph")
def test_points_thresholds_and_labels(lexicon: Lexicon) -> None:
    ax: Any = lexicon.plot(label=15)
    assert sum(len(points.get_offsets()) for points in ax.collections) == 300
    assert "nats" in ax.get_xlabel()
    assert "nats" in ax.get_ylabel()
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert {"least for 2", "least for 3", "least for 4", "least entropy"} <= set(legend)
    assert 10 <= len(ax.texts) <= 15
    best = lexicon.sort("score")["word"][0]
    assert best in {text.get_text() for text in ax.texts}
    ax.figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in ax.texts]
    frame = ax.get_window_extent()
    for index, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[:index])
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1


@pytest.mark.usefixtures("any_font")
@pytest.mark.filterwarnings("ignore:Glyph")
def test_it_draws_into_given_axes(lexicon: Lexicon) -> None:
    figure, axes = pyplot.subplots(1, 2)
    assert lexicon.plot(axes[1], label=2) is axes[1]
    assert axes[0].collections == [] or len(axes[0].collections) == 0
    part = figure.subfigures(1, 1)
    assert lexicon.plot(part.subplots(), label=3) is not None


def test_no_labels_no_fonts(lexicon: Lexicon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plot, "CJK_FONTS", ())
    assert len(lexicon.plot(label=0).texts) == 0
    with pytest.warns(UserWarning, match="apt install fonts-noto-cjk"):
        assert plot.cjk_font() is None


def test_it_refuses(lexicon: Lexicon) -> None:
    with pytest.raises(InvalidArgumentError, match="label"):
        lexicon.plot(label=-1)
    with pytest.raises(InvalidArgumentError, match="got none"):
        Lexicon.from_words(["时间"]).plot()
    assert pyplot.get_fignums() == []
