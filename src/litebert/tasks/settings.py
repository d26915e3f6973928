"""The settings of a fine-tuning run, and the choices that are made where none is given."""

from typing import Any, Self

from pydantic import Field

from litebert.encoder.config import EncoderConfig
from litebert.foundation.errors import ConfigError
from litebert.foundation.settings import Settings
from litebert.optim import OptimizerSettings, ScheduleSettings
from litebert.tasks.task import Metric
from litebert.training.loop import LoopSettings
from litebert.training.machine import MachineSettings

# Peak learning rates by the widest hidden state they suit: small models bear larger steps.
LEARNING_RATES = ((128, 3e-4), (256, 2e-4), (512, 1e-4), (768, 3e-5), (1024, 2e-5))
LEAST_RATE = 1e-5
SMALL_TABLE = 2000  # rows; below it batches are halved, for more updates
WANTED_STEPS = 1500  # the epochs of a small table come near it
FEWEST_EPOCHS, MOST_EPOCHS = 3, 20
FEWEST_EVALUATIONS = 5


class TableSettings(Settings):
    """Which columns of the table hold what, and what is held back to validate on."""

    text: str = "text"
    """The column that holds the text."""
    label: str = "label"
    """The column that holds the label."""
    pair: str | None = None
    """The column that holds the second text, where a row is a pair of texts."""
    validation_fraction: float = Field(0.1, gt=0, lt=1)
    """Share of the rows to validate on, label by label, where no validation file is given."""


class CourseSettings(Settings):
    """How the model is fine-tuned; what is not given is fitted to the model and the table."""

    epochs: int | None = Field(None, ge=1)
    """Passes over the training rows; by default 3 to 20, more for smaller tables."""
    max_length: int | None = Field(None, ge=3)
    """Tokens of a row, at most; by default what the longest row has, up to the model's limit."""
    metric: Metric = "accuracy"
    """The validation score that says which checkpoint is best; ties go to the lower loss."""
    patience: int = Field(5, ge=0)
    """Stop after so many evaluations without a better score; 0 never stops early."""
    from_scratch: bool = False
    """Start from random weights of the model's shape: for comparison."""
    classifier_dropout: float | None = Field(None, ge=0, lt=1)
    """Dropout before the classifier; by default the model's own (the original's is 0.1)."""
    encoder_dropout: float | None = Field(None, ge=0, lt=1)
    """Dropout inside the encoder; by default the model's own."""


class FinetuneSettings(Settings):
    """Everything a fine-tuning run can be told; sections as in a recipe file."""

    table: TableSettings = TableSettings()
    course: CourseSettings = CourseSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    training: LoopSettings = LoopSettings()
    machine: MachineSettings = MachineSettings()

    def resolved(self, config: EncoderConfig, rows: int, fitted_length: int) -> Self:
        """A copy with every open choice made, for a model and the number of training rows.

        `fitted_length` is taken as `max_length` where none is given. Raises ConfigError where one
        is given that the model cannot take.
        """
        limit = config.max_position_embeddings
        length = self.course.max_length or fitted_length
        if length > limit:
            raise ConfigError(f"max_length: {length} exceeds the {limit} tokens the model takes")
        batch = self._chosen("training", "batch_size", 16 if rows < SMALL_TABLE else 32)
        steps = -(-rows // batch)
        epochs = self.course.epochs or min(max(FEWEST_EPOCHS, WANTED_STEPS // steps), MOST_EPOCHS)
        every = -(-steps // -(-FEWEST_EVALUATIONS // epochs))  # whole epochs, or equal parts of one
        rate = self._chosen("schedule", "learning_rate", _learning_rate(config.hidden_size))
        course = {"max_length": length, "epochs": epochs}
        training = {
            "batch_size": batch,
            "evaluate_every": self.training.evaluate_every or every,
        }
        return self.changed(
            course={**self.course.model_dump(), **course},
            schedule={**self.schedule.model_dump(), "learning_rate": rate},
            training={**self.training.model_dump(), **training},
        )

    def _chosen(self, section: str, name: str, default: Any) -> Any:
        """The value of a setting that was given, else `default` in place of its own."""
        values: Settings = getattr(self, section)
        return getattr(values, name) if name in values.model_fields_set else default


def _learning_rate(hidden_size: int) -> float:
    return next((rate for width, rate in LEARNING_RATES if hidden_size <= width), LEAST_RATE)
