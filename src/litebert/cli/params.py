"""litebert params: parameter counts of the presets, as in the paper's Tables 1 and 4."""

from rich.console import Console
from rich.table import Table

from litebert.encoder.config import PRESETS, EncoderConfig, Sharing
from litebert.encoder.counts import count_parameters

TABLE_1 = {
    "bert-base": "108M",
    "bert-large": "334M",
    "bert-xlarge": "1270M",
    "albert-base-v2": "12M",
    "albert-large-v2": "18M",
    "albert-xlarge-v2": "60M",
    "albert-xxlarge-v2": "235M",
}
TABLE_4: dict[tuple[int, Sharing], str] = {
    (768, "all"): "31M",
    (768, "attention"): "83M",
    (768, "ffn"): "57M",
    (768, "none"): "108M",
    (128, "all"): "12M",
    (128, "attention"): "64M",
    (128, "ffn"): "38M",
    (128, "none"): "89M",
}
RATIOS = (
    ("bert-large", "albert-large-v2", "334M / 18M = 18x"),
    ("bert-xlarge", "albert-xlarge-v2", "1.27B / 59M = 21.5x"),
)
NUMBER_COLUMNS = ("encoder", "+ pooler", "+ heads", "paper")


def params(preset: str | None = None, /) -> None:
    """Print parameter counts: the paper's Tables 1 and 4, or one preset part by part.

    Args:
        preset: A preset to take apart, such as albert-base-v2; without it, the tables.
    """
    console = Console()
    if preset is not None:
        console.print(_parts(preset))
        return
    console.print(_table_1())
    for larger, smaller, published in RATIOS:
        a, b = (count_parameters(EncoderConfig.preset(name)).backbone for name in (larger, smaller))
        ratio = f"{larger} / {smaller}: {a:,} / {b:,} = {a / b:.1f}x (paper: {published})"
        console.print(ratio, highlight=False, soft_wrap=True)
    console.print()
    console.print(_table_4())


def _table_1() -> Table:
    table = _new_table("Table 1: models (Lan et al. 2019)", ["preset", "L", "H", "E"])
    for name in PRESETS:
        config = EncoderConfig.preset(name)
        counts = count_parameters(config)
        table.add_row(
            name,
            str(config.num_hidden_layers),
            str(config.hidden_size),
            str(config.embedding_size),
            f"{counts.encoder:,}",
            f"{counts.backbone:,}",
            f"{counts.pretraining:,}",
            TABLE_1.get(name, TABLE_1.get(name.replace("-v1", "-v2"), "")),
        )
    return table


def _table_4() -> Table:
    table = _new_table("Table 4: sharing strategies at base size", ["E", "sharing"])
    for (width, sharing), published in TABLE_4.items():
        config = EncoderConfig.preset("albert-base-v2", embedding_size=width, sharing=sharing)
        counts = count_parameters(config)
        table.add_row(
            str(width),
            sharing,
            f"{counts.encoder:,}",
            f"{counts.backbone:,}",
            f"{counts.pretraining:,}",
            published,
        )
    return table


def _parts(preset: str) -> Table:
    counts = count_parameters(EncoderConfig.preset(preset))
    table = Table(title=preset, title_justify="left")
    table.add_column("part")
    table.add_column("parameters", justify="right")
    for part, number in counts.parts.items():
        table.add_row(part, f"{number:,}")
    table.add_section()
    table.add_row("encoder (embeddings and layers)", f"{counts.encoder:,}")
    table.add_row("with pooler", f"{counts.backbone:,}")
    table.add_row("with pretraining heads", f"{counts.pretraining:,}")
    return table


def _new_table(title: str, columns: list[str]) -> Table:
    """A table without lines, so that Table 1 fits 80 columns and no number is cut."""
    table = Table(
        title=title, title_justify="left", box=None, pad_edge=False, collapse_padding=True
    )
    for column in (*columns, *NUMBER_COLUMNS):
        text = column in ("preset", "sharing")
        table.add_column(column, justify="left" if text else "right", no_wrap=True)
    return table
