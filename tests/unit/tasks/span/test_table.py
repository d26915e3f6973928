import pytest

from litebert.foundation.errors import DataError
from litebert.tasks.span.questions import SquadAnswer, SquadQuestion
from litebert.tasks.span.table import question_of_row, read_questions
from litebert.tasks.tabular import RowError, open_table
from small_models import write_csv

COLUMNS = {"question": "question", "context": "context", "label": "answer"}
NAMES = ("question", "context", "answer")
ROWS = [("When?", "Built in 1503.", " 1503 "), ("Who?", "Built in 1503.", "")]


def test_a_row_is_a_question_known_by_its_id_or_line(tmp_path):
    table = open_table(write_csv(tmp_path / "q.csv", ("id", *NAMES[:2]), [("k", "When?", "Now.")]))
    (row,) = table.rows()
    assert question_of_row(table, row, COLUMNS) == SquadQuestion("k", "When?", "Now.")
    table = open_table(write_csv(tmp_path / "q.csv", NAMES[:2], [("When?", "Now.")]))
    (row,) = table.rows()
    assert question_of_row(table, row, COLUMNS).id == "2"


def test_a_row_without_a_question_is_refused(tmp_path):
    table = open_table(write_csv(tmp_path / "q.csv", NAMES[:2], [(" ", "Now.")]))
    (row,) = table.rows()
    with pytest.raises(RowError, match='line 2: no text in column "question"'):
        question_of_row(table, row, COLUMNS)


def test_answers_are_found_in_their_contexts_and_may_be_missing_where_that_is_allowed(tmp_path):
    path = write_csv(tmp_path / "q.csv", NAMES, ROWS)
    first, second = read_questions(path, COLUMNS, impossible=True, skip_bad=False).examples
    assert first.answers == (SquadAnswer("1503", 9),)
    assert (second.answers, second.impossible) == ((), True)
    with pytest.raises(DataError, match='line 3: no answer in column "answer"'):
        read_questions(path, COLUMNS, impossible=False, skip_bad=False)


def test_bad_rows_are_named_by_line_or_counted(tmp_path):
    rows = [*ROWS, ("When?", "Built in 1503.", "1784"), ("", "Built.", "Built")]
    path = write_csv(tmp_path / "q.csv", NAMES, rows)
    with pytest.raises(DataError, match='line 4: the answer "1784" is not in its context; 2'):
        read_questions(path, COLUMNS, impossible=True, skip_bad=False)
    loaded = read_questions(path, COLUMNS, impossible=True, skip_bad=True)
    assert (len(loaded.examples), loaded.skipped) == (2, 2)


def test_two_questions_of_one_id_are_a_fault(tmp_path):
    path = write_csv(tmp_path / "q.csv", ("id", *NAMES), [("k", *ROWS[0]), ("k", *ROWS[0])])
    with pytest.raises(DataError, match='two questions have the id "k"'):
        read_questions(path, COLUMNS, impossible=False, skip_bad=False)
