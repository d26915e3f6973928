"""The same fine-tuning in transformers: equal weights, batches and schedule give an equal curve."""

from pathlib import Path

import pytest
import torch
from torch.nn.utils.rnn import pad_sequence

from fakes import tiny_config
from litebert.encoder.models import PretrainingModel
from litebert.foundation.randomness import Position
from litebert.optim import learning_rate_at
from litebert.tasks.finetuning.assembly import Origin, assemble
from litebert.tasks.finetuning.run import finetune
from litebert.tasks.kind import ItemBatch
from litebert.tasks.kinds import KINDS
from litebert.tasks.settings import FinetuneSettings
from litebert.tasks.sources import table_source
from litebert.training.journal import read_metrics
from litebert.weights.folder import save_model
from small_models import quick_settings, sentences, small_tokenizer, write_csv
from small_questions import questions, write_questions

transformers = pytest.importorskip("transformers")

STEPS = 50
COURSE = {
    "steps": STEPS,
    "epochs": None,
    "patience": 0,
    "classifier_dropout": 0.0,
    "encoder_dropout": 0.0,
}


CLASSES = {
    "classification": "AutoModelForSequenceClassification",
    "regression": "AutoModelForSequenceClassification",
    "choice": "AutoModelForMultipleChoice",
}


def lively_model(folder: Path) -> Path:
    """A model whose random weights are large enough to learn something within fifty steps."""
    tokenizer = small_tokenizer()
    config = tiny_config(
        vocab_size=tokenizer.vocab_size, num_hidden_layers=2, initializer_range=0.3
    )
    torch.manual_seed(0)
    save_model(folder, PretrainingModel(config), tokenizer)
    return folder


def table_of(kind: str, folder: Path) -> Path:
    if kind == "choice":
        return write_questions(folder / "train.jsonl", questions(120))
    rows = sentences(120)
    if kind == "regression":
        number = {"good": 4.0, "bad": 1.0}
        rows = [(text, f"{number[label] + i % 5 / 10}") for i, (text, label) in enumerate(rows)]
    return write_csv(folder / "train.csv", ("text", "label"), rows)


def padded(kind: str, batch: ItemBatch) -> dict[str, torch.Tensor]:
    """What transformers takes of a packed batch; of a choice the options of each question."""
    lengths = list(batch.layout.lengths)
    ids = torch.split(batch.input_ids, lengths)
    segments = torch.split(batch.segment_ids, lengths)
    inputs = {
        "input_ids": pad_sequence(list(ids), batch_first=True),
        "token_type_ids": pad_sequence(list(segments), batch_first=True),
        "attention_mask": pad_sequence([torch.ones_like(i) for i in ids], batch_first=True),
    }
    if kind != "choice":
        return inputs
    return {name: rows.unflatten(0, (len(batch.sizes), -1)) for name, rows in inputs.items()}


def groups(model: torch.nn.Module, decay: float) -> list[dict[str, object]]:
    """Norms and biases do not decay."""
    apart: tuple[list[torch.nn.Parameter], list[torch.nn.Parameter]] = ([], [])
    for name, parameter in model.named_parameters():
        free = name.endswith("bias") or "layernorm" in name.lower().replace("_", "")
        apart[free].append(parameter)
    return [
        {"params": apart[0], "weight_decay": decay},
        {"params": apart[1], "weight_decay": 0.0},
    ]


RATES = [("classification", 1e-2), ("regression", 5e-3), ("choice", 2e-3)]


@pytest.mark.parametrize(("kind", "rate"), RATES)
def test_the_loss_of_fifty_steps_is_that_of_transformers(kind: str, rate: float, tmp_path: Path):
    torch.set_num_threads(1)
    base = lively_model(tmp_path / "base")
    source = table_source(kind, table_of(kind, tmp_path), None)
    asked = quick_settings(
        table={"kind": kind},
        course=COURSE,
        optimizer={"optimizer": "torch-adamw"},
        schedule={"learning_rate": rate, "warmup": 0.1},
        training={"evaluate_every": STEPS, "log_every": 1},
    )
    outcome = finetune(base, source, tmp_path / "run", asked)
    ours = [line["loss"] for line in read_metrics(tmp_path / "run" / "metrics.jsonl", "train")]

    settings = FinetuneSettings.parse(outcome.record.settings)
    origin = Origin.of(base)
    data = source.load(settings, origin.config, origin.tokenizer)
    run = assemble(origin, KINDS[kind], data, settings, settings.machine)
    save_model(tmp_path / "start", run.model, origin.tokenizer, run.task.as_dict())
    theirs = getattr(transformers, CLASSES[kind]).from_pretrained(tmp_path / "start")
    theirs.train()
    decay = settings.optimizer.weight_decay
    optimizer = torch.optim.AdamW(groups(theirs, decay), lr=1.0, eps=settings.optimizer.epsilon)
    losses, position = [], Position()
    for step in range(STEPS):
        parts, position = run.trainable.batch(position)
        (batch,) = [part.data for part in parts]
        wanted = torch.float32 if kind == "regression" else torch.long
        labels = torch.tensor(batch.targets, dtype=wanted)
        loss = theirs(**padded(kind, batch), labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), settings.training.max_gradient_norm)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(settings.schedule, step, STEPS)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert len(ours) == STEPS
    assert ours == pytest.approx(losses, abs=1e-3)
    assert sum(ours[-10:]) < 0.95 * sum(ours[:10])
