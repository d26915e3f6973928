import copy

import pytest
import torch
from torch import nn

from litebert.foundation.errors import ConfigError
from litebert.optim import AdamW, Lamb, NvLamb, build_optimizer

NAMES = ["adamw", "lamb", "nvlamb", "torch-adamw"]


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.ModuleDict({"dense": nn.Linear(4, 3), "norm": nn.LayerNorm(3)})


def run(module: nn.Module, optimizer: torch.optim.Optimizer, updates: range) -> None:
    for update in updates:
        generator = torch.Generator().manual_seed(update)
        for parameter in module.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=generator)
        optimizer.step()


def test_each_name_builds_its_optimizer() -> None:
    kinds = [type(build_optimizer(name, model().named_parameters(), 0.1)) for name in NAMES]
    assert kinds == [AdamW, Lamb, NvLamb, torch.optim.AdamW]
    variant = build_optimizer("lamb", model().named_parameters(), 0.1, variant="nvlamb")
    assert type(variant) is NvLamb


@pytest.mark.parametrize("name", NAMES)
def test_a_saved_and_loaded_optimizer_goes_on_bit_for_bit(name: str) -> None:
    whole, first = model(), model()
    whole_optimizer = build_optimizer(name, whole.named_parameters(), 0.1)
    run(whole, whole_optimizer, range(6))
    optimizer = build_optimizer(name, first.named_parameters(), 0.1)
    run(first, optimizer, range(3))
    second = copy.deepcopy(first)
    resumed = build_optimizer(name, second.named_parameters(), 0.7)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    run(second, resumed, range(3, 6))
    for expected, parameter in zip(whole.parameters(), second.parameters(), strict=True):
        assert torch.equal(expected, parameter)
        saved, restored = whole_optimizer.state[expected], resumed.state[parameter]
        assert all(torch.equal(saved[key], restored[key]) for key in saved)


@pytest.mark.parametrize("name", NAMES)
def test_state_is_float32_moments_under_their_usual_names(name: str) -> None:
    module = model()
    optimizer = build_optimizer(name, module.named_parameters(), 0.1)
    run(module, optimizer, range(1))
    for parameter in module.parameters():
        for key in ("exp_avg", "exp_avg_sq"):
            assert optimizer.state[parameter][key].dtype == torch.float32
            assert optimizer.state[parameter][key].shape == parameter.shape


@pytest.mark.parametrize("name", NAMES)
def test_only_decayed_parameters_shrink_without_a_gradient(name: str) -> None:
    module = model()
    before = copy.deepcopy(dict(module.named_parameters()))
    optimizer = build_optimizer(name, module.named_parameters(), 0.1, weight_decay=0.5)
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for key, parameter in module.named_parameters():
        shrunk = parameter.abs().sum() < before[key].abs().sum()
        assert bool(shrunk) == (key == "dense.weight"), key


def test_torch_adamw_takes_the_same_steps_as_pytorchs_own() -> None:
    ours, theirs = model(), model()
    run(ours, build_optimizer("torch-adamw", ours.named_parameters(), 0.1, 0.0), range(4))
    run(theirs, torch.optim.AdamW(theirs.parameters(), 0.1, eps=1e-6, weight_decay=0.0), range(4))
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(a, b, atol=1e-6)


def test_a_parameter_without_a_gradient_stays() -> None:
    module = model()
    optimizer = build_optimizer("lamb", module.named_parameters(), 0.1)
    before = module["norm"].weight.clone()
    module["dense"](torch.ones(1, 4)).sum().backward()
    optimizer.step()
    assert torch.equal(module["norm"].weight, before)


def test_unknown_names_and_variants_are_refused_with_the_nearest() -> None:
    parameters = list(model().named_parameters())
    with pytest.raises(ConfigError, match='did you mean "lamb"'):
        build_optimizer("lambb", parameters, 0.1)
    with pytest.raises(ConfigError, match="google"):
        build_optimizer("lamb", parameters, 0.1, variant="apex")
    with pytest.raises(ConfigError, match="no trainable parameter"):
        build_optimizer("lamb", [], 0.1)
    with pytest.raises(ConfigError, match="bfloat16"):
        build_optimizer("adamw", model().bfloat16().named_parameters(), 0.1)
