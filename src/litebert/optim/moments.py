"""What our optimisers share: running means of the gradient and its square."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from litebert.foundation.errors import ConfigError


class Moments(NamedTuple):
    """The gradients of some parameters with m and v, their running mean and mean square.

    `steps`: the update this is, from 1, for each parameter where m and v are to be corrected for
    their start at zero; infinity where they are not.
    """

    gradients: list[Tensor]
    means: list[Tensor]
    squares: list[Tensor]
    steps: list[Tensor]


class MomentOptimizer(torch.optim.Optimizer, ABC):
    """Base of our optimisers (google-research/albert, optimization.py).

    m and v are the running means of the gradient and of its square, *without* bias correction
    unless `bias_correction` is set; the direction of a parameter w is
    m / (sqrt(v) + eps) + weight_decay · w. Subclasses say how far to go along it.

    Raises ConfigError for half-precision parameters, which would lose small updates.
    """

    bias_correction = False

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

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group, as torch's optimisers do: contiguous parameters of float32 or more."""
        super().add_param_group(param_group)
        for parameter in self.param_groups[-1]["params"]:
            if parameter.dtype in (torch.bfloat16, torch.float16):
                raise ConfigError(
                    f"parameters of {parameter.dtype} cannot be optimised: keep float32 weights "
                    "and choose the precision of the computation instead"
                )
            if not parameter.is_contiguous():
                raise ConfigError("a parameter is not contiguous: make it so before optimising it")

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient; return the closure's value, if any."""
        value = None
        if closure is not None:
            with torch.enable_grad():
                value = closure()
        self._prepare()
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if parameters:
                self._update(group, parameters, self._moments(parameters))
        return value

    def _prepare(self) -> None:
        """What is done to all gradients before an update: nothing, unless a subclass says so."""

    @abstractmethod
    def _update(self, group: dict[str, Any], parameters: list[Tensor], moments: Moments) -> None:
        """Bring the moments and the parameters of a group one step on, in place."""

    def _moments(self, parameters: list[Tensor]) -> Moments:
        moments = Moments([], [], [], [])
        for parameter in parameters:
            state = self.state[parameter]
            if not state:
                state["exp_avg"] = torch.zeros_like(parameter)
                state["exp_avg_sq"] = torch.zeros_like(parameter)
                if self.bias_correction:
                    state["step"] = torch.zeros((), device=parameter.device)
            # The kernel reads memory in order, whatever the strides; autograd's are contiguous.
            assert parameter.grad is not None
            moments.gradients.append(parameter.grad.contiguous())
            moments.means.append(state["exp_avg"])
            moments.squares.append(state["exp_avg_sq"])
            if self.bias_correction:
                state["step"] += 1
                moments.steps.append(state["step"])
        if not self.bias_correction:
            forever = torch.tensor(torch.inf, device=parameters[0].device)
            moments.steps.extend([forever] * len(parameters))
        return moments


def advance(
    targets: list[Tensor], moments: Moments, group: dict[str, Any], rate: float, decay: float
) -> None:
    """Update the moments, then targets ← targets - rate · (m / (sqrt(v) + eps) + decay · targets).

    One pass over memory, with torch's own AdamW kernel: it divides m and v by 1 - beta^t, which is
    1 for t = ∞.
    """
    beta1, beta2 = group["betas"]
    torch._fused_adamw_(
        targets,
        moments.gradients,
        moments.means,
        moments.squares,
        [],
        moments.steps,
        lr=rate,
        beta1=beta1,
        beta2=beta2,
        weight_decay=decay,
        eps=group["eps"],
        amsgrad=False,
        maximize=False,
    )
