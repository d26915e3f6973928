import gzip
import io
import json
import lzma

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from litebert.corpus import documents
from litebert.corpus.documents import ReaderSettings, find_inputs, read_documents
from litebert.foundation.errors import DataError
from litebert.foundation.files import read_lines

TEXT = "One. Two.\nThree.\n\n\nFour five.\n"


def lines(*inputs, **settings):
    return [d.lines for d in read_documents(inputs, ReaderSettings(**settings))]


def open_zst(path, mode):
    """A file to write text to, compressed with Zstandard."""
    return io.TextIOWrapper(pa.CompressedOutputStream(str(path), "zstd"))


def test_blank_lines_separate_the_documents_of_a_text_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\ufeff" + TEXT.replace("\n", "\r\n"))
    found = list(read_documents([path]))
    assert [d.lines for d in found] == [["One. Two.", "Three."], ["Four five."]]
    assert [d.source for d in found] == ["a.txt:1", "a.txt:5"]
    assert found[0].sentences() == ["One.", "Two.", "Three."]


def test_a_line_may_be_a_sentence(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)
    found = next(read_documents([tmp_path / "a.txt"], ReaderSettings(lines="sentence")))
    assert found.sentences() == ["One. Two.", "Three."]


@pytest.mark.parametrize(
    ("suffix", "opener"), [(".gz", gzip.open), (".xz", lzma.open), (".zst", open_zst)]
)
def test_compressed_files_read_as_plain_ones(tmp_path, suffix, opener):
    with opener(tmp_path / f"a.txt{suffix}", "wt") as file:
        file.write(TEXT)
    with opener(tmp_path / f"b.jsonl{suffix}", "wt") as file:
        file.write(json.dumps({"text": "One.\nTwo."}) + "\n\n" + json.dumps({"text": "Three."}))
    assert lines(tmp_path / f"a.txt{suffix}") == [["One. Two.", "Three."], ["Four five."]]
    assert lines(tmp_path / f"b.jsonl{suffix}") == [["One.", "Two."], ["Three."]]


