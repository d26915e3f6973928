"""All tasks of GLUE whose files are there: fine-tuned one after the other, and the paper's row."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

from litebert.foundation.errors import ConfigError, DataError, LitebertError, nearest
from litebert.foundation.files import read_json, write_json
from litebert.foundation.progress import console
from litebert.foundation.settings import layered, merge
from litebert.report.page import Cell, Paragraph, Section, Table, write_report
from litebert.tasks.finetuning.run import COMMAND, finetune
from litebert.tasks.finetuning.seeds import SEEDS_JSON, finetune_seeds, first_run, seed_runs
from litebert.tasks.glue.data import find_glue, read_glue
from litebert.tasks.glue.source import GlueSource, predicted_file
from litebert.tasks.glue.submission import write_submission
from litebert.tasks.glue.tasks import GLUE, PAPER_ROW, GlueTask
from litebert.tasks.prediction.evaluation import evaluate
from litebert.tasks.prediction.pages import METRICS_JSON, REPORT
from litebert.tasks.prediction.predictor import load_predictor
from litebert.tasks.settings import FinetuneSettings
from litebert.tasks.words import mean_and_deviation
from litebert.training.lock import lock_folder
from litebert.training.run_folder import (
    RUN,
    RunRecord,
    check_unchanged,
    read_record,
    read_run,
    require_new,
    write_record,
)
from litebert.training.settings import MAY_CHANGE_ON_RESUME

GLUE_COMMAND = "glue"
GLUE_JSON = "glue.json"
GLUE_RUN = "glue-run.json"  # what holds for every task of a run
SUBMISSION = "submission.zip"
_MNLI = "mnli"
_DIAGNOSTIC = GLUE["ax"]
_MISMATCHED = "dev_mismatched"


@dataclass(frozen=True)
class GlueOutcome:
    """The official scores by task, which tasks had no files, and the signal that ended it, if any.

    Each score has a value for every seed, one where no number of seeds was asked for.
    `scores["mnli"]` has `accuracy` of the matched and `accuracy_mismatched` of the other half.
    """

    folder: Path
    scores: Mapping[str, Mapping[str, Sequence[float]]]
    missing: Sequence[str]
    remarks: Sequence[str] = ()
    signal: int | None = None

    def row(self) -> dict[str, float]:
        """The paper's row: the score of its tables for each of its tasks that was run.

        Of several seeds the median, as the paper has it (section 4.2.2).
        """
        return {
            name: median(self.scores[name][GLUE[name].metrics[0]])
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
        """Every official score of every task that was run; of several seeds, their spread too."""
        several = any(len(values) > 1 for each in self.scores.values() for values in each.values())
        rows: list[list[Cell]] = [
            [
                name,
                metric,
                f"{median(values):.4f}",
                *([mean_and_deviation(values)] if several else []),
            ]
            for name, each in self.scores.items()
            for metric, values in each.items()
        ]
        return Table(["task", "score", *(["median", "mean ± sd"] if several else ["value"])], rows)


def run_glue(
    model_folder: Path,
    data: Path,
    folder: Path,
    asked: Mapping[str, Any] | None = None,
    tasks: Sequence[str] = (),
    mnli: Path | None = None,
    resume: bool = False,
    seeds: int | None = None,
) -> GlueOutcome:
    """Fine-tune on every task whose training and development files are in `data`, MNLI first.

    Each gets a run folder of its own in `folder`, with the settings that are `asked` for all, and
    else the paper's. As in the paper, RTE, MRPC and STS-B start from the model of MNLI: the one of
    this run, or `mnli`; from `model_folder` where there is none. Test files that are there are
    predicted into one zip. With `seeds`, every task is run from so many, and its best model goes on
    from there. Raises DataError where no task has its files, and as `finetune` does.
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
        record = _record(model_folder, data, mnli, seeds, asked or {})
        if resume:
            record = _continued(read_record(folder / GLUE_RUN, GLUE_COMMAND), record)
        else:
            require_new(folder)
        skip_bad = bool(record.settings.get("course", {}).get("skip_bad"))
        _check_files(found, data, skip_bad)
        with nullcontext() if resume else _recorded(folder, record):
            signal = _run_tasks(found, folder, data, record)
        if signal is not None:
            return GlueOutcome(folder, {}, missing, signal=signal)
        done = [t for t in _chosen(()) if _finished(folder / t.name, record.resolved["seeds"])]
        scores = {task.name: _scores(task, data, folder / task.name, skip_bad) for task in done}
        outcome = GlueOutcome(folder, scores, missing)
        _write(outcome)  # whatever becomes of the test files
        return replace(outcome, remarks=_submit(done, data, folder, skip_bad))


def _record(
    model: Path, data: Path, mnli: Path | None, seeds: int | None, asked: Mapping[str, Any]
) -> RunRecord:
    """What holds for every task of a run."""
    places = {"model": model, "data": data, "mnli": mnli}
    found = {name: str(place.resolve()) for name, place in places.items() if place is not None}
    settings = layered(FinetuneSettings, None, asked).model_dump(mode="json", exclude_unset=True)
    return RunRecord(GLUE_COMMAND, settings, {**found, "seeds": seeds})


def _continued(stored: RunRecord, now: RunRecord) -> RunRecord:
    """A run's record, with what may change on top. Raises ResumeError where all else does."""
    settings = merge(stored.settings, now.settings)
    given_now = {name: value for name, value in now.resolved.items() if value is not None}
    resolved = {**stored.resolved, **given_now}
    check_unchanged(
        {**stored.settings, **stored.resolved}, {**settings, **resolved}, MAY_CHANGE_ON_RESUME
    )
    return RunRecord(GLUE_COMMAND, settings, resolved)


