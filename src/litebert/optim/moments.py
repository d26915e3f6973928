"""What the original's AdamW and LAMB share: running means of the gradient and its square."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from litebert.foundation.errors import ConfigError


class MomentOptimizer(torch.optim.Optimizer, ABC):
    """Base of the original's optimisers (google-research/albert, optimization.py).

    m and v are the running means of the gradient and of its square, *without* bias correction; the
    direction of a parameter w is m / (sqrt(v) + epsilon) + weight_decay · w. Subclasses say how far
    to go along it. All tensors of a group are updated together (foreach), as float32.

    Raises ConfigError for half-precision parameters: they would lose small updates.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.01,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "decayed": True})
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.dtype in (torch.bfloat16, torch.float16):
                    raise ConfigError(
                        f"parameters of {parameter.dtype} cannot be optimised: keep float32 "
                        "weights and choose the precision of the computation instead"
                    )

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; return the closure's value, if any."""
        value = None
        if closure is not None:
            with torch.enable_grad():
                value = closure()
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if parameters:
                self._move(group, parameters, self._directions(group, parameters))
        return value

    @abstractmethod
    def _move(
        self, group: dict[str, Any], parameters: list[Tensor], directions: list[Tensor]
    ) -> None:
        """Go from the parameters along their directions, which may be overwritten."""

    def _directions(self, group: dict[str, Any], parameters: list[Tensor]) -> list[Tensor]:
        means, squares = self._moments(parameters)
        gradients = [p.grad for p in parameters if p.grad is not None]
        beta1, beta2 = group["betas"]
        torch._foreach_lerp_(means, gradients, 1 - beta1)
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        scales = torch._foreach_sqrt(squares)
        torch._foreach_add_(scales, group["eps"])
        # The quotient is written over the divisor: one buffer the size of the model, not two.
        torch._foreach_reciprocal_(scales)
        torch._foreach_mul_(scales, means)
        if group["weight_decay"] != 0:
            torch._foreach_add_(scales, parameters, alpha=group["weight_decay"])
        return list(scales)

    def _moments(self, parameters: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        means, squares = [], []
        for parameter in parameters:
            state = self.state[parameter]
            if not state:
                state["exp_avg"] = torch.zeros_like(parameter)
                state["exp_avg_sq"] = torch.zeros_like(parameter)
            means.append(state["exp_avg"])
            squares.append(state["exp_avg_sq"])
        return means, squares
