"""Keyed draws repeat, differ by key, and shuffle as bijections."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.foundation.randomness import (
    KeyedStream,
    KeyedUniforms,
    Permutation,
    derive_seed,
    generator,
)


def test_draws_depend_on_seed_and_every_part_of_the_key() -> None:
    first = generator(1, "masks", 3).random(4)
    assert np.array_equal(first, generator(1, "masks", 3).random(4))
    for other in (generator(2, "masks", 3), generator(1, "order", 3), generator(1, "masks", 4)):
        assert not np.array_equal(first, other.random(4))
    assert derive_seed(1, "1") != derive_seed(1, 1)
    assert derive_seed(1, 12, 3) != derive_seed(1, 1, 23)


def test_the_numbers_are_those_of_the_first_version() -> None:
    """A change here would silently change every run's data order."""
    assert derive_seed(7, "instance", 0) == 0x8AB9751187F482B9ADEE9B4B8DD36BD2
    assert generator(7, "x").integers(0, 1000, 5).tolist() == [74, 436, 416, 843, 420]
    order = [Permutation(10, 7, "order")[i] for i in range(10)]
    assert order == [4, 1, 9, 6, 7, 3, 8, 0, 5, 2]


def test_a_stream_gives_each_index_its_own_draws_in_any_order() -> None:
    stream = KeyedStream(3, "instance")
    forward = [stream.at(i).integers(0, 2**60) for i in range(50)]
    backward = [stream.at(i).integers(0, 2**60) for i in reversed(range(50))]
    assert forward == backward[::-1]
    assert len(set(forward)) == 50


@given(size=st.integers(0, 700), seed=st.integers(0, 99))
def test_a_permutation_visits_every_index_once(size: int, seed: int) -> None:
    permutation = Permutation(size, seed, "order")
    order = permutation.take(np.arange(size, dtype=np.uint64))
    assert sorted(order.tolist()) == list(range(size))
    assert all(permutation[i] == order[i] for i in range(0, size, 97))


def test_a_permutation_of_a_large_range_is_shuffled() -> None:
    size = 10**12 + 7
    order = Permutation(size, 1)
    values = [order[i] for i in range(200)]
    assert len(set(values)) == 200
    assert max(values) < size
    assert np.mean(values) == pytest.approx(size / 2, rel=0.15)
    with pytest.raises(IndexError):
        order[size]


def test_keyed_uniforms_are_pure_even_and_unrelated() -> None:
    indices = np.arange(50_000)
    values = KeyedUniforms(1, "x").at(indices)
    assert np.array_equal(values[[7, 3]], KeyedUniforms(1, "x").at(np.array([7, 3])))
    assert values.min() >= 0
    assert values.max() < 1
    counts = np.histogram(values, 50, (0, 1))[0]
    assert np.abs(counts - 1000).max() < 150
    for other in (values[1:], KeyedUniforms(1, "y").at(indices), KeyedUniforms(2, "x").at(indices)):
        assert abs(np.corrcoef(values[: len(other)], other)[0, 1]) < 0.02
