"""What the demo can be told, and the model, budget shares and settings it has chosen itself.

The choices suit a few minutes on two cores: at this scale the number of updates counts more than
the number of tokens, so batches are small and instances short. The learning rate is high and there
is no short start: attention then stays wide, and a model that mixes all words of a paragraph tells
libraries apart better than one that predicts masked words better (docs/benchmarks.md).
"""

from typing import Any

from pydantic import Field

from litebert.foundation.settings import Settings
from litebert.pretraining.settings import PretrainingSettings
from litebert.tasks.settings import FinetuneSettings
from litebert.text.vocabulary import VocabularySettings

VOCABULARY = VocabularySettings(vocab_size=4000, fit=True)
# Of the time that is left once the corpus is built. Pretraining's steps are counted once, at its
# start; on a machine that has become slower since, it ends early, and leaves a fifth to the rest.
PRETRAINING_SHARE, LATEST_SHARE = 0.72, 0.8
SHORTEST_PRETRAINING = 5.0  # seconds, even where the time is already up
REPORT_SECONDS = 8.0  # kept for predictions and the report
SLOWDOWN = 1.5  # another pair of fine-tuning runs begins only where it may take so much longer
EPOCHS, FEWEST_EPOCHS = 30, 12  # with fewer a random start cannot learn: no comparison
# What a fine-tuning run takes beside its steps, in steps: loading, evaluations, its report.
STEPS_ASIDE, STEP_WITH_EVALUATION = 60, 1.3

_LENGTH = 64  # tokens: the model knows the positions that pretraining has shown it, and no others
_MODEL: dict[str, Any] = {
    "hidden_size": 128,
    "num_hidden_layers": 3,  # with four it stays on the unigram plateau for most of the time
    "max_position_embeddings": _LENGTH,
    "hidden_dropout_prob": 0.0,  # the text is seen a few times only: nothing to forget
    "attention_probs_dropout_prob": 0.0,
}
# One thread: with two, a model this small waits at a barrier after each of its many short
# operations, and any other job on the machine makes it several times slower.
_MACHINE: dict[str, Any] = {"threads": 1}
_PRETRAINING: dict[str, Any] = {
    "model": _MODEL,
    "data": {"max_length": _LENGTH, "ngram": 1},
    # The original's AdamW has no bias correction: in so short a run it stays on the plateau.
    "optimizer": {"optimizer": "torch-adamw", "beta2": 0.98},
    "schedule": {"learning_rate": 1.5e-3},
    "training": {"batch_size": 16, "keep": 1},
    "evaluation": {"heldout": 0.02, "evaluation_instances": 256},
    "machine": _MACHINE,
}
_FINETUNING: dict[str, Any] = {
    "machine": _MACHINE,
    "table": {"label": "library"},
    # Few labels make few steps an epoch; the best of many checkpoints is kept, none stops early.
    # Nor does any begin again: the time is shared out beforehand.
    "course": {"max_length": _LENGTH, "patience": 0, "restarts": 0, "encoder_dropout": 0.1},
    "optimizer": {"optimizer": "torch-adamw", "beta2": 0.98},
    "schedule": {"learning_rate": 1e-3},
    "training": {"batch_size": 16, "keep": 1, "evaluate_every": 12},
}


class DemoSettings(Settings):
    """How long the demo may take, and how sure of its finding it shall be."""

    minutes: float = Field(default=8.0, gt=0)
    """Time for everything; what gathering the text and fine-tuning leave goes into pretraining."""
    seeds: int = Field(default=3, ge=1, le=10)
    """Fine-tuning runs with and without pretraining, each pair with a seed of its own; fewer where
    the time does not suffice."""
    seed: int = Field(default=1, ge=0)
    """Determines the held-out modules, the labelled examples, and all that training draws."""


def pretraining_settings(minutes: float, seed: int) -> PretrainingSettings:
    """The demo's pretraining run of so many minutes."""
    return PretrainingSettings.parse(
        {
            **_PRETRAINING,
            "training": {**_PRETRAINING["training"], "seed": seed},
            "budget": {"minutes": minutes},
        }
    )


def pretraining_seconds(left: float) -> tuple[float, float]:
    """How long to pretrain, and at most, where `left` seconds are left for that and fine-tuning."""
    seconds = max(left * PRETRAINING_SHARE, SHORTEST_PRETRAINING)
    return seconds, max(left * LATEST_SHARE, seconds)


def affordable_epochs(left: float, step_seconds: float, rows: int) -> int:
    """Epochs of fine-tuning on so many rows that let both runs of a pair end in `left` seconds.

    `step_seconds` is what a step of pretraining takes on this machine now: one of fine-tuning,
    without the vocabulary to score, takes no longer.
    """
    epoch_steps = -(-rows // _FINETUNING["training"]["batch_size"]) * STEP_WITH_EVALUATION
    epochs = int((left / 2 / step_seconds - STEPS_ASIDE) / epoch_steps)
    return min(EPOCHS, max(FEWEST_EPOCHS, epochs))


def finetuning_settings(from_scratch: bool, seed: int, epochs: int = EPOCHS) -> FinetuneSettings:
    """The demo's fine-tuning run; without pretraining everything else is the same."""
    return FinetuneSettings.parse(
        {
            **_FINETUNING,
            "course": {**_FINETUNING["course"], "from_scratch": from_scratch, "epochs": epochs},
            "training": {**_FINETUNING["training"], "seed": seed},
        }
    )
