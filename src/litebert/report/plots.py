"""Plots as inline SVG: curves, bars and a confusion matrix, in colours that the page decides.

matplotlib draws with stand-in colours; each is then replaced by a variable of the page's style
sheet, so one drawing reads well in light and in dark. Letters stay text in the page's own font.
Equal data give equal bytes: no date, no random identifier.
"""

import hashlib
import io
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray

_INK, _MUTED, _GRID, _STRONG, _ON_STRONG = "#010203", "#020304", "#030405", "#040506", "#050607"
_SERIES = ["#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04", "#0a0b05", "#0a0b06"]
_VARIABLES = {
    _INK: "--ink",
    _MUTED: "--muted",
    _GRID: "--grid",
    _STRONG: "--strong",
    _ON_STRONG: "--on-strong",
    **{colour: f"--series-{i}" for i, colour in enumerate(_SERIES, start=1)},
}
_STYLE: dict[Any, Any] = {  # matplotlib's names of settings
    "svg.fonttype": "none",
    "svg.hashsalt": "litebert",
    "text.parse_math": False,
    "text.color": _INK,
    "font.size": 9,
    "axes.labelcolor": _MUTED,
    "axes.labelsize": 9,
    "axes.edgecolor": _GRID,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "grid.color": _GRID,
    "grid.linewidth": 0.8,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.handlelength": 1.4,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
}
_LONGEST_LABEL = 26  # characters of a class or bar name; a longer one is cut
_COUNTED_CLASSES = 32  # a larger confusion matrix shows shades without counts


@dataclass(frozen=True)
class Series:
    """One line: a name for the legend and its points.

    `smoothing` (0 up to, not including, 1) is the share of the old value in a running mean; the
    raw points stay visible behind it.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    smoothing: float = 0.0


@dataclass(frozen=True)
class Level:
    """A dashed horizontal line to compare with, such as a baseline."""

    name: str
    y: float


@dataclass(frozen=True)
class Panel:
    """One set of axes: several series, and levels to compare them with.

    `percent` shows y as a share of one; then 0.5 reads 50 %.
    """

    title: str
    series: Sequence[Series]
    x_label: str
    y_label: str
    percent: bool = False
    levels: Sequence[Level] = ()


def series_of(
    name: str, lines: Sequence[dict[str, Any]], key: str, smoothing: float = 0.0
) -> Series:
    """A series over the steps from a run's metrics; lines without a value of `key` are left out."""
    points = [(line["step"], line[key]) for line in lines if line.get(key) is not None]
    return Series(name, [x for x, _ in points], [y for _, y in points], smoothing)


def curves(panel: Panel) -> str:
    """Lines over a common x axis. Points that are not finite are left out."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(4.8, 3.1), layout="constrained")
        axes = figure.subplots()
        for index, series in enumerate(panel.series):
            colour = _SERIES[index % len(_SERIES)]
            _line(axes, series, colour)
        for level in panel.levels:
            _level(axes, level)
        axes.set_xlabel(panel.x_label)
        axes.set_ylabel(panel.y_label)
        axes.margins(x=0.02)
        whole = all(float(x).is_integer() for series in panel.series for x in series.x)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=whole))
        axes.yaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(FuncFormatter(_short_number))
        axes.yaxis.set_major_formatter(_value_format(panel.percent))
        if len(panel.series) > 1:
            figure.legend(loc="outside lower left", ncols=3, borderpad=0, columnspacing=1.4)
        axes.set_title(panel.title)
        return _svg(figure, panel.title)


def bars(
    title: str,
    values: Sequence[tuple[str, float]],
    percent: bool = False,
    spread: Sequence[float] | None = None,
    strong: Sequence[int] = (),
) -> str:
    """Horizontal bars, first on top, each with its value written beside it.

    `spread` draws a whisker of ± that much on each bar; `strong` bars stand out, the rest recede.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(6.2, 0.75 + 0.34 * len(values)), layout="constrained")
        axes = figure.subplots()
        places = np.arange(len(values))
        lengths = [value for _, value in values]
        whiskers = list(spread) if spread is not None else [0.0] * len(values)
        for place, length, whisker in zip(places, lengths, whiskers, strict=True):
            alpha = 0.95 if place in strong or not strong else 0.4
            axes.barh(place, length, height=0.62, color=_STRONG, alpha=alpha, linewidth=0)
            if whisker:
                axes.plot([length - whisker, length + whisker], [place, place], color=_INK, lw=1.2)
            shown = f"{100 * length:.1f} %" if percent else f"{length:,.4g}"
            axes.annotate(
                shown, (length + whisker, place), (5, 0), textcoords="offset points", va="center"
            )
        axes.set_yticks(places, [_cut(name) for name, _ in values], color=_INK)
        axes.invert_yaxis()
        axes.set_xlim(
            0, max([a + b for a, b in zip(lengths, whiskers, strict=True)] + [1e-9]) * 1.14
        )
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(_value_format(percent))
        axes.set_title(title)
        return _svg(figure, title)


