"""What a fine-tuning run is made of: the model it starts from, its data encoded, its optimiser."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from litebert.encoder.config import EncoderConfig
from litebert.encoder.encoder import Encoder
from litebert.encoder.models import HEADS, Model, encoder_of
from litebert.foundation.randomness import derive_seed
from litebert.optim import optimizer_of
from litebert.tasks.finetuning.trainable import Split, TaskTrainable
from litebert.tasks.kind import Kind
from litebert.tasks.settings import FinetuneSettings
from litebert.tasks.source import TaskData
from litebert.tasks.task import Task
from litebert.text.tokenizer import Tokenizer
from litebert.training.machine import MachineSettings, apply_machine
from litebert.weights.folder import (
    load_encoder,
    matching_tokenizer,
    read_config,
    resolve_model_folder,
    task_name,
)

MICRO_TOKENS = {"cpu": 2048, "cuda": 32768}  # computed at once: more is no faster on a CPU


@dataclass(frozen=True)
class Origin:
    """The model folder that a run starts from."""

    name: str
    folder: Path
    config: EncoderConfig
    tokenizer: Tokenizer
    trained_for: str
    """The task of its own head, which is left out; "" where it has none."""

    @classmethod
    def of(cls, model_folder: Path) -> "Origin":
        """Find it. Raises ModelFolderError or VocabularyError."""
        folder = resolve_model_folder(model_folder)
        config = read_config(folder)
        tokenizer = matching_tokenizer(folder, config)
        return cls(str(model_folder), folder, config, tokenizer, task_name(folder))


@dataclass(frozen=True)
class AssembledRun:
    """The assembled parts of a run."""

    task: Task
    model: Model
    tokenizer: Tokenizer
    trainable: TaskTrainable
    optimizer: torch.optim.Optimizer
    start: str | None
    """The folder of the encoder it starts from, if it does."""
    left_out: str
    """The task of the head that was there before, if there was one."""
    digest: str | None
    """The hash of that encoder."""
    remarks: list[str]


def assemble(
    origin: Origin,
    kind: Kind,
    data: TaskData,
    settings: FinetuneSettings,
    machine: MachineSettings,
) -> AssembledRun:
    """Build task, model, data and optimiser, as functions of inputs, settings and seed alone."""
    course, loop = settings.course, settings.training
    chosen = {"kind": kind.name, "max_length": course.max_length, "metric": course.metric}
    task = kind.task.parse({**data.fields, **chosen}, "task")
    device, dtype = apply_machine(machine)
    model, digest = initial_model(origin, kind, settings, kind.classes(task))
    encoder_of(model).compute_dtype = dtype
    model.to(device)
    training = Split.of(kind, data.training, task, origin.tokenizer)
    validation = Split.of(kind, data.validation, task, origin.tokenizer)
    trainable = TaskTrainable(
        kind,
        task,
        model,
        training,
        validation,
        loop.batch_size,
        loop.seed,
        device,
        MICRO_TOKENS[machine.device],
        loop.micro_batch_size,
    )
    optimizer = optimizer_of(
        settings.optimizer, model.named_parameters(), settings.schedule.learning_rate
    )
    remarks = [
        f"{name}: {remark}"
        for name, split in (("training", training), ("validation", validation))
        for remark in split.tally.remarks(task.max_length)
    ]
    start = None if digest is None else origin.name
    return AssembledRun(
        task,
        model,
        origin.tokenizer,
        trainable,
        optimizer,
        start,
        origin.trained_for,
        digest,
        remarks,
    )


def initial_model(
    origin: Origin, kind: Kind, settings: FinetuneSettings, classes: int
) -> tuple[Model, str | None]:
    """The model before training, and the hash of the encoder it starts from, if it does.

    The head is always new: a pretraining model has none, another task's does not fit.
    """
    course = settings.course
    changes: dict[str, Any] = {}
    if course.classifier_dropout is not None:
        changes["classifier_dropout_prob"] = course.classifier_dropout
    if course.encoder_dropout is not None:
        changes["hidden_dropout_prob"] = course.encoder_dropout
        changes["attention_probs_dropout_prob"] = course.encoder_dropout
    torch.manual_seed(derive_seed(settings.training.seed, "weights") % 2**63)
    head = HEADS[kind.head]
    model = head.build(origin.config.changed(**changes), classes, head.needs_pooler)
    if course.from_scratch:
        return model, None
    weights = load_encoder(origin.folder).state_dict()
    _start_encoder(encoder_of(model), weights)
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(weights[name].numpy().tobytes())
    return model, digest.hexdigest()


def _start_encoder(encoder: Encoder, weights: dict[str, torch.Tensor]) -> None:
    """Put the weights in place; a pooler that the head has no use for is left out."""
    own = encoder.state_dict().keys()
    pooler = {name for name in weights if name.startswith("pooler.")} - own
    encoder.load_state_dict({k: v for k, v in weights.items() if k not in pooler})
