"""Linear layers applied many times in one forward, in the precision of the computation.

Master weights stay in fp32. In bf16 each weight is cast once per forward and reused at every
depth; its gradient from each use comes back as fp32, so that the sum over the depths of a shared
layer is an fp32 sum.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Affine(NamedTuple):
    """x ↦ x·Wᵀ + b, ready for use: fp32 weight (out, in) and bias, with low-precision copies."""

    weight: Tensor
    bias: Tensor
    low_weight: Tensor | None = None
    low_bias: Tensor | None = None

    @classmethod
    def of(cls, layers: Sequence[nn.Linear], dtype: torch.dtype) -> "Affine":
        """Several linear layers on the same input as one, their outputs side by side."""
        if len(layers) == 1:
            return cls.from_tensors(layers[0].weight, layers[0].bias, dtype)
        weight = torch.cat([layer.weight for layer in layers])
        return cls.from_tensors(weight, torch.cat([layer.bias for layer in layers]), dtype)

    @classmethod
    def from_tensors(cls, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> "Affine":
        """One weight (out, in) and bias (out,), to be computed with in `dtype`."""
        if dtype == weight.dtype:
            return cls(weight, bias)
        return cls(weight, bias, weight.detach().to(dtype), bias.detach().to(dtype))

    def __call__(self, x: Tensor) -> Tensor:
        """(..., in) to (..., out), in the type of `x`."""
        if self.low_weight is None or self.low_bias is None:
            return F.linear(x, self.weight, self.bias)
        y: Tensor = _LowPrecisionLinear.apply(  # type: ignore[no-untyped-call]
            x, self.weight, self.bias, self.low_weight, self.low_bias
        )
        return y


class _LowPrecisionLinear(torch.autograd.Function):
    """A product in low precision whose weight gradients are handed back in fp32."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, low_weight: Tensor, low_bias: Tensor
    ) -> Tensor:
        ctx.save_for_backward(x, low_weight)
        return F.linear(x, low_weight, low_bias)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, low_weight = ctx.saved_tensors
        x_needed, weight_needed, bias_needed, _, _ = ctx.needs_input_grad
        rows = grad.reshape(-1, grad.shape[-1])
        x_grad = grad @ low_weight if x_needed else None
        weight_grad = (rows.t() @ x.reshape(-1, x.shape[-1])).float() if weight_needed else None
        # A reduction accumulates in fp32 whatever its type; asking for an fp32 result of a bf16
        # sum takes a path 30 times slower on the CPU.
        bias_grad = rows.sum(0).float() if bias_needed else None
        return x_grad, weight_grad, bias_grad, None, None


def layer_norm(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    """Layer norm with fp32 statistics and parameters; the result has the type of `x`."""
    if x.dtype == norm.weight.dtype or x.device.type == "cpu":  # the CPU kernel takes mixed types
        return F.layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
    wide = F.layer_norm(x.float(), norm.normalized_shape, norm.weight, norm.bias, norm.eps)
    return wide.to(x.dtype)
