"""The page of a pretraining run: what it reached, its curves, and how it was set up."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from litebert.foundation.progress import duration
from litebert.pretraining.evaluate import plateau_left
from litebert.report.history import History, Line, alarm_blocks, learning_curves
from litebert.report.page import (
    Block,
    Fact,
    Facts,
    Figures,
    Paragraph,
    Section,
    Table,
    write_report,
)
from litebert.report.plots import Level
from litebert.training.journal import METRICS, read_metrics
from litebert.training.run_folder import RunRecord

REPORT = "report.html"


def write_run_report(folder: Path, record: RunRecord) -> None:
    """Write `report.html` into the run folder from its records."""
    write_report(folder / REPORT, *run_page(folder, record))


def run_page(folder: Path, record: RunRecord) -> tuple[str, str, list[Section]]:
    """Title, subtitle and sections of a run's page, also while the run goes on."""
    history = History.of(folder.name, read_metrics(folder / METRICS))
    levels = {
        "masked_lm_loss": Level("unigram", record.resolved["unigram_loss"]),
        "sentence_order_accuracy": Level("chance", 0.5),
    }
    figures = learning_curves(history, levels)
    sections = [
        Section("Where it stands", findings(record, history)),
        Section("Alarms", alarm_blocks(history)),
        Section("Curves", [Figures(figures)] if figures else []),
        Section("Settings", [_settings_table(record)]),
    ]
    subtitle = f"{folder.name} · {_model_words(record.resolved)}"
    return "Pretraining", subtitle, [section for section in sections if section.blocks]


def findings(record: RunRecord, history: History) -> list[Block]:
    """What the run has reached, as a sentence and tiles."""
    plateau = record.resolved["unigram_loss"]
    facts = []
    held_out = [line for line in history.evaluation if line["masked_lm_loss"] is not None]
    if held_out:
        newest = held_out[-1]
        loss, note = newest["masked_lm_loss"], f"{plateau:.2f} from frequencies"
        facts.append(Fact("Held-out masked-LM loss", loss, note))
        facts.append(Fact("Held-out masked-LM accuracy", percent(newest["masked_lm_accuracy"])))
        if "sentence_order_accuracy" in newest:
            accuracy = percent(newest["sentence_order_accuracy"])
            facts.append(Fact("Sentence-order accuracy", accuracy, "50 % is chance"))
    if history.train:
        last = history.train[-1]
        facts.append(Fact("Steps", last["step"], _steps_words(record, last)))
        if "tokens" in last:
            spent = f"in {duration(last['seconds'])} of training"
            facts.append(Fact("Tokens", last["tokens"], spent))
    if history.alarms:
        facts.append(
            Fact("Alarms", len(history.alarms), f"last at step {history.alarms[-1]['step']:,}")
        )
    return [
        *(Paragraph(text, lead=True) for text in _end_words(history)),
        Paragraph(plateau_words(record, held_out), lead=True),
        *([Facts(facts)] if facts else []),
    ]


def _end_words(history: History) -> list[str]:
    """Why the run ended before its time, if it did and has not gone on since."""
    reached = history.train[-1]["step"] if history.train else 0
    stopped = [alarm for alarm in history.alarms if alarm["kind"] == "stopped"]
    return [f"The run has stopped: {a['text']}." for a in stopped[-1:] if a["step"] > reached]


def _steps_words(record: RunRecord, last: Line) -> str:
    """Of how many steps, and how long the rest takes at the pace so far."""
    total = record.resolved["total_steps"]
    if last["step"] >= total or "seconds" not in last:
        return f"of {total:,}"
    left = (total - last["step"]) * last["seconds"] / last["step"]
    return f"of {total:,}; the rest takes {duration(left)}"


def plateau_words(record: RunRecord, held_out: Sequence[Line]) -> str:
    """When the model began to use context, said in a sentence."""
    plateau = record.resolved["unigram_loss"]
    if not held_out:
        return "The run has not come to its first evaluation."
    left = plateau_left([(e["step"], e["masked_lm_loss"]) for e in held_out], plateau)
    if left is None:
        return (
            f"The model has not left the plateau of {plateau:.2f} nats that the pieces' "
            "frequencies alone give: it needs more steps, another learning rate, or smaller "
            "batches."
        )
    best = min(e["masked_lm_loss"] for e in held_out)
    return (
        f"The model left the plateau of {plateau:.2f} nats, which the pieces' frequencies alone "
        f"give, by step {left:,}; its best held-out loss is {best:.2f}."
    )


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
    rows += [["start", k, json.dumps(v)] for k, v in record.resolved.get("start", {}).items()]
    rows += [["machine, resolved", k, json.dumps(v)] for k, v in record.resolved["machine"].items()]
    return Table(["Section", "Setting", "Value"], rows)
