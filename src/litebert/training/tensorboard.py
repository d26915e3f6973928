"""A run's metrics for TensorBoard, beside metrics.jsonl (extra `track`)."""

import importlib.util
from pathlib import Path
from typing import Any

from litebert.foundation.errors import MissingExtraError
from litebert.foundation.files import storage_errors

FOLDER = "tensorboard"  # in a run folder


def require_tensorboard() -> None:
    """Raise MissingExtraError where TensorBoard is not installed."""
    if importlib.util.find_spec("tensorboard") is None:
        raise MissingExtraError(
            "tensorboard is not installed, which writes what TensorBoard shows: "
            "pip install 'litebert[track]'"
        )


class TensorBoard:
    """Writes the numbers of each line of metrics as scalars, and alarms as texts.

    A scalar is called by the line's kind and the number's name, as `train/masked_lm_loss`. What an
    earlier attempt wrote after `step` is hidden. Raises MissingExtraError without TensorBoard.
    """

    def __init__(self, folder: Path, step: int = 0) -> None:
        require_tensorboard()
        self._folder = folder
        self._open(step)

    def record(self, kind: str, step: int, values: dict[str, Any]) -> None:
        """Add what a line of metrics says."""
        with storage_errors(self._folder):
            if "event" in values:
                self._writer.add_text(f"{values['event']}/{kind}", str(values.get("text")), step)
            else:
                for name, value in values.items():
                    if isinstance(value, int | float):
                        self._writer.add_scalar(f"{kind}/{name}", value, step)
            self._writer.flush()  # a line comes every few seconds, and a run may be killed

    def forget_after(self, step: int) -> None:
        """Hide what was written after a step that the run goes on from."""
        self._writer.close()
        self._open(step)

    def _open(self, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        with storage_errors(self._folder):
            self._writer: Any = SummaryWriter(
                str(self._folder), purge_step=step + 1 if step else None
            )
