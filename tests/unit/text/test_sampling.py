"""The sample: everything in order while it fits, then a uniform draw that only the seed decides."""

import numpy as np

from litebert.text.sampling import Reservoir


def draw(size, seed, count):
    reservoir = Reservoir(size, seed)
    reservoir.add(str(number) for number in range(count))
    assert reservoir.seen == count
    return reservoir.lines


def test_all_lines_that_fit_stay_in_order():
    assert draw(10, 1, 10) == [str(number) for number in range(10)]


def test_the_sample_has_its_size_and_depends_on_the_seed_alone():
    assert len(draw(10, 1, 1000)) == 10
    assert draw(10, 1, 1000) == draw(10, 1, 1000)
    assert draw(10, 1, 1000) != draw(10, 2, 1000)


def test_adding_in_portions_changes_nothing():
    reservoir = Reservoir(7, 3)
    for start in range(0, 300, 50):
        reservoir.add(str(number) for number in range(start, start + 50))
    assert reservoir.lines == draw(7, 3, 300)


def test_every_line_is_equally_likely():
    counts = np.zeros(50)
    for seed in range(1000):
        counts[[int(line) for line in draw(10, seed, 50)]] += 1
    # 200 of 1,000 draws expected for each; four standard deviations are 51
    assert abs(counts - 200).max() < 51
