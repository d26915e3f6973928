"""Accumulation equals one big batch; divergence touches nothing."""

from pathlib import Path

import pytest
import torch

from litebert.foundation.errors import DivergenceError
from litebert.training.step import MicroBatch, train_step
from regression import Regression


@pytest.mark.parametrize("parts", [2, 3, 8])
def test_accumulation_gives_the_gradient_of_one_big_batch(parts: int) -> None:
    gradients = []
    for micro_batch_size in (24, 24 // parts):
        task = Regression(batch_size=24, micro_batch_size=micro_batch_size)
        optimizer = torch.optim.SGD(task.model.parameters(), lr=1.0)
        start = [p.detach().clone() for p in task.model.parameters()]
        micro_batches, _ = task.batch(task.start)
        train_step(task, micro_batches, optimizer, 1.0, 0.0, dropout_seed=0)
        gradients.append([a - b for a, b in zip(start, task.model.parameters(), strict=True)])
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-5, atol=1e-6)


def test_the_gradient_is_clipped_to_the_global_norm() -> None:
    task = Regression()
    optimizer = torch.optim.SGD(task.model.parameters(), lr=1.0)
    before = [p.detach().clone() for p in task.model.parameters()]
    outcome = train_step(task, task.batch(task.start)[0], optimizer, 1.0, 0.01, dropout_seed=0)
    moved = [a - b for a, b in zip(before, task.model.parameters(), strict=True)]
    norm = torch.cat([m.flatten() for m in moved]).norm()
    assert outcome.gradient_norm > 0.01
    assert norm.item() == pytest.approx(0.01, rel=1e-3)


def test_a_gradient_that_is_not_finite_touches_no_weight() -> None:
    task = Regression()
    task.targets[:] = float("inf")
    before = [p.detach().clone() for p in task.model.parameters()]
    optimizer = torch.optim.SGD(task.model.parameters(), lr=1.0)
    with pytest.raises(DivergenceError, match="not finite"):
        train_step(task, task.batch(task.start)[0], optimizer, 1.0, 1.0, dropout_seed=0)
    assert all(torch.equal(a, b) for a, b in zip(before, task.model.parameters(), strict=True))


def test_a_batch_with_nothing_to_predict_changes_nothing() -> None:
    task = Regression()
    before = [p.detach().clone() for p in task.model.parameters()]
    optimizer = torch.optim.SGD(task.model.parameters(), lr=1.0)
    empty = [MicroBatch(torch.arange(8), {"squares": 0.0}, 8)]
    outcome = train_step(task, empty, optimizer, 1.0, 1.0, dropout_seed=0)
    assert (outcome.gradient_norm, outcome.weights) == (0.0, {"squares": 0.0})
    assert all(torch.equal(a, b) for a, b in zip(before, task.model.parameters(), strict=True))


def test_dropout_depends_on_its_seed_alone(tmp_path: Path) -> None:
    results = []
    for seed, noise in ((1, 0), (1, 5), (2, 0)):
        task = Regression(dropout=0.5)
        torch.manual_seed(noise)
        optimizer = torch.optim.SGD(task.model.parameters(), lr=1.0)
        train_step(task, task.batch(task.start)[0], optimizer, 1.0, 0.0, dropout_seed=seed)
        results.append(task.model[0].weight.detach().clone())
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
