"""litebert import: foreign weights into model folders, and the report that all of them print."""

from math import prod

from cyclopts import App
from rich.console import Console

from litebert.cli.facts import print_facts
from litebert.encoder.counts import count_parameters
from litebert.weights.imported import Imported
from litebert.weights.mapping import Mapped, MappingReport, Outcome, listed

_SHOWN = 12  # tensors listed of each outcome that is worth a list
_LISTED: tuple[Outcome, ...] = ("missing", "unused")

app = App(
    name="import",
    help="Foreign weights into model folders; what became of every tensor is said.",
)
app.command("litebert.cli.import_google:google", name="google")
app.command("litebert.cli.import_huggingface:huggingface", name="huggingface")


def print_import(made: Imported) -> None:
    """Print what an import made, and its report."""
    parts = count_parameters(made.config)
    print_facts(
        {
            "model": str(made.folder),
            "from": made.report.where,
            "head": made.head,
            "encoder": f"{parts.encoder:,} parameters, {made.config.num_hidden_layers} layers",
            "vocabulary": made.vocabulary or "none",
        }
    )
    Console().print()
    print_report(made.report)


def print_report(report: MappingReport) -> None:
    """Print how many tensors were loaded, converted, skipped, missing, unused; then the notes.

    What should have come into the model and did not is listed with its shapes; `import.json` in the
    folder lists everything.
    """
    console = Console(highlight=False, soft_wrap=True)
    lines = [("", "tensors", "numbers", "the largest of them")]
    for outcome, (count, total) in report.counts().items():
        rows = [row for row in report.rows if row.outcome == outcome]
        largest = max(rows, key=lambda row: prod(row.shape), default=None)
        shown = "" if largest is None else _words(largest)
        lines.append((outcome, f"{count:,}", f"{total:,}", shown))
    for name, tensors, numbers, shown in lines:
        console.print(f"{name:<11}{tensors:>7}{numbers:>15}  {shown}".rstrip(), markup=False)
    for outcome in _LISTED:
        rows = [row for row in report.rows if row.outcome == outcome]
        for row in rows[:_SHOWN]:
            console.print(f"{outcome}: {_words(row)}: {row.note}", markup=False)
        if len(rows) > _SHOWN:
            console.print(f"{outcome}: and {len(rows) - _SHOWN:,} more: see import.json")
    skipped = [row.note for row in report.rows if row.outcome == "skipped"]
    for reason in dict.fromkeys(skipped):
        console.print(f"skipped: {skipped.count(reason):,} tensors: {reason}", markup=False)
    for note in report.notes:
        console.print(f"note: {note}", markup=False)


def _words(row: Mapped) -> str:
    return f"{listed([row.stored])} {row.shape}"
