"""The plot of a lexicon: cohesion against entropy."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from newword._optional import optional_module
from newword.errors import InvalidArgumentError
from newword.lexicon.selection import lesser_entropy, sorted_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Bbox
    from numpy.typing import NDArray

    from newword.lexicon.columns import Columns

CJK_FONTS = (
    *("Noto Sans CJK SC", "Noto Sans CJK TC", "Noto Sans CJK JP", "Source Han Sans SC"),
    *("Source Han Sans CN", "Noto Sans SC", "PingFang SC", "Heiti SC", "Hiragino Sans GB"),
    *("Microsoft YaHei", "SimHei", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei"),
    *("Noto Serif CJK SC", "Songti SC", "SimSun", "Arial Unicode MS", "Droid Sans Fallback"),
)
"""Fonts with Chinese characters, in order of preference."""

COLOURS = {2: "#0072B2", 3: "#D55E00", 4: "#009E73", 5: "#CC79A7"}
"""One colour per word length (Okabe and Ito's palette, safe for colour-blind readers)."""
LONGEST_SHOWN = max(COLOURS)
CANDIDATES_PER_LABEL = 12
"""Number of candidates tried per label, because a label may find no room."""


def plot_lexicon(columns: Columns, summary: dict[str, Any], ax: Axes | None, label: int) -> Axes:
    """Draws the plot; see `Lexicon.plot`."""
    pyplot = optional_module("matplotlib.pyplot", "plot", "Pictures")
    if isinstance(label, bool) or not isinstance(label, int) or label < 0:
        raise InvalidArgumentError(f"label: must be a whole number of at least 0, got {label!r}")
    entropy = lesser_entropy(columns)
    drawn = np.isfinite(entropy) & np.isfinite(columns["pmi"])
    if not drawn.any():
        raise InvalidArgumentError(
            "lexicon: must have words with both cohesion and entropies to be drawn, got none"
        )
    own = ax is None
    if ax is None:
        _, ax = pyplot.subplots(figsize=(9, 6.5), layout="constrained")
    assert ax is not None
    shown = {name: column[drawn] for name, column in columns.items()}
    _draw_points(ax, shown, entropy[drawn])
    _draw_thresholds(ax, summary)
    ax.set_xlabel("branching entropy, the smaller of left and right (nats)")
    ax.set_ylabel("cohesion: least PMI over all splits (nats)")
    ax.set_title(f"{drawn.sum():,} words by cohesion and branching entropy")
    # Outside the axes in a new figure, otherwise where the legend hides the fewest points.
    beside = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if own else {"loc": "best"}
    ax.legend(title="characters", frameon=False, **beside)
    if label:
        _label(ax, shown, entropy[drawn], label)
    return ax


def _draw_points(ax: Axes, shown: Columns, entropy: NDArray[np.float64]) -> None:
    lengths = np.clip(shown["length"], min(COLOURS), LONGEST_SHOWN)
    areas = 6 + 9 * np.log10(shown["count"].astype(np.float64) + 1)
    # More points are drawn lighter, so that dense regions remain visible.
    opacity = float(np.clip(40 / np.sqrt(len(lengths)), 0.15, 0.8))
    for length, colour in COLOURS.items():
        rows = lengths == length
        if rows.any():
            name = f"{length} or more" if length == LONGEST_SHOWN else str(length)
            points = (entropy[rows], shown["pmi"][rows])
            style: dict[str, Any] = {"alpha": opacity, "color": colour, "linewidths": 0}
            ax.scatter(*points, s=areas[rows], label=name, **style)


def _draw_thresholds(ax: Axes, summary: dict[str, Any]) -> None:
    least_pmi = summary.get("min_pmi")
    dashes: dict[str, Any] = {"linestyle": "--", "linewidth": 1, "alpha": 0.8}
    if isinstance(least_pmi, Sequence):
        for length, threshold in enumerate(least_pmi, 1):
            if length in COLOURS:
                name = f"least for {length}"
                ax.axhline(threshold, color=COLOURS[length], label=name, **dashes)
    elif least_pmi is not None:
        ax.axhline(least_pmi, color="0.3", label="least cohesion", **dashes)
    if summary.get("min_entropy"):
        ax.axvline(summary["min_entropy"], color="0.3", label="least entropy", **dashes)


def cjk_font() -> str | None:
    """Returns the name of an installed font with Chinese characters; warns if there is none."""
    manager = optional_module("matplotlib.font_manager", "plot", "Pictures").fontManager
    installed = {font.name for font in manager.ttflist}
    for name in CJK_FONTS:
        if name in installed:
            return name
    warnings.warn(
        "no font with Chinese characters is installed, so labels will show as boxes; install one "
        "(Debian and Ubuntu: apt install fonts-noto-cjk; Fedora: dnf install "
        "google-noto-sans-cjk-fonts) and remove matplotlib's font cache",
        stacklevel=2,
    )
    return None


def _label(ax: Axes, shown: Columns, entropy: NDArray[np.float64], label: int) -> None:
    """Labels points with words, best first, skipping those without room."""
    # A white rim keeps words readable over points.
    effects = optional_module("matplotlib.patheffects", "plot", "Pictures")
    rim = [effects.withStroke(linewidth=2, foreground="white")]
    # The figure of the canvas, because ax.figure may be a subfigure.
    figure: Any = ax.figure.canvas.figure
    font = cjk_font()
    fonts = [font, "DejaVu Sans"] if font else ["DejaVu Sans"]
    renderer = figure.canvas.get_renderer() if hasattr(figure.canvas, "get_renderer") else None
    # A drawing pass settles the layout, on which all distances depend.
    figure.draw_without_rendering()
    frame = ax.get_window_extent(renderer)
    legend = ax.get_legend()
    taken = [legend.get_window_extent(renderer)] if legend else []
    by = "score" if np.isfinite(shown["score"]).any() else "count"
    order = sorted_rows(shown, by, descending=True)
    placed = 0
    for row in order[: label * CANDIDATES_PER_LABEL]:
        point = (entropy[row], shown["pmi"][row])
        word = shown["word"][row].replace("$", r"\$")
        text = ax.annotate(
            word, point, xytext=(0, 0), textcoords="offset points",
            fontsize=9, fontfamily=fonts, zorder=5, path_effects=rim,
        )  # fmt: skip
        box = _place(text, renderer, frame, taken)
        if box is None:
            text.remove()
            continue
        taken.append(box)
        placed += 1
        if placed == label:
            break


def _place(text: Any, renderer: Any, frame: Bbox, taken: list[Bbox]) -> Bbox | None:
    """Moves a label to the first free position near its point; None if there is none."""
    for offset, horizontal, vertical in _positions():
        text.set_position(offset)
        text.set_horizontalalignment(horizontal)
        text.set_verticalalignment(vertical)
        box: Bbox = text.get_window_extent(renderer).padded(1.5)
        inside = frame.x0 <= box.x0 and box.x1 <= frame.x1
        inside = inside and frame.y0 <= box.y0 and box.y1 <= frame.y1
        if inside and not any(box.overlaps(other) for other in taken):
            return box
    return None


def _positions() -> Iterator[tuple[tuple[float, float], str, str]]:
    for near in (4.0, 9.0):
        yield (near, 0.0), "left", "center"
        yield (-near, 0.0), "right", "center"
        yield (0.0, near), "center", "bottom"
        yield (0.0, -near), "center", "top"
        yield (near * 0.7, near * 0.7), "left", "bottom"
        yield (-near * 0.7, -near * 0.7), "right", "top"
