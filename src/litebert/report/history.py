"""Curves of training runs, one alone or several laid over each other, from what they recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from litebert.report.page import Block, Figure, Paragraph, Table
from litebert.report.plots import Level, Mark, Panel, Series, areas, curves, series_of

Line = dict[str, Any]
Axis = Literal["steps", "tokens", "minutes"]
SMOOTHING = 0.8  # of what is recorded every few steps and jumps from batch to batch
AXIS_LABELS: dict[Axis, str] = {"steps": "step", "tokens": "tokens", "minutes": "minutes"}


@dataclass(frozen=True)
class Measure:
    """Something a run records: its key in the lines, and how it is drawn."""

    key: str
    title: str
    unit: str
    percent: bool = False
    smoothed: bool = False

    @property
    def lower_is_better(self) -> bool:
        """Whether it is a loss rather than a score."""
        return "loss" in self.key or self.key == "mse"


# What every run may record, in the order it is shown; keys that no line has are left out.
SCORES = (
    Measure("masked_lm_loss", "Masked-LM loss", "nats", smoothed=True),
    Measure("masked_lm_accuracy", "Masked-LM accuracy", "share", percent=True, smoothed=True),
    Measure(
        "sentence_order_accuracy", "Sentence-order accuracy", "share", percent=True, smoothed=True
    ),
    Measure("loss", "Loss", "loss", smoothed=True),
    Measure("accuracy", "Accuracy", "share", percent=True),
    Measure("middle", "Accuracy, middle school", "share", percent=True),
    Measure("high", "Accuracy, high school", "share", percent=True),
    Measure("macro_f1", "Macro-F1", "share", percent=True),
    Measure("f1", "F1", "share", percent=True),
    Measure("exact_match", "Exact match", "share", percent=True),
    Measure("best_f1", "F1 at its best threshold", "share", percent=True),
    Measure("best_exact", "Exact match at its best threshold", "share", percent=True),
    Measure("matthews", "Matthews correlation", "correlation"),
    Measure("pearson", "Pearson correlation", "correlation"),
    Measure("spearman", "Spearman correlation", "correlation"),
    Measure("mse", "Mean squared error", "squared error"),
)
COURSE = (
    Measure("learning_rate", "Learning rate", "rate"),
    Measure("gradient_norm", "Gradient norm", "norm", smoothed=True),
    Measure("tokens_per_second", "Speed", "tokens / s", smoothed=True),
)
NO_SCORES = {"kind", "step", "tokens", "seconds", "score"}  # of the keys of an evaluation
TIMES = {
    "seconds_data": "data",
    "seconds_forward": "forward",
    "seconds_backward": "backward",
    "seconds_communication": "communication",
    "seconds_optimizer": "optimiser",
}


@dataclass(frozen=True)
class History:
    """A run's name, and its lines: of training, of evaluations, and of alarms."""

    name: str
    train: Sequence[Line]
    evaluation: Sequence[Line]
    alarms: Sequence[Line] = ()

    @classmethod
    def of(cls, name: str, lines: Sequence[Line]) -> "History":
        """Sort the lines of a run's metrics, each with its kind and step."""
        events = [line for line in lines if "event" in line]
        plain = [line for line in lines if "event" not in line]
        return cls(
            name,
            [line for line in plain if line["kind"] == "train"],
            [line for line in plain if line["kind"] == "evaluation"],
            [line for line in events if line["event"] == "alarm"],
        )

    @property
    def scores(self) -> list[Measure]:
        """What it was scored by: what every run has, then a task's own under their own names.

        Where the masked-LM loss is there, the sum of the losses and the other parts are left out.
        """
        recorded = {key for line in self.evaluation for key in line}
        recorded |= {key for line in self.train for key in line} & {m.key for m in SCORES}
        if "masked_lm_loss" in recorded:
            recorded = {key for key in recorded if key == "masked_lm_loss" or "loss" not in key}
        known = {measure.key for measure in SCORES}
        others = sorted(recorded - known - NO_SCORES)
        return [measure for measure in SCORES if measure.key in recorded] + [
            Measure(key, key.replace("_", " ").capitalize(), key.rpartition("_")[2])
            for key in others
        ]


