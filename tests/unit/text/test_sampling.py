"""The sample: everything in order while it fits, then a uniform draw that only the seed decides."""

import numpy as np

from litebert.text.sampling import Sample


def draw(size, seed, count, characters=10**9):
    sample = Sample(size, characters, seed)
    sample.add(f"{number:03d}" for number in range(count))
    assert sample.seen == count
    return sample.take()


def test_all_lines_that_fit_stay_in_order():
    assert draw(10, 1, 10) == [f"{number:03d}" for number in range(10)]


def test_the_sample_is_ordered_and_depends_on_the_seed_alone():
    lines = draw(10, 1, 1000)
    assert len(lines) == 10
    assert lines == sorted(lines)
    assert lines == draw(10, 1, 1000)
    assert lines != draw(10, 2, 1000)


def test_characters_bound_the_sample_too():
    assert draw(1000, 1, 1000, characters=30) == draw(10, 1, 1000)


def test_adding_in_portions_changes_nothing():
    sample = Sample(7, 10**9, 3)
    for start in range(0, 300, 50):
        sample.add(f"{number:03d}" for number in range(start, start + 50))
    assert sample.take() == draw(7, 3, 300)


def test_every_line_is_equally_likely():
    counts = np.zeros(50)
    for seed in range(1000):
        counts[[int(line) for line in draw(10, seed, 50)]] += 1
    # 200 of 1,000 draws expected for each; four standard deviations are 51
    assert abs(counts - 200).max() < 51
