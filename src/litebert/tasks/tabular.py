"""The user's own table, read a row at a time: CSV, TSV, JSON lines, Parquet, or plain lines.

| suffix | read as |
|---|---|
| .csv | header and rows; comma, semicolon or tab, as the header shows; quotes as usual |
| .tsv | header and rows, tabs, no quoting (a quote is a character like any other) |
| .jsonl, .ndjson | one JSON object a line |
| .parquet | Parquet |
| .txt | one text a line, in a column that the caller names |

All but Parquet may be compressed (.gz, .xz, .zst). Every error names the file and the line.
"""

import csv
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from litebert.foundation.errors import ConfigError, DataError
from litebert.foundation.files import COMPRESSED, decode_lines, open_bytes, read_lines

_LARGEST_FIELD = 1 << 24  # characters; Python's csv stops at 131,072 unless told otherwise
_LONGEST_HEADER = 1 << 16  # characters
_SHOWN_COLUMNS = 20


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line of the file it begins at (from 1; in Parquet the row) and its values."""

    line: int
    values: dict[str, Any]


class RowError(DataError):
    """One row that cannot be used: where it stands, and why; those after it can be read."""

    def __init__(self, where: str, problem: str) -> None:
        super().__init__(f"{where}: {problem}")
        self.where = where
        self.problem = problem


@dataclass(frozen=True)
class Table:
    """A table whose rows are read when asked for, as often as asked for."""

    name: str
    columns: tuple[str, ...]
    """The columns; of JSON lines, those of the first row."""
    read: Callable[[], Iterator[Row | RowError]]
    """The rows in order, and what is wrong with those that are none."""
    unit: str = "line"

    def rows(self) -> Iterator[Row]:
        """The rows in order. Raises DataError at the first that is none."""
        for row in self.read():
            if isinstance(row, RowError):
                raise row
            yield row

    def require(self, *columns: str | None) -> None:
        """Raise DataError, listing the columns that are there, where one of `columns` is not."""
        for column in columns:
            if column is not None and column not in self.columns:
                shown = [_shortened(name) for name in self.columns[:_SHOWN_COLUMNS]]
                more = len(self.columns) - len(shown)
                listed = ", ".join(shown) + (f" and {more} more" if more else "")
                raise DataError(f'{self.name} has no column "{column}"; its columns are: {listed}')

    def at(self, row: Row) -> str:
        """Where a row stands, for an error message."""
        return f"{self.name}, {self.unit} {row.line}"

    def text(self, row: Row, column: str) -> str:
        """The text in a row's column; "" where it is empty, missing or null.

        Numbers and truth values are given as JSON writes them. Raises RowError for lists and
        objects, and where a JSON line lacks the column.
        """
        if column not in row.values:
            raise RowError(self.at(row), f'no "{column}"')
        value = row.values[column]
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return ""
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str | int | float):
            return str(value)
        kind = type(value).__name__
        raise RowError(self.at(row), f'"{column}" holds a {kind} where a text is expected')


def open_table(path: Path, line_column: str | None = None) -> Table:
    """Open a table by its suffix; a .txt file only where `line_column` names its one column.

    Raises DataError where the file is missing, empty, of another kind, or its header is unusable.
    """
    path = Path(path)
    plain = Path(path.stem) if path.suffix in COMPRESSED else path
    suffix = plain.suffix.lower()
    if suffix == ".csv":
        return _csv_table(path, _delimiter(path), csv.QUOTE_MINIMAL)
    if suffix == ".tsv":
        return _csv_table(path, "\t", csv.QUOTE_NONE)
    if suffix in (".jsonl", ".ndjson"):
        return _json_table(path)
    if suffix == ".parquet" and plain == path:
        return _parquet_table(path)
    if suffix == ".txt" and line_column is not None:
        return _text_table(path, line_column)
    kinds = ".csv, .tsv, .jsonl" + (", .txt" if line_column is not None else "") + " or .parquet"
    raise DataError(
        f"{path} is not a table that can be read: name a {kinds} file (text formats also "
        f"{', '.join(COMPRESSED)})"
    )


def columns_in(table: Table, columns: Mapping[str, str]) -> Mapping[str, str]:
    """The columns asked for, which must be there."""
    table.require(*columns.values())
    return columns


def is_table(path: Path) -> bool:
    """Whether a path is to be taken for a table: not for a folder, nor for JSON of a whole."""
    return not Path(path).is_dir() and Path(path).suffix.lower() != ".json"


def stream_table(file: IO[bytes], columns: tuple[str, ...], name: str) -> Table:
    """Lines of a stream as a table that can be read once: one column, or two with a tab between.

    Raises ConfigError for more columns.
    """
    if len(columns) > 2:
        raise ConfigError(
            f"lines of {name} are one text or two: this model reads {', '.join(columns)}, name a "
            "table with these columns"
        )

    def rows() -> Iterator[Row]:
        for number, line in decode_lines(file, name):
            fields = line.split("\t", 1) if len(columns) == 2 else [line]
            if len(fields) != len(columns):
                raise DataError(
                    f"{name}, line {number}: two texts with a tab between them are expected"
                )
            yield Row(number, dict(zip(columns, fields, strict=True)))

    return Table(name, columns, rows)


def _text_table(path: Path, column: str) -> Table:
    def rows() -> Iterator[Row]:
        return (Row(number, {column: line}) for number, line in read_lines(path))

    return Table(str(path), (column,), _not_empty(path, rows))


def _csv_table(path: Path, delimiter: str, quoting: int) -> Table:
    header = next(_records(path, delimiter, quoting), None)
    if header is None:
        raise DataError(f"{path} is empty: a header line and rows are expected")
    if isinstance(header[1], RowError):
        raise header[1]
    columns = tuple(name.strip() for name in header[1])
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise DataError(f'{path}, line {header[0]}: two columns are named "{_shortened(twice[0])}"')

    def rows() -> Iterator[Row | RowError]:
        records = _records(path, delimiter, quoting)
        next(records)
        for line, fields in records:
            if isinstance(fields, RowError):
                yield fields
            elif len(fields) == len(columns):
                yield Row(line, dict(zip(columns, fields, strict=True)))
            else:
                problem = _ragged(len(fields), len(columns), quoting)
                yield RowError(f"{path}, line {line}", problem)

    return Table(str(path), columns, rows)


def _records(
    path: Path, delimiter: str, quoting: int
) -> Iterator[tuple[int, list[str] | RowError]]:
    """Yield (line it begins at, fields) of every record that is not a blank line.

    Instead of the fields, what is wrong with a line that cannot be split. Raises DataError where
    that is a quote which swallows further lines.
    """
    csv.field_size_limit(max(_LARGEST_FIELD, csv.field_size_limit()))
    lines = (line + "\n" for _, line in read_lines(path))
    reader = csv.reader(lines, delimiter=delimiter, quoting=quoting, strict=True)  # type: ignore[arg-type]
    while True:
        begin = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as problem:
            error = _malformed(path, begin, reader.line_num, str(problem))
            if begin < reader.line_num or _is_unclosed(str(problem)):
                raise DataError(str(error)) from None
            yield begin, error
            continue
        if fields:
            yield begin, fields


def _malformed(path: Path, begin: int, line: int, problem: str) -> RowError:
    """What is wrong with a record, in words that help to mend it."""
    twice = 'write a quote inside a quoted field twice ("")'
    if _is_unclosed(problem):
        what = "a quote opened here is never closed"
        return RowError(f"{path}, line {begin}", f"{what}: close it, or {twice}")
    if "expected after" in problem:
        what = "text follows a closing quote"
        if begin < line:
            what += f"; what it closes begins in line {begin}, where one may be missing"
        return RowError(f"{path}, line {line}", f"{what}: {twice}")
    if problem.startswith("new-line"):
        what = "a carriage return stands inside a field: quote the field, or save the table with"
        return RowError(f"{path}, line {line}", f"{what} plain line ends")
    return RowError(f"{path}, line {line}", problem)


def _is_unclosed(problem: str) -> bool:
    return problem.startswith(("unexpected end", "field larger"))


def _ragged(found: int, expected: int, quoting: int) -> str:
    mend = (
        "a tab or line break inside a field splits it; a .csv file can quote such fields"
        if quoting == csv.QUOTE_NONE
        else "quote fields that contain the delimiter or a line break"
    )
    fields = "1 field" if found == 1 else f"{found} fields"
    return f"{fields} where the header has {expected}: {mend}"


def _delimiter(path: Path) -> str:
    """The delimiter that splits the header into most columns, a comma on a tie."""
    header = next((line for _, line in read_lines(path) if line.strip()), "")
    # Carriage returns alone as line ends would stop csv here: `_records` reports them.
    # What is longer is no header, and may be too much for csv: `_records` says what it is.
    line = header.replace("\r", " ")[:_LONGEST_HEADER]
    counts = {mark: len(next(csv.reader([line], delimiter=mark), [])) for mark in ",;\t"}
    return max(counts, key=lambda mark: counts[mark])


def _json_table(path: Path) -> Table:
    def rows() -> Iterator[Row | RowError]:
        for number, line in read_lines(path):
            if line.strip():
                try:
                    yield Row(number, _json_object(line, f"{path}, line {number}"))
                except RowError as problem:
                    yield problem

    fault = None
    for first in rows():
        if isinstance(first, Row):
            break
        fault = fault or first
    else:
        raise fault or DataError(f"{path} is empty: one JSON object a line is expected")
    return Table(str(path), tuple(first.values), rows)


def _json_object(line: str, where: str) -> dict[str, Any]:
    try:
        value: Any = json.loads(line)
    except json.JSONDecodeError as problem:
        raise RowError(where, f"not JSON: {problem.msg} at column {problem.colno}") from None
    except (RecursionError, ValueError):
        raise RowError(where, "not JSON that can be read") from None
    if not isinstance(value, dict):
        raise RowError(where, 'a JSON object such as {"text": "…"} is expected')
    if "\\ud" in line.lower():
        # An escaped half of a surrogate pair is no text: it becomes the replacement character.
        text = json.dumps(value, ensure_ascii=False)
        whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return dict(json.loads(whole))
    return value


def _parquet_table(path: Path) -> Table:
    import pyarrow  # slow to import, and of use for this format alone
    import pyarrow.parquet

    with open_bytes(path) as file:
        try:
            schema = pyarrow.parquet.read_schema(file)
        except (pyarrow.ArrowException, OSError) as problem:
            reason = "empty" if not path.stat().st_size else f"not a Parquet file ({problem})"
            raise DataError(f"{path} is {reason}") from None

    def rows() -> Iterator[Row]:
        number = 0
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=1024):
                    for values in batch.to_pylist():
                        number += 1
                        yield Row(number, values)
        except (pyarrow.ArrowException, OSError) as problem:
            raise DataError(f"{path} is damaged after row {number:,}: {problem}") from None

    return Table(str(path), tuple(schema.names), rows, unit="row")


def _not_empty(path: Path, rows: Callable[[], Iterator[Row]]) -> Callable[[], Iterator[Row]]:
    if next(rows(), None) is None:
        raise DataError(f"{path} is empty: one text a line is expected")
    return rows


def _shortened(name: str, limit: int = 40) -> str:
    return name if len(name) <= limit else name[: limit - 1] + "…"
