"""Writes are whole or absent; damage is found and named; reading says line and byte."""

import errno
import gzip
import lzma
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from litebert.foundation.errors import CheckpointError, DataError, StorageError
from litebert.foundation.files import (
    COMPRESSED,
    atomic_file,
    atomic_folder,
    read_json,
    read_lines,
    remove_leftovers,
    sha256_file,
    sha256_path,
    storage_errors,
    verify_manifest,
    write_json,
    write_manifest,
)

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".zst": partial(pa.compress, codec="zstd", asbytes=True),
}


def test_a_file_is_replaced_only_when_the_block_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with atomic_file(path, "w") as file:
        file.write("old")
    with pytest.raises(RuntimeError), atomic_file(path, "w") as file:
        file.write("new and incompl")
        raise RuntimeError
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "folder"
    with pytest.raises(RuntimeError), atomic_folder(target) as place:
        (place / "half").write_text("x")
        raise RuntimeError
    assert not target.exists()
    with atomic_folder(target) as place:
        (place / "sub").mkdir()
        (place / "sub" / "a").write_text("x")
    assert (target / "sub" / "a").read_text() == "x"
    assert [p.name for p in target.parent.iterdir()] == ["folder"]


def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    with pytest.raises(SystemExit), atomic_folder(tmp_path / "a") as place:
        place.rename(tmp_path / ".kept")  # as if the process had ended before the clean-up
        raise SystemExit
    (tmp_path / ".kept").rename(place)
    (tmp_path / ".b.txt.123.tmp").write_text("half")
    (tmp_path / "c.tmp").write_text("the user's own")
    remove_leftovers(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["c.tmp"]


def test_a_folder_that_was_being_replaced_when_its_writer_was_killed_comes_back(
    tmp_path: Path,
) -> None:
    for name in (".lost.77.old", ".there.77.old", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lost", "there"]
    assert (tmp_path / "lost" / "file").read_text() == ".lost.77.old"
    assert (tmp_path / "there" / "file").read_text() == "there"


def test_a_folder_that_is_taken_is_not_touched_unless_asked(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    (target / "old").write_text("x")
    with pytest.raises(StorageError, match="not empty"), atomic_folder(target):
        pass
    with atomic_folder(target, replace=True) as place:
        (place / "new").write_text("y")
        assert (target / "old").exists()
    assert [p.name for p in target.iterdir()] == ["new"]
    with pytest.raises(StorageError, match="is a file"), atomic_folder(target / "new"):
        pass


def test_a_full_disk_is_said_with_path_and_space(tmp_path: Path) -> None:
    path = tmp_path / "out.bin"
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    said = pytest.raises(StorageError, match=r"no space left .*out\.bin .*bytes free")
    with said, atomic_file(path) as file:
        file.write(b"x")
        raise full
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StorageError, match="cannot write"), storage_errors(path):
        raise PermissionError(errno.EACCES, "Permission denied")


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENAMETOOLONG, errno.ENOTDIR, errno.EIO])
def test_a_place_that_refuses_is_named(tmp_path: Path, code: int) -> None:
    said = pytest.raises(StorageError, match=rf"cannot write .*out: {os.strerror(code)}")
    with said, storage_errors(tmp_path / "out"):
        raise OSError(code, os.strerror(code))


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    said = pytest.raises(StorageError, match=r"cannot write .*out\.csv: .*mine is a file where")
    with said, atomic_file(tmp_path / "mine" / "out.csv"):
        pass


