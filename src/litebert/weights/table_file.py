"""The sorted table in which a TensorFlow checkpoint's index lies: LevelDB's, read and written.

A table is blocks of entries, a block that lists them, and a footer. Within a block a key gives only
what differs from the key before it; each block ends with its kind and a checksum. Source: the
format's public description (LevelDB, doc/table_format.md); TensorFlow's lib/io keeps to it.

Nothing is taken on trust: a table is at most `LARGEST` bytes, blocks lie one behind the other, keys
ascend, and no key, block or number of entries grows beyond what such an index can have.
"""

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

import google_crc32c

from litebert.foundation.errors import ModelFolderError
from litebert.foundation.wire import WireError, read_varint, varint

Entry = tuple[bytes, bytes]

LARGEST = 16 << 20  # bytes of a table; a model's index has a few thousand
MOST_ENTRIES = 50_000
_LONGEST_KEY = 4096
_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48  # bytes: two handles, zeros up to 40, the magic number
_TRAILER = 5  # bytes behind a block: its kind and its checksum
_PLAIN = 0  # the kind of a block that is not compressed
_BLOCK_SIZE = 256 << 10  # a block ends with the entry that reaches it
_RESTART = 16  # every so many entries a key is written in full


def mask(crc: int) -> int:
    """A CRC-32C in the form in which it is stored."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def read_table(path: Path) -> list[Entry]:
    """The entries of a table, by ascending key.

    Raises ModelFolderError when the file is missing, too large, damaged, compressed or no table.
    """
    data = _read(path)
    try:
        return list(_entries(data))
    except WireError as error:
        raise ModelFolderError(
            f"{path} is damaged or not a checkpoint's index ({error}): fetch or copy it again"
        ) from None


def table(entries: Iterable[Entry]) -> bytes:
    """The bytes of a table of entries, which come by ascending key."""
    written, block, index = bytearray(), _Block(_RESTART), _Block(1)
    last, waiting = b"", b""  # a block's handle waits for the key that the next one begins with
    for key, value in entries:
        if waiting:
            index.add(_separator(last, key), waiting)
            waiting = b""
        block.add(key, value)
        last = key
        if block.size >= _BLOCK_SIZE:
            waiting, block = _append(written, block), _Block(_RESTART)
    if not block.empty:
        waiting = _append(written, block)
    meta = _append(written, _Block(_RESTART))
    if waiting:
        index.add(_successor(last), waiting)
    handles = meta + _append(written, index)
    return bytes(written) + handles.ljust(_FOOTER - 8, b"\0") + struct.pack("<Q", _MAGIC)


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise ModelFolderError(f"{path} is missing: copy all files of the checkpoint")
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise ModelFolderError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(data) > LARGEST:
        raise ModelFolderError(f"{path} is larger than {LARGEST:,} bytes: no checkpoint's index is")
    return data


def _entries(data: bytes) -> Iterator[Entry]:
    if len(data) < _FOOTER or data[-8:] != struct.pack("<Q", _MAGIC):
        raise WireError("it does not end as one")
    end = len(data) - _FOOTER
    _, _, at = _handle(data[end:], 0)
    offset, size, _ = _handle(data[end:], at)
    last, done, count = None, 0, 0
    for _, handle in _block_entries(_block(data, offset, size)):
        offset, size, _ = _handle(handle, 0)
        if offset < done:
            raise WireError("blocks that overlap")
        done = offset + size + _TRAILER
        for key, value in _block_entries(_block(data, offset, size)):
            if last is not None and key <= last:
                raise WireError("names that do not ascend")
            if (count := count + 1) > MOST_ENTRIES:
                raise WireError(f"more than {MOST_ENTRIES:,} entries")
            yield key, value
            last = key


def _handle(data: bytes, at: int) -> tuple[int, int, int]:
    """Offset and size of a block, and the position behind them."""
    offset, at = read_varint(data, at)
    size, at = read_varint(data, at)
    return offset, size, at


def _block(data: bytes, offset: int, size: int) -> bytes:
    """A block's entries without its list of restarts, its checksum tested."""
    end = offset + size
    if end + _TRAILER > len(data) - _FOOTER:
        raise WireError("a block that reaches beyond the file")
    kind, stored = struct.unpack_from("<BI", data, end)
    if mask(google_crc32c.value(data[offset : end + 1])) != stored:
        raise WireError("a block whose checksum is wrong")
    if kind != _PLAIN:
        raise WireError("a compressed block, which no TensorFlow writes into a checkpoint")
    if size < 4:
        raise WireError("a block that is cut short")
    (restarts,) = struct.unpack_from("<I", data, end - 4)
    if 4 * (restarts + 1) > size:
        raise WireError("a block whose list of restarts is longer than the block")
    return data[offset : end - 4 * (restarts + 1)]


def _block_entries(block: bytes) -> Iterator[Entry]:
    at, key = 0, b""
    while at < len(block):
        shared, at = read_varint(block, at)
        fresh, at = read_varint(block, at)
        size, at = read_varint(block, at)
        if shared > len(key) or shared + fresh > _LONGEST_KEY or at + fresh + size > len(block):
            raise WireError("an entry that reaches beyond its block")
        key = key[:shared] + block[at : at + fresh]
        at += fresh + size
        yield key, block[at - size : at]


class _Block:
    """A block being written."""

    def __init__(self, interval: int) -> None:
        self._interval = interval
        self._data = bytearray()
        self._restarts = [0]
        self._since = 0  # entries since the last restart
        self._last = b""

    @property
    def empty(self) -> bool:
        return not self._data

    @property
    def size(self) -> int:
        return len(self._data) + 4 * len(self._restarts) + 4

    def add(self, key: bytes, value: bytes) -> None:
        shared = 0
        if self._since == self._interval:
            self._restarts.append(len(self._data))
            self._since = 0
        elif self._since:
            shared = _common(self._last, key)
        self._data += varint(shared) + varint(len(key) - shared) + varint(len(value))
        self._data += key[shared:] + value
        self._since += 1
        self._last = key

    def content(self) -> bytes:
        count = len(self._restarts)
        return bytes(self._data) + struct.pack(f"<{count + 1}I", *self._restarts, count)


def _append(written: bytearray, block: _Block) -> bytes:
    """Write a block with its trailer; its handle is returned."""
    content = block.content() + bytes([_PLAIN])
    handle = varint(len(written)) + varint(len(content) - 1)
    written += content + struct.pack("<I", mask(google_crc32c.value(content)))
    return handle


def _common(a: bytes, b: bytes) -> int:
    """How many bytes two keys begin with alike."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((place for place, (x, y) in pairs if x != y), min(len(a), len(b)))


def _separator(last: bytes, first: bytes) -> bytes:
    """A short key from `last` on and before `first`, which begins the next block."""
    place = _common(last, first)
    if place < min(len(last), len(first)) and last[place] + 1 < first[place]:
        return last[:place] + bytes([last[place] + 1])
    return last


def _successor(last: bytes) -> bytes:
    """A short key from `last` on."""
    for place, byte in enumerate(last):
        if byte != 0xFF:
            return last[:place] + bytes([byte + 1])
    return last
