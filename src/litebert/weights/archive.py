"""Unpacking an archive (tar, zip) on distrust: plain files into one folder, nothing anywhere else.

A member that is a link or a device, or whose path leads out of the folder, is an error, not
skipped; so is an archive that unpacks to far more than it is.
"""

import gzip
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO, NoReturn

from litebert.foundation.errors import LitebertError, ModelFolderError
from litebert.foundation.files import storage_errors

ENDINGS = (".tar.gz", ".tgz", ".tar", ".zip")

_CHUNK = 1 << 20  # bytes copied at a time
_LARGEST_HEADER = 16 << 10  # bytes; tarfile reads as many as a header claims
_LONGEST_READ = 4 << 20  # bytes; zipfile reads as many as a list of members claims
_MOST_MEMBERS = 10_000
_GROWTH = 100  # weights shrink by a tenth when packed; a bomb by a thousand
_SLACK = 64 << 20  # bytes that any archive may unpack to
_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_GZIP, _ZIP = b"\x1f\x8b", b"PK"  # how files begin
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error),
    *(OSError, EOFError, ValueError, RuntimeError),
)

Watch = Callable[[int], None]


def is_archive(path: Path) -> bool:
    """Whether a path ends as an archive that can be unpacked."""
    return path.name.lower().endswith(ENDINGS)


def unpack(
    archive: Path, folder: Path, wanted: Callable[[str], bool], watch: Watch | None = None
) -> None:
    """Unpack the members whose last name is `wanted` into `folder`, under their own paths.

    `watch` is told of the archive's bytes as they are read. Raises ModelFolderError where the
    archive is damaged, unsafe or a bomb, StorageError where the folder cannot be written.
    """
    try:
        with open(archive, "rb") as file:
            begin = file.read(2)
            file.seek(0)
            limit = _SLACK + _GROWTH * archive.stat().st_size
            if begin == _ZIP:
                _unzip(_Watched(file, watch), folder, wanted, limit)
            else:
                _untar(_Stream(file, begin == _GZIP, limit, watch), folder, wanted)
    except LitebertError:
        raise
    except _DAMAGE as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ModelFolderError(f"{archive} is damaged or not to be trusted: {why}") from None


def _untar(source: "_Stream", folder: Path, wanted: Callable[[str], bool]) -> None:
    with tarfile.open(fileobj=source, mode="r:") as tar:  # type: ignore[call-overload]
        for count, member in enumerate(tar):
            _check_count(count + 1)
            path = _checked(member.name)
            if not (member.isreg() or member.isdir()) or member.issparse():
                _refuse_kind(member.name)
            if member.isreg() and wanted(path.name):
                source.seek(member.offset_data)
                _write(source.take, member.size, member.name, folder / path)
    source.finish()


def _unzip(file: "_Watched", folder: Path, wanted: Callable[[str], bool], limit: int) -> None:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        _check_count(len(members))
        size = 0
        for member in members:
            path = _checked(member.filename)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                _refuse_kind(member.filename)
            if member.flag_bits & 1 or member.compress_type not in _KINDS:
                raise tarfile.ReadError(f"{member.filename!r} is encrypted or packed in a rare way")
            size += member.file_size
            if size > limit:
                _refuse_size(limit)
            if not member.is_dir() and wanted(path.name):
                with archive.open(member) as data:
                    _write(data.read, member.file_size, member.filename, folder / path)


class _Watched:
    """What zipfile reads an archive through: no more at once than an honest one needs."""

    def __init__(self, file: IO[bytes], watch: Watch | None) -> None:
        self._file, self._watch = file, watch
        self.seekable, self.seek, self.tell = file.seekable, file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size if 0 <= size <= _LONGEST_READ else _LONGEST_READ + 1)
        if len(data) > _LONGEST_READ:
            raise zipfile.BadZipFile(f"more than {_LONGEST_READ:,} bytes at once")
        if self._watch is not None:
            self._watch(len(data))
        return data


class _Stream:
    """What tarfile reads an archive through: forwards alone, and only so far."""

    def __init__(self, file: IO[bytes], zipped: bool, limit: int, watch: Watch | None) -> None:
        self._packed = file
        self._data: IO[bytes] = file
        if zipped:
            self._data = gzip.GzipFile(fileobj=file)  # type: ignore[assignment]
        self._limit = limit
        self._watch, self._told = watch, 0
        self._at = 0

    def tell(self) -> int:
        return self._at

    def seek(self, place: int) -> int:
        if place < self._at:
            raise tarfile.ReadError("members that overlap")
        while self._at < place:
            if not self.take(min(place - self._at, _CHUNK)):
                break
        return self._at

    def read(self, size: int) -> bytes:
        """For tarfile: a header, of which none is large."""
        if not 0 <= size <= _LARGEST_HEADER:
            raise tarfile.ReadError(f"a header of {size:,} bytes")
        return self.take(size)

    def take(self, size: int) -> bytes:
        """The next bytes, fewer at the end."""
        data = self._data.read(size)
        self._at += len(data)
        if self._at > self._limit:
            _refuse_size(self._limit)
        if self._watch is not None:
            told, self._told = self._told, self._packed.tell()
            self._watch(self._told - told)
        return data

    def finish(self) -> None:
        """Read what is left, so that the checksum at its end is tested."""
        while self.take(_CHUNK):
            pass


def _checked(name: str) -> PurePosixPath:
    """The path of a member. Raises ReadError for one that leads out of the folder."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise tarfile.ReadError(f"the path {name!r} leads out of the folder")
    return path


def _check_count(members: int) -> None:
    if members > _MOST_MEMBERS:
        raise tarfile.ReadError(f"more than {_MOST_MEMBERS:,} members")


def _refuse_kind(name: str) -> NoReturn:
    raise tarfile.ReadError(f"{name!r} is a link or no plain file")


def _refuse_size(limit: int) -> NoReturn:
    raise tarfile.ReadError(f"it unpacks to more than {limit:,} bytes")


def _write(take: Callable[[int], bytes], size: int, name: str, target: Path) -> None:
    """Write a member's `size` bytes, of which `take` gives the next, to `target`."""
    if target.exists():
        raise tarfile.ReadError(f"{name!r} is in it twice")
    left = size
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "wb") as file:
            while left > 0:
                data = take(min(left, _CHUNK))
                if not data:
                    raise tarfile.ReadError(f"{name!r} is cut short")
                file.write(data)
                left -= len(data)
