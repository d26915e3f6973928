"""A `Trainable` of a few parameters: least squares on fixed rows, in a keyed order."""

import torch
from torch import Tensor, nn

from litebert.foundation.randomness import Permutation, Position
from litebert.training.distributed import ALONE, World
from litebert.training.step import LossTerm, MicroBatch

ROWS = 64


class Regression:
    """Learns three weights and a bias from 64 rows; `served` counts every row handed out.

    Of several ranks each gets its slice of a batch, and counts that alone.
    """

    start = Position()

    def __init__(
        self,
        batch_size: int = 8,
        micro_batch_size: int = 8,
        dropout: float = 0.0,
        world: World = ALONE,
    ) -> None:
        draws = torch.Generator().manual_seed(5)
        self.inputs = torch.randn(ROWS, 3, generator=draws)
        self.targets = self.inputs.sum(1) + torch.randn(ROWS, generator=draws) * 0.1
        self.batch_size, self.micro_batch_size = batch_size, micro_batch_size
        self.world = world
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(dropout), nn.Linear(4, 1))
        self.served: list[tuple[int, int]] = []

    def batch(self, position: Position) -> tuple[list[MicroBatch], Position]:
        epoch, offset = position
        rows = []
        for _ in range(self.batch_size):
            if offset == ROWS:
                epoch, offset = epoch + 1, 0
            rows.append((epoch, Permutation(ROWS, 0, epoch)[offset]))
            offset += 1
        rank, size = self.world.rank, self.world.size
        mine = rows[len(rows) * rank // size : len(rows) * (rank + 1) // size]
        self.served += mine
        parts = torch.tensor([row for _, row in mine]).split(self.micro_batch_size)
        micro = [MicroBatch(part, {"squares": float(len(part))}, len(part)) for part in parts]
        return micro, Position(epoch, offset)

    def losses(self, micro_batch: MicroBatch) -> dict[str, LossTerm]:
        errors = self.errors(micro_batch.data)
        return {"squares": LossTerm(errors.square().sum(), (errors.abs() < 0.5).sum())}

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        return {"error": float(self.errors(torch.arange(ROWS)).square().mean())}

    def errors(self, rows: Tensor) -> Tensor:
        return self.model(self.inputs[rows])[:, 0] - self.targets[rows]
