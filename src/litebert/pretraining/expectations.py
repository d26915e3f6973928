"""What a pretraining run is expected to learn, by when, and what to try if it does not.

The patience is counted in tokens, so that it can be compared between runs, and follows from model
and batch: deep models stay long at the plateau of the pieces' frequencies, large batches make more
of an update, and neither the warm-up nor a short start counts. The figures leave a healthy run
several times what it needs; they are from runs of 2 to 12 depths with batches of 1,000 to 30,000
tokens.
"""

import math
from typing import Any

from litebert.optim import warmup_of
from litebert.pretraining.evaluate import UNDER_PLATEAU
from litebert.pretraining.settings import PretrainingSettings
from litebert.training.watch import Expectation

UPDATES_PER_DEPTH = 600
FEWEST_UPDATES = 1500
USUAL_BATCH = 2048  # tokens: up to here a larger batch does not save updates
ORDER_PATIENCE = 6  # times that of the masked LM, once it has left the plateau
CHANCE = 0.5


def expectations(settings: PretrainingSettings, resolved: dict[str, Any]) -> list[Expectation]:
    """The expectations of a run, from its settings and what they were resolved to."""
    batch = settings.training.batch_size * settings.data.max_length
    total_steps = resolved["total_steps"]
    before = max(warmup_of(settings.schedule, total_steps), settings.data.short_steps(total_steps))
    patience = batch * (before + _updates(resolved["config"]["num_hidden_layers"], batch))
    found = [
        Expectation(
            "not_learning",
            "masked_lm_loss",
            resolved["unigram_loss"] - UNDER_PLATEAU,
            patience,
            "the model has learnt no more than the pieces' frequencies. "
            + _likely_causes(settings, resolved),
        )
    ]
    if settings.data.sentence_objective != "none":
        deviation = CHANCE / math.sqrt(settings.evaluation.evaluation_instances)
        found.append(
            Expectation(
                "order_not_learnt",
                "sentence_order_accuracy",
                CHANCE + 3 * deviation,
                ORDER_PATIENCE * patience,
                "the sentence objective is at chance, long after the masked LM has learnt. Likely "
                "causes: segments too short to tell their order (raise max_length), or text whose "
                "sentences have none (lists, shuffled lines: set sentence_objective none)",
                falling=False,
                after="not_learning",
            )
        )
    return found


def _updates(depths: int, batch: int) -> int:
    """How many updates a model may need to leave the plateau."""
    fewest = max(FEWEST_UPDATES, UPDATES_PER_DEPTH * depths)
    return math.ceil(fewest * min(1.0, math.sqrt(USUAL_BATCH / batch)))


def _likely_causes(settings: PretrainingSettings, resolved: dict[str, Any]) -> str:
    """What to try, the likeliest first."""
    causes = []
    optimizer, loop = settings.optimizer.optimizer, settings.training
    rate = settings.schedule.learning_rate
    depths = resolved["config"]["num_hidden_layers"]
    if optimizer in ("adamw", "lamb"):
        causes.append(f"{optimizer} has no bias correction (try --optimizer torch-adamw)")
    causes.append(
        f"a learning rate of {rate:g} is too high or too low (try a third, or three times)"
    )
    if depths > 3:
        causes.append(f"{depths} depths (fewer leave the plateau sooner)")
    if loop.batch_size > 16:
        causes.append(f"batches of {loop.batch_size} (smaller ones give more updates)")
    return f"Likely causes: {'; '.join(causes)}"
