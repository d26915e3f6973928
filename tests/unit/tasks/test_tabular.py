import csv
import gzip
import io
import json
import lzma
from contextlib import suppress
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litebert.foundation.errors import ConfigError, DataError
from litebert.tasks.tabular import Row, RowError, Table, open_table, stream_table


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def values(table: Table) -> list[dict[str, object]]:
    return [row.values for row in table.rows()]


def test_csv_keeps_quotes_and_line_breaks_inside_fields(tmp_path: Path):
    path = write(tmp_path / "a.csv", 'text,label\n"one, ""two""\nthree",x\nfour,y\n')
    table = open_table(path)
    assert table.columns == ("text", "label")
    assert list(table.rows()) == [
        Row(2, {"text": 'one, "two"\nthree', "label": "x"}),
        Row(4, {"text": "four", "label": "y"}),
    ]
    assert values(table) == values(table)  # read as often as asked for


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_of_a_csv_is_found_in_its_header(tmp_path: Path, delimiter: str):
    rows = [["text", "label", "id"], ["a, b; c", "x", "1"]]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    table = open_table(write(tmp_path / "a.csv", out.getvalue()))
    assert values(table) == [{"text": "a, b; c", "label": "x", "id": "1"}]


def test_a_tsv_has_no_quoting(tmp_path: Path):
    path = write(tmp_path / "a.tsv", 'sentence\tlabel\n"half a quote\t1\n')
    assert values(open_table(path)) == [{"sentence": '"half a quote', "label": "1"}]


def test_windows_line_ends_blank_lines_and_a_byte_order_mark_are_read(tmp_path: Path):
    path = write(tmp_path / "a.csv", "\ufefftext,label\r\n\r\nhello,x\r\n\r\n")
    assert list(open_table(path).rows()) == [Row(3, {"text": "hello", "label": "x"})]


def test_jsonl_keeps_the_values_and_skips_blank_lines(tmp_path: Path):
    path = write(
        tmp_path / "a.jsonl", '{"text": "é", "label": 1}\n\n{"text": "b", "label": null}\n'
    )
    table = open_table(path)
    assert [table.text(row, "label") for row in table.rows()] == ["1", ""]
    assert [row.line for row in table.rows()] == [1, 3]


def test_half_of_a_surrogate_pair_becomes_the_replacement_character(tmp_path: Path):
    path = write(
        tmp_path / "a.jsonl", '{"text": "a\\ud83d b \\uD83D\\uDE00", "n": {"k": "\\udc00"}}\n'
    )
    assert values(open_table(path)) == [{"text": "a\ufffd b 😀", "n": {"k": "\ufffd"}}]


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [
        (".gz", gzip.compress),
        (".xz", lzma.compress),
        (".zst", lambda content: pyarrow.compress(content, "zstd", asbytes=True)),
    ],
)
def test_compressed_tables_are_read(tmp_path: Path, suffix: str, compress):
    path = write(tmp_path / f"a.csv{suffix}", compress(b"text,label\nhello,x\n"))
    assert values(open_table(path)) == [{"text": "hello", "label": "x"}]


def test_parquet_rows_are_counted_from_one(tmp_path: Path):
    path = tmp_path / "a.parquet"
    data = {"text": ["a", None], "label": [True, False], "score": [1.5, float("nan")]}
    pyarrow.parquet.write_table(pyarrow.table(data), path)
    table = open_table(path)
    rows = list(table.rows())
    assert table.columns == ("text", "label", "score")
    assert [row.line for row in rows] == [1, 2]
    assert table.at(rows[1]) == f"{path}, row 2"
    assert [table.text(row, "label") for row in rows] == ["true", "false"]
    assert [table.text(rows[1], column) for column in ("text", "score")] == ["", ""]


def test_a_text_file_is_one_column_where_a_name_is_given(tmp_path: Path):
    path = write(tmp_path / "a.txt", "one\ntwo\n")
    assert values(open_table(path, line_column="review")) == [{"review": "one"}, {"review": "two"}]


