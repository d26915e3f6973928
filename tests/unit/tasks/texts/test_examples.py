from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.foundation.errors import DataError
from litebert.tasks.task import Example
from litebert.tasks.texts.examples import (
    check_labels,
    distinct_labels,
    read_examples,
    score_groups,
    split_examples,
)

HERE = Path("table.csv")


def examples(*labels: str) -> list[Example]:
    return [Example(f"text {i}", None, label, i + 2) for i, label in enumerate(labels)]


def table(folder: Path, content: str) -> Path:
    path = folder / "table.csv"
    path.write_text(content, "utf-8")
    return path


def test_examples_carry_text_pair_label_and_line(tmp_path: Path):
    path = table(tmp_path, "a,b,label\none,two, x \nthree,,y\n")
    assert read_examples(path, "a", "label", "b").examples == [
        Example("one", "two", "x", 2),
        Example("three", "", "y", 3),
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text,label\n", "has columns but no rows"),
        ("text,label\nfine,x\n  ,x\n", 'line 3: no text in column "text"'),
        ("text,label\nfine,x\nfine, \n", 'line 3: no label in column "label"'),
        ("text,other\nfine,x\n", 'no column "label"; its columns are: text, other'),
    ],
)
def test_rows_that_cannot_be_examples_are_refused(tmp_path: Path, content: str, message: str):
    with pytest.raises(DataError, match=message):
        read_examples(table(tmp_path, content), "text", "label")


def test_bad_rows_are_counted_and_left_out_where_asked(tmp_path: Path):
    path = table(tmp_path, "text,label\none,x\ntwo\nthree,\n,y\nfive,y\n")
    with pytest.raises(DataError, match=r"line 3: 1 field .*; 3 rows are bad in all: mend them"):
        read_examples(path, "text", "label")
    loaded = read_examples(path, "text", "label", skip_bad=True)
    assert [example.line for example in loaded.examples] == [2, 6]
    assert loaded.skipped == 3
    assert loaded.remark.startswith("3 of 5 rows left out, the first being")


def test_bad_json_lines_are_left_out_where_asked(tmp_path: Path):
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "a", "label": 1}\n{"text": \n[]\n{"text": ["b"], "label": 2}\n')
    loaded = read_examples(path, "text", "label", skip_bad=True)
    assert [example.label for example in loaded.examples] == ["1"]
    assert loaded.skipped == 3


def test_a_number_is_asked_for_where_numbers_are_learnt(tmp_path: Path):
    path = table(tmp_path, 'text,label\na,1.5\nb,-2e3\nc,"3,5"\nd,nan\n')
    with pytest.raises(DataError, match=r'line 4: "3,5" in column "label" is not a number; 2 rows'):
        read_examples(path, "text", "label", number=True)
    loaded = read_examples(path, "text", "label", skip_bad=True, number=True)
    assert [example.score for example in loaded.examples] == [1.5, -2000.0]


def test_scores_are_held_out_from_every_tenth_of_their_range():
    rows = examples(*(str(i * 7 % 100) for i in range(100)))
    training, validation = split_examples(rows, 0.1, seed=3, groups=score_groups(rows))
    assert (len(training), len(validation)) == (90, 10)
    assert sorted(int(example.score) // 10 for example in validation) == list(range(10))


def test_labels_are_sorted_and_numbers_by_size():
    assert distinct_labels(examples("b", "a", "b"), HERE, "label") == ("a", "b")
    assert distinct_labels(examples("10", "9", "-1", "9"), HERE, "label") == ("-1", "9", "10")


def test_one_class_only_is_refused():
    with pytest.raises(DataError, match='every row has the label "x" in column "c"'):
        distinct_labels(examples("x", "x"), HERE, "c")


def test_a_column_that_holds_no_labels_is_refused():
    with pytest.raises(DataError, match='no label occurs twice in column "id"'):
        distinct_labels(examples("1", "2", "3"), HERE, "id")


def test_labels_unseen_in_training_are_listed_with_their_first_line():
    with pytest.raises(DataError, match=r'"z" \(line 3\), "w" \(line 4\); the model knows: a, b'):
        check_labels(examples("a", "z", "w", "z"), ("a", "b"), HERE)
    many = examples(*(f"new {i}" for i in range(30)))
    with pytest.raises(DataError, match="and 20 more; the model knows"):
        check_labels(many, ("a", "b"), HERE)
    check_labels(examples("a", "b"), ("a", "b"), HERE)


label_lists = st.lists(st.sampled_from("abcd"), min_size=2, max_size=120)


@given(label_lists, st.floats(0.01, 0.9), st.integers(0, 5))
def test_the_split_keeps_every_row_once_and_every_label_in_training(
    labels: list[str], fraction: float, seed: int
):
    rows = examples(*labels)
    train, held_out = split_examples(rows, fraction, seed)
    assert sorted([*train, *held_out], key=lambda e: e.line) == rows
    assert {e.label for e in train} == set(labels)
    assert held_out or len(set(labels)) == len(labels)
    in_all, in_held_out = Counter(labels), Counter(e.label for e in held_out)
    for label, count in in_all.items():
        assert abs(in_held_out[label] - count * fraction) <= 1 or in_held_out[label] == count - 1


def test_the_split_depends_on_the_seed_alone():
    rows = examples(*"ab" * 50)
    assert split_examples(rows, 0.2, 1) == split_examples(rows, 0.2, 1)
    assert split_examples(rows, 0.2, 1) != split_examples(rows, 0.2, 2)
    _, held_out = split_examples(rows, 0.2, 1)
    assert Counter(e.label for e in held_out) == {"a": 10, "b": 10}


def test_labels_that_only_look_like_numbers_are_sorted_as_texts():
    assert distinct_labels(examples("--5", "3", "3", "20"), HERE, "label") == ("--5", "20", "3")


@pytest.mark.parametrize("count", range(3, 25))
def test_numbers_of_any_few_rows_leave_some_to_validate_on(count: int):
    rows = examples(*map(str, range(count)))
    training, validation = split_examples(rows, 0.1, 1, score_groups(rows))
    assert validation
    assert len(training) + len(validation) == count
