"""What a TensorFlow checkpoint's index says: a header, and for each tensor its kind, shape, place.

Source: TensorFlow's tensor_bundle.proto, tensor_shape.proto and types.proto.
"""

from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import torch

from litebert.foundation.wire import (
    BYTES,
    FIXED32,
    VARINT,
    WireError,
    bytes_field,
    fields,
    fixed32_field,
    number_field,
)

Shape = tuple[int, ...]

_MOST_DIMENSIONS = 8
_MOST_SHARDS = 99_999  # their numbers have five digits
_VERSION = 1  # of the format


class Kind(NamedTuple):
    """A type of numbers: its number in TensorFlow, its name as safetensors has it, torch's type."""

    number: int
    name: str
    dtype: torch.dtype


KINDS = (
    Kind(1, "F32", torch.float32),
    Kind(2, "F64", torch.float64),
    Kind(3, "I32", torch.int32),
    Kind(4, "U8", torch.uint8),
    Kind(5, "I16", torch.int16),
    Kind(6, "I8", torch.int8),
    Kind(9, "I64", torch.int64),
    Kind(10, "BOOL", torch.bool),
    Kind(14, "BF16", torch.bfloat16),
    Kind(19, "F16", torch.float16),
)
_BY_NUMBER = {kind.number: kind for kind in KINDS}
_BY_TYPE = {kind.dtype: kind for kind in KINDS}
_STRING = 7


@dataclass(frozen=True)
class BundleEntry:
    """One tensor: what it is, in which file, from which byte, and the checksum of its bytes."""

    number: int
    """TensorFlow's number of its type; `kind` is None where it is none of numbers."""
    shape: Shape
    shard: int
    offset: int
    size: int
    checksum: int
    sliced: bool = False
    """Whether it is stored in parts, elsewhere."""

    @property
    def kind(self) -> Kind | None:
        """The type of its numbers."""
        return _BY_NUMBER.get(self.number)

    @property
    def kind_name(self) -> str:
        """The name of its type, for people."""
        named = "STRING" if self.number == _STRING else f"TYPE_{self.number}"
        return named if self.kind is None else self.kind.name

    @property
    def fits(self) -> bool:
        """Whether its bytes are as many as its shape needs; True where that cannot be said."""
        kind = self.kind
        return kind is None or self.size == prod(self.shape) * kind.dtype.itemsize


def entry_of(shape: Shape, dtype: torch.dtype, offset: int, size: int, checksum: int) -> bytes:
    """The bytes of an entry in the only file of tensors. KeyError for an unknown type."""
    dimensions = b"".join(bytes_field(2, number_field(1, width)) for width in shape)
    return (
        number_field(1, _BY_TYPE[dtype].number)
        + bytes_field(2, dimensions)
        + number_field(4, offset)
        + number_field(5, size)
        + fixed32_field(6, checksum)
    )


def header() -> bytes:
    """The header of a checkpoint with one file of tensors, on a little-endian machine."""
    return number_field(1, 1) + bytes_field(3, number_field(1, _VERSION))


def read_header(data: bytes) -> int:
    """The number of files of tensors. Raises WireError for a format that is not read here."""
    shards, version = 0, b""
    for field in fields(data):
        if field.number == 1 and field.kind == VARINT:
            shards = field.value
        elif field.number == 2 and field.kind == VARINT and field.value:
            raise WireError("written by a big-endian machine, whose numbers are not read here")
        elif field.number == 3 and field.kind == BYTES:
            version = field.content
    for field in fields(version):
        if field.number == 2 and field.value > _VERSION:
            raise WireError(f"version {field.value} of the format, {_VERSION} is read here")
    if not 0 < shards <= _MOST_SHARDS:
        raise WireError(f"a header that counts {shards} files")
    return shards


def read_entry(data: bytes) -> BundleEntry:
    """The entry that `data` holds. Raises WireError when it is damaged."""
    numbers = {1: 0, 3: 0, 4: 0, 5: 0, 6: 0}
    shape: Shape = ()
    sliced = False
    for field in fields(data):
        if field.number == 2 and field.kind == BYTES:
            shape = _read_shape(field.content)
        elif field.number == 7:
            sliced = True
        elif field.number in numbers:
            if field.kind != (FIXED32 if field.number == 6 else VARINT):
                raise WireError("an entry with a number of another kind")
            numbers[field.number] = field.value
    number, shard, offset, size, checksum = numbers.values()
    return BundleEntry(number, shape, shard, offset, size, checksum, sliced)


def _read_shape(data: bytes) -> Shape:
    widths: list[int] = []
    for field in fields(data):
        if field.number == 3 and field.value:
            raise WireError("a tensor of unknown shape")
        if field.number == 2:
            sizes = [inner.value for inner in fields(field.content) if inner.number == 1]
            widths.append(sizes[-1] if sizes else 0)
    if len(widths) > _MOST_DIMENSIONS or prod(max(width, 1) for width in widths) >= 1 << 48:
        raise WireError("a tensor of a shape that none has")
    return tuple(widths)