def test_a_stream_of_lines_is_a_table(tmp_path: Path):
    single = stream_table(io.BytesIO(b"one\ttext\ntwo\n"), ("text",), "standard input")
    assert values(single) == [{"text": "one\ttext"}, {"text": "two"}]
    pair = stream_table(io.BytesIO(b"a\tb\n"), ("first", "second"), "standard input")
    assert values(pair) == [{"first": "a", "second": "b"}]
    with pytest.raises(DataError, match="standard input, line 1: two texts with a tab"):
        values(stream_table(io.BytesIO(b"alone\n"), ("first", "second"), "standard input"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "is empty"),
        ("a.csv", "\n\n", "is empty"),
        ("a.tsv", "", "is empty"),
        ("a.jsonl", "\n", "is empty"),
        ("a.txt", "", "is empty"),
        ("a.parquet", "", "is empty"),
        ("a.parquet", "no parquet", "not a Parquet file"),
        ("a.xlsx", "x", r"not a table that can be read.*\.csv, \.tsv, \.jsonl"),
        ("a.parquet.gz", "x", "not a table that can be read"),
        ("a.csv.gz", "no gzip", "damaged or not a .gz file"),
        ("a.csv", "text,text\na,b\n", 'two columns are named "text"'),
        ("a.csv", "text,label\na,b\nonly one\n", "line 3: 1 field where the header has 2: quote"),
        ("a.tsv", "text\tlabel\na\tb\tc\n", "line 2: 3 fields where the header has 2: a tab"),
        ("a.csv", 'text,label\na,b\n"open,x\nand,on\n', "line 3: a quote opened here is never"),
        ("a.csv", 'text,label\n"a" b,x\n', "line 2: text follows a closing quote"),
        ("a.csv", "text,label\na\rb,x\n", "line 2: a carriage return stands inside"),
        ("a.csv", "text,label\ra,x\rb,y\r", "line 1: a carriage return stands inside"),
        (
            "a.csv",
            'text,label\n"a,x\n"b",y\n',
            "line 3: text follows a closing quote; what it closes begins in line 2",
        ),
        ("a.csv", b"text,label\nfine,x\ncaf\xe9,x\n", r"not UTF-8: line 3, byte 21 \(0xe9\)"),
        ("a.jsonl", b'{"text": "\xff"}\n', "not UTF-8: line 1, byte 10"),
        ("a.jsonl", '{"text": "a"}\n{"text": \n', "line 2: not JSON: Expecting value at column"),
        ("a.jsonl", '["a"]\n', "line 1: a JSON object such as"),
        ("a.jsonl", "[" * 100_000 + "\n", "line 1: not JSON"),
        ("a.jsonl", '{"a": ' + "9" * 5000 + "}\n", "line 1: not JSON that can be read"),
    ],
)
def test_bad_tables_are_refused_with_file_and_line(
    tmp_path: Path, name: str, content: str | bytes, message: str
):
    path = write(tmp_path / name, content)
    with pytest.raises(DataError, match=message) as caught:
        list(open_table(path, line_column="text").rows())
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_line_that_cannot_be_split_leaves_those_after_it(tmp_path: Path):
    path = write(tmp_path / "a.csv", 'text,label\na,x\n"b" c,x\nd\re,x\n"f",y\n')
    found = list(open_table(path).read())
    assert [row.line for row in found if isinstance(row, Row)] == [2, 5]
    assert [row.where for row in found if isinstance(row, RowError)] == [
        *(f"{path}, line 3", f"{path}, line 4")
    ]


def test_a_quote_that_swallows_lines_leaves_none(tmp_path: Path):
    path = write(tmp_path / "a.csv", 'text,label\n"a,x\nb,x\n"c" d,y\n')
    with pytest.raises(DataError, match="begins in line 2"):
        list(open_table(path).read())


