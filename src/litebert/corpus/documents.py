"""Readers: text files of every supported form become a stream of documents.

A document is a run of lines, each a paragraph or a sentence. Reading streams: a document that is
too long to hold is cut into parts, so memory stays bounded whatever the input's size.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from litebert.foundation.errors import DataError
from litebert.foundation.files import COMPRESSED, read_lines
from litebert.foundation.settings import Settings
from litebert.text.sentences import split_sentences

FORMATS = (*(form + end for form in (".txt", ".jsonl") for end in ("", *COMPRESSED)), ".parquet")
SENTENCES_FIELD = "sentences"  # a field of this name holds a list of sentences
LONGEST_PARAGRAPH = 1 << 16  # characters; a longer one is cut at a space
LONGEST_DOCUMENT = 1 << 24  # characters; a longer one becomes several documents
_LINE_COST = 64  # what a line costs in memory beside its characters
_ROWS = 256  # Parquet rows read at once

Unit = Literal["paragraph", "sentence"]
Watch = Callable[[int], None]


class ReaderSettings(Settings):
    """How input files are read."""

    language: str = "en"
    """Language of the text, for sentence splitting: a code such as en, de, fr, zh."""
    lines: Unit = "paragraph"
    """What one line of text holds: a paragraph (split into sentences) or a single sentence."""
    text_field: str = "text"
    """Field of .jsonl or column of .parquet with the text: lines, or a list of sentences."""


@dataclass(frozen=True, slots=True)
class Document:
    """Text that belongs together, in order; `source` says where it came from (file:line)."""

    source: str
    lines: list[str]
    unit: Unit

    def sentences(self, language: str = "en") -> list[str]:
        """The document's sentences, in order."""
        return sentences_of(self.lines, self.unit, language)


def sentences_of(lines: Iterable[str], unit: Unit, language: str) -> list[str]:
    """Split lines into sentences; lines that are sentences already are kept as they are."""
    if unit == "sentence":
        return list(lines)
    return [sentence for line in lines for sentence in split_sentences(line, language)]


def read_documents(
    inputs: Sequence[str | Path], settings: ReaderSettings | None = None, watch: Watch | None = None
) -> Iterator[Document]:
    """Stream the documents of files, folders (recursively) and globs, in a fixed order.

    .txt has a blank line between documents; .jsonl and .parquet a document a row. `watch` is told
    how many bytes of the files have been read. Raises DataError, naming file and line, for input
    that is missing, damaged, of the wrong form, or without any text.
    """
    settings = settings or ReaderSettings()
    found = False
    for path, name in _expand(inputs):
        form = (path.with_suffix("") if path.suffix in COMPRESSED else path).suffix
        reader = _READERS[form]
        for document in reader(path, name, settings, watch or _ignore):
            found = True
            yield document
    if not found:
        names = ", ".join(str(given) for given in inputs)
        raise DataError(f"{names:.200}: no text found, every file is empty")


def find_inputs(inputs: Sequence[str | Path]) -> list[Path]:
    """The files that `inputs` name: files as they are, folders and globs expanded and sorted.

    Raises DataError when one of them does not exist, matches nothing or has an unknown suffix.
    """
    return [path for path, _ in _expand(inputs)]


def _expand(inputs: Sequence[str | Path]) -> list[tuple[Path, str]]:
    """(path, its name within the input that named it), each file once."""
    if not inputs:
        raise DataError("no input: name at least one file, folder or glob")
    found: dict[Path, str] = {}
    for given in inputs:
        for path, name in _matches(Path(given)):
            found.setdefault(path, name)
    return list(found.items())


def _matches(given: Path) -> list[tuple[Path, str]]:
    if given.is_file():
        if not _readable(given):
            raise DataError(f"{given}: unknown suffix; files may end in {', '.join(FORMATS)}")
        return [(given, _printable(given.name))]
    if given.is_dir():
        base, pattern = given, "**/*"
    else:
        wild = next((i for i, part in enumerate(given.parts) if set(part) & set("*?[")), None)
        if wild is None:
            raise DataError(f"{given} does not exist: check the path")
        base, pattern = Path(*given.parts[:wild]), "/".join(given.parts[wild:])
    found = [path for path in base.glob(pattern) if _visible(path, base)]
    if not found:
        raise DataError(f"{given}: no file there ends in {', '.join(FORMATS)}")
    return sorted((path, _printable(path.relative_to(base).as_posix())) for path in found)


