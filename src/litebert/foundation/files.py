"""Files that are either whole or not there: atomic writes, checksums, manifests, strict reading.

A write goes to a temporary name beside its target, is flushed to the disk and then renamed, so a
crash leaves the old file or the new one. A folder is built under a temporary name and counts only
once its `manifest.json`, written last, lists every file with its SHA-256.
"""

import codecs
import errno
import gzip
import hashlib
import io
import json
import lzma
import os
import re
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from litebert.foundation.errors import DataError, LitebertError, StorageError

MANIFEST = "manifest.json"
COMPRESSED = (".gz", ".xz", ".zst")  # what `open_bytes` decompresses
LONGEST_LINE = 128 << 20  # bytes; a longer line is refused rather than read into memory
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_REFUSED = (
    *(errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG),
    *(errno.EFBIG, errno.EIO, errno.ENOTEMPTY),
)


@contextmanager
def atomic_file(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary file that becomes `path` when the block ends without an error.

    Raises StorageError, naming the path, when the disk is full or the place cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, mode, encoding=None if "b" in mode else "utf-8") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
            _sync(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, replace: bool = False, needed: int | None = None) -> Iterator[Path]:
    """Build a folder under a temporary name; it becomes `path` when the block ends in peace.

    Nothing is left behind after an error. An existing, non-empty `path` raises StorageError unless
    `replace` is set; then the old folder stays in place until the new one is complete. Where it is
    known how many bytes are `needed`, a full disk's error says so.
    """
    path = Path(path)
    require_vacant(path, replace)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with storage_errors(path, needed):
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            _sync_tree(temporary)
            _swap_in(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove what a process that was killed while writing into `folder` left behind.

    A folder that was just being replaced comes back. Nobody else may be writing there.
    """
    for old in folder.glob(".*.old"):
        path = old.with_name(old.name[1:].rsplit(".", 2)[0])
        if not path.exists():
            os.replace(old, path)
    for path in [*folder.glob(".*.tmp"), *folder.glob(".*.old")]:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def require_vacant(path: Path, replace: bool = False) -> None:
    """Raise StorageError when `path` is a file, or a non-empty folder that may not be replaced."""
    if path.is_file() or path.is_symlink():
        raise StorageError(f"{path} is a file where a folder should be written: name another place")
    if not replace and path.is_dir() and any(path.iterdir()):
        raise StorageError(f"{path} exists and is not empty: name another folder, or remove it")


@contextmanager
def storage_errors(path: Path, needed: int | None = None) -> Iterator[None]:
    """Turn the operating system's refusals to write `path` into a StorageError.

    `needed`: the bytes to be written, where they are known.
    """
    try:
        yield
    except LitebertError:
        raise
    except Exception as problem:
        error = _refusal(problem)
        if error is None:
            raise
        if error.errno in _NO_SPACE:
            space = f"{_free_bytes(path):,} bytes free"
            space += f", {needed:,} needed" if needed is not None else ""
            raise StorageError(
                f"no space left on the disk while writing {path} ({space}): "
                "free some space or name a folder on another disk; nothing half-written was kept"
            ) from error
        if isinstance(error, FileExistsError):
            taken = f"{error.filename} is a file where a folder is needed"
            raise StorageError(f"cannot write {path}: {taken}") from error
        if error.errno in _REFUSED:
            raise StorageError(f"cannot write {path}: {error.strerror or error}") from error
        raise


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically, with its keys in the order given."""
    with atomic_file(path, "w") as file:
        json.dump(value, file, indent=2, ensure_ascii=False, allow_nan=False)
        file.write("\n")


def read_json(path: Path, error: type[LitebertError] = DataError) -> Any:
    """Read a JSON file; `error` is raised, with line and column, when it cannot be."""
    try:
        return json.loads(Path(path).read_text("utf-8-sig"))
    except FileNotFoundError:
        raise error(f"{path} is missing") from None
    except UnicodeDecodeError as problem:
        raise error(f"{path} is not UTF-8 text (byte {problem.start})") from None
    except json.JSONDecodeError as problem:
        where = f"line {problem.lineno}, column {problem.colno}"
        raise error(f"{path} is not valid JSON: {problem.msg} at {where}") from None
    except (OSError, RecursionError, ValueError) as problem:  # a number of thousands of digits
        raise error(f"{path} cannot be read: {problem}") from None


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_path(path: Path) -> str:
    """The same of a file, or of a folder: of the names and hashes of all files in it."""
    if not path.is_dir():
        return sha256_file(path)
    digest = hashlib.sha256()
    for file in sorted(one for one in path.rglob("*") if one.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}\0{sha256_file(file)}\n".encode())
    return digest.hexdigest()


def write_manifest(folder: Path) -> None:
    """List every file of `folder` with size and SHA-256 in its `manifest.json`; call it last."""
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST)
    entries = {
        p.relative_to(folder).as_posix(): {"bytes": p.stat().st_size, "sha256": sha256_file(p)}
        for p in files
    }
    write_json(folder / MANIFEST, {"files": entries})


