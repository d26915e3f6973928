"""Questions over contexts in the user's own table: a row is a question."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from litebert.tasks.faults import Faults, Loaded
from litebert.tasks.span.questions import SquadAnswer, SquadQuestion
from litebert.tasks.tabular import Row, RowError, Table, open_table


def question_of_row(table: Table, row: Row, columns: Mapping[str, str]) -> SquadQuestion:
    """The question of a row, without answers; its id is its column "id", else its line.

    Raises RowError where the row has no question.
    """
    question = table.text(row, columns["question"])
    if not question.strip():
        raise RowError(table.at(row), f'no text in column "{columns["question"]}"')
    key = table.text(row, "id") if row.values.get("id") is not None else ""
    return SquadQuestion(key or str(row.line), question, table.text(row, columns["context"]))


def read_questions(
    path: Path, columns: Mapping[str, str], impossible: bool, skip_bad: bool
) -> Loaded[SquadQuestion]:
    """Questions with their answers, to evaluate on: an empty answer is none, if that may be.

    Raises DataError where the table cannot be read or, naming file and line, a row has no answer
    or one that is not in its context; with `skip_bad` such rows are left out and counted.
    """
    table = open_table(path)
    table.require(columns["question"], columns["context"], columns["label"])
    faults = Faults(path, "questions")
    questions: dict[str, SquadQuestion] = {}
    for found in _questions(table, columns, impossible):
        if isinstance(found, RowError):
            faults.add(found.where, found.problem)
        elif found.id in questions:
            faults.add(str(path), f'two questions have the id "{found.id}"')
        else:
            questions[found.id] = found
    return faults.settle(list(questions.values()), skip_bad)


def _questions(
    table: Table, columns: Mapping[str, str], impossible: bool
) -> Iterator[SquadQuestion | RowError]:
    for row in table.read():
        if isinstance(row, RowError):
            yield row
            continue
        try:
            yield _labelled(table, row, columns, impossible)
        except RowError as problem:
            yield problem


def _labelled(
    table: Table, row: Row, columns: Mapping[str, str], impossible: bool
) -> SquadQuestion:
    asked = question_of_row(table, row, columns)
    answer = table.text(row, columns["label"]).strip()
    if not answer and not impossible:
        raise RowError(table.at(row), f'no answer in column "{columns["label"]}"')
    start = asked.context.find(answer)
    if start < 0:
        raise RowError(table.at(row), f'the answer "{answer[:60]}" is not in its context')
    answers = (SquadAnswer(answer, start),) if answer else ()
    return SquadQuestion(asked.id, asked.question, asked.context, answers, not answer)
