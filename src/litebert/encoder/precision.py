"""Linear layers applied many times in one forward, in the precision of the computation.

Master weights stay in fp32. In bf16 each weight is cast once per forward and reused at every
depth; its gradient from each use comes back as fp32, so that the sum over the depths of a shared
layer is an fp32 sum.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

# Elements handled at once on a CPU: few enough to stay in its cache from one operation to the next.
_CACHED_ELEMENTS = 1 << 17


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
    if x.dtype == norm.weight.dtype:
        return F.layer_norm(x, norm.normalized_shape, norm.weight, norm.bias, norm.eps)
    if x.device.type == "cpu":
        y: Tensor = _LowPrecisionLayerNorm.apply(  # type: ignore[no-untyped-call]
            x, norm.weight, norm.bias, norm.eps
        )
        return y
    wide = F.layer_norm(x.float(), norm.normalized_shape, norm.weight, norm.bias, norm.eps)
    return wide.to(x.dtype)


def residual_norm(out: Tensor, x: Tensor, norm: nn.LayerNorm) -> Tensor:
    """Layer norm of out + x (..., H), as `layer_norm` has it.

    On a GPU in low precision it is one compiled kernel forward and few backward: these two norms
    otherwise move more memory than all else beside the products. TORCHDYNAMO_DISABLE=1 turns
    compiling off.
    """
    if x.dtype == norm.weight.dtype or x.device.type == "cpu":
        return layer_norm(out + x, norm)
    rows = out.reshape(-1, out.shape[-1])
    others = x.reshape(rows.shape)
    for each in (rows, others):
        torch._dynamo.maybe_mark_dynamic(each, 0)  # batches differ in their tokens
    y: Tensor = _compiled_residual_norm()(rows, others, norm.weight, norm.bias, norm.eps)
    return y.view(out.shape)


def wide_residual_norm(out: Tensor, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """Layer norm of out + x (N, H) computed in fp32, in the type of `x`."""
    total = out.float() + x.float()
    return F.layer_norm(total, weight.shape, weight, bias, eps).to(x.dtype)


@cache
def _compiled_residual_norm() -> Callable[..., Tensor]:
    return torch.compile(wide_residual_norm)


class _LowPrecisionLayerNorm(torch.autograd.Function):
    """The CPU's layer norm of mixed types, but for the gradients of weight and bias.

    Its own kernel adds them up over the rows in the low precision: some thousand rows cost a tenth
    of the weight's gradient, and a bias' sum stands still once it is 256 times what is added.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
        y, mean, scale = torch.native_layer_norm(x, weight.shape, weight, bias, eps)
        ctx.save_for_backward(x, mean, scale, weight, bias)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, mean, scale, weight, bias = ctx.saved_tensors
        x_needed, weight_needed, bias_needed, _ = ctx.needs_input_grad
        x_grad = weight_grad = None
        if x_needed:
            x_grad = torch.ops.aten.native_layer_norm_backward(
                grad, x, weight.shape, mean, scale, weight, bias, [True, False, False]
            )[0]
        rows = grad.reshape(-1, grad.shape[-1])
        if weight_needed:
            weight_grad = torch.zeros_like(weight)
            inputs, means, scales = x.reshape(rows.shape), mean.reshape(-1, 1), scale.reshape(-1, 1)
            count = max(1, _CACHED_ELEMENTS // rows.shape[1])
            for start in range(0, len(rows), count):
                some = slice(start, start + count)
                normal = (inputs[some].float() - means[some]).mul_(scales[some])
                weight_grad += normal.mul_(rows[some]).sum(0)
        bias_grad = rows.sum(0).float() if bias_needed else None
        return x_grad, weight_grad, bias_grad, None
