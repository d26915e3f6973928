import numpy as np
import pytest
import torch
from torch import nn

from litebert.foundation.randomness import generator
from litebert.optim import NvLamb, build_optimizer


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


SHAPES = {"dense.weight": (6, 5), "dense.bias": (6,), "encoder.norm.weight": (4,)}


def nvlamb_in_numpy(
    weights: dict[str, np.ndarray], gradients: list[dict[str, np.ndarray]], rate: float
) -> dict[str, np.ndarray]:
    """NVIDIA's LAMB written down plainly: weights after an update with each of the gradients."""
    weights = {name: value.copy() for name, value in weights.items()}
    mean = {name: np.zeros_like(value) for name, value in weights.items()}
    square = {name: np.zeros_like(value) for name, value in weights.items()}
    for step, given in enumerate(gradients, start=1):
        norm = np.sqrt(sum((g**2).sum() for g in given.values()))
        for name, w in weights.items():
            g = given[name] / max(norm, 1.0)
            mean[name] = 0.9 * mean[name] + 0.1 * g
            square[name] = 0.999 * square[name] + 0.001 * g**2
            root = np.sqrt(square[name] / (1 - 0.999**step)) + 1e-6
            update = mean[name] / (1 - 0.9**step) / root
            if name == "dense.weight":
                update = update + 0.01 * w
            sizes = np.linalg.norm(w), np.linalg.norm(update)
            ratio = sizes[0] / sizes[1] if min(sizes) > 0 else 1.0
            weights[name] = w - rate * ratio * update
    return weights


@pytest.mark.parametrize("scale", [0.01, 30.0], ids=["small", "to be normalised"])
def test_nvidias_lamb_is_what_it_says(scale: float) -> None:
    draws = generator(0, "nvlamb")
    start = {name: draws.normal(size=shape) for name, shape in SHAPES.items()}
    start["dense.bias"][:] = 0.0  # as biases begin: no norm, so no ratio
    gradients = [
        {name: scale * draws.normal(size=shape) for name, shape in SHAPES.items()} for _ in range(5)
    ]
    parameters = {n: nn.Parameter(torch.tensor(w, dtype=torch.float32)) for n, w in start.items()}
    optimizer = build_optimizer("nvlamb", parameters.items(), learning_rate=0.02)
    for given in gradients:
        for name, parameter in parameters.items():
            parameter.grad = torch.tensor(given[name], dtype=torch.float32)
        optimizer.step()
    expected = nvlamb_in_numpy(start, gradients, 0.02)
    for name, parameter in parameters.items():
        assert np.abs(parameter.detach().numpy() - expected[name]).max() < 2e-6, name


def test_nvidias_lamb_leaves_small_gradients_as_they_are() -> None:
    weight = nn.Parameter(torch.ones(4))
    weight.grad = torch.full((4,), 0.25)
    NvLamb([weight], lr=0.1).step()
    assert torch.equal(weight.grad, torch.full((4,), 0.25))
