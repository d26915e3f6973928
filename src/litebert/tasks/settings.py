"""The settings of a fine-tuning run, and the choices that are made where none is given."""

from typing import Any, Literal, Self

from pydantic import Field

from litebert.encoder.config import EncoderConfig
from litebert.foundation.errors import ConfigError
from litebert.foundation.settings import Settings
from litebert.optim import OptimizerSettings, ScheduleSettings
from litebert.tasks.presets import Preset
from litebert.tasks.span.task import SpanSettings
from litebert.training.machine import MachineSettings
from litebert.training.settings import LoopSettings

# Peak learning rates by the widest hidden state they suit: small models bear larger steps.
LEARNING_RATES = ((128, 3e-4), (256, 2e-4), (512, 1e-4), (768, 3e-5), (1024, 2e-5))
LEAST_RATE = 1e-5
LEAST_PUBLISHED = 768  # the width of base
SMALL_TABLE = 2000  # rows; below it batches are halved, for more updates
WANTED_STEPS = 1500  # the epochs of a small table come near it
FEWEST_EPOCHS, MOST_EPOCHS = 3, 20
FEWEST_EVALUATIONS = 5
PATIENCE = 5  # evaluations
FEWEST_TO_CHOOSE = 50  # validation rows; among fewer the luckiest checkpoint wins, not the best


class TableSettings(Settings):
    """Which columns of the table hold what, and what is held back to validate on."""

    kind: Literal["classification", "regression", "choice"] = "classification"
    """What is predicted for a row: one of the labels, a number, or one of the row's own options."""
    text: str = "text"
    """The column that holds the text."""
    label: str | None = None
    """The column that holds the label (by default "label"), or which option is right ("answer")."""
    pair: str | None = None
    """The column that holds the second text, where a row is a pair of texts."""
    article: str | None = None
    """For a choice: the column that holds the text; by default "article" or "context"."""
    question: str = "question"
    """For a choice: the column that holds the question."""
    options: str = "options"
    """For a choice: the column that holds the list of options; where there is none, those with one
    option each, named so but for the s: option_a, option_b …"""
    validation_fraction: float = Field(0.1, gt=0, lt=1)
    """Share of the rows to validate on, label by label, where no validation file is given."""
    split_seed: int | None = Field(None, ge=0)
    """Determines which rows these are; by default the seed of the run."""

    @property
    def label_column(self) -> str:
        """The column that holds the label."""
        return self.label or ("answer" if self.kind == "choice" else "label")


class ColumnSettings(Settings):
    """The columns of a table for a fine-tuned model, where they are not those it was trained on."""

    text: str | None = None
    """The column that holds the text."""
    pair: str | None = None
    """The column that holds the second text of a pair."""
    question: str | None = None
    """The column that holds the question."""
    context: str | None = None
    """The column that holds the text that the answer stands in."""
    article: str | None = None
    """The column that holds the text that a choice is about."""
    options: str | None = None
    """The column that holds the list of options, or what the columns of one each begin with."""
    label: str | None = None
    """The column that holds the label, or the answer, to evaluate on."""


class RaceSettings(Settings):
    """Which questions of RACE to learn from."""

    level: Literal["middle", "high", "both"] = "both"
    """Those of middle schools, of high schools, or both."""


class CourseSettings(Settings):
    """How the model is fine-tuned; what is not given is fitted to the model and the table."""

    epochs: int | None = Field(None, ge=1)
    """Passes over the training rows; by default the preset's steps, or 3 to 20, more for smaller
    tables."""
    steps: int | None = Field(None, ge=1)
    """Updates, instead of epochs."""
    max_length: int | None = Field(None, ge=3)
    """Tokens of a row, at most; by default the preset's, or what the longest row has, up to the
    model's limit."""
    metric: str | None = None
    """The validation score that says which checkpoint is best; ties go to the lower loss."""
    skip_bad: bool = False
    """Leave out rows that cannot be used, and count them; by default the first one is an error."""
    patience: int | None = Field(None, ge=0)
    """Stop after so many evaluations without a better score; 0 never stops early. By default 5;
    where there are fewer than 50 rows to validate on, which is too few to choose by, the run goes
    on to its end and its last checkpoint is the model."""
    restarts: int = Field(2, ge=0)
    """Begin again, at a third of the rate, when the training loss stays at chance; so often."""
    from_scratch: bool = False
    """Start from random weights of the model's shape: for comparison."""
    classifier_dropout: float | None = Field(None, ge=0, lt=1)
    """Dropout before the classifier; by default the preset's, or the model's own (the original's
    is 0.1)."""
    encoder_dropout: float | None = Field(None, ge=0, lt=1)
    """Dropout inside the encoder; by default the preset's, or the model's own."""


