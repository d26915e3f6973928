"""What the demo can be told, and the model, budget shares and settings it has chosen itself.

The choices suit a few minutes on two cores: at this scale the number of updates counts more than
the number of tokens, so batches are small, instances short, and the learning rate high.
"""

from typing import Any

from pydantic import Field

from litebert.foundation.settings import Settings
from litebert.pretraining.settings import PretrainingSettings
from litebert.tasks.settings import FinetuneSettings
from litebert.text.vocabulary import VocabularySettings

VOCABULARY = VocabularySettings(vocab_size=4000, fit=True)
FINETUNING_SHARE = 0.25  # of the time that is left once the corpus is built
REPORT_SECONDS = 5.0  # kept for predictions and the report

_MODEL: dict[str, Any] = {
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "max_position_embeddings": 128,
    "hidden_dropout_prob": 0.0,  # the text is seen a few times only: nothing to forget
    "attention_probs_dropout_prob": 0.0,
}
# One thread: with two, a model this small waits at a barrier after each of its many short
# operations, and any other job on the machine makes it several times slower.
_MACHINE: dict[str, Any] = {"threads": 1}
_PRETRAINING: dict[str, Any] = {
    "model": _MODEL,
    "data": {"max_length": 64, "ngram": 1},
    # The original's AdamW has no bias correction: at such rates it stays on the unigram plateau.
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
    "course": {"epochs": 30, "patience": 0, "encoder_dropout": 0.1},
    "optimizer": {"optimizer": "torch-adamw", "beta2": 0.98},
    "schedule": {"learning_rate": 1e-3},
    "training": {"batch_size": 16, "keep": 1, "evaluate_every": 36},
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


def finetuning_settings(from_scratch: bool, seed: int) -> FinetuneSettings:
    """The demo's fine-tuning run; without pretraining everything else is the same."""
    return FinetuneSettings.parse(
        {
            **_FINETUNING,
            "course": {**_FINETUNING["course"], "from_scratch": from_scratch},
            "training": {**_FINETUNING["training"], "seed": seed},
        }
    )
