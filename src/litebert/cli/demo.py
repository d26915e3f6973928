"""litebert demo: the whole way, on the text that is on every machine with Python."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from litebert.demo.findings import Findings, summary_rows, verdict
from litebert.demo.run import run_demo
from litebert.demo.settings import DemoSettings
from litebert.foundation.progress import duration

_SETTINGS = DemoSettings()


def demo(
    run: Path = Path("demo-run"),
    /,
    *,
    settings: Annotated[DemoSettings, Parameter(name="*", group="Demo")] = _SETTINGS,
) -> int:
    """Vocabulary, pretraining, fine-tuning and a report, from the documentation on this machine.

    Needs no data and no network: it reads the docstrings of Python and of installed packages.

    Args:
        run: Folder to write; that of an earlier demo is replaced.
    """
    outcome = run_demo(run, settings)
    if outcome.findings is None:
        return 128 + (outcome.signal or 0)
    _print_summary(run, outcome.findings)
    return 0


def _print_summary(folder: Path, findings: Findings) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in summary_rows(findings):
        table.add_row(name, value)
    table.add_row("took", duration(findings.seconds))
    table.add_row("report", str(folder / "report.html"))
    table.add_row("model", str(folder / "model"))
    console = Console(highlight=False)
    console.print()
    console.print(table, markup=False)
    console.print()
    console.print(verdict(findings), markup=False, style="bold")
