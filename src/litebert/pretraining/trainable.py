"""Pretraining as the training loop sees it: batches of masked pairs, two losses, an evaluation.

Shapes: B instances, N tokens of all of them, M masked positions.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from litebert.corpus.ahead import Ahead, BatchMaker
from litebert.corpus.batches import PackedBatch, collate
from litebert.corpus.instances import Instance
from litebert.corpus.stream import Stream
from litebert.encoder.layout import Packed
from litebert.encoder.models import PretrainingModel
from litebert.foundation.randomness import Position
from litebert.objectives import masked_lm_sum, sentence_sum
from litebert.training.distributed import ALONE, World
from litebert.training.step import LossTerm, MicroBatch

EVALUATION_TOKENS = 8192  # in one forward
TERMS = ("masked_lm", "sentence_order")  # of the loss


class Tensors(NamedTuple):
    """A packed batch on the device: tokens (N,), masked positions among them (M,), pairs (B,)."""

    input_ids: Tensor
    segment_ids: Tensor
    layout: Packed
    masked_positions: Tensor
    masked_labels: Tensor
    order_labels: Tensor
    order_weights: Tensor


class Pretraining:
    """Masked LM and the sentence objective over a stream of instances (`Trainable`).

    Of several processes each gets its slice of every batch, and of every evaluation. With `workers`
    that many processes make the batches ahead; close it then. `stream` may be replaced.
    """

    def __init__(
        self,
        model: PretrainingModel,
        stream: Stream,
        heldout: Sequence[Instance],
        batch_size: int,
        micro_batch_size: int,
        device: torch.device,
        world: World = ALONE,
        workers: int = 0,
    ) -> None:
        self._model = model
        self._maker = BatchMaker(stream, batch_size, micro_batch_size, world.rank, world.size)
        self.workers = workers
        self._ahead: Ahead | None = None
        self._device = device
        self._heldout = list(heldout)
        self._world = world

    @property
    def model(self) -> PretrainingModel:
        """The model that is trained."""
        return self._model

    @property
    def stream(self) -> Stream:
        """What is trained on."""
        return self._maker.stream

    @stream.setter
    def stream(self, stream: Stream) -> None:
        if stream is not self._maker.stream:
            self.close()
            self._maker = replace(self._maker, stream=stream)

    def batch(self, position: Position) -> tuple[list[MicroBatch], Position]:
        """The batch at a position of the shuffled stream, and the position after it."""
        if self.workers > 0 and self._ahead is None:
            self._ahead = Ahead(self._maker, self.workers)
        packed, after = (self._ahead or self._maker)(position)
        return [self._micro_batch(part) for part in packed], after

    def close(self) -> None:
        """End the processes that make batches ahead; `batch` starts them anew."""
        if self._ahead is not None:
            self._ahead.close()
            self._ahead = None

    def losses(self, micro_batch: MicroBatch) -> dict[str, LossTerm]:
        """Summed masked-LM and sentence losses."""
        data: Tensors = micro_batch.data
        masked, order = self._model(
            data.input_ids, data.segment_ids, data.layout, data.masked_positions
        )
        sentence = sentence_sum(order, data.order_labels, data.order_weights)
        return {
            "masked_lm": LossTerm(*masked_lm_sum(masked, data.masked_labels)),
            "sentence_order": LossTerm(*sentence),
        }

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Loss and accuracy of both objectives on the held-out instances, whose masks are fixed."""
        keys = [f"{name}_{kind}" for name in TERMS for kind in ("loss", "accuracy", "weight")]
        sums = dict.fromkeys(keys, 0.0)
        batches = list(self._evaluation_batches())
        for part in batches[self._world.rank :: self._world.size]:
            micro_batch = self._micro_batch(collate(part))
            for name, term in self.losses(micro_batch).items():
                sums[f"{name}_loss"] += float(term.total)
                assert term.correct is not None  # every term of pretraining counts
                sums[f"{name}_accuracy"] += float(term.correct)
                sums[f"{name}_weight"] += micro_batch.weights[name]
        sums = dict(zip(keys, self._world.sums(list(sums.values())), strict=True))
        return {
            f"{name}_{kind}": sums[f"{name}_{kind}"] / sums[f"{name}_weight"]
            for name in TERMS
            for kind in ("loss", "accuracy")
            if sums[f"{name}_weight"] > 0
        }

    def _evaluation_batches(self) -> Iterator[list[Instance]]:
        """The held-out instances as they go through the model: the same for any number of ranks."""
        part: list[Instance] = []
        tokens = 0
        for instance in self._heldout:
            if part and tokens + len(instance.ids) > EVALUATION_TOKENS:
                yield part
                part, tokens = [], 0
            part.append(instance)
            tokens += len(instance.ids)
        yield part

    def _micro_batch(self, packed: PackedBatch) -> MicroBatch:
        def tensor(values: object, dtype: torch.dtype) -> Tensor:
            return torch.as_tensor(values, dtype=dtype).to(self._device, non_blocking=True)

        data = Tensors(
            tensor(packed.input_ids, torch.long),
            tensor(packed.segment_ids, torch.long),
            Packed(packed.lengths.tolist()),
            tensor(packed.masked_positions, torch.long),
            tensor(packed.masked_labels, torch.long),
            tensor(packed.order_labels, torch.long),
            tensor(packed.order_weights, torch.float32),
        )
        weights = {
            "masked_lm": float(len(packed.masked_labels)),
            "sentence_order": float(packed.order_weights.sum()),
        }
        return MicroBatch(data, weights, tokens=len(packed.input_ids))
