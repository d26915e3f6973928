"""LAMB as the original ALBERT has it: AdamW's direction, scaled by a trust ratio per parameter."""

from typing import Any, final

import torch
from torch import Tensor

from litebert.optim.moments import MomentOptimizer, Moments, advance


@final
class Lamb(MomentOptimizer):
    """w ← w - lr · r · u with r = ‖w‖ / ‖u‖ (You et al. 2020; source: lamb_optimizer.py).

    u is the direction of AdamW, without bias correction. r is 1 where either norm is zero, and in
    groups with `decayed` False: the original leaves the parameters it does not decay unscaled too.
    A parameter shared by many depths counts once, and the norms are not clamped.
    """

    def _update(self, group: dict[str, Any], parameters: list[Tensor], moments: Moments) -> None:
        if not group["decayed"]:
            advance(parameters, moments, group, rate=group["lr"], decay=group["weight_decay"])
            return
        directions = [torch.zeros_like(parameter) for parameter in parameters]
        advance(directions, moments, group, rate=-1.0, decay=0.0)
        torch._foreach_add_(directions, parameters, alpha=group["weight_decay"])
        torch._foreach_mul_(directions, _trust_ratios(parameters, directions))
        torch._foreach_add_(parameters, directions, alpha=-group["lr"])


def _trust_ratios(parameters: list[Tensor], directions: list[Tensor]) -> list[Tensor]:
    weights = torch.stack(torch._foreach_norm(parameters))
    steps = torch.stack(torch._foreach_norm(directions))
    usable = (weights > 0) & (steps > 0)
    return list(torch.where(usable, weights / steps, 1.0).unbind())
