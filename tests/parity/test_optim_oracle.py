"""Our optimisers against recorded runs of the original's (tests/golden/optim)."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from litebert.optim import build_optimizer, original_schedule

# Step whose rate each recorded update used. The original's graph does not order the update and the
# increment of its step counter, so the first updates of the recorded runs read one or the other.
RATE_STEPS = {
    "lamb": [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    "adamw": [1, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
}


@pytest.mark.parametrize("name", ["lamb", "adamw"])
def test_twelve_updates_equal_the_originals(name: str, golden: Path) -> None:
    record = np.load(golden / "optim" / f"{name}_seed1.npz")
    names = [key.removeprefix("param:") for key in record if key.startswith("param:")]
    parameters = {n: nn.Parameter(torch.from_numpy(record[f"param:{n}"][0].copy())) for n in names}
    optimizer = build_optimizer(name, parameters.items(), learning_rate=0.01)
    for update, rate_step in enumerate(RATE_STEPS[name]):
        for n, parameter in parameters.items():
            parameter.grad = torch.from_numpy(record[f"grad:{n}"][update].copy())
        clip_by_global_norm(list(parameters.values()), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = original_schedule(rate_step, 0.01, total_steps=10, warmup_steps=4)
        optimizer.step()
        for n, parameter in parameters.items():
            difference = np.abs(parameter.detach().numpy() - record[f"param:{n}"][update + 1])
            assert difference.max() <= 1e-6, (n, update)


@pytest.mark.parametrize("name", ["lamb", "adamw"])
def test_the_schedule_gives_every_rate_the_original_used(name: str, golden: Path) -> None:
    """The rate of each recorded update, read off a parameter that has no trust ratio."""
    record = np.load(golden / "optim" / f"{name}_seed1.npz")
    names = [key.removeprefix("param:") for key in record if key.startswith("param:")]
    weights = record["param:enc/LayerNorm/gamma"].astype(np.float64)
    mean = square = np.zeros(weights.shape[1])
    for update, rate_step in enumerate(RATE_STEPS[name]):
        gradients = {n: record[f"grad:{n}"][update].astype(np.float64) for n in names}
        norm = np.sqrt(sum((g**2).sum() for g in gradients.values()))
        gradient = gradients["enc/LayerNorm/gamma"] / max(norm, 1.0)
        mean = 0.9 * mean + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        direction = mean / (np.sqrt(square) + 1e-6)
        moved = weights[update] - weights[update + 1]
        rate = (moved @ direction) / (direction @ direction)
        assert rate == pytest.approx(original_schedule(rate_step, 0.01, 10, 4), abs=1e-6)


def clip_by_global_norm(parameters: list[nn.Parameter], limit: float) -> None:
    """TensorFlow's formula: scale by limit / max(norm, limit)."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = torch.stack([g.norm() for g in gradients]).norm()
    for gradient in gradients:
        gradient.mul_(limit / norm.clamp(min=limit))
