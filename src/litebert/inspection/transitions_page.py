"""The layers of models side by side, as one page and as rows to print."""

from collections.abc import Sequence

from litebert.inspection.transitions import Transitions
from litebert.report.page import Cell, Figure, Figures, Paragraph, Section, Table
from litebert.report.plots import Panel, Series, curves

_MEANING = (
    "A layer reads hidden states and writes new ones. Shown are the distance and the angle between "
    "what it reads and what it writes, as means over all tokens of the text, for each layer in the "
    "order it is applied; the first one reads the embeddings. A model whose curves are flat goes "
    "about as far at every depth: the paper finds that ALBERT, whose depths share one layer, is "
    "smoother than BERT (Lan et al. 2019, Section 3.1)."
)
_DIGITS = {"l2": 3, "degrees": 2, "cosine": 4}
_TITLES = {"l2": "L2 distance", "degrees": "Angle", "cosine": "Cosine similarity"}
_UNITS = {"l2": "distance", "degrees": "degrees", "cosine": "cosine"}


def page_of(measured: Sequence[Transitions]) -> tuple[str, str, list[Section]]:
    """Title, subtitle and sections of the page."""
    names = ", ".join(model.name for model in measured)
    figures = Figures([_figure(measured, measure) for measure in _TITLES])
    sections = [
        Section("From layer to layer", [Paragraph(_MEANING), figures]),
        Section("Models", [Table(*summary(measured), "Distances are means over the layers.")]),
        Section("Every layer", _layer_tables(measured)),
    ]
    return "Layers", f"{names}: what each layer makes of a text", sections


def summary(measured: Sequence[Transitions]) -> tuple[list[str], list[list[Cell]]]:
    """Columns and rows: a model each, with the means over its layers."""
    columns = ["Model", "Layers", "Width", "Sharing", "Tokens", "Windows"]
    rows: list[list[Cell]] = []
    for model in measured:
        distances = model.distances
        values = {name: getattr(distances, name) for name in _TITLES}
        means = [_number(sum(v) / len(v), name) for name, v in values.items()]
        sizes = [len(distances.l2), model.config.hidden_size]
        counts = [distances.tokens, distances.sequences]
        rows.append([model.name, *sizes, model.config.sharing, *counts, *means])
    return [*columns, *_TITLES.values()], rows


def layer_rows(
    measured: Sequence[Transitions], measures: Sequence[str] = tuple(_TITLES)
) -> tuple[list[str], list[list[Cell]]]:
    """Columns and rows: a layer each, with these measures of every model."""
    columns = ["Layer"]
    for model in measured:
        names = [model.name] if len(measured) > 1 else []
        for measure in measures:
            titles = [_TITLES[measure]] if len(measures) > 1 else []
            columns.append("\n".join([*names, *titles]) or _TITLES[measure])
    rows: list[list[Cell]] = []
    for layer in range(max(len(model.distances.l2) for model in measured)):
        row: list[Cell] = [layer + 1]
        for model in measured:
            for name in measures:
                values: Sequence[float] = getattr(model.distances, name)
                row.append(_number(values[layer], name) if layer < len(values) else "–")
        rows.append(row)
    return columns, rows


def _layer_tables(measured: Sequence[Transitions]) -> list[Table]:
    """All measures of one model in one table; of several a table each, which fits the page."""
    if len(measured) == 1:
        return [Table(*layer_rows(measured))]
    return [Table(*layer_rows(measured, [name]), title) for name, title in _TITLES.items()]


def _figure(measured: Sequence[Transitions], measure: str) -> Figure:
    series = []
    for model in measured:
        values: Sequence[float] = getattr(model.distances, measure)
        series.append(Series(model.name, range(1, len(values) + 1), values))
    return Figure(curves(Panel(_TITLES[measure], series, "layer", _UNITS[measure])))


def _number(value: float, measure: str) -> str:
    return f"{value:,.{_DIGITS[measure]}f}"
