"""Figures and texts as tasks show them, on pages, in cards and in the terminal."""

from collections.abc import Sequence
from statistics import fmean, stdev


def percent(share: float) -> str:
    """A share as '12.3 %'."""
    return f"{100 * share:.1f} %"


def mean_and_deviation(values: Sequence[float]) -> str:
    """As '0.8123 ± 0.0041', the standard deviation of a sample."""
    deviation = stdev(values) if len(values) > 1 else 0.0
    return f"{fmean(values):.4f} ± {deviation:.4f}"


def shortened(text: str, width: int) -> str:
    """A text on one line, cut to `width` characters."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"


def markdown_cell(text: str) -> str:
    """A text inside a Markdown table: on one line, its bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str | int | float]]) -> str:
    """A table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(markdown_cell(str(c)) for c in line)} |" for line in lines)