def confusion(matrix: NDArray[np.integer[Any]], labels: Sequence[str]) -> str:
    """A confusion matrix (C, C): a row for each true class, a column for each predicted one.

    The shade is the share of the row, so rare classes are as visible as common ones; the numbers
    are counts. Large matrices (more than 32 classes) show shades alone.
    """
    counts = np.asarray(matrix)
    classes = len(labels)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = float(np.clip(0.46 * classes, 2.2, 11.0))
    with matplotlib.rc_context({**_STYLE, "axes.grid": False, "axes.spines.bottom": False}):
        figure = Figure(figsize=(side + 1.7, side + 1.5), layout="constrained")
        axes = figure.subplots()
        cell_points = 72 * side / classes
        font = float(np.clip(cell_points * 0.32, 5, 9.5))
        for row, column in np.ndindex(classes, classes):
            share = float(shares[row, column])
            _cell(axes, row, column, share)
            if counts[row, column] and classes <= _COUNTED_CLASSES:
                colour = _ON_STRONG if share > 0.55 else _INK
                text = f"{counts[row, column]}"
                axes.text(
                    column, row, text, size=font, color=colour, ha="center", va="center", zorder=3
                )
        axes.set_xlim(-0.5, classes - 0.5)
        axes.set_ylim(classes - 0.5, -0.5)
        axes.set_aspect("equal")
        names = [_cut(label) for label in labels]
        size = float(np.clip(cell_points * 0.4, 5, 9))
        tilt = 0 if classes * max(map(len, names), default=1) * size * 0.6 < 72 * side else 90
        axes.set_xticks(range(classes), names, rotation=tilt, size=size)
        axes.set_yticks(range(classes), names, size=size)
        axes.set_xlabel("predicted")
        axes.set_ylabel("true")
        return _svg(figure, "Confusion matrix")


def smooth(values: Sequence[float], share: float) -> list[float]:
    """A running mean that keeps `share` of the old value, free of the bias of its start."""
    result: list[float] = []
    total = weight = 0.0
    for value in values:
        total = share * total + (1 - share) * value
        weight = share * weight + (1 - share)
        result.append(total / weight)
    return result


def _line(axes: Any, series: Series, colour: str) -> None:
    x, y = np.asarray(series.x, dtype=float), np.asarray(series.y, dtype=float)
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = x[finite], y[finite]
    # With few points each one is marked: a line alone would hide how few there are.
    marker = {"marker": "o", "markersize": 3.2, "markeredgewidth": 0} if len(x) <= 30 else {}
    if series.smoothing:
        axes.plot(x, y, color=colour, alpha=0.25, linewidth=1)
        y, marker = np.asarray(smooth(y.tolist(), series.smoothing)), {}
    axes.plot(x, y, color=colour, label=series.name, **marker)


def _level(axes: Any, level: Level) -> None:
    """A dashed line that carries its own name, so that the legend holds only the curves."""
    axes.axhline(level.y, color=_MUTED, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        level.name,
        (0, level.y),
        (3, 2),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        color=_MUTED,
        size=8,
    )


def _cell(axes: Any, row: int, column: int, share: float) -> None:
    """One square of the matrix: an empty one recedes, a full one is the strong colour."""
    corner = (column - 0.47, row - 0.47)
    colour, alpha = (_STRONG, 0.08 + 0.87 * share) if share else (_GRID, 0.55)
    axes.add_patch(Rectangle(corner, 0.94, 0.94, facecolor=colour, alpha=alpha, linewidth=0))


def _value_format(percent: bool) -> Any:
    if percent:
        return PercentFormatter(xmax=1, decimals=0, symbol=" %")
    return FuncFormatter(_short_number)


def _short_number(value: float, _position: int | None = None) -> str:
    """An axis number in few characters: 0.25, 12, 1.5k, 3M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{unit}"
    return f"{value:.4g}"


def _cut(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"


def _svg(figure: Figure, title: str) -> str:
    """The figure as an `<svg>` element with the page's colours and font."""
    buffer = io.StringIO()
    with warnings.catch_warnings():
        # Only the layout asks matplotlib's font for a letter it may lack; the page's font draws it.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].strip()
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<style.*?</style>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"font-family: [^;\"]*; ?", "", text)
    text = re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    text = _own_identifiers(text)
    # Between these widths letters stay readable: beyond, the figure is centred or scrolls.
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', text)[1])  # type: ignore[index]
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    limits = f"min-width: {0.7 * width:.0f}px; max-width: {1.6 * width:.0f}px"
    head = f'<svg role="img" aria-label="{escape(title)}" style="{limits}"'
    return text.replace("<svg", head, 1)


def _own_identifiers(svg: str) -> str:
    """Drop identifiers nobody refers to, and make the others unlike those of other figures."""
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', svg))
    prefix = "f" + hashlib.sha256(svg.encode()).hexdigest()[:8]

    def rename(match: re.Match[str]) -> str:
        return f' id="{prefix}-{match[1]}"' if match[1] in used else ""

    svg = re.sub(r' id="([^"]+)"', rename, svg)
    return re.sub(r'((?:href="|url\()#)([^")]+)', rf"\g<1>{prefix}-\2", svg)
