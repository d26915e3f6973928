"""Plots as inline SVG: curves, stacked areas, bars and a confusion matrix."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from litebert.report.svg import (
    ALARM,
    GRID,
    INK,
    MUTED,
    ON_STRONG,
    SERIES,
    STRONG,
    as_svg,
    drawing,
    short_number,
)

_LONGEST_LABEL = 26  # characters of a class or bar name; a longer one is cut
_COUNTED_CLASSES = 32  # a larger confusion matrix shows shades without counts
_MOST_POINTS = 500  # of one line; more are averaged, for nobody could tell them apart
_MOST_DOTS = 1000  # of a scatter plot
_MARKED_POINTS = 30  # up to so many are marked: a line alone would hide how few there are
_NAMED_MARKS = 15  # labels
_CLOSE_MARKS = 0.04  # of the width
_DASHES: Sequence[Any] = ["solid", (0, (4, 1.6)), (0, (1.2, 1.2)), (0, (6, 1.6, 1.2, 1.6))]


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
class Mark:
    """A dotted vertical line where something happened, with a short name beside it."""

    name: str
    x: float


@dataclass(frozen=True)
class Panel:
    """One set of axes: several series, levels to compare them with, and marks of what happened.

    `percent` shows y as a share of one; then 0.5 reads 50 %.
    """

    title: str
    series: Sequence[Series]
    x_label: str
    y_label: str
    percent: bool = False
    levels: Sequence[Level] = ()
    marks: Sequence[Mark] = ()


def series_of(
    name: str, lines: Sequence[dict[str, Any]], key: str, smoothing: float = 0.0
) -> Series:
    """A series over the steps from a run's metrics; lines without a value of `key` are left out."""
    points = [(line["step"], line[key]) for line in lines if line.get(key) is not None]
    return Series(name, [x for x, _ in points], [y for _, y in points], smoothing)


def curves(panel: Panel) -> str:
    """Lines over a common x axis. Points that are not finite are left out."""
    with drawing():
        figure = Figure(figsize=(4.8, 3.1), layout="constrained")
        axes = figure.subplots()
        for index, series in enumerate(panel.series):
            dashes = _DASHES[index // len(SERIES) % len(_DASHES)]
            _line(axes, series, SERIES[index % len(SERIES)], dashes)
        return _finished(figure, axes, panel)


def scatter(title: str, x: Sequence[float], y: Sequence[float], x_label: str, y_label: str) -> str:
    """A point for each pair of numbers of one unit, and the line where they are equal.

    Of very many, evenly chosen ones are drawn.
    """
    across, up = np.asarray(x, float), np.asarray(y, float)
    chosen = np.linspace(0, len(across) - 1, min(len(across), _MOST_DOTS)).round().astype(int)
    with drawing():
        figure = Figure(figsize=(4.8, 4.2), layout="constrained")
        axes = figure.subplots()
        ends = [min(across.min(), up.min()), max(across.max(), up.max())]
        axes.plot(ends, ends, color=MUTED, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1)
        axes.scatter(
            across[chosen], up[chosen], s=9, color=SERIES[0], alpha=0.45, linewidths=0, zorder=2
        )
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.yaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(FuncFormatter(short_number))
        axes.yaxis.set_major_formatter(FuncFormatter(short_number))
        axes.set_title(title)
        return as_svg(figure, title)


def areas(panel: Panel) -> str:
    """The series of a panel stacked on each other; all have the same x. Their sum is the top."""
    with drawing():
        figure = Figure(figsize=(4.8, 3.1), layout="constrained")
        axes = figure.subplots()
        thinned = [_thinned(np.asarray(s.x, float), np.asarray(s.y, float)) for s in panel.series]
        if thinned:
            axes.stackplot(
                thinned[0][0],
                [y for _, y in thinned],
                labels=[series.name for series in panel.series],
                colors=SERIES,
                alpha=0.75,
                linewidth=0,
            )
        axes.set_ylim(bottom=0)
        return _finished(figure, axes, panel)


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
    with drawing():
        figure = Figure(figsize=(6.2, 0.75 + 0.34 * len(values)), layout="constrained")
        axes = figure.subplots()
        places = np.arange(len(values))
        lengths = [value for _, value in values]
        whiskers = list(spread) if spread is not None else [0.0] * len(values)
        for place, length, whisker in zip(places, lengths, whiskers, strict=True):
            alpha = 0.95 if place in strong or not strong else 0.4
            axes.barh(place, length, height=0.62, color=STRONG, alpha=alpha, linewidth=0)
            if whisker:
                axes.plot([length - whisker, length + whisker], [place, place], color=INK, lw=1.2)
            shown = f"{100 * length:.1f} %" if percent else f"{length:,.4g}"
            axes.annotate(
                shown, (length + whisker, place), (5, 0), textcoords="offset points", va="center"
            )
        axes.set_yticks(places, [_cut(name) for name, _ in values], color=INK)
        axes.invert_yaxis()
        axes.set_xlim(
            0, max([a + b for a, b in zip(lengths, whiskers, strict=True)] + [1e-9]) * 1.14
        )
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(_value_format(percent))
        axes.set_title(title)
        return as_svg(figure, title)


def confusion(matrix: NDArray[np.integer[Any]], labels: Sequence[str]) -> str:
    """A confusion matrix (C, C): a row for each true class, a column for each predicted one.

    The shade is the share of the row, so rare classes are as visible as common ones; the numbers
    are counts. Large matrices (more than 32 classes) show shades alone.
    """
    counts = np.asarray(matrix)
    classes = len(labels)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = float(np.clip(0.46 * classes, 2.2, 11.0))
    with drawing({"axes.grid": False, "axes.spines.bottom": False}):
        figure = Figure(figsize=(side + 1.7, side + 1.5), layout="constrained")
        axes = figure.subplots()
        cell_points = 72 * side / classes
        font = float(np.clip(cell_points * 0.32, 5, 9.5))
        for row, column in np.ndindex(classes, classes):
            share = float(shares[row, column])
            _cell(axes, row, column, share)
            if counts[row, column] and classes <= _COUNTED_CLASSES:
                colour = ON_STRONG if share > 0.55 else INK
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
        return as_svg(figure, "Confusion matrix")


def smooth(values: Sequence[float], share: float) -> list[float]:
    """A running mean that keeps `share` of the old value, free of the bias of its start."""
    result: list[float] = []
    total = weight = 0.0
    for value in values:
        total = share * total + (1 - share) * value
        weight = share * weight + (1 - share)
        result.append(total / weight)
    return result


def _finished(figure: Figure, axes: Any, panel: Panel) -> str:
    """Levels, marks, axes, legend and title of a panel whose series are drawn."""
    for level in panel.levels:
        _level(axes, level)
    _marks(axes, panel.marks)
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)
    # A level at the very top or bottom needs room for its name.
    axes.margins(x=0.02, y=0.15 if panel.levels else 0.05)
    whole = all(float(x).is_integer() for series in panel.series for x in series.x)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=whole))
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.xaxis.set_major_formatter(FuncFormatter(short_number))
    axes.yaxis.set_major_formatter(_value_format(panel.percent))
    if len(panel.series) > 1:
        columns = 3 if max(len(series.name) for series in panel.series) <= 16 else 2
        figure.legend(loc="outside lower left", ncols=columns, borderpad=0, columnspacing=1.4)
    axes.set_title(panel.title)
    return as_svg(figure, panel.title)


