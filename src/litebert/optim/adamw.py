"""AdamW as the original ALBERT has it: no bias correction, epsilon outside the root."""

from typing import Any, final

from torch import Tensor

from litebert.optim.moments import MomentOptimizer, Moments, advance


@final
class AdamW(MomentOptimizer):
    """w ← w - lr · (m / (sqrt(v) + eps) + weight_decay · w), source: optimization.py.

    Differs from torch.optim.AdamW, which divides m and v by 1 - beta^t: without that, the first
    updates are about three times larger, so warm-up matters more.
    """

    def _update(self, group: dict[str, Any], parameters: list[Tensor], moments: Moments) -> None:
        advance(parameters, moments, group, rate=group["lr"], decay=group["weight_decay"])
