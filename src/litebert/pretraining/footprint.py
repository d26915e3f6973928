"""The memory that pretraining takes, part by part, before anything is computed.

A whole forward and backward is traced on tensors without data: shapes and lifetimes are the real
ones, so whatever the encoder does, or is changed to do, is counted as it is.

Letters as in `encoder/models.py`: M masked positions, V vocabulary.
"""

import weakref
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode  # torch has no public name for it
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from litebert.corpus.batches import collate
from litebert.corpus.instances import Instance
from litebert.encoder.config import EncoderConfig
from litebert.encoder.layout import Packed
from litebert.encoder.models import PretrainingModel
from litebert.optim import OptimizerSettings

MB = 10**6
# Measured on a CPU (benchmarks/memory.py). What the allocator takes beyond what is asked, as a
# share of what comes and goes in a step: batches of changing sizes leave gaps.
ALLOCATOR_SHARE = 0.25
# What the threads and the compiled kernels take, and what comes to it for each token that goes
# through the model at once: in bf16 there is a kernel for each shape of a product, and the more
# tokens, the more shapes they come in.
KERNELS = {torch.float32: (30 * MB, 0), torch.bfloat16: (220 * MB, 65_000)}
GPU_ALLOCATOR_SHARE = 0.1  # not measured
OPTIMIZER_COPIES = {"lamb": 1, "nvlamb": 1}  # of the weights, while an update is made


@dataclass(frozen=True)
class Footprint:
    """Bytes at the highest point of a step, while a checkpoint is being written."""

    process: int
    """Python, torch and other libraries, and where the sentences of the corpus are."""
    weights: int
    gradients: int
    moments: int
    """The optimiser's running means."""
    activations: int
    """What the forward pass keeps for the backward pass."""
    logits: int
    """Scores over the vocabulary at the masked positions, and their gradient."""
    working: int
    """What the busiest moment of a step needs beside the rest."""
    evaluation: int
    """What an evaluation needs: on a CPU it hardly fits into the gaps that a step leaves."""
    allocator: int
    """What the allocator takes beyond what it is asked for."""
    kernels: int
    """Compiled kernels and threads."""
    checkpoint: int
    """The copy, in the machine's memory, that is written while training goes on."""
    exchange: int
    """The message in which processes add up their gradients."""

    @property
    def total(self) -> int:
        """All parts together, for one process."""
        return sum(getattr(self, field.name) for field in fields(self))


class Tracer:
    """Traces steps of a pretraining model of one configuration without computing anything."""

    def __init__(
        self,
        config: EncoderConfig,
        dtype: torch.dtype,
        device: torch.device,
        recompute: bool = False,
    ) -> None:
        self._device = device
        self._dtype = dtype
        self._mode = FakeTensorMode(allow_non_fake_inputs=True)
        with torch.device("meta"):
            model = PretrainingModel(config)
        with self._mode:
            self._model = model.to_empty(device=device)
            self._model.encoder.compute_dtype = dtype
            self._model.encoder.recompute = recompute
            for parameter in self._model.parameters():
                parameter.grad = torch.empty_like(parameter)

    def footprint(
        self,
        instances: Sequence[Instance],
        evaluated: Sequence[Instance],
        optimizer: OptimizerSettings,
        process: int,
        processes: int = 1,
    ) -> Footprint:
        """What training takes with such a micro-batch, and evaluating with such a batch.

        `process`: bytes that the process occupies before it has a model.
        """
        weights = sum(p.numel() * p.element_size() for p in self._model.parameters())
        kept, highest, logits = self._trace(instances, training=True)
        _, evaluating, _ = self._trace(evaluated, training=False)
        highest = max(highest, OPTIMIZER_COPIES.get(optimizer.optimizer, 0) * weights)
        activations = max(0, kept - logits)
        on_cpu = self._device.type == "cpu"
        if not on_cpu:  # its allocator gives an evaluation what a step has let go of
            evaluating = max(0, evaluating - highest)
        share = ALLOCATOR_SHARE if on_cpu else GPU_ALLOCATOR_SHARE
        fixed, each = KERNELS[self._dtype]
        tokens = sum(len(instance.ids) for instance in instances)
        return Footprint(
            process=process,
            weights=weights,
            gradients=weights,
            moments=2 * weights,
            activations=activations,
            logits=logits,
            working=max(0, highest - activations - logits),
            evaluation=evaluating,
            allocator=int(share * highest),
            kernels=fixed + each * tokens if on_cpu else 0,
            checkpoint=3 * weights if on_cpu else 0,
            exchange=weights if processes > 1 else 0,
        )

    def _trace(self, instances: Sequence[Instance], training: bool) -> tuple[int, int, int]:
        """Bytes kept at the end of the forward pass, at the highest point, and of the logits."""
        packed = collate(instances)
        layout = Packed(packed.lengths.tolist())
        layout.blocks_on(self._device)  # real tensors, for they are made from the lengths' values
        self._model.train(training)
        with self._mode, torch.set_grad_enabled(training), _Ledger() as ledger:
            given = [packed.input_ids, packed.segment_ids, packed.masked_positions]
            ids, segment_ids, positions = (
                torch.empty(len(values), dtype=torch.long, device=self._device) for values in given
            )
            outputs = self._model(ids, segment_ids, layout, positions)
            gradients = [torch.empty_like(output) for output in outputs]
            kept = ledger.now
            if training:
                torch.autograd.backward(outputs, gradients)
        logits = 2 * outputs[0].numel() * outputs[0].element_size()  # (M, V) and their gradient
        return kept, ledger.peak, logits


class _Ledger(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the memory of all tensors that operations make, for as long as each is alive."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = 0
        self.peak = 0
        self._alive: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, Tensor) and not isinstance(value, nn.Parameter):
                self._enter(value)
        return result

    def _enter(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._alive:
            return
        self._alive.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._leave, key, size)

    def _leave(self, key: int, size: int) -> None:
        self._alive.discard(key)
        self.now -= size
