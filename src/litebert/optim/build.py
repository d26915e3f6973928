"""From a name and named parameters to an optimiser."""

from collections.abc import Iterable
from typing import Any, Literal

import torch
from pydantic import Field
from torch import nn

from litebert.foundation.errors import ConfigError, nearest
from litebert.foundation.settings import Settings
from litebert.optim.adamw import AdamW
from litebert.optim.groups import parameter_groups
from litebert.optim.lamb import Lamb, NvLamb

OptimizerName = Literal["adamw", "lamb", "nvlamb", "torch-adamw"]
OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adamw": AdamW,
    "lamb": Lamb,
    "nvlamb": NvLamb,
    "torch-adamw": torch.optim.AdamW,
}
VARIANTS = {"google": "lamb", "nvlamb": "nvlamb"}  # what "lamb" stands for


class OptimizerSettings(Settings):
    """How gradients become updates; the learning rate belongs to the schedule."""

    optimizer: OptimizerName = "adamw"
    """adamw and lamb as in the original (no bias correction), NVIDIA's lamb, or torch's AdamW."""
    weight_decay: float = Field(0.01, ge=0)
    """Decay of kernels and embeddings; layer norms and biases never decay."""
    beta1: float = Field(0.9, ge=0, lt=1)
    """Memory of the mean gradient."""
    beta2: float = Field(0.999, ge=0, lt=1)
    """Memory of the mean squared gradient."""
    epsilon: float = Field(1e-6, gt=0)
    """Added to the root of the mean squared gradient."""


def build_optimizer(
    name: str,
    named_parameters: Iterable[tuple[str, nn.Parameter]],
    learning_rate: float,
    weight_decay: float = 0.01,
    variant: str = "google",
    *,
    betas: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-6,
) -> torch.optim.Optimizer:
    """Build "lamb", "adamw" (both in the original's form), "nvlamb" or "torch-adamw".

    Layer norms and biases, recognised by name, neither decay nor, in LAMB, get a trust ratio.
    Gradients are taken as they are: clip them before (the original: to a global norm of 1).
    A schedule sets `group["lr"]` of every group before each step.
    `variant` says which LAMB "lamb" means: "google" the original's, without bias correction, or
    "nvlamb" NVIDIA's.

    Raises ConfigError for an unknown name or variant, or when there is nothing to train.
    """
    if name not in OPTIMIZERS:
        raise ConfigError(f'unknown optimizer "{name}": {nearest(name, OPTIMIZERS)}')
    if variant not in VARIANTS:
        raise ConfigError(f'unknown optimizer variant "{variant}": {nearest(variant, VARIANTS)}')
    kind = OPTIMIZERS[VARIANTS[variant] if name == "lamb" else name]
    groups = parameter_groups(named_parameters, weight_decay)
    # torch's AdamW in one pass over memory; ours are written with foreach operations.
    extra: dict[str, Any] = {"fused": True} if name == "torch-adamw" else {}
    return kind(groups, lr=learning_rate, betas=betas, eps=epsilon, **extra)  # type: ignore[call-arg]


def optimizer_of(
    settings: OptimizerSettings,
    named_parameters: Iterable[tuple[str, nn.Parameter]],
    learning_rate: float,
) -> torch.optim.Optimizer:
    """The optimiser that settings describe; raises as `build_optimizer` does."""
    return build_optimizer(
        settings.optimizer,
        named_parameters,
        learning_rate,
        settings.weight_decay,
        betas=(settings.beta1, settings.beta2),
        epsilon=settings.epsilon,
    )