def _line(axes: Any, series: Series, colour: str, dashes: Any) -> None:
    x, y = np.asarray(series.x, dtype=float), np.asarray(series.y, dtype=float)
    finite = np.isfinite(x) & np.isfinite(y)
    x, y = _thinned(x[finite], y[finite])
    few = len(x) <= _MARKED_POINTS
    marker = {"marker": "o", "markersize": 3.2, "markeredgewidth": 0} if few else {}
    if series.smoothing:
        axes.plot(x, y, color=colour, alpha=0.25, linewidth=1)
        y, marker = np.asarray(smooth(y.tolist(), series.smoothing)), {}
    axes.plot(x, y, color=colour, linestyle=dashes, label=series.name, **marker)


def _thinned(x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Means of neighbouring points, where there are more than a drawing can show."""
    count = -(-len(x) // _MOST_POINTS)
    if count <= 1:
        return x, y
    starts = np.arange(0, len(x), count)
    sizes = np.diff(np.append(starts, len(x)))
    return np.add.reduceat(x, starts) / sizes, np.add.reduceat(y, starts) / sizes


def _marks(axes: Any, marks: Sequence[Mark]) -> None:
    """Dotted lines with their names at the top; those that lie close together share a label."""
    left, right = axes.get_xlim()
    groups: list[list[int]] = []
    for index in sorted(range(len(marks)), key=lambda index: marks[index].x):
        mark = marks[index]
        axes.axvline(mark.x, color=ALARM, linewidth=1.1, linestyle=(0, (1.2, 1.8)), zorder=1)
        if groups and mark.x - marks[groups[-1][-1]].x < _CLOSE_MARKS * (right - left):
            groups[-1].append(index)
        else:
            groups.append([index])
    if len(groups) > _NAMED_MARKS:
        return
    for group in groups:
        names = [marks[index].name for index in sorted(group)]
        axes.annotate(
            ", ".join(names) if len(names) < 3 else f"{names[0]}–{names[-1]}",
            (marks[group[-1]].x, 1),
            (2, -8),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            color=ALARM,
            size=8,
        )


def _level(axes: Any, level: Level) -> None:
    """A dashed line that carries its own name, so that the legend holds only the curves."""
    axes.axhline(level.y, color=MUTED, linewidth=1.1, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        level.name,
        (0, level.y),
        (3, 2),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        color=MUTED,
        size=8,
    )


def _cell(axes: Any, row: int, column: int, share: float) -> None:
    """One square of the matrix: an empty one recedes, a full one is the strong colour."""
    corner = (column - 0.47, row - 0.47)
    colour, alpha = (STRONG, 0.08 + 0.87 * share) if share else (GRID, 0.55)
    axes.add_patch(Rectangle(corner, 0.94, 0.94, facecolor=colour, alpha=alpha, linewidth=0))


def _value_format(percent: bool) -> Any:
    if percent:
        return PercentFormatter(xmax=1, symbol=" %")  # as many decimals as the ticks need
    return FuncFormatter(short_number)


def _cut(name: str) -> str:
    name = " ".join(name.split())
    return name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"
