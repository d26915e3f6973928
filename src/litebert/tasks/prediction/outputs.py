"""Predictions written beside the columns of their input, as CSV or JSON lines, a row at a time."""

import csv
import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from litebert.foundation.errors import DataError, StorageError
from litebert.foundation.files import atomic_file
from litebert.foundation.progress import Progress
from litebert.tasks.features import Tally
from litebert.tasks.prediction.predictor import Predictor
from litebert.tasks.tabular import Row, Table, open_table, stream_table

Format = Literal["csv", "jsonl"]
PREFIX = "predicted_"

Writer = Callable[[Row, Any], None]


def output_format(path: Path) -> Format:
    """The format that a file's suffix names. Raises DataError for any but .csv and .jsonl."""
    suffix = path.suffix.lower()
    if suffix == ".csv":
        return "csv"
    if suffix == ".jsonl":
        return "jsonl"
    raise DataError(f"{path}: predictions are written as .csv or .jsonl: name such a file")


@dataclass(frozen=True)
class Rows:
    """A table to predict, and the columns that hold what the model reads, by what they hold."""

    table: Table
    columns: Mapping[str, str]


def open_rows(
    predictor: Predictor,
    path: Path,
    columns: Mapping[str, str] | None = None,
    standard_input: IO[bytes] | None = None,
) -> Rows:
    """Open what is to be predicted; columns ("text" …) are the task's own unless given.

    The path "-" stands for the lines of `standard_input`. Raises ConfigError for a column that the
    model has no use for, DataError where the table cannot
    be read or, listing its columns, lacks one.
    """
    chosen = predictor.columns(columns)
    names = tuple(chosen.values())
    if standard_input is not None and str(path) == "-":
        table = stream_table(standard_input, names, "standard input")
    else:
        table = open_table(path, line_column=names[0] if len(names) == 1 else None)
    return Rows(table, predictor.kind.columns_in(table, chosen))


def predict_file(predictor: Predictor, rows: Rows, output: Path) -> Tally:
    """Write the rows with their predictions into a .csv or .jsonl file, as the rows are read.

    Beside the input's columns stand those of the prediction: of a classification `label`,
    `probability` and the probability of every label, in CSV in a column `probability_LABEL` each,
    in JSON lines as an object `probabilities`. A name that the input has already is written with
    `predicted_` before it. The file appears once it is whole. Raises DataError where the table
    cannot be read, StorageError where the output cannot be written or is the table itself.
    """
    refuse_overwriting(output, Path(rows.table.name))
    tally = Tally()
    write_predictions(predictor, rows.table, _predicted(predictor, rows, tally), output)
    return tally


def refuse_overwriting(output: Path, path: Path) -> None:
    """Raise StorageError where the output would replace what is to be predicted."""
    if output.exists() and path.exists() and output.samefile(path):
        raise StorageError(f"{output} is what is to be predicted: name another file to write")


def write_predictions(
    predictor: Predictor, table: Table, predicted: Iterable[tuple[Row, Any]], output: Path
) -> None:
    """Write rows of a table with their predictions, as `predict_file` does."""
    make = _csv_writer if output_format(output) == "csv" else _json_writer
    with atomic_file(output, "w") as file, Progress("predicting", unit="rows") as progress:
        write = make(file, table, predictor)
        for row, prediction in predicted:
            write(row, prediction)
            progress.advance()


def print_predictions(predictor: Predictor, rows: Rows, file: IO[str]) -> Tally:
    """Write the rows with their predictions as JSON lines into an open file, as they come."""
    tally, write = Tally(), _json_writer(file, rows.table, predictor)
    for row, prediction in _predicted(predictor, rows, tally):
        write(row, prediction)
    return tally


def _predicted(predictor: Predictor, rows: Rows, tally: Tally) -> Iterator[tuple[Row, Any]]:
    """Yield rows with their predictions; only those that are read ahead are kept."""
    waiting: deque[Row] = deque()

    def examples() -> Iterator[Any]:
        for row in rows.table.rows():
            waiting.append(row)
            yield predictor.kind.from_table(rows.table, row, rows.columns)

    for result in predictor.results(examples(), tally):
        yield waiting.popleft(), predictor.kind.prediction(result, predictor.task)


def _csv_writer(file: IO[str], table: Table, predictor: Predictor) -> Writer:
    kind, task = predictor.kind, predictor.task
    writer = csv.writer(file, lineterminator="\n")
    taken = set(table.columns)
    writer.writerow([*table.columns, *(_free(name, taken) for name in kind.cell_names(task))])

    def write(row: Row, prediction: Any) -> None:
        odd = row.values.keys() - taken
        if odd:
            raise DataError(
                f'{table.at(row)} has "{sorted(odd)[0]}", which the first row lacks: '
                "write .jsonl instead of .csv to keep it"
            )
        values = [_csv_value(row.values.get(name)) for name in table.columns]
        cells = [_csv_value(_rounded(cell)) for cell in kind.cells(prediction, task)]
        writer.writerow([*values, *cells])

    return write


def _json_writer(file: IO[str], table: Table, predictor: Predictor) -> Writer:
    kind, task = predictor.kind, predictor.task

    def write(row: Row, prediction: Any) -> None:
        added = kind.values(prediction, task)
        own = {_free(name, row.values): _rounded(value) for name, value in added.items()}
        values = {**row.values, **own}
        try:
            line = json.dumps(values, ensure_ascii=False, default=str, allow_nan=False)
        except ValueError:  # what is no number has no word in JSON
            line = json.dumps(_finite(values), ensure_ascii=False, default=str)
        file.write(line + "\n")

    return write


def _finite(value: Any) -> Any:
    """The value with null for every number that is none."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list) else value


def _free(name: str, taken: Iterable[str]) -> str:
    """`name`, with `predicted_` before it as often as the input has such a column itself."""
    while name in taken:
        name = PREFIX + name
    return name


def _csv_value(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _rounded(value: Any) -> Any:
    """Numbers to six significant digits: more would show the rounding of the computation."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {key: _rounded(part) for key, part in value.items()}
    return [_rounded(part) for part in value] if isinstance(value, list) else value