def _readable(path: Path) -> bool:
    return path.name.endswith(FORMATS)


def _printable(name: str) -> str:
    """A file's name as text, also where its bytes are not UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


def _visible(path: Path, base: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(base).parts)
    return not hidden and _readable(path) and path.is_file()


def _read_text(path: Path, name: str, settings: ReaderSettings, watch: Watch) -> Iterator[Document]:
    lines: list[str] = []
    cost, start = 0, 1
    for number, line in read_lines(path, watch):
        if line and not line.isspace():
            start = start if lines else number
            lines += _pieces(line)
            cost += len(line) + _LINE_COST
            if cost < LONGEST_DOCUMENT:
                continue
        if lines:
            yield Document(f"{name}:{start}", lines, settings.lines)
            lines, cost = [], 0
    if lines:
        yield Document(f"{name}:{start}", lines, settings.lines)


def _read_json_lines(
    path: Path, name: str, settings: ReaderSettings, watch: Watch
) -> Iterator[Document]:
    for number, line in read_lines(path, watch):
        if not line or line.isspace():
            continue
        where = f"{path}, line {number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{where}: not valid JSON ({error}): put one object a line") from None
        if not isinstance(record, dict):
            raise DataError(f'{where}: expected an object such as {{"text": "…"}}')
        field = _field(record, settings, where)
        yield from _documents(record[field], f"{name}:{number}", settings, f"{where}, {field}")


def _read_parquet(
    path: Path, name: str, settings: ReaderSettings, watch: Watch
) -> Iterator[Document]:
    try:
        with pq.ParquetFile(path, buffer_size=1 << 20) as table:
            field = _field(table.schema_arrow.names, settings, str(path))
            size, rows = path.stat().st_size, table.metadata.num_rows
            row = told = 0
            for batch in table.iter_batches(_ROWS, columns=[field], use_threads=False):
                for value in batch.column(0).to_pylist():
                    row += 1
                    where = f"{path}, row {row}, {field}"
                    yield from _documents(value, f"{name}:{row}", settings, where)
                done = size * row // rows
                watch(done - told)
                told = done
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        problem = str(error).splitlines()[0]
        raise DataError(f"{path} is damaged or not a Parquet file: {problem}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}") from None


def _field(names: Iterable[str], settings: ReaderSettings, where: str) -> str:
    """The field that holds the text: the one asked for, else the list of sentences."""
    present = list(names)
    for field in (settings.text_field, SENTENCES_FIELD):
        if field in present:
            return field
    raise DataError(
        f'{where}: no field "{settings.text_field}"; there are: {", ".join(present) or "none"}; '
        "say which one holds the text (text_field)"
    )


def _documents(value: Any, source: str, settings: ReaderSettings, where: str) -> Iterator[Document]:
    """A row's text as documents: one, or several where it is too long for one."""
    unit = settings.lines
    if value is None:
        return
    if isinstance(value, str):
        lines: list[Any] = value.split("\n")
    elif isinstance(value, list):
        lines, unit = value, "sentence"
    else:
        raise DataError(f"{where}: expected text or a list of sentences, found {value!r:.40}")
    part: list[str] = []
    cost, parts = 0, 1
    for line in lines:
        if not isinstance(line, str):
            raise DataError(f"{where}: expected a list of sentences, found {line!r:.40} in it")
        if not line or line.isspace():
            continue
        part += _pieces(line)
        cost += len(line) + _LINE_COST
        if cost >= LONGEST_DOCUMENT:
            yield Document(f"{source}#{parts}", part, unit)
            part, cost, parts = [], 0, parts + 1
    if part:
        yield Document(source if parts == 1 else f"{source}#{parts}", part, unit)


def _pieces(line: str) -> Iterator[str]:
    """A line, cut at spaces where it is too long to be handled whole."""
    start = 0
    while len(line) - start > LONGEST_PARAGRAPH:
        limit = start + LONGEST_PARAGRAPH
        space = line.rfind(" ", start + LONGEST_PARAGRAPH // 2, limit)
        end = space if space > 0 else limit
        yield line[start:end]
        start = end
    yield line[start:] if start else line


def _ignore(count: int) -> None:
    """The watcher where nobody watches."""


_READERS: dict[str, Callable[[Path, str, ReaderSettings, Watch], Iterator[Document]]] = {
    ".txt": _read_text,
    ".jsonl": _read_json_lines,
    ".parquet": _read_parquet,
}
