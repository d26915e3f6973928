"""A run's records: metrics.jsonl, one JSON object a line, and log.txt, for people."""

import json
import math
from datetime import datetime
from pathlib import Path
from typing import Any

from litebert.foundation.errors import DataError
from litebert.foundation.files import atomic_file, read_lines, storage_errors
from litebert.training.tensorboard import TensorBoard

METRICS = "metrics.jsonl"
ALARM = "alarm"  # the event of such lines in metrics.jsonl
LOG = "log.txt"


class Journal:
    """Appends to the records of the run in `folder`; of several processes one is `active`.

    With a `board`, TensorBoard gets every line of metrics too.
    """

    def __init__(self, folder: Path, active: bool = True, board: TensorBoard | None = None) -> None:
        self.folder = folder
        self.active = active
        self._board = board if active else None

    def record(self, kind: str, step: int, values: dict[str, Any]) -> None:
        """Add a line of metrics: its kind ("train", "evaluation" …), the step, and the values."""
        line = json.dumps({"kind": kind, "step": step, **_finite(values)}, ensure_ascii=False)
        self._append(METRICS, line)
        if self._board is not None:
            self._board.record(kind, step, values)

    def alarm(self, kind: str, step: int, text: str, batches: int) -> None:
        """Add an alarm to the metrics and the log; so many batches had been drawn by then."""
        self.record(kind, step, {"event": ALARM, "text": text, "batches": batches})
        self.note(f"step {step}: {kind.replace('_', ' ')}: {text}")

    def note(self, text: str) -> None:
        """Add a line with the time to log.txt."""
        self._append(LOG, f"{datetime.now().astimezone().isoformat(timespec='seconds')}  {text}")

    def forget_after(self, step: int, batches: int) -> None:
        """Drop what a run that goes on from `step` is going to record again.

        An alarm stays where its batch was drawn before: going back does not draw it again.
        """
        if not self.active:
            return
        path = self.folder / METRICS
        kept = [
            line
            for line in read_metrics(path)
            if line["step"] <= step or line.get("batches", batches + 1) <= batches
        ]
        with atomic_file(path, "w") as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in kept)
        if self._board is not None:
            self._board.forget_after(step)

    def _append(self, name: str, line: str) -> None:
        if not self.active:
            return
        path = self.folder / name
        with storage_errors(path), open(path, "a", encoding="utf-8") as file:
            file.write(line + "\n")


def read_metrics(path: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """The lines of a metrics.jsonl, all or of one kind; a last line cut by a crash is left out.

    A run that ended before its first line has no file, and none are returned.
    """
    lines: list[dict[str, Any]] = []
    if not path.exists():
        return lines
    for _, text in read_lines(path):
        try:
            lines.append(json.loads(text))
        except json.JSONDecodeError:
            break
    if not all("kind" in line and "step" in line for line in lines):
        raise DataError(f"{path} is not a run's metrics: every line has a kind and a step")
    return [line for line in lines if kind is None or line["kind"] == kind]


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN or infinity: they become null."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in values.items()
    }
