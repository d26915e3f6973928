from collections.abc import Sequence
from functools import cache
from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from litebert.encoder.models import ClassificationModel
from litebert.foundation.randomness import Position
from litebert.tasks.finetuning.trainable import Split, TaskTrainable
from litebert.tasks.kind import ItemBatch
from litebert.tasks.metrics import accuracy, confusion_matrix, macro_f1
from litebert.tasks.task import ClassificationTask, Example
from litebert.tasks.texts.classification import CLASSIFICATION
from litebert.training.step import MicroBatch
from small_models import sentences, small_tokenizer

LABELS = ("bad", "good", "so-so")


TASK = ClassificationTask(labels=LABELS, max_length=32)


@cache
def split(count: int, seed: int = 0) -> Split:
    rows = [Example(text, None, label) for text, label in sentences(count, seed)]
    return Split.of(CLASSIFICATION, rows, TASK, small_tokenizer())


def trainable(model: ClassificationModel, rows: int = 21, **changes: object) -> TaskTrainable:
    values = {
        "task": TASK,
        "training": split(rows),
        "validation": split(10, 1),
        "batch_size": 4,
        "seed": 1,
        "device": torch.device("cpu"),
        "micro_tokens": 64,
    }
    return TaskTrainable(CLASSIFICATION, model=model, **{**values, **changes})  # type: ignore[arg-type]


def rows_of(batch: Sequence[MicroBatch]) -> list[tuple[tuple[int, ...], int]]:
    """The (ids, label) of every example in a batch, in some order of its own."""
    rows = []
    for micro_batch in batch:
        data: ItemBatch = micro_batch.data
        parts = torch.split(data.input_ids, list(data.layout.lengths))
        rows += [(tuple(p.tolist()), int(n)) for p, n in zip(parts, data.targets, strict=True)]
    return sorted(rows)


def epoch_of(task: TaskTrainable, epoch: int) -> list[list[tuple[tuple[int, ...], int]]]:
    position, batches = Position(epoch, 0), []
    while position.epoch == epoch:
        batch, position = task.batch(position)
        batches.append(rows_of(batch))
    assert position == Position(epoch + 1, 0)
    return batches


def test_an_epoch_holds_every_example_once_in_an_order_of_its_own(classifier):
    task = trainable(classifier)
    all_rows = sorted(
        (tuple(one.sequences[0].ids.tolist()), LABELS.index(example.label))
        for example, one in zip(split(21).examples, split(21).encoded, strict=True)
    )
    first, second = epoch_of(task, 0), epoch_of(task, 1)
    assert sorted(chain(*first)) == sorted(chain(*second)) == all_rows
    assert first != second
    assert [len(batch) for batch in first] == [4, 4, 4, 4, 4, 1]
    assert len(first) == task.steps_per_epoch


def test_a_batch_is_a_function_of_seed_and_position(classifier):
    position = Position(3, 8)
    batch, after = trainable(classifier).batch(position)
    again, _ = trainable(classifier).batch(position)
    other, _ = trainable(classifier, seed=2).batch(position)
    assert after == Position(3, 12)
    assert rows_of(batch) == rows_of(again) != rows_of(other)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(32, 120))
def test_micro_batches_keep_within_their_limits(
    classifier, batch_size: int, examples: int, tokens: int
):
    limits = {"micro_batch_size": examples, "micro_tokens": tokens}
    task = trainable(classifier, batch_size=batch_size, **limits)
    batch, _ = task.batch(Position())
    assert all(m.tokens == len(m.data.input_ids) <= tokens for m in batch)
    assert all(1 <= len(m.data.targets) <= examples for m in batch)
    assert sum(m.weights["label"] for m in batch) == batch_size


def test_micro_batches_give_the_gradient_of_the_whole_batch(classifier):
    def gradient(**limits: int) -> torch.Tensor:
        task = trainable(classifier, batch_size=8, **limits)
        batch, _ = task.batch(Position())
        loss = torch.stack([task.losses(m)["label"].total for m in batch]).sum()
        return torch.autograd.grad(loss, classifier.encoder.pooler.weight)[0]

    whole, parts = gradient(micro_tokens=1000), gradient(micro_tokens=40, micro_batch_size=2)
    torch.testing.assert_close(whole, parts, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_the_score_is_the_metric_with_ties_settled_by_the_loss(classifier, metric: str):
    validation = split(30, 2)
    task = TASK.changed(metric=metric)
    run = trainable(classifier, task=task, validation=validation)
    found = run.evaluate()
    sequences = [one.sequences[0] for one in validation.encoded]
    truth = [LABELS.index(example.label) for example in validation.examples]
    logits = np.stack(list(run._engine.run(sequences)))
    predicted = logits.argmax(1)
    assert found["accuracy"] == accuracy(truth, predicted)
    assert found["macro_f1"] == macro_f1(confusion_matrix(truth, predicted, 3))
    expected = torch.nn.functional.cross_entropy(
        torch.from_numpy(logits).double(), torch.tensor(truth)
    )
    assert found["loss"] == pytest.approx(float(expected), abs=1e-12)
    assert 0 < found[metric] - found["score"] < 1e-6
