"""The settings of a pretraining run, composed of those of its parts."""

from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from litebert.corpus.instances import InstanceSettings
from litebert.encoder.config import EncoderConfig
from litebert.foundation.errors import ConfigError
from litebert.foundation.settings import Settings, given, optional
from litebert.optim import OptimizerName, OptimizerSettings, ScheduleSettings
from litebert.training.budget import BudgetSettings
from litebert.training.distributed import DEFAULT_TIMEOUT
from litebert.training.machine import MachineSettings
from litebert.training.settings import LoopSettings
from litebert.training.watch import WatchSettings
from litebert.weights.growth import grown_config

if TYPE_CHECKING:
    _EncoderFields = Settings
else:
    _EncoderFields = optional(EncoderConfig)

# What a CPU can teach something in an hour; larger models are asked for by name. Depth is what
# keeps a small model at the unigram plateau: 2 or 3 depths leave it within 500 updates, 4 or more
# need thousands.
DEFAULT_SIZES: dict[str, Any] = {"hidden_size": 256, "num_hidden_layers": 3}


class ModelSettings(_EncoderFields):
    """The encoder to pretrain: a preset or single sizes, the rest following from them.

    Without a preset: H 256 and 3 depths; heads of 64, F = 4 H and E = min(128, H) unless given.
    """

    preset: str | None = None
    """A published configuration, such as albert-base-v2; fields given beside it change it."""
    start_from: str | None = None
    """Model or run folder whose weights to begin with; what is not given is as there, and what is
    given the model grows to (see litebert grow)."""

    word_vectors: Literal["random", "cooccurrence"] = "random"
    """What word embeddings begin with: random numbers, as in the original, or vectors made of which
    words stand beside which in the corpus, which takes less than a minute."""

    def resolve(self, vocab_size: int, start: EncoderConfig | None = None) -> EncoderConfig:
        """The configuration for a vocabulary of this size, or what that to start from grows to.

        Raises ConfigError for an unknown preset, a contradiction, or another vocab_size.
        """
        values = given(self)
        values.pop("start_from", None)
        values.pop("word_vectors", None)
        preset = values.pop("preset", None)
        if start is not None:
            published = {} if preset is None else EncoderConfig.preset(preset).model_dump()
            published.pop("vocab_size", None)
            return grown_config(start, **{**published, **values})
        asked = values.setdefault("vocab_size", vocab_size)
        if asked != vocab_size:
            raise ConfigError(
                f"vocab_size: {asked} is asked for, but the corpus' vocabulary has {vocab_size} "
                "pieces: leave it out"
            )
        if preset is not None:
            return EncoderConfig.preset(preset, **values)
        values = {**DEFAULT_SIZES, **values}
        hidden = values["hidden_size"]
        values.setdefault("embedding_size", min(128, hidden))
        values.setdefault("num_attention_heads", max(1, hidden // 64))
        values.setdefault("intermediate_size", 4 * hidden)
        return EncoderConfig.parse(values, where="model")


class PretrainingDataSettings(InstanceSettings):
    """What instances are made of the corpus, and whether a run begins with short ones."""

    short_start: float = Field(0.0, ge=0)
    """Begin with short instances: a share of all steps if below 1, else so many steps. A small
    model learns from them much sooner what neighbouring words say."""
    short_length: int = Field(16, ge=8)
    """Longest of these short instances, in tokens; batches have as many more of them."""

    def short_steps(self, total_steps: int) -> int:
        """How many steps of a run the short start takes."""
        start = self.short_start
        return round(start * total_steps) if start < 1 else int(start)


class HeldOutSettings(Settings):
    """What is kept back from training to measure it."""

    heldout: float = Field(0.01, gt=0, lt=0.5)
    """Share of the corpus that is held out: whole documents where there are several."""
    evaluation_instances: int = Field(512, ge=1)
    """Held-out instances in an evaluation."""


class PretrainingOptimizerSettings(OptimizerSettings):
    """The optimiser; torch's by default, whose bias correction a short run cannot do without."""

    optimizer: OptimizerName = "torch-adamw"
    """adamw and lamb as in the original (no bias correction), NVIDIA's lamb, or torch's AdamW."""


class PretrainingScheduleSettings(ScheduleSettings):
    """The learning rate; at a higher one attention long fails to find what a word depends on."""

    learning_rate: float = Field(5e-4, gt=0)
    """Peak learning rate."""


class PretrainingLoopSettings(LoopSettings):
    """The loop; in a short run updates count for more than tokens, so batches are small."""

    batch_size: int = Field(16, ge=1)
    """Instances in the batch of one update."""


class PretrainingMachineSettings(MachineSettings):
    """Where and how precisely to compute, and in how many processes."""

    processes: int = Field(1, ge=1)
    """Processes that train together on this machine, each on its slice of every batch; where
    torchrun starts them, it says how many."""
    recompute: Literal["off", "on"] = "off"
    """Make what a layer needs for its backward pass again instead of keeping it: memory hardly
    grows with depth, a step takes about a third longer, and the result is the same."""
    data_workers: int | None = Field(None, ge=0)
    """Processes that make batches ahead, for each that trains; by default none for a CPU, which
    they would take from the training, and up to four for a GPU."""
    timeout: float = Field(DEFAULT_TIMEOUT, gt=0)
    """Seconds without an answer after which another process counts as lost."""


class PretrainingSettings(Settings):
    """Everything a pretraining run can be told; sections as in a recipe file."""

    model: ModelSettings = ModelSettings()
    data: PretrainingDataSettings = PretrainingDataSettings()
    optimizer: PretrainingOptimizerSettings = PretrainingOptimizerSettings()
    schedule: PretrainingScheduleSettings = PretrainingScheduleSettings()
    budget: BudgetSettings = BudgetSettings()
    training: PretrainingLoopSettings = PretrainingLoopSettings()
    evaluation: HeldOutSettings = HeldOutSettings()
    machine: PretrainingMachineSettings = PretrainingMachineSettings()
    watch: WatchSettings = WatchSettings()

    @model_validator(mode="after")
    def _one_beginning(self) -> Self:
        if self.model.start_from is not None and self.model.word_vectors != "random":
            raise ValueError(
                "model.word_vectors: a model that is started from has its own: leave it out, or "
                "give --word-vectors random where a recipe has it"
            )
        return self

    @model_validator(mode="after")
    def _short_is_shorter(self) -> Self:
        data = self.data
        if data.short_start > 0 and data.short_length >= data.max_length:
            raise ValueError(
                f"data.short_length: {data.short_length} is not shorter than data.max_length "
                f"{data.max_length}: lower it, or leave out data.short_start"
            )
        return self

    @model_validator(mode="after")
    def _a_share_for_each(self) -> Self:
        if self.training.batch_size < self.machine.processes:
            raise ValueError(
                f"machine.processes: {self.machine.processes} processes cannot share a batch of "
                f"{self.training.batch_size}: give a larger training.batch_size or fewer processes"
            )
        return self
