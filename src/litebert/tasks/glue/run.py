"""All tasks of GLUE whose files are there: fine-tuned one after the other, and the paper's row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from litebert.foundation.errors import ConfigError, DataError, nearest
from litebert.foundation.files import read_json, write_json
from litebert.foundation.progress import console
from litebert.foundation.settings import layered
from litebert.report.page import Cell, Paragraph, Section, Table, write_report
from litebert.tasks.finetuning.run import COMMAND, finetune
from litebert.tasks.glue.data import find_glue, read_glue
from litebert.tasks.glue.source import GlueSource, predictions_of
from litebert.tasks.glue.submission import submission_file, write_submission
from litebert.tasks.glue.tasks import GLUE, PAPER_ROW, GlueTask
from litebert.tasks.prediction.evaluation import evaluate
from litebert.tasks.prediction.pages import METRICS_JSON, REPORT
from litebert.tasks.prediction.predictor import load_predictor
from litebert.tasks.settings import FinetuneSettings
from litebert.training.lock import lock_folder
from litebert.training.run_folder import RUN, read_run, require_new

GLUE_JSON = "glue.json"
SUBMISSION = "submission.zip"
_MNLI = "mnli"
_MISMATCHED = "dev_mismatched"


@dataclass(frozen=True)
class GlueOutcome:
    """The official scores by task, which tasks had no files, and the signal that ended it, if any.

    `scores["mnli"]` has `accuracy` of the matched and `accuracy_mismatched` of the other half.
    """

    folder: Path
    scores: Mapping[str, Mapping[str, float]]
    missing: Sequence[str]
    remarks: Sequence[str] = ()
    signal: int | None = None

    def row(self) -> dict[str, float]:
        """The paper's row: the score of its tables for each of its tasks that was run."""
        return {
            name: self.scores[name][GLUE[name].metrics[0]]
            for name in PAPER_ROW
            if name in self.scores
        }

    def table(self) -> Table:
        """The paper's row in percent, with the average of what is in it; "–" for what is not."""
        row = self.row()
        cells: list[Cell] = [f"{100 * row[name]:.1f}" if name in row else "–" for name in PAPER_ROW]
        average = f"{100 * fmean(row.values()):.1f}" if row else "–"
        return Table([*(GLUE[name].folder for name in PAPER_ROW), "average"], [[*cells, average]])

    def all_scores(self) -> Table:
        """Every official score of every task that was run."""
        rows: list[list[Cell]] = [
            [name, metric, f"{value:.4f}"]
            for name, values in self.scores.items()
            for metric, value in values.items()
        ]
        return Table(["task", "score", "value"], rows)


def run_glue(
    model_folder: Path,
    data: Path,
    folder: Path,
    asked: Mapping[str, Any] | None = None,
    tasks: Sequence[str] = (),
    mnli: Path | None = None,
    resume: bool = False,
) -> GlueOutcome:
    """Fine-tune on every task whose training and development files are in `data`, MNLI first.

    Each gets a run folder of its own in `folder`, with the settings that are `asked` for all, and
    else the paper's. As in the paper, RTE, MRPC and STS-B start from the model of MNLI: the one of
    this run, or `mnli`; from `model_folder` where there is none. Test files that are there are
    predicted into one zip. Raises DataError where no task has its files, and as `finetune` does.
    """
    chosen = _chosen(tasks)
    found = [task for task in chosen if _has(task, data, "train", "dev")]
    missing = [task.name for task in chosen if task not in found]
    if not found:
        raise DataError(
            f"{data} has the training and development files of no task: name GLUE's folder, which "
            f"holds {', '.join(task.folder for task in chosen)}"
        )
    with lock_folder(folder):
        if not resume:
            require_new(folder)
        scores: dict[str, dict[str, float]] = {}
        for task in found:
            if task.name == _MNLI:
                mnli = folder / _MNLI
            start = mnli if mnli is not None and task.starts_from_mnli else model_folder
            signal = _run_task(task, start, data, folder / task.name, asked or {}, resume)
            if signal is not None:
                return GlueOutcome(folder, scores, missing, signal=signal)
            scores[task.name] = _scores(task, data, folder / task.name)
        remarks = _submit(found, data, folder)
        outcome = GlueOutcome(folder, scores, missing, remarks)
        _write(outcome)
        return outcome


