"""Optimisers and learning-rate schedules: the original's, and a few beside them."""

from litebert.optim.adamw import AdamW
from litebert.optim.build import OptimizerSettings, build_optimizer, optimizer_of
from litebert.optim.lamb import Lamb
from litebert.optim.schedules import ScheduleSettings, learning_rate_at, original_schedule

__all__ = [
    "AdamW",
    "Lamb",
    "OptimizerSettings",
    "ScheduleSettings",
    "build_optimizer",
    "learning_rate_at",
    "optimizer_of",
    "original_schedule",
]
