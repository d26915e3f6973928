"""LAMB: AdamW's direction, scaled by a trust ratio per parameter; the original's and NVIDIA's."""

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
        if group["decayed"]:
            _scaled_update(group, parameters, moments)
        else:
            advance(parameters, moments, group, rate=group["lr"], decay=group["weight_decay"])


@final
class NvLamb(MomentOptimizer):
    """LAMB as NVIDIA trains BERT with it (apex, FusedLAMB with use_nvlamb; multi_tensor_lamb.cu).

    Differs from the original's in three things. All gradients are first divided, in place, by
    their common norm where it exceeds 1; m and v are corrected for their start at zero; the trust
    ratio applies to every parameter, those without decay too. It is 1 where either norm is zero,
    and not clamped.
    """

    bias_correction = True

    def _prepare(self) -> None:
        gradients = [
            p.grad for group in self.param_groups for p in group["params"] if p.grad is not None
        ]
        if gradients:
            norm = torch.stack(torch._foreach_norm(gradients)).norm()
            torch._foreach_div_(gradients, norm.clamp(min=1.0))

    def _update(self, group: dict[str, Any], parameters: list[Tensor], moments: Moments) -> None:
        _scaled_update(group, parameters, moments)


def _scaled_update(group: dict[str, Any], parameters: list[Tensor], moments: Moments) -> None:
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
