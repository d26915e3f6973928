import pytest

from litebert.foundation.errors import DataError
from litebert.tasks.faults import Faults, Loaded


def test_without_faults_the_examples_are_what_they_are():
    assert Faults("rows.tsv").settle([1, 2], skip_bad=False) == Loaded([1, 2])


def test_the_first_fault_is_told_with_the_number_of_all():
    faults = Faults("rows.tsv")
    faults.add("rows.tsv, line 3", "no text")
    with pytest.raises(DataError) as raised:
        faults.settle([1], skip_bad=False)
    assert str(raised.value) == "rows.tsv, line 3: no text: mend it, or go on without (--skip-bad)"
    faults.add("rows.tsv, line 9", "no label", count=1200)
    with pytest.raises(DataError, match="no text; 1,201 rows are bad in all: mend them, or"):
        faults.settle([1], skip_bad=False)


def test_what_is_left_out_is_counted():
    faults = Faults("rows.tsv", "questions")
    faults.add("line 3", "no text", count=2)
    loaded = faults.settle([1, 2, 3], skip_bad=True)
    assert (loaded.examples, loaded.skipped) == ([1, 2, 3], 2)
    assert loaded.remark == "2 of 5 questions left out, the first being line 3: no text"


def test_nothing_left_is_a_fault_too():
    with pytest.raises(DataError, match=r"rows\.tsv has no rows that can be used$"):
        Faults("rows.tsv").settle([], skip_bad=True)
    faults = Faults("rows.tsv")
    faults.add("line 1", "no text")
    for skip_bad in (True, False):
        with pytest.raises(DataError, match=r"can be used; the first fault is line 1: no text$"):
            faults.settle([], skip_bad)


def test_lists_of_faults_are_counted_together():
    first, second = Faults("rows.tsv"), Faults("rows.tsv")
    second.add("line 4", "short", count=3)
    first.include(second)
    assert first.settle([0], skip_bad=True).skipped == 3
