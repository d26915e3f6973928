"""Tables in the terminal of which nothing is cut, however narrow it is."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[str | int | float]]) -> None:
    """Print rows under their columns: names to the left, all other columns to the right."""
    table = Table(box=None, pad_edge=False)
    for index, name in enumerate(columns):
        table.add_column(name, justify="right" if index else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row))
    width = Console(width=10_000).measure(table).maximum
    Console(width=max(width, Console().width)).print(table, markup=False, highlight=False)
