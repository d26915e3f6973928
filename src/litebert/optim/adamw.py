"""AdamW as the original ALBERT has it: no bias correction, epsilon outside the root."""

from typing import Any, final

import torch
from torch import Tensor

from litebert.optim.moments import MomentOptimizer


@final
class AdamW(MomentOptimizer):
    """w ← w - lr · (m / (sqrt(v) + eps) + weight_decay · w), source: optimization.py.

    Differs from torch.optim.AdamW, which divides m and v by 1 - beta^t: without that, the first
    updates are about three times larger, so warm-up matters more.
    """

    def _move(
        self, group: dict[str, Any], parameters: list[Tensor], directions: list[Tensor]
    ) -> None:
        torch._foreach_add_(parameters, directions, alpha=-group["lr"])
