"""What is computed in bf16 has the gradients of fp32, but for the rounding of single numbers."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from litebert.encoder.precision import Affine, layer_norm, wide_residual_norm

ROWS = 4096  # enough for a sum in bf16 to go wrong


def linear(x: Tensor, layer: nn.Linear) -> Tensor:
    return Affine.of([layer], x.dtype)(x)


def compared(
    module: nn.Module, function: Callable[[Tensor, nn.Module], Tensor]
) -> list[tuple[float, torch.dtype]]:
    """Relative errors of output and gradients in bf16, with the types of the parameters' ones."""
    draws = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, 64, generator=draws).bfloat16()
    upstream = (torch.randn(2, ROWS // 2, 64, generator=draws) + 0.5).bfloat16()
    results = []
    for dtype in (torch.bfloat16, torch.float32):
        module.zero_grad()
        leaf = x.to(dtype).view(2, ROWS // 2, 64).requires_grad_()
        y = function(leaf, module)
        assert y.dtype == dtype
        # A transposed gradient, as the rows of neighbouring operations come.
        y.transpose(0, 1).backward(upstream.to(dtype).transpose(0, 1))
        results.append([y.detach(), leaf.grad, *(p.grad for p in module.parameters())])
    return [
        (((low.float() - exact).norm() / exact.norm()).item(), low.dtype)
        for low, exact in zip(*results, strict=True)
    ]


@pytest.mark.parametrize(
    ("module", "function"), [(nn.Linear(64, 64), linear), (nn.LayerNorm(64), layer_norm)]
)
def test_gradients_in_bf16_follow_those_in_fp32(
    module: nn.Module, function: Callable[[Tensor, nn.Module], Tensor]
) -> None:
    errors = compared(module, function)
    assert max(error for error, _ in errors) < 5e-3
    assert [dtype for _, dtype in errors[2:]] == [torch.float32] * 2


@pytest.mark.parametrize(
    ("module", "function"), [(nn.Linear(64, 64), linear), (nn.LayerNorm(64), layer_norm)]
)
def test_frozen_parameters_let_the_gradient_pass(
    module: nn.Module, function: Callable[[Tensor, nn.Module], Tensor]
) -> None:
    for parameter in module.parameters():
        parameter.requires_grad_(False)
    x = torch.randn(5, 64).bfloat16().requires_grad_()
    function(x, module).sum().backward()
    assert x.grad is not None
    for parameter in module.parameters():
        parameter.requires_grad_(True)
    module.zero_grad()
    function(x.detach(), module).sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_layers_on_the_same_input_become_one() -> None:
    layers = [nn.Linear(8, 3), nn.Linear(8, 5)]
    x = torch.randn(2, 8)
    together = Affine.of(layers, torch.float32)(x)
    torch.testing.assert_close(together, torch.cat([layer(x) for layer in layers], dim=1))


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch's own, as it compiles
def test_a_compiled_residual_norm_is_the_norm_for_any_number_of_rows() -> None:
    """What a GPU compiles, compiled for the processor."""
    compiled = torch.compile(wide_residual_norm)
    weight, bias = (torch.randn(16, requires_grad=True) for _ in range(2))
    for rows in (7, 64, 40):
        out, x, upstream = torch.randn(3, rows, 16).bfloat16().unbind()
        results = []
        for norm in (compiled, wide_residual_norm):
            leaves = [each.clone().requires_grad_() for each in (out, x)]
            for leaf in leaves:
                torch._dynamo.maybe_mark_dynamic(leaf, 0)
            y = norm(*leaves, weight, bias, 1e-12)
            results.append([y, *torch.autograd.grad(y, [*leaves, weight, bias], upstream)])
        torch.testing.assert_close(*results, rtol=1e-2, atol=1e-2)
        expected = torch.nn.functional.layer_norm(
            out.float() + x.float(), (16,), weight, bias, 1e-12
        )
        torch.testing.assert_close(results[1][0].float(), expected, rtol=1e-2, atol=1e-2)