class FinetuneSettings(Settings):
    """Everything a fine-tuning run can be told; sections as in a recipe file."""

    table: TableSettings = TableSettings()
    race: RaceSettings = RaceSettings()
    course: CourseSettings = CourseSettings()
    squad: SpanSettings = SpanSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    training: LoopSettings = LoopSettings()
    machine: MachineSettings = MachineSettings()

    @property
    def split_seed(self) -> int:
        """What determines the examples that are held back to validate on."""
        seed = self.table.split_seed
        return self.training.seed if seed is None else seed

    def resolved(
        self,
        config: EncoderConfig,
        rows: int,
        fitted_length: int,
        metric: str = "accuracy",
        preset: Preset | None = None,
    ) -> Self:
        """A copy with every open choice made, for a model and the number of training rows.

        `fitted_length` is taken as `max_length` where none is given, `metric` likewise; `preset`
        goes before what is fitted to model and table, but small models learn at their own rate
        where it is higher. Raises ConfigError where something is given that the model cannot take.
        """
        course, limit = self.course, config.max_position_embeddings
        length = course.max_length or fitted_length
        if length > limit:
            raise ConfigError(f"max_length: {length} exceeds the {limit} tokens the model takes")
        if course.steps and course.epochs:
            raise ConfigError("steps and epochs are both given: leave one of them out")
        fitted_batch = 16 if rows < SMALL_TABLE else 32
        batch = self._chosen(
            "training", "batch_size", preset.batch_size if preset else fitted_batch
        )
        epoch = -(-rows // batch)  # steps
        steps, epochs = course.steps, course.epochs
        if steps is None and epochs is None:
            if preset is None:
                epochs = min(max(FEWEST_EPOCHS, WANTED_STEPS // epoch), MOST_EPOCHS)
            else:
                steps = -(-preset.steps * preset.batch_size // batch)
        passes = epochs or -(-(steps or 0) // epoch)
        # Evaluated after whole epochs, or equal parts of a long one.
        every = -(-min(epoch, steps or epoch) // -(-FEWEST_EVALUATIONS // passes))
        rate = learning_rate_for(config.hidden_size, preset)
        warmup = preset.warmup_steps / preset.steps if preset else self.schedule.warmup
        chosen = {
            "max_length": length,
            "epochs": epochs,
            "steps": steps,
            "metric": course.metric or metric,
            "encoder_dropout": _dropout(course.encoder_dropout, preset, "encoder_dropout"),
            "classifier_dropout": _dropout(course.classifier_dropout, preset, "classifier_dropout"),
        }
        return self.changed(
            course={**course.model_dump(), **chosen},
            schedule={
                **self.schedule.model_dump(),
                "learning_rate": self._chosen("schedule", "learning_rate", rate),
                "warmup": self._chosen("schedule", "warmup", warmup),
            },
            training={
                **self.training.model_dump(),
                "batch_size": batch,
                "evaluate_every": self.training.evaluate_every or every,
            },
        )

    def _chosen(self, section: str, name: str, default: Any) -> Any:
        """The value of a setting that was given, else `default` in place of its own."""
        values: Settings = getattr(self, section)
        return getattr(values, name) if name in values.model_fields_set else default


def learning_rate_for(hidden_size: int, preset: Preset | None = None) -> float:
    """The peak rate that a model of a width bears; the preset's, which is xxlarge's, if higher.

    A preset for all published sizes counts for these as it stands.
    """
    if preset is not None and preset.any_size and hidden_size >= LEAST_PUBLISHED:
        return preset.learning_rate
    rate = next((rate for width, rate in LEARNING_RATES if hidden_size <= width), LEAST_RATE)
    return rate if preset is None else max(rate, preset.learning_rate)


def _dropout(given: float | None, preset: Preset | None, name: str) -> float | None:
    """What was given, else the preset's, if there is one."""
    return given if given is not None or preset is None else getattr(preset, name)