def _chosen(names: Sequence[str]) -> list[GlueTask]:
    """The tasks to run, MNLI before those that start from it."""
    able = {task.name: task for task in GLUE.values() if task.preset is not None}
    for name in names:
        if name.lower() not in able:
            raise ConfigError(f'"{name}" is no task of GLUE to train on: {nearest(name, able)}')
    wanted = {name.lower() for name in names} or set(able)
    chosen = [task for name, task in able.items() if name in wanted]
    return sorted(chosen, key=lambda task: task.name != _MNLI)


def _has(task: GlueTask, data: Path, *splits: str) -> bool:
    """Whether the task's own folder in `data` has the files of these splits."""
    try:
        return all(find_glue(task, data / task.folder, split).is_file() for split in splits)
    except DataError:
        return False


def _run_task(
    task: GlueTask, start: Path, data: Path, run: Path, asked: Mapping[str, Any], resume: bool
) -> int | None:
    """Fine-tune on one task, unless that is done; the signal that ended it, if one did."""
    console().print(f"{task.name}, from {start}", markup=False)
    if resume and (run / METRICS_JSON).is_file() and _finished(run):
        console().print(f"{task.name} is done already", markup=False)
        return None
    begun = resume and (run / RUN).is_file()
    base = read_run(run, COMMAND).settings if begun else {}
    settings = layered(FinetuneSettings, None, asked, base)
    return finetune(start, GlueSource(task, data), run, settings, begun).result.signal


def _finished(run: Path) -> bool:
    """Whether a run is at its end: it made all its steps, or stopped early."""
    return bool(read_json(run / METRICS_JSON).get("finished"))


def _scores(task: GlueTask, data: Path, run: Path) -> dict[str, float]:
    """The official scores on the development set, of MNLI on both halves."""
    values = read_json(run / METRICS_JSON)
    scores: dict[str, float] = {metric: values[metric] for metric in task.metrics}
    if _MISMATCHED in task.files and _has(task, data, _MISMATCHED):
        rows = read_glue(task, data, _MISMATCHED).examples
        other = evaluate(load_predictor(run), rows)
        scores |= {f"{metric}_mismatched": other.metrics[metric] for metric in task.metrics}
    return scores


def _submit(tasks: Sequence[GlueTask], data: Path, folder: Path) -> list[str]:
    """Predict the test files that are there, the diagnostic's with MNLI's model."""
    runs = {task.name: folder / task.name for task in tasks}
    if _MNLI in runs:
        runs["ax"] = runs[_MNLI]
    files = {}
    for name, run in runs.items():
        for split in GLUE[name].submission:
            if _has(GLUE[name], data, split):
                rows = read_glue(GLUE[name], data, split).examples
                predicted = predictions_of(load_predictor(run), rows)
                files[name, split] = submission_file(GLUE[name], rows, predicted)
    if not files:
        return ["no test files are there to predict"]
    lacking = write_submission(folder / SUBMISSION, files)
    return [f"{SUBMISSION} lacks {', '.join(lacking)}"] if lacking else []


def _write(outcome: GlueOutcome) -> None:
    """The scores as JSON and as a page."""
    row = outcome.row()
    values = {
        "scores": outcome.scores,
        "row": row,
        "average": fmean(row.values()) if row else None,
        "missing": list(outcome.missing),
    }
    write_json(outcome.folder / GLUE_JSON, values)
    missing = ", ".join(outcome.missing)
    words = f"{len(outcome.scores)} tasks of GLUE, each scored on its development set." + (
        f" Without files, and so not in the average: {missing}." if missing else ""
    )
    sections = [
        Section("The paper's row", [Paragraph(words, lead=True), outcome.table()]),
        Section("All scores", [outcome.all_scores()]),
    ]
    write_report(outcome.folder / REPORT, "GLUE", outcome.folder.name, sections)
