"""Examples that are a text or a pair of texts: what classification and regression share."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from litebert.foundation.errors import DataError
from litebert.tasks.features import Tally, encode_texts
from litebert.tasks.kind import Encoded
from litebert.tasks.tabular import Row, Table
from litebert.tasks.task import Example, TextTask
from litebert.text.tokenizer import Tokenizer


def query(row: Any, task: TextTask) -> Example:
    """The example of a text, a pair of texts, or a mapping from column names.

    Raises DataError for anything else.
    """
    first, second = task.text_column, task.pair_column
    if isinstance(row, Mapping):
        names = (first,) if second is None else (first, second)
        parts: tuple[Any, ...] = tuple(_column(row, name) for name in names)
    else:
        parts = (row,) if isinstance(row, str) else tuple(row)
    wanted = 1 if second is None else 2
    if len(parts) != wanted or not all(isinstance(part, str) for part in parts):
        form = f'a text ("{first}")' if wanted == 1 else f'two texts ("{first}", "{second}")'
        raise DataError(f"a row of this model is {form}, not {_shown(row)}")
    return Example(*parts)


def columns(task: TextTask) -> dict[str, str]:
    """The one or two columns that hold the texts."""
    pair = {} if task.pair_column is None else {"pair": task.pair_column}
    return {"text": task.text_column, **pair}


def from_table(table: Table, row: Row, columns: Mapping[str, str]) -> Example:
    """The example of a row, whose texts may be empty."""
    pair = table.text(row, columns["pair"]) if "pair" in columns else None
    return Example(table.text(row, columns["text"]), pair, line=row.line)


def encode(
    examples: Iterable[Example], task: TextTask, tokenizer: Tokenizer, tally: Tally
) -> Iterator[Encoded]:
    """One sequence an example, in order."""
    texts = ((example.text, example.pair) for example in examples)
    for sequence in encode_texts(texts, tokenizer, task.max_length, tally):
        yield Encoded((sequence,))


def shown_text(example: Example) -> str:
    """The texts of an example as one."""
    return " ‖ ".join(filter(None, (example.text, example.pair)))


def _column(row: Mapping[str, Any], name: str) -> Any:
    if name not in row:
        raise DataError(f'a row has no column "{name}"; it has: {", ".join(map(str, row))}')
    return row[name]


def _shown(row: object, limit: int = 60) -> str:
    text = repr(row)
    return text if len(text) <= limit else text[: limit - 1] + "…"
