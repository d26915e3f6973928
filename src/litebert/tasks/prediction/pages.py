"""What tasks leave to read: `metrics.json` and the page of a fine-tuning run or an evaluation."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from litebert.foundation.files import atomic_folder, write_json
from litebert.foundation.progress import duration
from litebert.report.history import History, Line, alarm_blocks, learning_curves
from litebert.report.page import Fact, Facts, Figures, Paragraph, Section, Table, write_report
from litebert.tasks.kind import Evaluation
from litebert.training.journal import METRICS, read_metrics
from litebert.training.run_folder import RunRecord

REPORT = "report.html"
METRICS_JSON = "metrics.json"


def write_results(
    folder: Path,
    record: RunRecord,
    evaluation: Evaluation,
    step: int,
    best_step: int,
    finished: bool = True,
) -> None:
    """Write `metrics.json` and `report.html` of a fine-tuning run that stands at `step`.

    `finished` says that it is not going on from there.
    """
    now = {"step": step, "best_step": best_step, "finished": finished}
    values = {**now, **evaluation.as_dict()}
    write_json(folder / METRICS_JSON, values)
    for name, content in evaluation.files.items():
        write_json(folder / name, content)
    history = History.of(folder.name, read_metrics(folder / METRICS))
    resolved, found = record.resolved, evaluation.findings()
    figures = learning_curves(history, found.levels, evaluated="validation")
    facts = [
        *found.facts,
        Fact("Best step", best_step, f"of {resolved['total_steps']:,}"),
        Fact("Training rows", resolved["rows"]["training"], _spent(history.train)),
    ]
    write_report(
        folder / REPORT,
        "Fine-tuning",
        f"{folder.name} · {_model_words(resolved)}",
        [
            Section("On the validation rows", [Paragraph(found.lead, lead=True), Facts(facts)]),
            Section("Curves", [*alarm_blocks(history), Figures(figures)]),
            *found.sections,
            Section("Settings", [_settings_table(record)]),
        ],
    )


def write_evaluation(folder: Path, model: str, data: str, evaluation: Evaluation) -> None:
    """Write `metrics.json` and `report.html` of an evaluation into a vacant folder.

    `model` and `data` say what was evaluated on what. Raises StorageError where the folder holds
    something already.
    """
    found = evaluation.findings()
    with atomic_folder(folder) as new:
        write_json(new / METRICS_JSON, {"model": model, "file": data, **evaluation.as_dict()})
        for name, content in evaluation.files.items():
            write_json(new / name, content)
        scores = Section("Scores", [Paragraph(found.lead, lead=True), Facts(found.facts)])
        subtitle = f"{model} on {Path(data).name}"
        write_report(new / REPORT, "Evaluation", subtitle, [scores, *found.sections])


def _spent(train: Sequence[Line]) -> str:
    return f"{duration(train[-1]['seconds'])} of training" if train else ""


def _model_words(resolved: dict[str, Any]) -> str:
    start = "random weights" if resolved["start"] is None else resolved["start"]
    return f"{resolved['parameters']:,} parameters from {start}, {resolved['machine']['precision']}"


def _settings_table(record: RunRecord) -> Table:
    rows: list[list[str | int | float]] = []
    for section, values in record.settings.items():
        rows += [[section, key, json.dumps(value)] for key, value in values.items()]
    rows += [["machine, resolved", k, json.dumps(v)] for k, v in record.resolved["machine"].items()]
    return Table(["Section", "Setting", "Value"], rows)
