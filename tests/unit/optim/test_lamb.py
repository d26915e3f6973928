import pytest
import torch
from torch import nn

from litebert.optim import build_optimizer


def moved(name: str, weight: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    parameter = nn.Parameter(weight.clone())
    optimizer = build_optimizer("lamb", [(name, parameter)], 0.1, weight_decay=0.0)
    parameter.grad = gradient
    optimizer.step()
    return parameter.detach() - weight


def test_a_kernel_moves_by_its_own_norm_times_the_rate() -> None:
    torch.manual_seed(0)
    weight, gradient = torch.randn(5, 4), torch.randn(5, 4)
    step = moved("dense.weight", weight, gradient)
    assert step.norm().item() == pytest.approx(0.1 * weight.norm().item(), rel=1e-5)


@pytest.mark.parametrize("name", ["dense.bias", "encoder.norm.weight", "enc/LayerNorm/gamma"])
def test_an_excluded_parameter_has_no_trust_ratio(name: str) -> None:
    step = moved(name, torch.full((4,), 7.0), torch.ones(4))
    assert torch.allclose(step, torch.full((4,), -0.1 * 0.1 / 0.001**0.5), atol=1e-4)


def test_a_zero_kernel_moves_with_ratio_one() -> None:
    step = moved("dense.weight", torch.zeros(4), torch.ones(4))
    assert torch.allclose(step, torch.full((4,), -0.1 * 0.1 / 0.001**0.5), atol=1e-4)


def test_a_zero_gradient_leaves_an_undecayed_kernel_finite_and_still() -> None:
    assert torch.equal(moved("dense.weight", torch.ones(4), torch.zeros(4)), torch.zeros(4))
