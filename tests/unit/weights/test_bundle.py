"""Checkpoints as TensorFlow writes them: read, written, and distrusted."""

import random
import resource
import shutil
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import google_crc32c
import numpy as np
import pytest
import torch
from torch import Tensor

from litebert.foundation.errors import ModelFolderError, StorageError
from litebert.foundation.wire import bytes_field, fixed32_field, number_field, read_varint
from litebert.weights import bundle
from litebert.weights.bundle import Bundle
from litebert.weights.bundle_writer import Variable, write_bundle
from litebert.weights.table_file import mask, read_table, table

PREFIX = "model.ckpt-best"
DATA = f"{PREFIX}.data-00000-of-00001"


def variables(tensors: dict[str, Tensor]) -> list[Variable]:
    return [
        Variable(name, tuple(tensor.shape), lambda tensor=tensor: tensor)  # type: ignore[misc]
        for name, tensor in tensors.items()
    ]


def draw(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.fixture
def original(golden: Path, tmp_path: Path) -> Path:
    """A copy of a checkpoint that TensorFlow wrote; its prefix."""
    for path in (golden / "model_shared").glob(f"{PREFIX}.*"):
        shutil.copyfile(path, tmp_path / path.name)
    return tmp_path / PREFIX


@pytest.fixture
def numbers(golden: Path) -> dict[str, Tensor]:
    """What is in it, by TensorFlow's own reading."""
    stored = np.load(golden / "model_shared" / "weights.npz")
    return {name.replace(".", "/"): torch.from_numpy(array) for name, array in stored.items()}


def test_the_originals_tensors_are_read(original: Path, numbers: dict[str, Tensor]) -> None:
    with Bundle(original) as opened:
        assert opened.where == str(original)
        assert opened.shapes == {name: tuple(t.shape) for name, t in numbers.items()}
        assert set(opened.kinds.values()) == {"F32"}
        for name, tensor in numbers.items():
            assert torch.equal(opened.tensor(name), tensor)
            if tensor.dim() == 2:
                turned = opened.tensor(name, transposed=True)
                assert torch.equal(turned, tensor.t())
                assert turned.is_contiguous()


def test_the_originals_files_are_written_byte_for_byte(
    original: Path, numbers: dict[str, Tensor], golden: Path, tmp_path: Path
) -> None:
    write_bundle(tmp_path / "again" / PREFIX, reversed(variables(numbers)))
    for name in (DATA, f"{PREFIX}.index", "checkpoint"):
        expected = (golden / "model_shared" / name).read_bytes()
        assert (tmp_path / "again" / name).read_bytes() == expected


def test_every_kind_of_number_survives_the_way(tmp_path: Path) -> None:
    floats = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
    whole = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)
    tensors = {str(kind): (draw(5, 3) * 9).to(kind) for kind in (*floats, *whole)}
    tensors |= {"scalar": torch.tensor(125_000), "none": torch.zeros(0, 4), "flat": draw(7)}
    write_bundle(tmp_path / PREFIX, variables(tensors))
    with Bundle(tmp_path / PREFIX) as opened:
        for name, tensor in tensors.items():
            read = opened.tensor(name)
            assert read.dtype == (torch.float32 if tensor.is_floating_point() else torch.int64)
            assert torch.equal(read, tensor.to(read.dtype))
            if tensor.dim() == 2:
                assert torch.equal(opened.tensor(name, transposed=True), read.t())
        assert opened.kinds["torch.bfloat16"] == "BF16"
        assert opened.kinds["scalar"] == "I64"
        assert opened.shapes["none"] == (0, 4)


