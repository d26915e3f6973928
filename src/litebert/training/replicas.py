"""What makes the models of several processes one: equal at the start, and equal gradients."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from litebert.training.distributed import World


def replicate(world: World, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Give every rank the first rank's weights and optimiser moments."""
    if world.size == 1:
        return
    parameters = dict(model.named_parameters())
    world.broadcast([parameter.detach() for parameter in parameters.values()])
    slots: list[tuple[str, str, str, list[int]]] = world.share(
        [
            (name, slot, str(value.dtype).removeprefix("torch."), list(value.shape))
            for name, parameter in parameters.items()
            for slot, value in optimizer.state.get(parameter, {}).items()
        ]
    )
    if not world.first:
        optimizer.state.clear()  # the first rank may have none, as at the run's beginning
    moments: list[Tensor] = []
    for name, slot, dtype, shape in slots:
        state: dict[str, Any] = optimizer.state[parameters[name]]
        if not world.first:
            state[slot] = torch.empty(
                shape, dtype=getattr(torch, dtype), device=parameters[name].device
            )
        moments.append(state[slot])
    world.broadcast(moments)


def sum_gradients(
    world: World, parameters: Sequence[nn.Parameter], sums: Sequence[Tensor]
) -> list[Tensor]:
    """Sum the gradients over the ranks, with the scalars `sums`, which are returned.

    One message a step, whatever the number of micro-batches; the gradients are views of it after.
    A parameter that has a gradient on no rank has none after it either, so that the optimiser
    leaves it alone.
    """
    if world.size == 1:
        return list(sums)
    device = parameters[0].device
    parts = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
    present = torch.tensor([float(p.grad is not None) for p in parameters], device=device)
    scalars = torch.stack([value.detach().float() for value in sums])
    message = torch.cat([present, scalars, *(part.flatten() for part in parts)])
    world.add_up(message)
    sizes = [len(present), len(scalars), *(part.numel() for part in parts)]
    present, scalars, *summed = torch.split(message, sizes)
    used = present.tolist()
    for parameter, values, times in zip(parameters, summed, used, strict=True):
        parameter.grad = values.view_as(parameter) if times else None
    return list(scalars)
