"""Safetensors written one tensor at a time, read back, and damaged."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from litebert.foundation.errors import ModelFolderError
from litebert.weights.tensors import Storable, TensorFile, write_tensors

Tensors = dict[str, torch.Tensor]


def storables(tensors: Tensors) -> dict[str, Storable]:
    def one(tensor: torch.Tensor) -> Storable:
        return Storable(tuple(tensor.shape), lambda: tensor)

    return {name: one(tensor) for name, tensor in tensors.items()}


@pytest.fixture
def tensors() -> Tensors:
    torch.manual_seed(1)
    return {
        "z.weight": torch.randn(5, 3),
        "a.bias": torch.randn(7),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 4),
        "ü.weight": torch.randn(2, 2, 2),
    }


def test_the_bytes_are_those_of_the_library(
    tmp_path: Path, tensors: dict[str, torch.Tensor]
) -> None:
    write_tensors(tmp_path / "ours", storables(tensors))
    save_file(tensors, tmp_path / "theirs", metadata={"format": "pt"})
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()


def test_the_library_reads_what_was_written(
    tmp_path: Path, tensors: dict[str, torch.Tensor]
) -> None:
    write_tensors(tmp_path / "file", storables(tensors))
    read = load_file(tmp_path / "file")
    assert all(torch.equal(read[name], tensor) for name, tensor in tensors.items())


def test_a_tensor_is_fetched_only_when_its_turn_comes(tmp_path: Path) -> None:
    alive: list[str] = []

    def fetch(name: str) -> torch.Tensor:
        alive.append(name)
        return torch.ones(2)

    def late(name: str) -> Storable:
        return Storable((2,), lambda: fetch(name))

    source = {name: late(name) for name in ("b", "a")}
    assert alive == []
    write_tensors(tmp_path / "file", source)
    assert alive == ["a", "b"]


def test_every_type_is_written_as_the_library_reads_it(tmp_path: Path) -> None:
    kinds = (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool)
    tensors = {f"{number}": torch.ones(3).to(kind) for number, kind in enumerate(kinds)}
    write_tensors(
        tmp_path / "file",
        {
            name: Storable((3,), lambda tensor=tensor: tensor, tensor.dtype)  # type: ignore[misc]
            for name, tensor in tensors.items()
        },
    )
    read = load_file(tmp_path / "file")
    assert {name: tensor.dtype for name, tensor in read.items()} == {
        name: tensor.dtype for name, tensor in tensors.items()
    }
    assert all(torch.equal(read[name], tensor) for name, tensor in tensors.items())


def test_a_file_cut_short_while_it_is_read_is_an_error_and_no_crash(tmp_path: Path) -> None:
    write_tensors(tmp_path / "file", storables({"a": torch.ones(1 << 16), "b": torch.ones(4)}))
    with TensorFile(tmp_path / "file") as file:
        with (tmp_path / "file").open("r+b") as open_file:
            open_file.truncate(300)
        with pytest.raises(ModelFolderError, match="cut short"):
            file.tensor("a")


def test_a_matrix_is_transposed_on_demand(tmp_path: Path) -> None:
    matrix = torch.arange(6.0).reshape(2, 3)
    write_tensors(tmp_path / "file", storables({"m": matrix}))
    with TensorFile(tmp_path / "file") as file:
        read = file.tensor("m", transposed=True)
    assert torch.equal(read, matrix.T)
    assert read.is_contiguous()


def test_a_file_cut_short_is_refused(tmp_path: Path, tensors: Tensors) -> None:
    write_tensors(tmp_path / "file", storables(tensors))
    whole = (tmp_path / "file").read_bytes()
    (tmp_path / "file").write_bytes(whole[:-1])
    with pytest.raises(ModelFolderError, match="cut short"):
        TensorFile(tmp_path / "file")
