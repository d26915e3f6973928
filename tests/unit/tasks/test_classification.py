from collections.abc import Sequence
from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from litebert.encoder.models import ClassificationModel
from litebert.foundation.randomness import Position
from litebert.tasks.classification import Classification, Tensors
from litebert.tasks.features import Features, featurise
from litebert.tasks.metrics import accuracy, confusion_matrix, macro_f1
from litebert.tasks.task import Example, Task
from litebert.training.step import MicroBatch
from small_models import sentences, small_tokenizer

LABELS = ("bad", "good", "so-so")


def features(count: int, seed: int = 0) -> Features:
    rows = [Example(text, None, label) for text, label in sentences(count, seed)]
    return featurise(rows, LABELS, small_tokenizer(), 32)


def trainable(model: ClassificationModel, rows: int = 21, **changes: object) -> Classification:
    values = {"batch_size": 4, "seed": 1, "device": torch.device("cpu"), "micro_tokens": 64}
    task = Task(labels=LABELS, max_length=32)
    return Classification(model, task, features(rows), features(10, 1), **{**values, **changes})  # type: ignore[arg-type]


def rows_of(batch: Sequence[MicroBatch]) -> list[tuple[tuple[int, ...], int]]:
    """The (ids, label) of every example in a batch, in some order of its own."""
    rows = []
    for micro_batch in batch:
        data: Tensors = micro_batch.data
        parts = torch.split(data.input_ids, list(data.layout.lengths))
        rows += [(tuple(p.tolist()), int(n)) for p, n in zip(parts, data.labels, strict=True)]
    return sorted(rows)


def epoch_of(task: Classification, epoch: int) -> list[list[tuple[tuple[int, ...], int]]]:
    position, batches = Position(epoch, 0), []
    while position.epoch == epoch:
        batch, position = task.batch(position)
        batches.append(rows_of(batch))
    assert position == Position(epoch + 1, 0)
    return batches


def test_an_epoch_holds_every_example_once_in_an_order_of_its_own(classifier):
    task = trainable(classifier)
    all_rows = sorted(
        (tuple(s.ids.tolist()), label)
        for s, label in zip(features(21).sequences, features(21).labels, strict=True)
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
    assert all(1 <= len(m.data.labels) <= examples for m in batch)
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
    validation = features(30, 2)
    task = Task(labels=LABELS, max_length=32, metric=metric)
    run = Classification(
        classifier, task, features(4), validation, 4, 1, torch.device("cpu"), micro_tokens=64
    )
    found = run.evaluate()
    logits = np.stack(list(run._engine.run(validation.sequences)))
    predicted = logits.argmax(1)
    assert found["accuracy"] == accuracy(validation.labels, predicted)
    assert found["macro_f1"] == macro_f1(confusion_matrix(validation.labels, predicted, 3))
    expected = torch.nn.functional.cross_entropy(
        torch.from_numpy(logits).double(), torch.tensor(validation.labels)
    )
    assert found["loss"] == pytest.approx(float(expected), abs=1e-12)
    assert 0 < found[metric] - found["score"] < 1e-6
