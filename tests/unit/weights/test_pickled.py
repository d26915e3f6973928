"""Pickles: tensors come out of them, and nothing in them runs."""

import builtins
import collections
import importlib
import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from litebert.foundation.errors import ModelFolderError
from litebert.weights import pickled
from litebert.weights.pickled import pickled_tensors, unpickle
from litebert.weights.tensors import TensorFile

TENSORS = {
    "a.weight": torch.arange(6.0).reshape(2, 3).t(),
    "half": torch.ones(3, dtype=torch.float16),
    "position_ids": torch.arange(4)[None],
    "empty": torch.zeros(0, 4),
    "flag": torch.tensor([True, False, True]),
    "scalar": torch.tensor(2.5, dtype=torch.float64),
}


class Call:
    """Calls a function when it is unpickled."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.parts = (function, arguments)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.parts


def local_module(place: Path) -> Any:
    """A module beside the weights, which leaves a file behind when it is imported."""
    touch = f"import pathlib\npathlib.Path({str(place / 'executed')!r}).touch()\n"
    (place / "innocent.py").write_text(f"{touch}class Thing: ...\n")
    sys.path.insert(0, str(place))
    try:
        module = importlib.import_module("innocent")
    finally:
        sys.path.remove(str(place))
        sys.modules.pop("innocent")
    (place / "executed").unlink()
    return module


def attacks(place: Path) -> dict[str, Any]:
    """Objects that run something when they are unpickled as Python would."""
    mark = str(place / "executed")
    return {
        "os.system": Call(os.system, f"touch {mark}"),
        "eval": Call(eval, f"open({mark!r}, 'w')"),
        "exec": Call(exec, f"open({mark!r}, 'w')"),
        "open": Call(builtins.open, mark, "w"),
        "import": Call(importlib.import_module, "antigravity"),
        "subprocess": Call(subprocess.check_call, ["touch", mark]),
        "torch.load": Call(torch.load, mark, None, None, False),
        "torch.hub": Call(torch.hub.load, "owner/repository", "model"),
        "unpickler": Call(pickle.loads, pickle.dumps(Call(os.system, f"touch {mark}"))),
        "in a dictionary": {"a": torch.zeros(2), "b": Call(os.system, f"touch {mark}")},
        "deep within": {"a": [({"b": collections.OrderedDict(c=Call(eval, "1"))},)]},
        "as a key": {Call(os.system, f"touch {mark}"): torch.zeros(2)},
    }


def local_class(place: Path) -> Any:
    module = local_module(place)
    sys.modules["innocent"] = module
    return module.Thing()


def as_torch(value: Any, path: Path) -> None:
    torch.save(value, path)


def as_torch_once(value: Any, path: Path) -> None:
    torch.save(value, path, _use_new_zipfile_serialization=False)


def as_python(value: Any, path: Path) -> None:
    path.write_bytes(pickle.dumps(value, 2))


@pytest.mark.parametrize("save", [as_torch, as_torch_once, as_python])
@pytest.mark.parametrize("attack", attacks(Path()))
def test_nothing_is_executed(
    attack: str, save: Callable[[Any, Path], None], tmp_path: Path
) -> None:
    save(attacks(tmp_path)[attack], tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelFolderError):
        pickled_tensors(tmp_path / "pytorch_model.bin")
    assert [path.name for path in tmp_path.iterdir()] == ["pytorch_model.bin"]


def test_a_module_beside_the_weights_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(local_class(tmp_path), tmp_path / "pytorch_model.bin")
    sys.modules.pop("innocent")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelFolderError, match=r"asks for innocent\.Thing"):
        unpickle(tmp_path / "pytorch_model.bin", tmp_path / "out")
    assert not (tmp_path / "executed").exists()
    assert not (tmp_path / "out").exists()


def test_tensors_of_every_kind_come_out_in_a_process_of_its_own(tmp_path: Path) -> None:
    torch.save(TENSORS, tmp_path / "pytorch_model.bin")
    unpickle(tmp_path / "pytorch_model.bin", tmp_path / "out")
    with TensorFile(tmp_path / "out") as file:
        assert file.kinds == {
            "a.weight": "F32",
            "half": "F16",
            "position_ids": "I64",
            "empty": "F32",
            "flag": "BOOL",
            "scalar": "F64",
        }
        for name, tensor in TENSORS.items():
            assert torch.equal(file.tensor(name), tensor.float())


@pytest.mark.parametrize("save", [as_torch, as_torch_once])
def test_old_and_new_files_are_read(save: Callable[[Any, Path], None], tmp_path: Path) -> None:
    shared = torch.randn(4)
    tensors = collections.OrderedDict(TENSORS, decoder=shared, word=shared)
    save(tensors, tmp_path / "file")
    read = {name: storable.get() for name, storable in pickled_tensors(tmp_path / "file").items()}
    assert list(read) == list(tensors)
    assert all(torch.equal(read[name], tensor) for name, tensor in tensors.items())


def sparse() -> Tensor:
    return torch.eye(3).to_sparse()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([torch.zeros(1)], "a list"),
        (torch.zeros(1), "a Tensor"),
        ({"epoch": 3, "model": {"a": torch.zeros(1)}}, "epoch, model beside plain tensors"),
        ({1: torch.zeros(1)}, "1 beside plain tensors"),
        ({"a": torch.zeros(1).expand(1 << 40)}, "a beside plain tensors"),
        ({"a": torch.zeros(2, dtype=torch.complex64)}, "a beside plain tensors"),
        ({"a": torch.empty(1 << 40, device="meta")}, "a beside plain tensors"),
        ({"a": sparse()}, "a beside plain tensors"),
    ],
)
def test_what_is_no_named_tensor_of_numbers_is_refused(
    value: Any, words: str, tmp_path: Path
) -> None:
    torch.save(value, tmp_path / "file")
    with pytest.raises(ModelFolderError, match=words):
        pickled_tensors(tmp_path / "file")


def test_many_views_of_one_storage_are_not_written_out(tmp_path: Path) -> None:
    block = torch.zeros(1 << 20)
    torch.save({f"{number}": block[number:] for number in range(200)}, tmp_path / "file")
    with pytest.raises(ModelFolderError, match="far larger than the file"):
        pickled_tensors(tmp_path / "file")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "content", [b"", b"garbage" * 30, b"\x80\x04.", b"PK\x03\x04" + b"\0" * 99]
)
def test_what_is_no_pickle_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ModelFolderError) as caught:
        pickled_tensors(tmp_path / "file")
    assert "weights_only" not in str(caught.value)


def test_a_bomb_ends_its_own_process_alone(tmp_path: Path) -> None:
    """A file that asks for sixty gigabytes, which older ones do before their bytes are read."""
    torch.save({"a": torch.zeros(70_000)}, tmp_path / "file", _use_new_zipfile_serialization=False)
    whole = (tmp_path / "file").read_bytes()
    count = struct.pack("<i", 70_000)
    assert count in whole
    huge = whole.replace(count, struct.pack("<i", 2_000_000_000), 1).replace(b"Float", b"Double")
    (tmp_path / "file").write_bytes(huge)
    with pytest.raises(ModelFolderError, match="far more memory"):
        unpickle(tmp_path / "file", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_no_time_is_a_typed_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(TENSORS, tmp_path / "file")
    monkeypatch.setattr(pickled, "_SECONDS", 0)
    with pytest.raises(ModelFolderError, match="not read within 0 seconds"):
        unpickle(tmp_path / "file", tmp_path / "out")
