"""Scores of a fine-tuned model in the terminal."""

from collections.abc import Mapping

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from litebert.cli.facts import print_facts
from litebert.foundation.progress import console as remarks_console
from litebert.report.page import Table as Rows
from litebert.tasks.kind import Evaluation


def print_scores(evaluation: Evaluation, rows: str, facts: Mapping[str, str]) -> None:
    """Print an evaluation's tables and figures, then the `facts`; `rows` is what was scored."""
    console, found = Console(highlight=False), evaluation.findings(rows)
    for table in found.tables:
        if table.caption:
            console.print(table.caption, markup=False)
        console.print(_table(table))
    print_facts({**found.summary, **facts})
    for remark in evaluation.remarks:
        remarks_console().print(remark, markup=False)


def _table(rows: Rows) -> Table:
    """The first column to the left, all others to the right."""
    table = Table()
    table.add_column(_plain(rows.columns[0]), overflow="fold")
    for column in rows.columns[1:]:
        table.add_column(_plain(column), justify="right")
    for row in rows.rows:
        table.add_row(*(_plain(f"{c:,}" if isinstance(c, int) else str(c)) for c in row))
    return table


def _plain(text: str) -> str:
    """A text with no mark-up for rich to read, on one line."""
    return escape(" ".join(text.split()))
