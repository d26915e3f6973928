"""Unpacking a tar archive on distrust: plain files into one folder, and nothing anywhere else.

A member that is a link or a device, or whose path leads out of the folder, is an error, not
skipped; so is an archive that unpacks to far more than it is.
"""

import gzip
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO

from litebert.foundation.errors import LitebertError, ModelFolderError
from litebert.foundation.files import storage_errors

ENDINGS = (".tar.gz", ".tgz", ".tar")

_CHUNK = 1 << 20  # bytes copied at a time
_LARGEST_HEADER = 16 << 10  # bytes; tarfile reads as many as a header claims
_MOST_MEMBERS = 10_000
_GROWTH = 100  # weights shrink by a tenth when packed; a bomb by a thousand
_SLACK = 64 << 20  # bytes that any archive may unpack to
_DAMAGE = (tarfile.TarError, zlib.error, OSError, EOFError, ValueError, RecursionError)

Watch = Callable[[int], None]


def is_archive(path: Path) -> bool:
    """Whether a path ends as an archive that can be unpacked."""
    return path.name.endswith(ENDINGS)


def unpack(
    archive: Path, folder: Path, wanted: Callable[[str], bool], watch: Watch | None = None
) -> None:
    """Unpack the members whose last name is `wanted` into `folder`, under their own paths.

    `watch` is told of the archive's bytes as they are read. Raises ModelFolderError where the
    archive is damaged, unsafe or a bomb, StorageError where the folder cannot be written.
    """
    try:
        with open(archive, "rb") as file:
            source = _Stream(file, archive, watch)
            with tarfile.open(fileobj=source, mode="r:") as tar:  # type: ignore[call-overload]
                for count, member in enumerate(tar):
                    if count == _MOST_MEMBERS:
                        raise tarfile.ReadError(f"more than {_MOST_MEMBERS:,} members")
                    path = _checked(member)
                    if member.isreg() and wanted(path.name):
                        _write(source, member, folder / path)
            source.finish()
    except LitebertError:
        raise
    except _DAMAGE as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ModelFolderError(f"{archive} is damaged or not to be trusted: {why}") from None


class _Stream:
    """What tarfile reads an archive through: forwards alone, and only so far."""

    def __init__(self, file: IO[bytes], archive: Path, watch: Watch | None) -> None:
        self._packed = file
        self._data: IO[bytes] = file
        if archive.suffix != ".tar":
            self._data = gzip.GzipFile(fileobj=file)  # type: ignore[assignment]
        self._limit = _SLACK + _GROWTH * archive.stat().st_size
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
            raise tarfile.ReadError(f"it unpacks to more than {self._limit:,} bytes")
        if self._watch is not None:
            told, self._told = self._told, self._packed.tell()
            self._watch(self._told - told)
        return data

    def finish(self) -> None:
        """Read what is left, so that the checksum at its end is tested."""
        while self.take(_CHUNK):
            pass


def _checked(member: tarfile.TarInfo) -> PurePosixPath:
    """The path of a member. Raises ReadError for one that could do harm."""
    name = member.name
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
        raise tarfile.ReadError(f"the path {name!r} leads out of the folder")
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise tarfile.ReadError(f"{name!r} is a link or no plain file")
    return path


def _write(source: _Stream, member: tarfile.TarInfo, target: Path) -> None:
    if target.exists():
        raise tarfile.ReadError(f"{member.name!r} is in it twice")
    source.seek(member.offset_data)
    left = member.size
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "wb") as file:
            while left > 0:
                data = source.take(min(left, _CHUNK))
                if not data:
                    raise tarfile.ReadError(f"{member.name!r} is cut short")
                file.write(data)
                left -= len(data)
