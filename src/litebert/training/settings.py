"""What a training loop can be told, and what of it a resumed run may change."""

from typing import Literal

from pydantic import Field, field_validator

from litebert.foundation.settings import Settings
from litebert.training.tensorboard import require_tensorboard


class LoopSettings(Settings):
    """How a run steps, and when it logs, evaluates and saves."""

    batch_size: int = Field(32, ge=1)
    """Instances (or examples) in the batch of one update."""
    micro_batch_size: int | None = Field(None, ge=1)
    """At most so many go through the model at once; by default as many as the device does fast."""
    max_gradient_norm: float = Field(1.0, ge=0)
    """Gradients are scaled down to this global norm; 0 leaves them as they are."""
    seed: int = Field(1, ge=0)
    """Determines the initial weights, the order of the data, the masks and the dropout."""
    evaluate_every: int | None = Field(None, ge=1)
    """Steps between evaluations; by default a twentieth of the run."""
    save_every: int | None = Field(None, ge=1)
    """Steps between checkpoints; by default at every evaluation."""
    keep: int = Field(2, ge=1)
    """Newest checkpoints to keep, beside the best."""
    keep_every: int | None = Field(None, ge=1)
    """Keep the checkpoints of all multiples of so many steps as well."""
    log_every: int | None = Field(None, ge=1)
    """Steps between lines in metrics.jsonl; by default a two-hundredth of the run."""
    tensorboard: Literal["on", "off"] = "off"
    """Write the same numbers for TensorBoard, into the run's tensorboard/ (extra track)."""

    @field_validator("tensorboard")
    @classmethod
    def _can_be_written(cls, value: str) -> str:
        if value == "on":
            require_tensorboard()
        return value


MAY_CHANGE_ON_RESUME = ("save_every", "keep", "keep_every", "log_every", "tensorboard")
