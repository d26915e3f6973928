"""Predictions written beside the columns of their input, as CSV or JSON lines, a row at a time."""

import csv
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from litebert.foundation.errors import DataError, StorageError
from litebert.foundation.files import atomic_file
from litebert.foundation.progress import Progress
from litebert.tasks.features import Tally, Texts
from litebert.tasks.predictor import Predictor
from litebert.tasks.tabular import Row, Table, open_table, stream_table
from litebert.tasks.task import Prediction

Format = Literal["csv", "jsonl"]
PREFIX = "predicted_"

Writer = Callable[[Row, Prediction], None]


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
    """A table to predict, and the one or two columns that hold its texts."""

    table: Table
    columns: tuple[str, str | None]


def open_rows(
    predictor: Predictor,
    path: Path,
    text_column: str | None = None,
    pair_column: str | None = None,
    standard_input: IO[bytes] | None = None,
) -> Rows:
    """Open what is to be predicted; columns are the task's own unless given.

    The path "-" stands for the lines of `standard_input`. Raises DataError where the table cannot
    be read or, listing its columns, lacks one.
    """
    task = predictor.task
    text = text_column or task.text_column
    pair = None if task.pair_column is None else pair_column or task.pair_column
    if standard_input is not None and str(path) == "-":
        table = stream_table(standard_input, tuple(filter(None, (text, pair))), "standard input")
    else:
        table = open_table(path, line_column=text if pair is None else None)
    table.require(text, pair)
    return Rows(table, (text, pair))


def predict_file(predictor: Predictor, rows: Rows, output: Path) -> Tally:
    """Write the rows with their predictions into a .csv or .jsonl file, as the rows are read.

    Beside the input's columns stand `label`, `probability` and the probability of every label: in
    CSV in a column `probability_LABEL` each, in JSON lines as an object `probabilities`. A name
    that the input has already is written with `predicted_` before it. The file appears once it is
    whole. Raises DataError where the table cannot be read, StorageError where the output cannot be
    written or is the table itself.
    """
    form = output_format(output)
    if output.exists() and Path(rows.table.name).exists() and output.samefile(rows.table.name):
        raise StorageError(f"{output} is the table to predict: name another file to write")
    with atomic_file(output, "w") as file, Progress("predicting", unit="rows") as progress:
        make = _csv_writer if form == "csv" else _json_writer
        return _write(predictor, rows, make(file, rows.table, predictor.task.labels), progress)


def print_predictions(predictor: Predictor, rows: Rows, file: IO[str]) -> Tally:
    """Write the rows with their predictions as JSON lines into an open file, as they come."""
    return _write(predictor, rows, _json_writer(file, rows.table, predictor.task.labels))


def _write(
    predictor: Predictor, rows: Rows, write: Writer, progress: Progress | None = None
) -> Tally:
    tally = Tally()
    for row, prediction in _predicted(predictor, rows, tally):
        write(row, prediction)
        if progress is not None:
            progress.advance()
    return tally


def _predicted(predictor: Predictor, rows: Rows, tally: Tally) -> Iterator[tuple[Row, Prediction]]:
    """Yield rows with their predictions; only those that the engine reads ahead are kept."""
    waiting: deque[Row] = deque()

    def texts() -> Iterator[Texts]:
        table, (text, pair) = rows.table, rows.columns
        for row in table.rows():
            waiting.append(row)
            yield table.text(row, text), None if pair is None else table.text(row, pair)

    for prediction in predictor.stream_texts(texts(), tally):
        yield waiting.popleft(), prediction


def _csv_writer(file: IO[str], table: Table, labels: Sequence[str]) -> Writer:
    writer = csv.writer(file, lineterminator="\n")
    taken = set(table.columns)
    per_label = [_free(f"probability_{label}", taken) for label in labels]
    names = [_free("label", taken), _free("probability", taken), *per_label]
    writer.writerow([*table.columns, *names])

    def write(row: Row, prediction: Prediction) -> None:
        odd = row.values.keys() - taken
        if odd:
            raise DataError(
                f'{table.at(row)} has "{sorted(odd)[0]}", which the first row lacks: '
                "write .jsonl instead of .csv to keep it"
            )
        numbers = [prediction.probability, *prediction.probabilities.values()]
        values = [_csv_value(row.values.get(name)) for name in table.columns]
        writer.writerow([*values, prediction.label, *map(_rounded, numbers)])

    return write


def _json_writer(file: IO[str], table: Table, labels: Sequence[str]) -> Writer:
    def write(row: Row, prediction: Prediction) -> None:
        probabilities = {k: _rounded(v) for k, v in prediction.probabilities.items()}
        added = {
            "label": prediction.label,
            "probability": _rounded(prediction.probability),
            "probabilities": probabilities,
        }
        values = {**row.values, **{_free(name, row.values): v for name, v in added.items()}}
        file.write(json.dumps(values, ensure_ascii=False, default=str) + "\n")

    return write


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


def _rounded(probability: float) -> float:
    """Six significant digits: more would show the rounding of the computation."""
    return float(f"{probability:.6g}")