def learning_curves(
    history: History, levels: Mapping[str, Level] | None = None, evaluated: str = "held out"
) -> list[Figure]:
    """The curves of one run over its steps, its alarms marked; `levels` by the key of a measure.

    `evaluated`: what the evaluations are of.
    """
    marks = [Mark(str(number), a["step"]) for number, a in enumerate(history.alarms, start=1)]
    figures = []
    for measure in (*history.scores, *COURSE):
        smoothing = SMOOTHING if measure.smoothed else 0.0
        parts = [
            series_of("training", history.train, measure.key, smoothing),
            series_of(evaluated, history.evaluation, measure.key),
        ]
        panel = Panel(
            measure.title,
            [series for series in parts if len(series.x)],
            "step",
            measure.unit,
            measure.percent,
            [levels[measure.key]] if levels and measure.key in levels else [],
            marks,
        )
        if panel.series:
            figures.append(Figure(curves(panel)))
    return figures + _time_figure(history, marks)


def compared_curves(histories: Sequence[History], axis: Axis = "steps") -> list[Figure]:
    """One figure a measure, with a line for each run that recorded it; held-out values if any."""
    scores = list(dict.fromkeys(m for history in histories for m in history.scores))
    figures = []
    for measure in (*scores, *COURSE):
        held_out = any(measure.key in line for h in histories for line in h.evaluation)
        series = [_along(history, measure, axis, held_out) for history in histories]
        series = [one for one in series if len(one.x)]
        title = f"{measure.title}, held out" if held_out else measure.title
        if series:
            panel = Panel(title, series, AXIS_LABELS[axis], measure.unit, measure.percent)
            figures.append(Figure(curves(panel)))
    return figures


def alarm_blocks(history: History) -> list[Block]:
    """The alarms of a run as a table, numbered as they are marked in its curves."""
    rows = [
        [number, alarm["step"], *alarm_words(alarm)]
        for number, alarm in enumerate(history.alarms, start=1)
    ]
    if not rows:
        return []
    words = "What the run noticed while it was training; the dotted lines mark it in the curves."
    return [Paragraph(words), Table(["No.", "Step", "Kind", "What was seen and done"], rows)]


def alarm_words(alarm: Line) -> tuple[str, str]:
    """The kind of an alarm, and what it says."""
    return str(alarm.get("kind", "")).replace("_", " "), str(alarm.get("text", ""))


def seconds_at(history: History, step: int) -> float:
    """Seconds of training at a step, between the lines that say so."""
    known = [(line["step"], line["seconds"]) for line in history.train if "seconds" in line]
    if not known:
        return float("nan")
    steps, seconds = zip(*known, strict=True)
    return float(np.interp(step, (0, *steps), (0.0, *seconds)))


def _along(history: History, measure: Measure, axis: Axis, held_out: bool) -> Series:
    """A measure of a run along an axis."""
    lines = [
        line
        for line in (history.evaluation if held_out else history.train)
        if line.get(measure.key) is not None
    ]
    smoothing = SMOOTHING if measure.smoothed and not held_out else 0.0
    x = [_place(history, line, axis) for line in lines]
    return Series(history.name, x, [line[measure.key] for line in lines], smoothing)


def _place(history: History, line: Line, axis: Axis) -> float:
    if axis == "minutes":
        return seconds_at(history, line["step"]) / 60
    return float(line["step"] if axis == "steps" else line.get("tokens", "nan"))


def _time_figure(history: History, marks: Sequence[Mark]) -> list[Figure]:
    """Where the time of a step goes, if the run recorded it."""
    lines = [line for line in history.train if any(key in line for key in TIMES)]
    parts = {key: [float(line.get(key) or 0.0) for line in lines] for key in TIMES}
    spent = {key: sum(values) for key, values in parts.items() if sum(values) > 0}
    if not spent:
        return []
    steps = [line["step"] for line in lines]
    series = [Series(TIMES[key], steps, parts[key]) for key in spent]
    panel = Panel("Time of a step", series, "step", "seconds", marks=marks)
    whole = sum(spent.values())
    shares = ", ".join(f"{TIMES[key]} {100 * value / whole:.0f} %" for key, value in spent.items())
    return [Figure(areas(panel), f"Over the run: {shares}.")]
