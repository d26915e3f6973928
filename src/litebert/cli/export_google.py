"""litebert export google: a model folder as a TensorFlow checkpoint, without TensorFlow."""

from pathlib import Path

from litebert.cli.facts import print_facts
from litebert.weights.google_export import PREFIX, export_google


def google(folder: Path, output: Path, /, *, prefix: str = PREFIX) -> None:
    """Write a model as a TensorFlow checkpoint, with the configuration that Google's code reads.

    Args:
        folder: Model folder or run folder.
        output: Folder to write.
        prefix: Name of the checkpoint in it.
    """
    made = export_google(folder, output, prefix)
    facts = {
        "checkpoint": str(made.prefix),
        "variables": f"{made.variables:,}",
        "bytes": f"{made.size:,}",
    }
    facts |= {f"note {number}": note for number, note in enumerate(made.notes, start=1)}
    print_facts(facts)
