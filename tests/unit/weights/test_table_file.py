"""LevelDB's tables: what is written is read, and nothing damaged passes."""

import random
import struct
from pathlib import Path

import google_crc32c
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebert.foundation.errors import ModelFolderError
from litebert.weights.table_file import LARGEST, mask, read_table, table

Entries = list[tuple[bytes, bytes]]


def written(folder: Path, data: bytes) -> Path:
    path = folder / "model.ckpt.index"
    path.write_bytes(data)
    return path


def sealed(content: bytes, kind: int = 0) -> bytes:
    """A block with its trailer."""
    block = content + bytes([kind])
    return block + struct.pack("<I", mask(google_crc32c.value(block)))


def test_the_originals_index_is_written_byte_for_byte(golden: Path) -> None:
    path = golden / "model_shared" / "model.ckpt-best.index"
    assert table(read_table(path)) == path.read_bytes()


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.binary(max_size=12), st.binary(max_size=40), max_size=80))
def test_entries_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, entries: dict[bytes, bytes]
) -> None:
    ordered = sorted(entries.items())
    path = written(tmp_path_factory.mktemp("table"), table(ordered))
    assert read_table(path) == ordered


def test_a_table_of_many_blocks_lists_each_by_a_short_key(tmp_path: Path) -> None:
    draw = random.Random(0)
    entries = [(b"layer/%05d/kernel" % n, draw.randbytes(90_000)) for n in range(12)]
    data = table(entries)
    assert read_table(written(tmp_path, data)) == entries
    # 3 entries reach 256 KB; the key of a block lies between its last name and the next first.
    assert all(data[-400:].count(b"layer/%05d/kernel" % n) == 0 for n in (0, 1, 3, 4, 6, 7))
    assert data[-400:].count(b"layer/0000") == 3


def test_a_key_that_cannot_be_shortened_stays(tmp_path: Path) -> None:
    entries = [(b"\xff\xff", b"x" * 300_000), (b"\xff\xff\xff", b"y")]
    assert read_table(written(tmp_path, table(entries))) == entries


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "does not end as one"),
        (b"\0" * 47, "does not end as one"),
        (b"\0" * 100, "does not end as one"),
        (table([])[:-1], "does not end as one"),
        (table([(b"b", b""), (b"a", b"")]), "do not ascend"),
        (table([(b"a", b""), (b"a", b"")]), "do not ascend"),
        (table((b"%06d" % n, b"") for n in range(50_001)), "more than 50,000 entries"),
        (table([(b"x" * 4097, b"")]), "beyond its block"),
    ],
)
def test_what_is_no_table_or_beyond_bounds_is_refused(
    data: bytes, words: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelFolderError, match=words):
        read_table(written(tmp_path, data))


def test_a_missing_or_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="missing"):
        read_table(tmp_path / "nowhere.index")
    path = written(tmp_path, b"")
    with path.open("r+b") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(ModelFolderError, match="larger than"):
        read_table(path)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (sealed(b"\0" * 8, kind=1), "compressed"),
        (sealed(b"\0"), "cut short"),
        (sealed(struct.pack("<I", 2**30)), "restarts"),
        (sealed(b"\x01\x00\x00" + struct.pack("<II", 0, 1)), "beyond its block"),
        (sealed(b"\x00\x7f\x00" + struct.pack("<II", 0, 1)), "beyond its block"),
        (sealed(b"\x00\x00\xff" + struct.pack("<II", 0, 1)), "too large|cut short"),
        (sealed(b"\0" * 8)[:-1] + b"!", "checksum"),
    ],
)
def test_a_block_that_lies_is_refused(block: bytes, words: str, tmp_path: Path) -> None:
    size = len(block) - 5
    footer = bytes([0, size, 0, size]).ljust(40, b"\0") + table([])[-8:]
    with pytest.raises(ModelFolderError, match=words):
        read_table(written(tmp_path, block + footer))


def test_blocks_that_overlap_are_refused(tmp_path: Path) -> None:
    block = sealed(b"\0\0\0" + struct.pack("<II", 0, 1))
    handle = bytes([0, len(block) - 5])
    listed = b"\0\1\2a" + handle + b"\0\1\2b" + handle
    index = sealed(listed + struct.pack("<II", 0, 1))
    footer = bytes([0, 0, len(block), len(index) - 5]).ljust(40, b"\0") + table([])[-8:]
    with pytest.raises(ModelFolderError, match="overlap"):
        read_table(written(tmp_path, block + index + footer))
