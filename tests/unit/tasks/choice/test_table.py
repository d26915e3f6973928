import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from litebert.foundation.errors import DataError
from litebert.tasks.choice.questions import ChoiceExample
from litebert.tasks.choice.table import read_questions, split_by_article

COLUMNS = {"article": "article", "question": "question", "options": "options", "label": "answer"}
ROW = {
    "article": "A heron stood in the river.",
    "question": "It saw _ .",
    "options": ["a fish", "a boat", "nothing"],
    "answer": "B",
}


def write_jsonl(folder: Path, *rows: dict) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", "utf-8")
    return path


def write_csv(folder: Path, *rows: list[str]) -> Path:
    path = folder / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def read(path: Path, skip_bad: bool = False, **columns: str):
    return read_questions(path, {**COLUMNS, **columns}, skip_bad)


def test_options_stand_in_a_list(tmp_path):
    path = write_jsonl(tmp_path, ROW, {**ROW, "options": ["1", 2], "answer": "A"})
    first, second = read(path).examples
    assert first == ChoiceExample(
        "line 1", ROW["article"], "It saw _ .", ("a fish", "a boat", "nothing"), 1
    )
    assert (second.options, second.label) == (("1", "2"), 0)


def test_parquet_and_csv_give_the_same_list(tmp_path):
    pyarrow.parquet.write_table(pa.Table.from_pylist([ROW]), tmp_path / "rows.parquet")
    values = {**ROW, "options": json.dumps(ROW["options"])}
    path = write_csv(tmp_path, list(values), list(values.values()))
    [one] = read(tmp_path / "rows.parquet").examples
    [other] = read(path).examples
    assert (one.options, one.label) == (other.options, other.label) == (tuple(ROW["options"]), 1)
    assert one.id == "row 1"


NAMES = [
    ("options", ["option_a", "option_b", "option_c"]),
    ("options", ["OptionA", "optionB", "optionC"]),
    ("options", ["option_1", "option_2", "option_3"]),
    ("endings", ["ending0", "ending1", "ending2"]),
    ("ending", ["ending2", "ending0", "ending1"]),
]


@pytest.mark.parametrize(("name", "columns"), NAMES)
def test_options_stand_in_columns_of_their_own(tmp_path, name, columns):
    order = sorted(columns)
    row = ["The fox slept.", "Who?", *(f"at {order.index(c)}" for c in columns), "C"]
    path = write_csv(tmp_path, ["article", "question", *columns, "answer"], row)
    [example] = read(path, options=name).examples
    assert (example.options, example.label) == (("at 0", "at 1", "at 2"), 2)


def test_empty_columns_at_the_end_are_no_options(tmp_path):
    header = ["article", "question", "option_a", "option_b", "option_c", "answer"]
    path = write_csv(
        tmp_path, header, ["A.", "Q?", "x", "y", "", "B"], ["A.", "Q?", "x", "y", "z", "C"]
    )
    assert [len(example.options) for example in read(path).examples] == [2, 3]


def test_the_answer_is_a_letter_or_the_text_of_an_option(tmp_path):
    rows = [{**ROW, "answer": answer} for answer in ("C", "c", "nothing", " nothing ")]
    assert {example.label for example in read(write_jsonl(tmp_path, *rows)).examples} == {2}


def test_the_answer_may_be_the_number_in_its_columns_name(tmp_path):
    for columns in (["ending0", "ending1"], ["ending1", "ending2"]):
        path = write_csv(
            tmp_path,
            ["article", "question", *columns, "answer"],
            ["A.", "Q?", "x", "y", "1"],
            ["A.", "Q?", "1", "y", "1"],
        )
        assert read(path, options="endings", skip_bad=True).examples[0].label == int(
            columns[0] == "ending0"
        )
        if columns[0] == "ending0":
            with pytest.raises(DataError, match='the answer "1" may be option A and B'):
                read(path, options="endings")


BAD = [
    ({"answer": "D"}, 'the answer "D" is none of the letters A to C, nor one of the options'),
    ({"answer": 1}, 'the answer "1" is none of the letters A to C'),
    ({"answer": None}, 'the answer "" is none of'),
    ({"options": ["B", "A", "c"], "answer": "A"}, 'the answer "A" may be option A and B'),
    ({"options": ["x", "x"], "answer": "x"}, 'the answer "x" may be option A and B'),
    ({"options": ["a fish"]}, "1 option where 2 to 26 are expected"),
    ({"options": ["x"] * 27}, "27 options where 2 to 26 are expected"),
    ({"options": "a fish, a boat"}, 'no list of texts in column "options", such as'),
    ({"options": ["a fish", None]}, 'no list of texts in column "options"'),
    ({"options": None}, 'no list of texts in column "options"'),
    ({"article": " "}, 'no text in column "article": mend it'),
    ({"question": ""}, 'no text in column "question"'),
    ({"article": ["A."]}, '"article" holds a list where a text is expected'),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_a_bad_row_is_named_by_its_line_or_left_out(tmp_path, change, message):
    path = write_jsonl(tmp_path, ROW, {**ROW, **change})
    with pytest.raises(DataError) as raised:
        read(path)
    assert str(raised.value).startswith(f"{path}, line 2: {message}")
    loaded = read(path, skip_bad=True)
    assert (len(loaded.examples), loaded.skipped) == (1, 1)
    assert loaded.remark.startswith("1 of 2 rows left out, the first being")


def test_an_empty_option_between_others_is_named(tmp_path):
    header = ["article", "question", "option_a", "option_b", "option_c", "answer"]
    path = write_csv(tmp_path, header, ["A.", "Q?", "x", " ", "z", "A"])
    with pytest.raises(DataError, match='line 2: no option in column "option_b" but one behind it'):
        read(path)


def test_missing_columns_are_named_with_those_there_are(tmp_path):
    path = write_csv(tmp_path, ["article", "question", "option_a", "option_c", "answer"])
    with pytest.raises(
        DataError,
        match=r'no column "options"; its columns are: .*, nor columns option_a, option_b and so '
        "on; of option_a, option_c some are missing",
    ):
        read(path)
    with pytest.raises(DataError, match='has no column "context"'):
        read(path, article="context")


def test_all_questions_about_an_article_stay_on_one_side():
    examples = [
        ChoiceExample(f"{a}-{q}", f"article {a}", "Q?", ("x", "y"), 0)
        for a in range(10)
        for q in range(3)
    ]
    training, validation = split_by_article(examples, 0.2, seed=1)
    assert len({example.article for example in validation}) == 2
    assert not {e.article for e in training} & {e.article for e in validation}
    assert sorted(training + validation, key=examples.index) == examples
    assert split_by_article(examples, 0.2, seed=1) == (training, validation)
    assert split_by_article(examples, 0.2, seed=2) != (training, validation)
    assert len(split_by_article(examples, 0.001, seed=1)[1]) == 3
    with pytest.raises(DataError, match="name a validation file"):
        split_by_article(examples[:3], 0.2, seed=1)