@pytest.mark.parametrize("chunk", [1, 40, 64, 100_000])
def test_tensors_larger_than_a_chunk_come_in_parts(
    chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = {"kernel": draw(9, 5), "vector": draw(33), "turned": draw(6, 7).t()}
    write_bundle(tmp_path / PREFIX, variables(tensors))
    monkeypatch.setattr(bundle, "CHUNK", chunk)
    with Bundle(tmp_path / PREFIX) as opened:
        for name, tensor in tensors.items():
            assert torch.equal(opened.tensor(name), tensor)
        assert torch.equal(opened.tensor("kernel", transposed=True), tensors["kernel"].t())
        assert torch.equal(opened.tensor("turned", transposed=True), tensors["turned"].t())


def test_a_vector_is_not_transposed(original: Path) -> None:
    with Bundle(original) as opened, pytest.raises(ModelFolderError, match="no matrix"):
        opened.tensor("bert/pooler/dense/bias", transposed=True)


def test_a_place_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(StorageError):
        write_bundle(tmp_path / "taken" / PREFIX, variables({"a": draw(2)}))

    def fails() -> Tensor:
        raise StorageError("no more")

    with pytest.raises(StorageError):
        write_bundle(tmp_path / PREFIX, [*variables({"a": draw(2)}), Variable("b", (), fails)])
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


# What an index may say that a checkpoint does not have.


def entry(**changes: int | bytes) -> bytes:
    """The entry of one float32 vector of two, with fields changed."""
    given: dict[str, int | bytes] = {
        "dtype": 1,
        "shape": bytes_field(2, number_field(1, 2)),
        "shard": 0,
        "offset": 0,
        "size": 8,
        "crc": mask(google_crc32c.value(struct.pack("<2f", 1, 2))),
        "more": b"",
    }
    assert set(changes) <= set(given)
    dtype, shape, shard, offset, size, crc, more = {**given, **changes}.values()
    assert isinstance(shape, bytes)
    assert isinstance(more, bytes)
    numbered = ((1, dtype), (3, shard), (4, offset), (5, size))
    numbers = b"".join(number_field(n, int(value)) for n, value in numbered)
    return numbers + bytes_field(2, shape) + fixed32_field(6, int(crc)) + more


HEADER = number_field(1, 1)
FULL_SLICE = bytes_field(7, b"")


@pytest.mark.parametrize(
    ("header", "stored", "words"),
    [
        (b"", {"v": entry()}, "0 files"),
        (number_field(1, 100_000), {"v": entry()}, "100000 files"),
        (HEADER + number_field(2, 1), {"v": entry()}, "big-endian"),
        (HEADER + bytes_field(3, number_field(2, 2)), {"v": entry()}, "version 2"),
        (HEADER, {"v": entry(shard=1)}, "none of the set"),
        (number_field(1, 2), {"v": entry()}, "data-00000-of-00002 is missing"),
        (HEADER, {"v": entry(offset=1)}, "cut short"),
        (HEADER, {"v": entry(size=2**63)}, "cut short"),
        (HEADER, {"v": entry(size=4)}, "does not have 4 bytes"),
        (HEADER, {"v": entry(), "w": entry()}, "overlaps"),
        (HEADER, {"v": entry(shape=bytes_field(2, number_field(1, 2**64 - 1)))}, "shape"),
        (HEADER, {"v": entry(shape=bytes_field(2, number_field(1, 1)) * 9)}, "shape"),
        (HEADER, {"v": entry(shape=number_field(3, 1))}, "unknown shape"),
        (HEADER, {"v": entry(more=FULL_SLICE)}, "slices"),
        (HEADER, {"\0v": entry()}, "slices"),
        (HEADER, {"v": entry(more=bytes_field(4, b"x"))}, "another kind"),
        (HEADER, {"v": entry()[:-3]}, "cut short"),
        (HEADER, {"v": entry(crc=0)}, "checksum"),
        (HEADER, {"v": entry(dtype=7)}, "STRING"),
        (HEADER, {"v": entry(dtype=8, size=5)}, "TYPE_8"),
    ],
)
def test_an_index_that_lies_is_refused(
    header: bytes, stored: dict[str, bytes], words: str, tmp_path: Path
) -> None:
    (tmp_path / DATA).write_bytes(struct.pack("<2f", 1, 2))
    entries = sorted((name.encode(), value) for name, value in stored.items())
    (tmp_path / f"{PREFIX}.index").write_bytes(table([(b"", header), *entries]))
    with pytest.raises(ModelFolderError, match=words), Bundle(tmp_path / PREFIX) as opened:
        opened.tensor("v")


def test_an_index_without_a_header_or_with_names_that_are_no_text_is_refused(
    tmp_path: Path,
) -> None:
    (tmp_path / DATA).write_bytes(struct.pack("<2f", 1, 2))
    for entries in ([], [(b"v", entry())], [(b"", HEADER), (b"\xff", entry())]):
        (tmp_path / f"{PREFIX}.index").write_bytes(table(entries))
        with pytest.raises(ModelFolderError, match="damaged"):
            Bundle(tmp_path / PREFIX)


def test_missing_files_are_named(original: Path) -> None:
    original.with_name(DATA).unlink()
    with pytest.raises(ModelFolderError, match=f"{DATA} is missing"):
        Bundle(original)
    original.with_name(DATA).mkdir()
    with pytest.raises(ModelFolderError, match=f"{DATA} is missing"):
        Bundle(original)
    with pytest.raises(ModelFolderError, match=r"other\.index is missing"):
        Bundle(original.with_name("other"))


def test_a_file_that_shrinks_while_it_is_open_is_told_as_such(original: Path) -> None:
    with Bundle(original) as opened:
        original.with_name(DATA).write_bytes(b"")
        with pytest.raises(ModelFolderError, match="cut short while it was read"):
            opened.tensor("bert/pooler/dense/kernel")


# Damage of every kind, to a checkpoint of two data files.

SHARDS = [f"{PREFIX}.data-0000{shard}-of-00002" for shard in (0, 1)]


@pytest.fixture
def split(original: Path, numbers: dict[str, Tensor]) -> tuple[Path, dict[str, Tensor]]:
    """The original's checkpoint with its tensors by turns in two files."""
    written = {SHARDS[0]: b"", SHARDS[1]: b""}
    entries = [(b"", number_field(1, 2))]
    for turn, (name, tensor) in enumerate(sorted(numbers.items())):
        raw = tensor.numpy().tobytes()
        shape = b"".join(bytes_field(2, number_field(1, size)) for size in tensor.shape)
        place = len(written[SHARDS[turn % 2]])
        crc = mask(google_crc32c.value(raw))
        value = entry(shape=shape, shard=turn % 2, offset=place, size=len(raw), crc=crc)
        entries.append((name.encode(), value))
        written[SHARDS[turn % 2]] += raw
    original.with_name(DATA).unlink()
    for file, raw in written.items():
        original.with_name(file).write_bytes(raw)
    original.with_name(f"{PREFIX}.index").write_bytes(table(entries))
    return original, numbers


def read_all(prefix: Path) -> dict[str, Tensor]:
    """Every tensor, both ways; the time it takes and the memory it needs are bounded."""
    began, tensors = time.monotonic(), {}
    try:
        with Bundle(prefix) as opened:
            for name, shape in opened.shapes.items():
                if opened.kinds[name] == "F32" and len(shape) == 2:
                    opened.tensor(name, transposed=True)
                tensors[name] = opened.tensor(name)
    finally:
        assert time.monotonic() - began < 1
    return tensors


Damage = Callable[[bytes, random.Random], bytes]


def flipped(data: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << dice.randrange(8)]) + data[place + 1 :]


