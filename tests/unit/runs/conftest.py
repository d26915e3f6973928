"""Run folders as training leaves them, and as it has them while it goes on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from litebert.training.journal import Journal
from litebert.training.run_folder import RunRecord, begin_run

MakeRun = Callable[..., Path]


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Writes a run folder that has come to a step of 300, with an evaluation at every 100."""

    def make(name: str, step: int = 300, rate: float = 1e-3, command: str = "pretrain") -> Path:
        folder = tmp_path / name
        resolved = {
            "total_steps": 300,
            "parameters": 1_234_567,
            "unigram_loss": 6.5,
            "config": {"hidden_size": 256, "num_hidden_layers": 3},
            "machine": {"device": "cpu", "precision": "bf16", "threads": 2},
        }
        settings = {"schedule": {"learning_rate": rate}, "training": {"seed": 1}}
        begin_run(folder, RunRecord(command, settings, resolved))
        record_steps(folder, step, rate, command)
        return folder

    return make


def record_steps(folder: Path, step: int, rate: float, command: str) -> None:
    """Add lines of metrics up to a step; a higher rate learns faster."""
    journal = Journal(folder)
    for here in range(10, step + 1, 10):
        loss = 7.0 - 1000 * rate * here / 300
        names = ("masked_lm",) if command == "pretrain" else ("label",)
        scores = {f"{name}_loss": loss for name in names}
        train = {"loss": loss, **scores, "learning_rate": rate, "gradient_norm": 1.0}
        course = {"tokens": 64 * here, "tokens_per_second": 900.0, "seconds": 0.1 * here}
        journal.record("train", here, {**train, **course})
        if here % 100 == 0:
            held_out = {"masked_lm_loss": loss, "masked_lm_accuracy": 0.1 + here / 1000}
            if command == "finetune":
                held_out = {"loss": loss, "accuracy": 0.5 + here / 1000, "score": 0.5}
            journal.record("evaluation", here, {**held_out, "tokens": 64 * here})
