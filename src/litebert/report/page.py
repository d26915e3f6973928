"""One offline HTML page from plain data: sections of paragraphs, facts, tables and figures.

The page holds all it shows: no script, no font, no address outside it. It follows the reader's
light or dark setting, prints well and fits a narrow screen. Equal data give equal bytes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Literal

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from litebert.foundation.files import atomic_file

Cell = str | int | float
_NUMBER = re.compile(r"[+\-−±]?\d[\d.,]*( ?(%|[A-Za-zµ/]{1,10}))?( ?± ?[\d.,]+)?|–?")


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of plain text; a `lead` one is set larger, for the finding of the page."""

    text: str
    lead: bool = False


@dataclass(frozen=True)
class Fact:
    """One figure worth a tile of its own, with its name and a short note."""

    name: str
    value: Cell
    note: str = ""


@dataclass(frozen=True)
class Facts:
    """A row of tiles."""

    facts: Sequence[Fact]


@dataclass(frozen=True)
class Table:
    """A table; columns that hold only numbers are set to the right, `strong` rows in bold."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    strong: Sequence[int] = ()


@dataclass(frozen=True)
class Figure:
    """An inline SVG as `litebert.report.plots` draws it; the mark-up is trusted as it stands."""

    svg: str
    caption: str = ""


@dataclass(frozen=True)
class Figures:
    """Figures side by side where the screen is wide enough."""

    figures: Sequence[Figure]


@dataclass(frozen=True)
class Code:
    """Preformatted lines, such as commands to type."""

    text: str


@dataclass(frozen=True)
class Part:
    """A part of a running text; `mark` says how it stands out."""

    text: str
    mark: Literal["", "right", "wrong", "missed"] = ""


@dataclass(frozen=True)
class Passage:
    """A running text with some parts marked, under a heading, with a short note below it."""

    heading: str
    parts: Sequence[Part]
    note: str = ""


Block = Paragraph | Facts | Table | Figure | Figures | Code | Passage


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it."""

    heading: str
    blocks: Sequence[Block]


def render(
    title: str,
    subtitle: str,
    sections: Sequence[Section],
    footer: str = "",
    refresh: int | None = None,
) -> str:
    """The whole page as text. All words are escaped; only a figure's SVG is taken as mark-up.

    With `refresh`, the browser asks for the page again after so many seconds.
    """
    return _template().render(
        title=title, subtitle=subtitle, sections=sections, footer=footer, refresh=refresh
    )


def write_report(
    path: Path, title: str, subtitle: str, sections: Sequence[Section], footer: str = ""
) -> None:
    """Write the page to `path`, atomically. Raises StorageError when it cannot be written."""
    with atomic_file(path, "w") as file:
        file.write(render(title, subtitle, sections, footer))


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    filters = {"kind": _kind, "cell": _cell, "numeric": _numeric_columns, "trusted": Markup}
    environment.filters.update(filters)
    source = resources.files("litebert.report").joinpath("template.html").read_text("utf-8")
    return environment.from_string(source)


def _kind(block: Block) -> str:
    return type(block).__name__


def _cell(value: Cell) -> str:
    """A value as it is shown: thousands apart, four figures of a fraction."""
    if isinstance(value, bool | str):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _numeric_columns(table: Table) -> list[bool]:
    """Which columns hold nothing but numbers."""
    columns = range(len(table.columns))
    return [all(_NUMBER.fullmatch(_cell(row[i])) for row in table.rows) for i in columns]
