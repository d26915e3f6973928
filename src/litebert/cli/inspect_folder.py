"""litebert inspect: what a folder holds, and how far each layer of a model carries its input."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

from litebert.cli.facts import print_facts
from litebert.cli.tables import print_rows
from litebert.foundation.errors import ConfigError
from litebert.foundation.progress import console
from litebert.inspection.folders import inspect_folder
from litebert.inspection.transitions import WindowSettings, measure
from litebert.inspection.transitions_page import layer_rows, page_of, summary
from litebert.report.page import write_report

_WINDOWS = WindowSettings()

app = App(name="inspect", help="What a folder holds; what the layers of models do to a text.")


@app.default
def folder(path: Path, /) -> None:
    """Show what a folder holds: a model, a run, a corpus, a vocabulary, a checkpoint.

    Folders of Hugging Face and checkpoints of Google too, with the command that imports them.

    Args:
        path: The folder, or a file of it. One that is called layers is ./layers here.
    """
    found = inspect_folder(path)
    print_facts({found.kind: str(path), **found.facts})
    for hint in found.hints:
        Console().print(hint, markup=False, highlight=False, soft_wrap=True)


@app.command
def layers(
    *models_and_text: Annotated[str, Parameter(name="MODELS-AND-TEXT")],
    output: Path | None = None,
    windows: Annotated[WindowSettings, Parameter(name="*", group="Text, computation")] = _WINDOWS,
) -> None:
    """Measure how far each layer of some models carries a text: L2 distance, angle and cosine.

    As the paper's figure on smooth transitions from layer to layer; BERT and ALBERT side by side.

    Args:
        models_and_text: Model or run folders, and last the text: a file, or the text itself.
        output: Page to write (.html), with the curves of all models over each other.
    """
    *folders, text = models_and_text or ("",)
    if not folders:
        raise ConfigError(
            "litebert inspect layers needs a model folder and, last, a text or a file of it "
            "(a folder that is called layers is inspected as ./layers)"
        )
    measured = measure([Path(name) for name in folders], text, windows)
    print_rows(*summary(measured))
    Console().print()
    print_rows(*layer_rows(measured))
    if output is not None:
        write_report(output, *page_of(measured))
        console().print(f"{output} shows the curves", markup=False)
