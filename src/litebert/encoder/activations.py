"""The activations by their published names, and a fast GELU for bf16 on a CPU.

Shapes: F feed-forward.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from litebert.encoder.config import Activation

# 0.5 · (1 + tanh(z)) is sigmoid(2 z), with z = √(2/π) · (x + 0.044715 · x³).
_RATE = 2 * math.sqrt(2 / math.pi)
_CUBE = 0.044715
# Elements handled at once on a CPU: few enough to stay in its cache from one operation to the next.
_CACHED_ELEMENTS = 1 << 17


def gelu(x: Tensor) -> Tensor:
    """GELU by the tanh approximation, the original's "gelu"."""
    if x.dtype == torch.bfloat16 and x.device.type == "cpu":
        y: Tensor = _LowPrecisionGelu.apply(x)  # type: ignore[no-untyped-call]
        return y
    return F.gelu(x, approximate="tanh")


def linear(x: Tensor) -> Tensor:
    """No activation."""
    return x


ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "gelu": gelu,
    "gelu_erf": F.gelu,
    "relu": F.relu,
    "tanh": torch.tanh,
    "linear": linear,
}


class _LowPrecisionGelu(torch.autograd.Function):
    """The tanh approximation through the sigmoid, which the CPU has five times as fast as the tanh.

    Computed in fp32. What is kept for the backward pass is the slope, which costs little more where
    the value is made.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = torch.empty_like(x, memory_format=torch.contiguous_format)
        slope = torch.empty_like(y) if ctx.needs_input_grad[0] else None
        inputs, values = x.reshape(-1), y.view(-1)
        count = min(_CACHED_ELEMENTS, len(inputs))
        buffers = torch.empty(3, count, dtype=torch.float32)
        for start in range(0, len(inputs), count or 1):
            some = slice(start, start + count)
            u, exponent, share = buffers[:, : len(inputs[some])]
            u.copy_(inputs[some])
            torch.mul(u, u, out=exponent)
            torch.addcmul(u, exponent, u, value=_CUBE, out=exponent).mul_(_RATE)
            torch.sigmoid(exponent, out=share)
            if slope is not None:
                # d/dx of x · s(e) is s + x · e' · s · (1 - s), and x · e' = 3 e - 2 · rate · x.
                steep = exponent.mul_(3).sub_(u, alpha=2 * _RATE)
                torch.ops.aten.sigmoid_backward.grad_input(steep, share, grad_input=steep)
                slope.view(-1)[some] = steep.add_(share)
            values[some] = u.mul_(share)
        ctx.save_for_backward(slope)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        slope: Tensor = ctx.saved_tensors[0]
        return grad * slope
