"""TensorBoard shows what metrics.jsonl says; without it, its extra is named."""

import importlib.util
from pathlib import Path

import pytest

from litebert.foundation.errors import ConfigError, MissingExtraError
from litebert.training.journal import Journal, read_metrics
from litebert.training.settings import LoopSettings
from litebert.training.tensorboard import TensorBoard

INSTALLED = importlib.util.find_spec("tensorboard") is not None
needs_it = pytest.mark.skipif(not INSTALLED, reason="needs the extra track (tensorboard)")


def shown(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Every scalar that TensorBoard would show, with its steps."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    tags = events.Tags()["scalars"]
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in tags}


@needs_it
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_number_of_the_metrics_is_a_scalar(tmp_path: Path) -> None:
    journal = Journal(tmp_path, board=TensorBoard(tmp_path / "tensorboard"))
    for step in (10, 20, 30):
        journal.record("train", step, {"loss": 1 / step, "tokens": 64 * step, "bad": float("nan")})
    journal.record("evaluation", 30, {"masked_lm_loss": 0.25})
    journal.alarm("loss_spike", 25, "the loss rose", batches=25)
    scalars = shown(tmp_path / "tensorboard")
    assert set(scalars) == {"train/loss", "train/tokens", "train/bad", "evaluation/masked_lm_loss"}
    lines = read_metrics(tmp_path / "metrics.jsonl", "train")
    assert [step for step, _ in scalars["train/loss"]] == [line["step"] for line in lines]
    assert scalars["train/loss"] == [(s, pytest.approx(1 / s)) for s in (10, 20, 30)]
    assert scalars["evaluation/masked_lm_loss"] == [(30, 0.25)]


@needs_it
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_a_run_has_gone_back_behind_is_hidden(tmp_path: Path) -> None:
    journal = Journal(tmp_path, board=TensorBoard(tmp_path / "tensorboard"))
    for step in (10, 20, 30):
        journal.record("train", step, {"loss": float(step)})
    journal.forget_after(10, batches=10)
    journal.record("train", 20, {"loss": 5.0})
    assert shown(tmp_path / "tensorboard")["train/loss"] == [(10, 10.0), (20, 5.0)]


@pytest.mark.skipif(INSTALLED, reason="the extra track (tensorboard) is installed")
def test_without_it_the_extra_is_named_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'litebert\[track\]'"):
        TensorBoard(tmp_path / "tensorboard")
    with pytest.raises(ConfigError, match=r"tensorboard: .*pip install 'litebert\[track\]'"):
        LoopSettings.parse({"tensorboard": "on"})
    assert list(tmp_path.iterdir()) == []
