"""Weights in several files: put together as one, and never taken from anywhere else."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from litebert.foundation.errors import ModelFolderError
from litebert.weights.sharded import ShardedTensors, read_index, shard_names
from litebert.weights.tensors import TensorFile

TENSORS = {"a": torch.ones(2), "b": torch.arange(6.0).reshape(2, 3), "c": torch.zeros(1)}
FILES = {"a": "1.safetensors", "b": "2.safetensors", "c": "1.safetensors"}


def written(folder: Path, weight_map: Any = FILES) -> Path:
    for file in set(FILES.values()):
        held = {name: tensor for name, tensor in TENSORS.items() if FILES[name] == file}
        save_file(held, folder / file)
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    return index


def opened(index: Path) -> ShardedTensors:
    return ShardedTensors(
        index, {name: TensorFile(index.parent / name) for name in shard_names(index)}
    )


def test_the_files_are_read_as_one(tmp_path: Path) -> None:
    source = opened(written(tmp_path))
    assert source.where == str(tmp_path / "model.safetensors.index.json")
    assert source.shapes == {name: tuple(tensor.shape) for name, tensor in TENSORS.items()}
    assert source.kinds == dict.fromkeys(TENSORS, "F32")
    for name, tensor in TENSORS.items():
        assert torch.equal(source.tensor(name), tensor)
    assert torch.equal(source.tensor("b", transposed=True), TENSORS["b"].t())


@pytest.mark.parametrize(
    "file",
    [
        *("../1.safetensors", "/etc/passwd", "..", ".", "", "a/1.safetensors", "a\\1.safetensors"),
        *("C:1.safetensors", ".hidden", "1.safetensors\0", "\x1b[2J", "x" * 300, "\ud800"),
    ],
)
def test_a_file_elsewhere_is_refused(file: str, tmp_path: Path) -> None:
    index = written(tmp_path, {**FILES, "b": file})
    with pytest.raises(ModelFolderError, match="not a file in its own folder") as caught:
        read_index(index)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("content", ["[]", "{}", '{"weight_map": []}', '{"weight_map": {}}', "{"])
def test_what_is_no_index_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text(content)
    with pytest.raises(ModelFolderError):
        read_index(tmp_path / "index.json")


@pytest.mark.parametrize(
    ("weight_map", "words"),
    [
        ({**FILES, "d": "1.safetensors"}, "d are not in the files where it places them"),
        ({"a": "1.safetensors", "b": "2.safetensors"}, "holds c, which it does not place there"),
        ({**FILES, "a": "2.safetensors"}, "holds a, which it does not place there"),
        ({**FILES, "b": "3.safetensors"}, r"3\.safetensors is missing"),
        ({**FILES, "b": None}, "None is missing"),
    ],
)
def test_index_and_files_must_agree(weight_map: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match=words):
        opened(written(tmp_path, weight_map))