@contextmanager
def _recorded(folder: Path, record: RunRecord) -> Iterator[None]:
    """Note what the run is; the note goes again where an error ends it before any task begins."""
    write_record(folder / GLUE_RUN, record)
    try:
        yield
    except LitebertError:
        if not any(folder.glob(f"*/**/{RUN}")):
            (folder / GLUE_RUN).unlink()
        raise


def _check_files(tasks: Sequence[GlueTask], data: Path, skip_bad: bool) -> None:
    """Read all that is needed after training, so that its faults are known before it."""
    for task in _predicted(tasks):
        for split in task.files:
            if split not in ("train", "dev") and _has(task, data, split):
                read_glue(task, data, split, skip_bad)


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


def _run_tasks(
    tasks: Sequence[GlueTask], folder: Path, data: Path, record: RunRecord
) -> int | None:
    """Fine-tune on one task after the other; the signal that ended one, if it did."""
    resolved = record.resolved
    seeds, mnli = resolved["seeds"], resolved.get("mnli")
    for task in tasks:
        run = folder / task.name
        if _finished(run, seeds):
            console().print(f"{task.name} is done already", markup=False)
            continue
        if _finished(folder / _MNLI, seeds):
            mnli = folder / _MNLI
        start = Path(mnli if mnli is not None and task.starts_from_mnli else resolved["model"])
        console().print(f"{task.name}, from {start}", markup=False)
        signal = _run_task(task, start, data, run, record)
        if signal is not None:
            return signal
    return None


def _run_task(task: GlueTask, start: Path, data: Path, run: Path, record: RunRecord) -> int | None:
    """Fine-tune on one task, or go on with that; the signal that ended it, if one did."""
    seeds: int | None = record.resolved["seeds"]
    first = run if seeds is None else first_run(run)
    begun = first is not None and (first / RUN).is_file()
    base = read_run(first, COMMAND).settings if first is not None and begun else {}
    settings = layered(FinetuneSettings, None, record.settings, base)
    source = GlueSource(task, data)
    if seeds is None:
        return finetune(start, source, run, settings, begun).result.signal
    return finetune_seeds(start, source, run, settings, seeds, begun).signal


def _finished(run: Path, seeds: int | None) -> bool:
    """Whether a run, or those of so many seeds, are at their end: all steps, or stopped early."""
    if not (run / (METRICS_JSON if seeds is None else SEEDS_JSON)).is_file():
        return False
    places = [run] if seeds is None else seed_runs(run)
    found = [place / METRICS_JSON for place in places]
    return len(found) == (seeds or 1) and all(
        path.is_file() and read_json(path).get("finished") for path in found
    )


def _scores(task: GlueTask, data: Path, run: Path, skip_bad: bool) -> dict[str, list[float]]:
    """The official scores on the development set, of MNLI on both halves, of each seed."""
    places = seed_runs(run) or [run]
    found = [read_json(place / METRICS_JSON) for place in places]
    scores: dict[str, list[float]] = {m: [values[m] for values in found] for m in task.metrics}
    if _MISMATCHED in task.files and _has(task, data, _MISMATCHED):
        rows = read_glue(task, data, _MISMATCHED, skip_bad).examples
        other = [evaluate(load_predictor(place), rows).metrics for place in places]
        scores |= {f"{m}_mismatched": [values[m] for values in other] for m in task.metrics}
    return scores


def _submit(tasks: Sequence[GlueTask], data: Path, folder: Path, skip_bad: bool) -> list[str]:
    """Predict the test files that are there, the diagnostic's with MNLI's model."""
    files, remarks = {}, []
    for task in _predicted(tasks):
        run = folder / (_MNLI if task is _DIAGNOSTIC else task.name)
        for split in task.submission:
            if _has(task, data, split):
                text, found = predicted_file(task, load_predictor(run), data, split, skip_bad)
                files[task.name, split] = text
                remarks += found
    if not files:
        return ["no test files are there to predict"]
    lacking = write_submission(folder / SUBMISSION, files)
    return remarks + ([f"{SUBMISSION} lacks {', '.join(lacking)}"] if lacking else [])


def _predicted(tasks: Sequence[GlueTask]) -> list[GlueTask]:
    """The tasks whose test files models of these tasks predict."""
    return [*tasks, *([_DIAGNOSTIC] if GLUE[_MNLI] in tasks else [])]


def _write(outcome: GlueOutcome) -> None:
    """The scores as JSON and as a page."""
    row = outcome.row()
    values = {
        "scores": {
            task: {metric: median(values) for metric, values in each.items()}
            for task, each in outcome.scores.items()
        },
        "seeds": outcome.scores,
        "row": row,
        "average": fmean(row.values()) if row else None,
        "missing": list(outcome.missing),
    }
    write_json(outcome.folder / GLUE_JSON, values)
    missing = ", ".join(outcome.missing)
    seeds = max(len(values) for each in outcome.scores.values() for values in each.values())
    words = (
        f"{len(outcome.scores)} tasks of GLUE, each scored on its development set"
        + (f"; the median of {seeds} seeds" if seeds > 1 else "")
        + "."
        + (f" Without files, and so not in the average: {missing}." if missing else "")
    )
    sections = [
        Section("The paper's row", [Paragraph(words, lead=True), outcome.table()]),
        Section("All scores", [outcome.all_scores()]),
    ]
    write_report(outcome.folder / REPORT, "GLUE", outcome.folder.name, sections)
