import pytest
import torch
from torch import nn

from litebert.foundation.errors import ConfigError
from litebert.optim import AdamW, Lamb


def test_a_closure_is_evaluated_with_gradients_and_its_loss_returned() -> None:
    weight = nn.Parameter(torch.tensor([2.0]))
    optimizer = AdamW([weight], lr=0.1, weight_decay=0.0)

    def closure() -> torch.Tensor:
        loss = (weight**2).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 4.0
    assert weight.item() < 2.0


def test_the_first_update_has_no_bias_correction() -> None:
    weight = nn.Parameter(torch.tensor([1.0]))
    optimizer = AdamW([weight], lr=0.1, weight_decay=0.0)
    weight.grad = torch.tensor([3.0])
    optimizer.step()
    # m = 0.3, sqrt(v) = sqrt(0.009): their quotient is 0.1 / sqrt(0.001), not 1.
    assert torch.allclose(weight.detach(), torch.tensor([1 - 0.1 * 0.1 / 0.001**0.5]), atol=1e-5)


@pytest.mark.parametrize("kind", [AdamW, Lamb])
def test_the_layout_of_a_gradient_does_not_matter(kind: type[AdamW] | type[Lamb]) -> None:
    torch.manual_seed(0)
    start, gradient = torch.randn(5, 7), torch.randn(7, 5).T
    weights = []
    for given in (gradient, gradient.contiguous()):
        weight = nn.Parameter(start.clone())
        weight.grad = given
        kind([weight], lr=0.1).step()
        weights.append(weight.detach())
    assert torch.equal(*weights)


def test_a_parameter_that_is_not_contiguous_is_refused() -> None:
    with pytest.raises(ConfigError, match="contiguous"):
        AdamW([nn.Parameter(torch.zeros(3, 4).T)], lr=0.1)