def truncated(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data))]


def zeroed(data: bytes, dice: random.Random) -> bytes:
    """A page of zeros, or part of one; at a place where there was something."""
    first = dice.randrange(len(data) // 2)
    size = dice.choice([16, 512, 4096])
    return data[:first] + bytes(len(data[first : first + size])) + data[first + size :]


def scrambled(data: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(data))
    return data[:place] + dice.randbytes(4) + data[place + 4 :]


def repaired(data: bytes, dice: random.Random, path: Path) -> bytes:
    """Numbers of some entries changed and all checksums of blocks made anew."""
    path.write_bytes(data)
    entries = read_table(path)
    for _ in range(dice.choice([1, 1, 3])):
        index = dice.randrange(len(entries))
        key, value = entries[index]
        way = dice.randrange(3)
        if way == 0:
            value = flipped(value, dice)
        elif way == 1:
            value = scrambled(value, dice)
        else:
            value = entries[dice.randrange(len(entries))][1]
        entries[index] = (key, value)
    return table(entries)


def resealed(data: bytes, dice: random.Random) -> bytes:
    """Bytes of the block of entries changed, its checksum made anew."""
    behind, _ = read_varint(data[-48:], 0)  # the block that follows it
    changed = bytearray(data)
    for _ in range(dice.choice([1, 2, 8])):
        changed[dice.randrange(behind - 5)] = dice.randrange(256)
    crc = mask(google_crc32c.value(bytes(changed[: behind - 4])))
    struct.pack_into("<I", changed, behind - 4, crc)
    return bytes(changed)


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.fixture
def bounded_memory() -> Iterator[None]:
    before = peak_megabytes()
    yield
    assert peak_megabytes() - before < 64


@pytest.mark.usefixtures("bounded_memory")
@pytest.mark.parametrize("damage", [flipped, truncated, zeroed, scrambled])
@pytest.mark.parametrize("file", [f"{PREFIX}.index", *SHARDS])
def test_damage_is_a_typed_error_or_does_not_matter(
    file: str, damage: Damage, split: tuple[Path, dict[str, Tensor]]
) -> None:
    prefix, numbers = split
    path, dice = prefix.with_name(file), random.Random(file)
    whole = path.read_bytes()
    refused = 0
    for _ in range(40):
        path.write_bytes(damaged := damage(whole, dice))
        try:
            read = read_all(prefix)
        except ModelFolderError:
            refused += 1
        else:
            assert damaged == whole or file.endswith("index")
            assert all(torch.equal(read[name], tensor) for name, tensor in numbers.items())
    assert refused >= 30


@pytest.mark.usefixtures("bounded_memory")
def test_an_index_that_lies_with_right_checksums_does_no_harm(
    split: tuple[Path, dict[str, Tensor]],
) -> None:
    prefix, _ = split
    path, dice = prefix.with_name(f"{PREFIX}.index"), random.Random(1)
    whole = path.read_bytes()
    refused = 0
    for case in range(400):
        if case % 2:
            path.write_bytes(resealed(whole, dice))
        else:
            path.write_bytes(repaired(whole, dice, path))
        try:
            read = read_all(prefix)
        except ModelFolderError:
            refused += 1
        else:
            assert sum(tensor.nbytes for tensor in read.values()) < 200_000
    assert refused > 200


def test_swapped_data_files_are_found(split: tuple[Path, dict[str, Tensor]]) -> None:
    prefix, _ = split
    one, two = (prefix.with_name(file) for file in SHARDS)
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    with pytest.raises(ModelFolderError):
        read_all(prefix)
