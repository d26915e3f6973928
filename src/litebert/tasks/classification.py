"""Classification as the training loop sees it: batches of examples, one loss, an evaluation.

Shapes: B examples, N tokens of all of them, C classes.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from litebert.encoder.layout import Packed
from litebert.encoder.models import ClassificationModel
from litebert.foundation.randomness import Permutation, Position
from litebert.inference.engine import Engine, EngineSettings, token_batches
from litebert.objectives import classification_sum
from litebert.tasks.features import Features
from litebert.tasks.metrics import accuracy, confusion_matrix, log_loss, macro_f1
from litebert.tasks.task import Task
from litebert.training.step import LossTerm, MicroBatch

SCORE = "score"
_TIE_BREAK = 1e-6  # less than one example in a million


class Tensors(NamedTuple):
    """A packed batch on the device: tokens (N,) and the class of each example (B,)."""

    input_ids: Tensor
    segment_ids: Tensor
    layout: Packed
    labels: Tensor


class Classification:
    """Fine-tuning on labelled examples (`Trainable`).

    Every epoch goes through the examples in an order of its own, a function of (seed, epoch). A
    batch is cut into micro-batches of at most `micro_tokens` tokens and `micro_batch_size`
    examples.
    """

    def __init__(
        self,
        model: ClassificationModel,
        task: Task,
        training: Features,
        validation: Features,
        batch_size: int,
        seed: int,
        device: torch.device,
        micro_tokens: int,
        micro_batch_size: int | None = None,
    ) -> None:
        self._model = model
        self._task = task
        self._training = training
        self._validation = validation
        self._batch_size = batch_size
        self._seed = seed
        self._device = device
        self._micro_tokens = max(micro_tokens, task.max_length)
        self._micro_batch_size = micro_batch_size or batch_size
        settings = EngineSettings(max_tokens=self._micro_tokens)
        self._engine = Engine(model, task.max_length, settings, device)

    @property
    def model(self) -> ClassificationModel:
        """The model that is trained."""
        return self._model

    @property
    def rows(self) -> dict[str, int]:
        """How many examples there are to train and to validate on."""
        return {"training": len(self._training), "validation": len(self._validation)}

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch; the last one may be smaller."""
        return -(-len(self._training) // self._batch_size)

    def batch(self, position: Position) -> tuple[list[MicroBatch], Position]:
        """The batch at a position of an epoch's order, and the position after it."""
        size = len(self._training)
        stop = min(position.offset + self._batch_size, size)
        order = Permutation(size, self._seed, "examples", position.epoch)
        chosen = order.take(np.arange(position.offset, stop, dtype=np.uint64)).tolist()
        lengths = [len(self._training.sequences[i]) for i in chosen]
        parts = [
            self._micro_batch([chosen[i] for i in group[start : start + self._micro_batch_size]])
            for group in token_batches(lengths, self._micro_tokens)
            for start in range(0, len(group), self._micro_batch_size)
        ]
        after = Position(position.epoch, stop) if stop < size else Position(position.epoch + 1, 0)
        return parts, after

    def losses(self, micro_batch: MicroBatch) -> dict[str, LossTerm]:
        """The summed cross-entropy of a micro-batch."""
        data: Tensors = micro_batch.data
        logits = self._model(data.input_ids, data.segment_ids, data.layout)
        return {"label": LossTerm(*classification_sum(logits, data.labels))}

    def evaluate(self) -> dict[str, float]:
        """Loss, accuracy and macro-F1 on the validation examples.

        `score` is what the best checkpoint is chosen by: the task's metric, a lower loss settling
        ties, since few examples give few distinct accuracies.
        """
        logits = np.stack(list(self._engine.run(self._validation.sequences)))  # (B, C)
        truth, predicted = self._validation.labels, logits.argmax(axis=1)
        log_probabilities = F.log_softmax(torch.from_numpy(logits).double(), dim=1).numpy()
        scores = {
            "loss": log_loss(truth, log_probabilities),
            "accuracy": accuracy(truth, predicted),
            "macro_f1": macro_f1(confusion_matrix(truth, predicted, logits.shape[1])),
        }
        penalty = _TIE_BREAK * scores["loss"] / (1 + scores["loss"])
        return {**scores, SCORE: scores[self._task.metric] - penalty}

    def _micro_batch(self, indices: list[int]) -> MicroBatch:
        sequences = [self._training.sequences[i] for i in indices]
        ids = np.concatenate([s.ids for s in sequences])
        data = Tensors(
            self._tensor(ids),
            self._tensor(np.concatenate([s.segment_ids for s in sequences])),
            Packed([len(s) for s in sequences]),
            self._tensor([self._training.labels[i] for i in indices]),
        )
        return MicroBatch(data, {"label": float(len(indices))}, tokens=len(ids))

    def _tensor(self, values: object) -> Tensor:
        return torch.as_tensor(values, dtype=torch.long).to(self._device, non_blocking=True)
