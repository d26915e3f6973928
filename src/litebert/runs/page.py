"""Runs side by side: their scores, their curves over each other, and the settings that differ."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from litebert.foundation.progress import duration
from litebert.pretraining.report import run_page
from litebert.pretraining.run import COMMAND as PRETRAIN
from litebert.report.history import Axis, Measure, alarm_words, compared_curves
from litebert.report.page import Block, Cell, Figures, Paragraph, Section, Table
from litebert.runs.folder import Run, open_runs

NO_SETTINGS = ("command", "python", "platform", "cpus")  # of the environment: they decide no result


def page_of(folders: Sequence[Path], axis: Axis = "steps") -> tuple[str, str, list[Section]]:
    """Title, subtitle and sections of the page: a single pretraining run's own, else compared.

    Raises DataError where a run cannot be read.
    """
    runs = open_runs(folders)
    if len(runs) == 1 and runs[0].record.command == PRETRAIN:
        return run_page(runs[0].folder, runs[0].record)
    commands = sorted({run.record.command for run in runs})
    figures = compared_curves([run.history for run in runs], axis)
    sections = [
        Section("Scores", score_blocks(runs)),
        Section("Alarms", _alarms(runs)),
        Section("Curves", [Figures(figures)] if figures else []),
        Section("Settings that differ", _settings(runs)),
    ]
    subtitle = f"{count_words(len(runs))} of litebert {' and '.join(commands)}"
    return "Runs", subtitle, [section for section in sections if section.blocks]


def count_words(runs: int) -> str:
    """'1 run', '2 runs'."""
    return f"{runs} run{'s' * (runs != 1)}"


def score_blocks(runs: Sequence[Run]) -> list[Block]:
    """Where each run stands, and what it scored at its last and at its best evaluations."""
    blocks: list[Block] = [Table(*overview(runs), strong=_leader(runs))]
    measures = _held_out(runs)
    best = [[run.name, *(_best(run, measure) for measure in measures)] for run in runs]
    if any(_best(run, m) != _last(run, m) for run in runs for m in measures):
        columns = ["Run", *(measure.title for measure in measures)]
        blocks.append(Table(columns, best, "The best of each over all evaluations."))
    return blocks


def overview(runs: Sequence[Run]) -> tuple[list[str], list[list[Cell]]]:
    """Columns and rows: how far each run is, its size and pace, its last held-out scores."""
    measures = _held_out(runs)
    columns = ["Run", "Steps", "Of", "Tokens", "Time", "Tokens / s", "Parameters"]
    rows: list[list[Cell]] = []
    for run in runs:
        last = run.history.train[-1] if run.history.train else {}
        tokens, seconds = last.get("tokens"), last.get("seconds")
        pace = f"{tokens / seconds:,.0f}" if tokens and seconds else "–"
        rows.append(
            [
                *(run.name, run.step, _or_dash(run.total_steps), _or_dash(tokens)),
                *(duration(seconds) if seconds else "–", pace),
                _or_dash(run.record.resolved.get("parameters")),
                *(_last(run, measure) for measure in measures),
            ]
        )
    return [*columns, *(measure.title for measure in measures)], rows


def _held_out(runs: Sequence[Run]) -> list[Measure]:
    """The measures that an evaluation of any run has."""
    measures = dict.fromkeys(m for run in runs for m in run.history.scores)
    return [
        m for m in measures if any(m.key in line for r in runs for line in r.history.evaluation)
    ]


def _values(run: Run, measure: Measure) -> list[float]:
    lines = run.history.evaluation
    return [float(line[measure.key]) for line in lines if line.get(measure.key) is not None]


def _last(run: Run, measure: Measure) -> Cell:
    values = _values(run, measure)
    return _shown(values[-1], measure) if values else "–"


def _best(run: Run, measure: Measure) -> Cell:
    values = _values(run, measure)
    choose = min if measure.lower_is_better else max
    return _shown(choose(values), measure) if values else "–"


def _leader(runs: Sequence[Run]) -> list[int]:
    """The row of the run that is best by the first measure that all of them have."""
    for measure in _held_out(runs):
        last = [values[-1] for run in runs if (values := _values(run, measure))]
        if len(last) == len(runs) > 1:
            return [last.index(min(last) if measure.lower_is_better else max(last))]
    return []


def _shown(value: float, measure: Measure) -> Cell:
    return f"{100 * value:.1f} %" if measure.percent else f"{value:.4f}"


def _or_dash(value: int | None) -> Cell:
    return "–" if value is None else value


def _alarms(runs: Sequence[Run]) -> list[Block]:
    rows: list[list[Cell]] = [
        [run.name, alarm["step"], *alarm_words(alarm)]
        for run in runs
        for alarm in run.history.alarms
    ]
    return [Table(["Run", "Step", "Kind", "What was seen and done"], rows)] if rows else []


def _settings(runs: Sequence[Run]) -> list[Block]:
    """A row for each setting, resolved value or fact of the machine that is not the same in all."""
    columns = [_flat(run) for run in runs]
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows: list[list[Cell]] = []
    for name in names:
        values = [column.get(name, "–") for column in columns]
        if len(set(values)) > 1:
            rows.append([name, *values])
    if len(runs) == 1:
        return []
    if not rows:
        return [Paragraph("Every setting is the same.")]
    return [Table(["Setting", *(run.name for run in runs)], rows)]


def _flat(run: Run) -> dict[str, str]:
    """Everything that was set, resolved and found, as 'section.name' with its value in words."""
    environment = {k: v for k, v in run.environment.items() if k not in NO_SETTINGS}
    given = {"command": run.record.command, **run.record.settings}
    return dict(
        (*_leaves(given), *_leaves(run.record.resolved, "resolved."), *_leaves(environment, ""))
    )


def _leaves(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    leaves: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            leaves += _leaves(value, f"{prefix}{key}.")
        else:
            shown = value if isinstance(value, str) else json.dumps(value)
            leaves.append((f"{prefix}{key}", shown))
    return leaves