def test_missing_files_and_folders_are_named(tmp_path: Path):
    with pytest.raises(DataError, match="does not exist"):
        open_table(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="is a folder"):
        open_table(tmp_path / "folder.csv")
    with pytest.raises(DataError, match="does not exist"):
        open_table(tmp_path / "none.parquet")


def test_a_damaged_parquet_file_is_named(tmp_path: Path):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"text": ["word " * 50] * 500}), path)
    content = bytearray(path.read_bytes())
    content[4:60] = bytes(56)
    path.write_bytes(content)
    with pytest.raises(DataError, match="is damaged after row 0"):
        list(open_table(path).rows())


def test_a_missing_column_lists_those_that_are_there(tmp_path: Path):
    long = "x" * 200
    table = open_table(write(tmp_path / "a.csv", f"review,stars,{long}\ngood,5,z\n"))
    table.require("review", None, "stars")
    with pytest.raises(DataError, match=r'no column "text"; its .*: review, stars, x{39}…'):
        table.require("text")


def test_a_json_line_that_lacks_a_column_is_named(tmp_path: Path):
    table = open_table(write(tmp_path / "a.jsonl", '{"text": "a"}\n{"other": "b"}\n'))
    with pytest.raises(DataError, match='line 2: no "text"'):
        [table.text(row, "text") for row in table.rows()]


def test_a_list_is_no_text(tmp_path: Path):
    table = open_table(write(tmp_path / "a.jsonl", '{"text": ["a"]}\n'))
    with pytest.raises(DataError, match='line 1: "text" holds a list'):
        [table.text(row, "text") for row in table.rows()]


field = st.text(st.characters(codec="utf-8", exclude_characters="\r\ufeff"), max_size=20)
cells = st.lists(st.tuples(field.filter(str.strip), field), max_size=5)


@given(cells)
def test_whatever_csv_writes_is_read_back(tmp_path_factory, rows: list[tuple[str, str]]):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([("text", "label"), *rows])
    table = open_table(write(tmp_path_factory.mktemp("csv") / "a.csv", out.getvalue()))
    assert [tuple(row.values.values()) for row in table.rows()] == rows


@given(cells)
def test_whatever_json_writes_is_read_back(tmp_path_factory, rows: list[tuple[str, str]]):
    lines = [json.dumps(dict(zip(("text", "label"), row, strict=True))) for row in rows]
    path = tmp_path_factory.mktemp("jsonl") / "a.jsonl"
    write(path, "".join(line + "\n" for line in ["{}", *lines]))
    assert [tuple(row.values.values()) for row in open_table(path).rows()] == [(), *rows]


@given(st.binary(max_size=60), st.sampled_from([".csv", ".tsv", ".jsonl", ".txt", ".csv.gz"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content: bytes, suffix: str):
    path = write(tmp_path_factory.mktemp("bytes") / f"a{suffix}", content)
    with suppress(DataError):
        list(open_table(path, line_column="text").rows())


def test_a_first_json_line_that_is_none_leaves_those_after_it(tmp_path: Path):
    path = write(tmp_path / "t.jsonl", '{"text": \n{"text": "a"}\n')
    first, second = open_table(path).read()
    assert isinstance(first, RowError)
    assert "line 1: not JSON" in str(first)
    assert second == Row(2, {"text": "a"})


def test_a_first_line_of_any_length_is_read_or_refused(tmp_path: Path):
    path = write(tmp_path / "t.csv", "text,label\r" + "a,b\r" * 100_000)
    with pytest.raises(DataError, match="carriage return"):
        list(open_table(path).rows())


def test_a_stream_of_lines_has_no_more_than_two_columns():
    with pytest.raises(ConfigError, match="this model reads article, question, options"):
        stream_table(io.BytesIO(b"a\n"), ("article", "question", "options"), "standard input")