def test_a_manifest_finds_what_was_cut_changed_or_removed(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a", "sub/b"):
        (tmp_path / name).write_bytes(b"0123456789")
    write_manifest(tmp_path)
    verify_manifest(tmp_path, CheckpointError)
    for damage, words in ((b"012345678", "cut short"), (b"0123456780", "damaged")):
        (tmp_path / "sub" / "b").write_bytes(damage)
        with pytest.raises(CheckpointError, match=f"b is {words}"):
            verify_manifest(tmp_path, CheckpointError)
    (tmp_path / "sub" / "b").unlink()
    with pytest.raises(CheckpointError, match="sub/b is missing"):
        verify_manifest(tmp_path, CheckpointError)
    (tmp_path / "manifest.json").write_text('{"files": [1]}')
    with pytest.raises(CheckpointError, match="not a manifest"):
        verify_manifest(tmp_path, CheckpointError)


def test_json_is_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"ü": [1, 2]})
    assert read_json(path) == {"ü": [1, 2]}
    path.write_text('{"a": 1,\n "b" 2}')
    with pytest.raises(CheckpointError, match="line 2, column 6"):
        read_json(path, CheckpointError)
    path.write_bytes(b'{"a": "\xff"}')
    with pytest.raises(DataError, match="byte 7"):
        read_json(path)
    with pytest.raises(DataError, match="missing"):
        read_json(tmp_path / "none.json")


@pytest.mark.parametrize("name", ["a.txt", *(f"a.txt{suffix}" for suffix in COMPRESSED)])
def test_lines_are_read_plain_or_compressed(tmp_path: Path, name: str) -> None:
    content = "\ufefffirst\r\nzwölf\n\nlast".encode()
    (tmp_path / name).write_bytes(COMPRESS.get(Path(name).suffix, bytes)(content))
    assert list(read_lines(tmp_path / name)) == [(1, "first"), (2, "zwölf"), (3, ""), (4, "last")]


def test_a_wrong_encoding_is_said_with_line_and_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"gut\nsch" + "ön".encode("latin1"))
    with pytest.raises(DataError, match=r"line 2, byte 7 \(0xf6\).* -f latin1"):
        list(read_lines(path))
    path.write_text("gut\nschön", encoding="utf-16")
    with pytest.raises(DataError, match=r"line 1, byte 0 .* -f utf-16"):
        list(read_lines(path))


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_a_damaged_archive_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.txt{suffix}"
    path.write_bytes(b"this is no archive at all")
    with pytest.raises(DataError, match=f"not a {suffix} file"):
        list(read_lines(path))
    path.write_bytes(COMPRESS[suffix](os.urandom(4000))[:-200])
    with pytest.raises(DataError, match="damaged"):
        list(read_lines(path))


def test_a_zstandard_file_may_have_several_frames_as_parallel_compressors_write(
    tmp_path: Path,
) -> None:
    skipped = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"note"
    frames = [COMPRESS[".zst"](f"part {number}\n".encode() * 50_000) for number in range(3)]
    (tmp_path / "a.txt.zst").write_bytes(skipped + b"".join(frames))
    read: list[int] = []
    lines = [line for _, line in read_lines(tmp_path / "a.txt.zst", read.append)]
    assert lines == [f"part {number}" for number in range(3) for _ in range(50_000)]
    assert sum(read) == (tmp_path / "a.txt.zst").stat().st_size


def test_a_zstandard_file_that_needs_too_much_memory_says_what_to_do(tmp_path: Path) -> None:
    # A frame's header alone: no single segment, a window of 2 GiB (RFC 8878, 3.1.1.1).
    (tmp_path / "a.txt.zst").write_bytes(b"\x28\xb5\x2f\xfd" + bytes([0, 21 << 3]) + bytes(3))
    with pytest.raises(DataError, match=r"a\.txt\.zst .*zstd -d --long=31"):
        list(read_lines(tmp_path / "a.txt.zst"))


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        list(read_lines(tmp_path / "none.txt"))
    with pytest.raises(DataError, match="is a folder"):
        list(read_lines(tmp_path))


def test_the_hash_of_a_folder_is_of_its_files_names_and_bytes(tmp_path: Path) -> None:
    def hashed(**files: str) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, text in files.items():
            (folder / name).mkdir(parents=True)
            (folder / name / "a.txt").write_text(text)
        return sha256_path(folder)

    first = hashed(x="1", y="2")
    assert hashed(y="2", x="1") == first
    assert len({first, hashed(x="2", y="1"), hashed(x="1"), hashed(x="1", z="2")}) == 4
    file = tmp_path / "0" / "x" / "a.txt"
    assert sha256_path(file) == sha256_file(file)
