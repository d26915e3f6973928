"""litebert grow: a larger model, or one on another vocabulary, from a smaller one."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from litebert.cli.facts import print_facts
from litebert.weights.grown import Grown, GrowthSettings, grow_folder

_SETTINGS = GrowthSettings()


def grow(
    folder: Path,
    out: Path,
    /,
    *,
    sizes: Annotated[GrowthSettings, Parameter(name="*", group="Sizes")] = _SETTINGS,
    vocabulary: Path | None = None,
) -> None:
    """Make a larger model of a smaller one, or put it on another vocabulary, keeping its weights.

    What is not given stays. Depths and unshared layers begin as copies; a model that grows in
    sharing or groups alone computes exactly what it did. Positions that are new repeat the table.
    Pieces that both vocabularies have keep their embeddings, new ones begin as the mean of the
    pieces that were written in their place. Prints what became of every part.

    Args:
        folder: Model folder to start from, or the run folder that holds it.
        out: Model folder to write.
        vocabulary: Vocabulary folder, model folder or file with the pieces to have from now on.
    """
    grown = grow_folder(folder, out, sizes, vocabulary)
    print_facts({"model": str(out), "from": grown.start.folder, **_changes(grown)})
    Console().print(_parts(grown), highlight=False)


def _changes(grown: Grown) -> dict[str, str]:
    facts = dict(change.split(": ", 1) for change in grown.changes)
    if grown.pieces:
        facts["pieces"] = ", ".join(f"{count:,} {name}" for name, count in grown.pieces.items())
    return facts


def _parts(grown: Grown) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("part", no_wrap=True)
    table.add_column("")
    table.add_column("parameters", justify="right", no_wrap=True)
    table.add_column("how", overflow="fold")
    for part in grown.parts:
        table.add_row(part.name, part.outcome, f"{part.parameters:,}", part.note)
    return table
