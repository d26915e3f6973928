"""The fast GELU is GELU: values and slopes, from the smallest number to the largest."""

import pytest
import torch
import torch.nn.functional as F

from litebert.encoder.activations import gelu


@pytest.mark.parametrize("shape", [(7, 3), (3, 50_000), (2, 3, 40_000), (0, 4)])
def test_gelu_in_bf16_rounds_what_fp32_gives(shape: tuple[int, ...]) -> None:
    draws = torch.Generator().manual_seed(0)
    x = (3 * torch.randn(shape, generator=draws)).bfloat16().requires_grad_()
    upstream = torch.randn(shape, generator=draws).bfloat16()
    wide = x.detach().float().requires_grad_()
    y, exact = gelu(x), F.gelu(wide, approximate="tanh")
    y.backward(upstream)
    exact.backward(upstream.float())
    torch.testing.assert_close(y.float(), exact, rtol=2**-8, atol=1e-5)
    # The slope and its product with the gradient are each rounded once.
    torch.testing.assert_close(x.grad.float(), wide.grad, rtol=2**-7, atol=1e-4)


def test_gelu_of_every_number_of_bf16_is_near_the_kernels() -> None:
    every = torch.arange(-(2**15), 2**15, dtype=torch.int16).view(torch.bfloat16)
    x = every[every.isfinite()]
    expected = F.gelu(x.double(), approximate="tanh")
    torch.testing.assert_close(gelu(x).double(), expected, rtol=2**-8, atol=1e-6)


def test_gelu_takes_what_lies_otherwise_in_memory_and_tells_what_is_not_a_number() -> None:
    x = torch.randn(4, 6).bfloat16().t()
    torch.testing.assert_close(gelu(x), gelu(x.contiguous()), rtol=0, atol=0)
    assert gelu(torch.tensor([float("nan")]).bfloat16()).isnan().all()
