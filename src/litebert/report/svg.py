"""Figures as inline SVG in colours that the page decides.

matplotlib draws with stand-in colours; each is then replaced by a variable of the page's style
sheet, so one drawing reads well in light and in dark. Letters stay text in the page's own font.
Equal data give equal bytes: no date, no random identifier.
"""

import hashlib
import io
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib
from matplotlib.figure import Figure

INK, MUTED, GRID, STRONG, ON_STRONG = "#010203", "#020304", "#030405", "#040506", "#050607"
ALARM = "#060708"
SERIES = ["#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04", "#0a0b05", "#0a0b06"]
_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    STRONG: "--strong",
    ON_STRONG: "--on-strong",
    ALARM: "--alarm",
    **{colour: f"--series-{i}" for i, colour in enumerate(SERIES, start=1)},
}
_STYLE: dict[Any, Any] = {  # matplotlib's names of settings
    "svg.fonttype": "none",
    "svg.hashsalt": "litebert",
    "text.parse_math": False,
    "text.color": INK,
    "font.size": 9,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9,
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.handlelength": 1.4,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
}
# matplotlib's settings are the process's: only one thread draws at a time.
_drawing = threading.Lock()


@contextmanager
def drawing(changes: dict[Any, Any] | None = None) -> Iterator[None]:
    """Draw in our style, with some of matplotlib's settings changed; other threads wait."""
    with _drawing, matplotlib.rc_context({**_STYLE, **(changes or {})}):
        yield


def short_number(value: float, _position: int | None = None) -> str:
    """An axis number in few characters: 0.25, 12, 1.5k, 3M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.4g}{unit}"
    return f"{value:.4g}"


def as_svg(figure: Figure, title: str) -> str:
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
