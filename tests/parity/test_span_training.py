"""Fine-tuning on questions in transformers, from the same weights: the same losses."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from fakes import tiny_config
from in_transformers import load_in_transformers
from litebert.encoder.models import SpanModel
from litebert.foundation.randomness import Position
from litebert.optim.build import build_optimizer
from litebert.tasks.finetuning.trainable import Split, TaskTrainable
from litebert.tasks.kind import ItemBatch
from litebert.tasks.span.kind import SPAN
from litebert.tasks.span.task import SpanTask
from litebert.tasks.squad.data import read_squad
from litebert.training.step import MicroBatch, train_step
from litebert.weights.folder import save_model
from questions import squad_content, write_squad
from small_models import small_tokenizer

STEPS, BATCH, PEAK = 50, 8, 2e-3


def learning_rate(step: int) -> float:
    return PEAK * (1 - step / STEPS)


def trainable(folder: Path) -> TaskTrainable:
    torch.manual_seed(0)
    tokenizer = small_tokenizer()
    still = {f"{name}_prob": 0.0 for name in ("hidden_dropout", "attention_probs_dropout")}
    model = SpanModel(tiny_config(vocab_size=tokenizer.vocab_size, **still))
    save_model(folder / "model", model, tokenizer)
    task = SpanTask(max_length=32, doc_stride=10, max_query_length=10)
    questions = read_squad(write_squad(folder / "q.json", squad_content())).examples
    split = Split.of(SPAN, questions, task, tokenizer)
    return TaskTrainable(SPAN, task, model, split, split, BATCH, 1, torch.device("cpu"), 200)


def windows(micro_batches: list[MicroBatch]) -> list[dict[str, torch.Tensor]]:
    """Each window of a batch as transformers takes it, alone: its loss sees no padding."""
    found = []
    for micro_batch in micro_batches:
        data: ItemBatch = micro_batch.data
        lengths = list(data.layout.lengths)
        rows = zip(data.input_ids.split(lengths), data.segment_ids.split(lengths), strict=True)
        for (ids, segments), target in zip(rows, data.targets, strict=True):
            found.append(
                {
                    "input_ids": ids[None],
                    "token_type_ids": segments[None],
                    "start_positions": torch.tensor([target.start_position]),
                    "end_positions": torch.tensor([target.end_position]),
                }
            )
    return found


def adam_w(model: nn.Module) -> torch.optim.AdamW:
    """As transformers' own training has it: norms and biases do not decay."""
    plain, decaying = [], []
    for name, parameter in model.named_parameters():
        (plain if "bias" in name or "norm" in name.lower() else decaying).append(parameter)
    groups = [{"params": plain, "weight_decay": 0.0}, {"params": decaying, "weight_decay": 0.01}]
    return torch.optim.AdamW(groups, lr=PEAK, eps=1e-6)


def test_the_losses_of_fifty_steps_are_those_of_transformers(tmp_path):
    ours = trainable(tmp_path)
    theirs = load_in_transformers(tmp_path / "model").train()
    optimizer = build_optimizer("torch-adamw", ours.model.named_parameters(), PEAK)
    other = adam_w(theirs)
    position, losses = Position(), []
    for step in range(STEPS):
        micro_batches, position = ours.batch(position)
        batch = windows(micro_batches)
        expected = 0.0
        for window in batch:
            loss = theirs(**window).loss / len(batch)
            loss.backward()
            expected += loss.item()
        nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        for group in other.param_groups:
            group["lr"] = learning_rate(step)
        other.step()
        other.zero_grad()
        outcome = train_step(ours, micro_batches, optimizer, learning_rate(step), 1.0, 0)
        losses.append((outcome.loss, expected))
    found, wanted = np.array(losses).T
    np.testing.assert_allclose(found, wanted, atol=1e-3, rtol=0)
    assert found[-5:].mean() < 0.8 * found[:5].mean()
