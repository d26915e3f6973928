"""A task as the training loop sees it: batches of items, the kind's losses, an evaluation.

Shapes: N tokens of all sequences of a micro-batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from litebert.encoder.layout import Packed
from litebert.foundation.randomness import Permutation, Position
from litebert.inference.engine import Engine, EngineSettings, token_batches
from litebert.tasks.features import Tally
from litebert.tasks.kind import Encoded, ItemBatch, Kind, Result
from litebert.tasks.prediction.results import encoded_results
from litebert.tasks.task import Task
from litebert.text.tokenizer import Tokenizer
from litebert.training.step import LossTerm, MicroBatch

SCORE = "score"
_TIE_BREAK = 1e-6  # less than one example in a million


@dataclass(frozen=True)
class Split:
    """The examples of one split, encoded, and what was seen of them."""

    examples: Sequence[Any]
    encoded: Sequence[Encoded]
    tally: Tally

    def __len__(self) -> int:
        return len(self.examples)

    @classmethod
    def of(cls, kind: Kind, examples: Sequence[Any], task: Task, tokenizer: Tokenizer) -> "Split":
        """Encode the examples."""
        tally = Tally()
        return cls(examples, list(kind.encode(examples, task, tokenizer, tally)), tally)


class TaskTrainable:
    """Fine-tuning on labelled examples (`Trainable`), of any kind.

    Every epoch goes through the items in an order of its own, a function of (seed, epoch). A batch
    is cut into micro-batches of at most `micro_tokens` tokens (or one item) and `micro_batch_size`
    items.
    """

    def __init__(
        self,
        kind: Kind,
        task: Task,
        model: nn.Module,
        training: Split,
        validation: Split,
        batch_size: int,
        seed: int,
        device: torch.device,
        micro_tokens: int,
        micro_batch_size: int | None = None,
    ) -> None:
        self.kind = kind
        self.task = task
        self.items = [
            item
            for example, encoded in zip(training.examples, training.encoded, strict=True)
            for item in kind.items(example, encoded, task)
        ]
        self._lengths = [sum(map(len, item.sequences)) for item in self.items]
        self._model = model
        self._validation = validation
        self._batch_size = batch_size
        self._seed = seed
        self._device = device
        self._micro_tokens = max(micro_tokens, task.max_length, max(self._lengths))
        self._micro_batch_size = micro_batch_size or batch_size
        settings = EngineSettings(max_tokens=self._micro_tokens)
        self._engine = Engine(kind.forward(model), task.max_length, settings, device)

    @property
    def model(self) -> nn.Module:
        """The model that is trained."""
        return self._model

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch; the last one may be smaller."""
        return -(-len(self.items) // self._batch_size)

    def batch(self, position: Position) -> tuple[list[MicroBatch], Position]:
        """The batch at a position of an epoch's order, and the position after it."""
        size = len(self.items)
        stop = min(position.offset + self._batch_size, size)
        order = Permutation(size, self._seed, "examples", position.epoch)
        chosen = order.take(np.arange(position.offset, stop, dtype=np.uint64)).tolist()
        parts = [
            self._micro_batch([chosen[i] for i in group[start : start + self._micro_batch_size]])
            for group in token_batches([self._lengths[i] for i in chosen], self._micro_tokens)
            for start in range(0, len(group), self._micro_batch_size)
        ]
        after = Position(position.epoch, stop) if stop < size else Position(position.epoch + 1, 0)
        return parts, after

    def losses(self, micro_batch: MicroBatch) -> dict[str, LossTerm]:
        """The kind's loss terms."""
        return self.kind.losses(self._model, micro_batch.data)

    def evaluate(self) -> dict[str, float]:
        """The kind's scores on the validation examples.

        `score` is what the best checkpoint is chosen by, more being better: the task's metric, a
        lower loss settling ties, since few examples give few distinct accuracies.
        """
        scores = self.kind.scores(self.validation_results(), self.task)
        sign = 1 if self.kind.metrics[self.task.metric] else -1
        loss = scores.get("loss", 0.0)
        penalty = _TIE_BREAK * loss / (1 + loss)
        return {**scores, SCORE: sign * scores[self.task.metric] - penalty}

    def validation_results(self) -> list[Result]:
        """What the model, which is in evaluation mode, says of the validation examples."""
        examples, encoded = self._validation.examples, self._validation.encoded
        return encoded_results(self.kind, self.task, self._engine, examples, encoded)

    def _micro_batch(self, indices: list[int]) -> MicroBatch:
        items = [self.items[i] for i in indices]
        sequences = [sequence for item in items for sequence in item.sequences]
        ids = np.concatenate([s.ids for s in sequences])
        data = ItemBatch(
            self._tensor(ids),
            self._tensor(np.concatenate([s.segment_ids for s in sequences])),
            Packed([len(s) for s in sequences]),
            [len(item.sequences) for item in items],
            [item.target for item in items],
        )
        weights = dict.fromkeys(self.kind.terms, float(len(items)))
        return MicroBatch(data, weights, tokens=len(ids))

    def _tensor(self, values: Any) -> Tensor:
        return torch.as_tensor(values, dtype=torch.long).to(self._device, non_blocking=True)
