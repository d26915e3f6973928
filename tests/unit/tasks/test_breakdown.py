import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.tasks.breakdown import PARTS, Group, groups_by_name, groups_by_size


def test_groups_by_name_keep_the_order_asked_for_and_leave_out_what_there_is_none_of():
    scores = [(1.0, 0.5), (0.0, 0.5), (1.0, 1.0)]
    found = list(groups_by_name(["who", "how", "who"], scores, ("how", "why", "who")))
    assert found == [Group("how", 1, (0.0, 0.5)), Group("who", 2, (1.0, 0.75))]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=60))
def test_groups_by_size_hold_every_example_once_and_one_size_together(sizes: list[int]):
    groups = list(groups_by_size(sizes, [(float(size),) for size in sizes]))
    assert 1 <= len(groups) <= PARTS
    assert sum(group.count for group in groups) == len(sizes)
    bounds = [[int(n) for n in group.name.split(" to ")] for group in groups]
    edges = [edge for bound in bounds for edge in (bound[0], bound[-1])]
    assert edges == sorted(edges)
    assert len({bound[0] for bound in bounds}) == len(groups)
    for group, bound in zip(groups, bounds, strict=True):
        chosen = [size for size in sizes if bound[0] <= size <= bound[-1]]
        assert group.count == len(chosen)
        assert group.means[0] == pytest.approx(sum(chosen) / len(chosen))
