"""Optimisers and learning-rate schedules: the original's, and a few beside them."""

from litebert.optim.adamw import AdamW
from litebert.optim.build import (
    OptimizerName,
    OptimizerSettings,
    build_optimizer,
    optimizer_of,
)
from litebert.optim.lamb import Lamb, NvLamb
from litebert.optim.schedules import (
    ScheduleSettings,
    learning_rate_at,
    original_schedule,
    warmup_of,
)

__all__ = [
    "AdamW",
    "Lamb",
    "NvLamb",
    "OptimizerName",
    "OptimizerSettings",
    "ScheduleSettings",
    "build_optimizer",
    "learning_rate_at",
    "optimizer_of",
    "original_schedule",
    "warmup_of",
]