def verify_manifest(folder: Path, error: type[LitebertError]) -> None:
    """Check every file that the folder's manifest lists; `error` names the first that differs."""
    try:
        listed: dict[str, dict[str, Any]] = read_json(folder / MANIFEST, error)["files"]
        for name, entry in listed.items():
            path = folder / name
            if not path.is_file():
                raise error(f"{folder} is incomplete: {name} is missing")
            if path.stat().st_size != entry["bytes"]:
                size = path.stat().st_size
                raise error(
                    f"{path} is cut short or altered: {size} bytes, {entry['bytes']} expected"
                )
            if sha256_file(path) != entry["sha256"]:
                raise error(f"{path} is damaged: its SHA-256 is not the one in {MANIFEST}")
    except (KeyError, TypeError, AttributeError):
        raise error(f"{folder / MANIFEST} is not a manifest: write the folder anew") from None


@contextmanager
def open_bytes(path: Path, watch: Callable[[int], None] | None = None) -> Iterator[IO[bytes]]:
    """Open a file for reading, decompressing .gz, .xz and .zst on the way.

    `watch` is told of every piece read, in bytes of the file as it lies on the disk. Raises
    DataError when the file is missing, a folder, or its compressed stream is damaged.
    """
    path = Path(path)
    opener: Any = {".gz": gzip.open, ".xz": lzma.open, ".zst": _open_zstandard}.get(path.suffix)
    try:
        with io.BufferedReader(_WatchedFile(path, watch), 1 << 18) as raw:
            if opener is None:
                yield raw
            else:
                with opener(raw, "rb") as file:
                    yield file
    except FileNotFoundError:
        raise DataError(f"{path} does not exist: check the path") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder where a file is expected") from None
    except PermissionError:
        raise DataError(f"{path} may not be read: check its permissions") from None
    except (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, _ZstandardError) as problem:
        raise DataError(
            f"{path} is damaged or not a {path.suffix} file ({problem}): fetch it again"
        ) from None


def read_lines(
    path: Path, watch: Callable[[int], None] | None = None, longest: int = LONGEST_LINE
) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line without its end) of a UTF-8 text, compressed or not.

    A byte-order mark is dropped; `watch` as in `open_bytes`. Raises DataError with line and byte
    when the text is not UTF-8, and with the line when it has more than `longest` bytes.
    """
    with open_bytes(path, watch) as file:
        yield from decode_lines(iter(partial(file.readline, longest + 1), b""), path, longest)


def decode_lines(
    lines: Iterable[bytes], name: object, longest: int = LONGEST_LINE
) -> Iterator[tuple[int, str]]:
    """The same for lines of bytes from anywhere, as standard input; `name` is for errors."""
    position = 0
    for number, raw in enumerate(lines, start=1):
        if len(raw) > longest:
            raise DataError(
                f"{name}: line {number} is longer than {longest:,} bytes: "
                "break the text into lines, one a paragraph"
            )
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as problem:
            byte = position + problem.start
            wide = number == 1 and raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            raise DataError(
                f"{name} is not UTF-8: line {number}, byte {byte} "
                f"(0x{raw[problem.start]:02x}): convert it, e.g. with "
                f"iconv -f {'utf-16' if wide else 'latin1'} -t utf-8"
            ) from None
        position += len(raw)
        if number == 1:
            line = line.removeprefix("\ufeff")
        yield number, line.rstrip("\r\n")


class _ZstandardError(Exception):
    """A Zstandard stream is damaged or cut short."""


class _ZstandardFile(io.RawIOBase):
    """The decompressed bytes of a Zstandard file, frame after frame.

    Arrow decompresses: Python itself can from 3.14 on only.
    """

    def __init__(self, file: IO[bytes]) -> None:
        import pyarrow as pa

        self._stream = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")
        self._path = file.name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return int(self._stream.readinto(buffer))
        except OSError as problem:
            if problem.errno is not None:  # the system's, not the decompressor's
                raise
            if "too much memory" in str(problem):
                raise DataError(
                    f"{self._path} was compressed over a distance of more than 128 MB: decompress "
                    "it first, with zstd -d --long=31"
                ) from None
            raise _ZstandardError(str(problem)) from None


@contextmanager
def _open_zstandard(file: IO[bytes], mode: str) -> Iterator[IO[bytes]]:
    with io.BufferedReader(_ZstandardFile(file), 1 << 18) as reader:
        yield reader


class _WatchedFile(io.FileIO):
    """A file that tells how many of its bytes have been read."""

    def __init__(self, path: Path, watch: Callable[[int], None] | None) -> None:
        super().__init__(path)
        self._watch = watch

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer) or 0
        if self._watch is not None:
            self._watch(count)
        return count


def _sync(path: Path) -> None:
    """Flush a file or a folder's list of names to the disk."""
    windows = os.name == "nt"  # which opens no folder, and flushes what is open for writing only
    if windows and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDWR if windows else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_tree(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        _sync(path)


def _swap_in(temporary: Path, path: Path) -> None:
    """Rename the finished folder into place, moving an older one aside first."""
    old = path.with_name(f".{path.name}.{os.getpid()}.old")
    if path.exists():
        os.replace(path, old)
    os.replace(temporary, path)
    _sync(path.parent)
    shutil.rmtree(old, ignore_errors=True)


def _refusal(error: Exception) -> OSError | None:
    """The operating system's error behind `error`; safetensors has it only as text."""
    if isinstance(error, OSError):
        return error
    found = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(found[1]), str(error)) if found is not None else None


def _free_bytes(path: Path) -> int:
    for folder in Path(path).absolute().parents:
        if folder.exists():
            return shutil.disk_usage(folder).free
    return 0
