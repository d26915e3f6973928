from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from fakes import tiny_config
from litebert.encoder.layout import Packed
from litebert.encoder.models import ClassificationModel
from litebert.foundation.errors import ConfigError
from litebert.inference.engine import Engine, EngineSettings, TokenSequence, token_batches

LONGEST = 32


def sequence(length: int, seed: int) -> TokenSequence:
    draws = np.random.default_rng([length, seed])
    return TokenSequence.of(draws.integers(1, 40, length), draws.integers(0, 2, length))


def first_ids(ids: Tensor, _: Tensor, layout: Packed) -> Tensor:
    """A stand-in for a model: each sequence's first id and its length."""
    return torch.stack([ids[layout.starts], torch.tensor(layout.lengths)], dim=1)


@pytest.fixture(scope="module")
def model() -> ClassificationModel:
    torch.manual_seed(0)
    model = ClassificationModel(tiny_config(initializer_range=0.5), classes=3)
    return model.eval()


@settings(deadline=None, max_examples=25)
@given(
    lengths=st.lists(st.integers(1, LONGEST), max_size=40),
    max_tokens=st.integers(LONGEST, 200),
    look_ahead=st.integers(1, 50),
)
def test_results_do_not_depend_on_batching(
    model: ClassificationModel, lengths: list[int], max_tokens: int, look_ahead: int
):
    sequences = [sequence(length, i) for i, length in enumerate(lengths)]
    alone = Engine(model, LONGEST, EngineSettings(look_ahead=1))
    engine = Engine(model, LONGEST, EngineSettings(max_tokens=max_tokens, look_ahead=look_ahead))
    expected, found = list(alone.run(sequences)), list(engine.run(sequences))
    assert len(found) == len(sequences)
    for a, b in zip(expected, found, strict=True):
        assert b.shape == (3,)
        assert b.dtype == np.float32
        np.testing.assert_allclose(a, b, atol=1e-5, rtol=0)


@given(st.lists(st.integers(1, LONGEST), max_size=60), st.integers(1, 20))
def test_the_order_of_the_input_is_kept(lengths: list[int], look_ahead: int):
    sequences = [sequence(length, i) for i, length in enumerate(lengths)]
    engine = Engine(first_ids, LONGEST, EngineSettings(max_tokens=64, look_ahead=look_ahead))
    rows = [tuple(row) for row in engine.run(sequences)]
    assert rows == [(s.ids[0], len(s)) for s in sequences]


@given(st.lists(st.integers(1, LONGEST), max_size=60), st.integers(1, 20))
def test_a_sequence_may_give_a_row_for_each_of_its_tokens(lengths: list[int], look_ahead: int):
    def doubled(ids: Tensor, segment_ids: Tensor, layout: Packed) -> list[Tensor]:
        return list(torch.stack([ids, segment_ids], dim=1).split(list(layout.lengths)))

    sequences = [sequence(length, i) for i, length in enumerate(lengths)]
    engine = Engine(doubled, LONGEST, EngineSettings(max_tokens=64, look_ahead=look_ahead))
    found = list(engine.run(sequences))
    assert len(found) == len(sequences)
    for rows, given_ in zip(found, sequences, strict=True):
        np.testing.assert_array_equal(rows, np.stack([given_.ids, given_.segment_ids], axis=1))


def test_results_come_while_the_input_is_still_being_read():
    read: list[int] = []

    def endless() -> Iterator[TokenSequence]:
        while True:
            read.append(1)
            yield sequence(3, len(read))

    results = Engine(first_ids, LONGEST, EngineSettings(look_ahead=4)).run(endless())
    for _ in range(6):
        next(results)
    assert len(read) == 8


def test_a_budget_below_the_longest_text_refuses_to_start():
    with pytest.raises(ConfigError, match="max_tokens: 31 is less than one text may have"):
        Engine(first_ids, LONGEST, EngineSettings(max_tokens=31))


@given(st.lists(st.integers(1, 50), max_size=80), st.integers(50, 120))
def test_batches_hold_every_index_once_within_the_budget(lengths: list[int], budget: int):
    batches = token_batches(lengths, budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert all(sum(lengths[i] for i in batch) <= budget for batch in batches)
    flat = [lengths[i] for batch in batches for i in batch]
    assert flat == sorted(lengths, reverse=True)


def test_a_sequence_beyond_the_budget_is_refused():
    with pytest.raises(ValueError, match="51 tokens exceeds 50"):
        token_batches([51], 50)


def test_the_number_of_threads_is_put_back():
    seen: list[int] = []

    def count(ids: Tensor, segment_ids: Tensor, layout: Packed) -> Tensor:
        seen.append(torch.get_num_threads())
        return first_ids(ids, segment_ids, layout)

    before = torch.get_num_threads()
    list(Engine(count, LONGEST, EngineSettings(threads=1)).run([sequence(2, 0)]))
    assert seen == [1]
    assert torch.get_num_threads() == before
