"""The page of a pretraining run: what it reached, its curves, and how it was set up."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from litebert.foundation.progress import duration
from litebert.pretraining.evaluate import plateau_left
from litebert.report.page import (
    Block,
    Fact,
    Facts,
    Figure,
    Figures,
    Paragraph,
    Section,
    Table,
    write_report,
)
from litebert.report.plots import Level, Panel, curves, series_of
from litebert.training.journal import METRICS, read_metrics
from litebert.training.run_folder import RunRecord

Lines = Sequence[dict[str, Any]]
REPORT = "report.html"


def write_run_report(folder: Path, record: RunRecord) -> None:
    """Write `report.html` into the run folder from its records."""
    train = read_metrics(folder / METRICS, "train")
    held_out = read_metrics(folder / METRICS, "evaluation")
    write_report(
        folder / REPORT,
        "Pretraining",
        f"{folder.name} · {_model_words(record.resolved)}",
        [
            Section("Where it stands", findings(record, train, held_out)),
            Section("Curves", [Figures(learning_curves(record, train, held_out))]),
            Section("Settings", [_settings_table(record)]),
        ],
    )


def findings(record: RunRecord, train: Lines, held_out: Lines) -> list[Block]:
    """What the run has reached, as a sentence and tiles."""
    plateau = record.resolved["unigram_loss"]
    if not train or not held_out:
        return [Paragraph("The run ended before its first evaluation.", lead=True)]
    last, newest = train[-1], held_out[-1]
    facts = [
        Fact(
            "Held-out masked-LM loss", newest["masked_lm_loss"], f"{plateau:.2f} from frequencies"
        ),
        Fact("Held-out masked-LM accuracy", percent(newest["masked_lm_accuracy"])),
    ]
    if "sentence_order_accuracy" in newest:
        accuracy = percent(newest["sentence_order_accuracy"])
        facts.append(Fact("Sentence-order accuracy", accuracy, "50 % is chance"))
    total = record.resolved["total_steps"]
    facts += [
        Fact("Steps", last["step"], f"of {total:,}"),
        Fact("Tokens", last["tokens"], f"in {duration(last['seconds'])} of training"),
    ]
    return [Paragraph(plateau_words(record, held_out), lead=True), Facts(facts)]


def plateau_words(record: RunRecord, held_out: Lines) -> str:
    """When the model began to use context, said in a sentence."""
    plateau = record.resolved["unigram_loss"]
    left = plateau_left([(e["step"], e["masked_lm_loss"]) for e in held_out], plateau)
    if left is None:
        return (
            f"The model has not left the plateau of {plateau:.2f} nats that the pieces' "
            "frequencies alone give: it needs more steps, a higher learning rate, or smaller "
            "batches."
        )
    best = min(e["masked_lm_loss"] for e in held_out)
    return (
        f"The model left the plateau of {plateau:.2f} nats, which the pieces' frequencies alone "
        f"give, by step {left:,}; its best held-out loss is {best:.2f}."
    )


def learning_curves(record: RunRecord, train: Lines, held_out: Lines) -> list[Figure]:
    """Losses, accuracies, learning rate, gradient norm and speed over the steps."""
    plateau = Level("unigram", record.resolved["unigram_loss"])
    panels = [
        Panel(
            "Masked-LM loss",
            [
                series_of("training", train, "masked_lm_loss", 0.8),
                series_of("held out", held_out, "masked_lm_loss"),
            ],
            "step",
            "nats",
            levels=(plateau,),
        ),
        Panel(
            "Masked-LM accuracy",
            [series_of("held out", held_out, "masked_lm_accuracy")],
            "step",
            "share",
            percent=True,
        ),
        Panel(
            "Sentence-order accuracy",
            [series_of("held out", held_out, "sentence_order_accuracy")],
            "step",
            "share",
            percent=True,
            levels=(Level("chance", 0.5),),
        ),
        Panel("Learning rate", [series_of("rate", train, "learning_rate")], "step", "rate"),
        Panel("Gradient norm", [series_of("norm", train, "gradient_norm")], "step", "norm"),
        Panel("Speed", [series_of("tokens", train, "tokens_per_second")], "step", "tokens / s"),
    ]
    drawn = [panel for panel in panels if any(len(series.x) > 0 for series in panel.series)]
    return [Figure(curves(panel)) for panel in drawn]


def percent(share: float) -> str:
    """A share as '12.3 %'."""
    return f"{100 * share:.1f} %"


def _model_words(resolved: dict[str, Any]) -> str:
    config = resolved["config"]
    return (
        f"{resolved['parameters']:,} parameters, H {config['hidden_size']}, "
        f"{config['num_hidden_layers']} depths, {resolved['machine']['precision']}"
    )


def _settings_table(record: RunRecord) -> Table:
    rows: list[list[str | int | float]] = []
    for section, values in record.settings.items():
        rows += [[section, key, json.dumps(value)] for key, value in values.items()]
    rows += [["machine, resolved", k, json.dumps(v)] for k, v in record.resolved["machine"].items()]
    return Table(["Section", "Setting", "Value"], rows)