def test_rows_hold_text_or_a_list_of_sentences(tmp_path):
    rows = [{"text": "A b.\n\nC."}, {"sentences": ["A. b.", " ", "C."]}, {"text": None}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = list(read_documents([tmp_path / "a.jsonl"]))
    assert [d.lines for d in found] == [["A b.", "C."], ["A. b.", "C."]]
    assert found[1].sentences() == ["A. b.", "C."]
    assert [d.source for d in found] == ["a.jsonl:1", "a.jsonl:2"]


@pytest.mark.parametrize("name", ["body", "text"])
def test_parquet_columns_read_like_fields(tmp_path, name):
    table = pa.table({"title": ["x", "y", "z"], name: ["A.\nB.", None, "C."]})
    pq.write_table(table, tmp_path / "a.parquet")
    pq.write_table(pa.table({"sentences": [["A.", "B."]]}), tmp_path / "b.parquet")
    read = []
    found = read_documents([tmp_path], ReaderSettings(text_field=name), read.append)
    assert [d.lines for d in found] == [["A.", "B."], ["C."], ["A.", "B."]]
    assert sum(read) == sum(path.stat().st_size for path in tmp_path.iterdir())


def test_the_watcher_hears_of_every_byte_on_the_disk(tmp_path):
    with gzip.open(tmp_path / "a.txt.gz", "wt") as file:
        file.write(TEXT * 1000)
    read = []
    assert len(list(read_documents([tmp_path / "a.txt.gz"], watch=read.append))) == 1001
    assert sum(read) == (tmp_path / "a.txt.gz").stat().st_size


def test_folders_and_globs_are_expanded_in_order_and_each_file_is_read_once(tmp_path):
    for name in ("b/z.txt", "b/a.txt", "a.jsonl", "readme.md", ".hidden.txt", ".git/x.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text('{"text": "x"}')
    expected = [tmp_path / name for name in ("a.jsonl", "b/a.txt", "b/z.txt")]
    assert find_inputs([tmp_path]) == expected
    assert find_inputs([tmp_path / "**/*.txt", tmp_path]) == [*expected[1:], expected[0]]
    assert [d.source for d in read_documents([tmp_path])] == ["a.jsonl:1", "b/a.txt:1", "b/z.txt:1"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", "good\nb\xe4d", r"a\.txt is not UTF-8: line 2, byte 6 \(0xe4\)"),
        ("a.txt", " \n\n", "no text found"),
        ("a.jsonl", '{"text": "x"}\n{"text": ', r"a\.jsonl, line 2: not valid JSON"),
        ("a.jsonl", '["x"]', r"a\.jsonl, line 1: expected an object"),
        ("a.jsonl", '{"title": "x", "body": "y"}', r'no field "text"; there are: title, body'),
        ("a.jsonl", '{"text": 3}', r"line 1, text: expected text or a list of sentences, found 3"),
        ("a.jsonl", '{"text": ["a", 3]}', r"line 1, text: expected a list of sentences, found 3"),
        ("a.jsonl", "9" * 5000, r"line 1: not valid JSON"),
        ("a.parquet", "no", r"a\.parquet is damaged or not a Parquet file"),
        ("a.txt.gz", "no", r"a\.txt\.gz is damaged or not a \.gz file"),
        ("a.txt.xz", "no", r"a\.txt\.xz is damaged or not a \.xz file"),
        ("a.pdf", "no", r"a\.pdf: unknown suffix; files may end in \.txt"),
    ],
)
def test_bad_input_is_named_with_its_place(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(DataError, match=message):
        list(read_documents([tmp_path / name]))


def test_a_damaged_gzip_body_is_an_error_of_the_input(tmp_path):
    packed = bytearray(gzip.compress(b"word " * 10_000))
    packed[20:40] = bytes(20)
    (tmp_path / "a.txt.gz").write_bytes(packed)
    with pytest.raises(DataError, match="damaged"):
        list(read_documents([tmp_path / "a.txt.gz"]))


def test_inputs_that_match_nothing_are_an_error(tmp_path):
    for given, message in (
        ([], "no input"),
        ([tmp_path / "no.txt"], "does not exist"),
        ([tmp_path], "no file there ends in"),
        ([tmp_path / "*.txt"], "no file there ends in"),
    ):
        with pytest.raises(DataError, match=message):
            find_inputs(given)


def test_a_column_that_is_not_there_is_an_error(tmp_path):
    pq.write_table(pa.table({"title": ["x"]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r'no field "text"; there are: title'):
        list(read_documents([tmp_path / "a.parquet"]))


def test_text_too_long_to_hold_is_cut_without_loss(tmp_path, monkeypatch):
    monkeypatch.setattr(documents, "LONGEST_PARAGRAPH", 50)
    monkeypatch.setattr(documents, "LONGEST_DOCUMENT", 1000)
    words = [f"word{number}" for number in range(400)] + ["x" * 120]
    (tmp_path / "a.txt").write_text(" ".join(words[:300]) + "\n" + " ".join(words[300:]))
    (tmp_path / "b.jsonl").write_text(json.dumps({"text": "\n".join(words)}))
    for name in ("a.txt", "b.jsonl"):
        found = list(read_documents([tmp_path / name]))
        assert len(found) > 1
        assert len({d.source for d in found}) == len(found)
        assert all(len(line) <= 50 for d in found for line in d.lines)
        text = " ".join(line.strip() for d in found for line in d.lines)
        assert text.replace(" ", "") == "".join(words)
        assert text.startswith(" ".join(words[:300]))


def test_a_line_too_long_to_be_read_is_refused_with_its_number(tmp_path):
    (tmp_path / "a.txt").write_text("short\n" + "x" * 100)
    with pytest.raises(DataError, match=r"a\.txt: line 2 is longer than 99 bytes"):
        list(read_lines(tmp_path / "a.txt", longest=99))
    assert len(list(read_lines(tmp_path / "a.txt", longest=100))) == 2
