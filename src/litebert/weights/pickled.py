"""Pickled tensors (`pytorch_model.bin`) into safetensors, by a process that can do no harm.

A pickle is a program. torch reads it with weights_only=True, which knows tensors and plain values
alone; should that have a hole, the reading process has little memory and time, and what it leaves
is read with the same distrust as any file.
"""

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from litebert.foundation.errors import LitebertError, ModelFolderError
from litebert.foundation.files import storage_errors
from litebert.weights.bundle_entries import KINDS
from litebert.weights.mapping import listed
from litebert.weights.tensors import Storable, write_tensors

_MEMORY = 1 << 30  # bytes beside two copies of the file
_SLACK = 16 << 20  # bytes that may be written beside four copies of the file
_SECONDS, _SPEED = 120, 10 << 20  # at least so many seconds, or as many as the bytes take
_REFUSED = 3
_DTYPES = {kind.dtype for kind in KINDS}


def unpickle(pickled: Path, out: Path) -> None:
    """Write the tensors of a pickle as a safetensors file.

    Raises ModelFolderError where it is damaged or holds anything but named tensors, StorageError
    where `out` cannot be written.
    """
    seconds = _SECONDS + pickled.stat().st_size // _SPEED
    command = [sys.executable, "-P", "-W", "ignore", "-m", __name__, str(pickled), str(out)]
    try:
        done = subprocess.run(
            [*command, str(seconds)], capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise ModelFolderError(
            f"{pickled} was not read within {seconds} seconds: it is damaged, or the machine busy"
        ) from None
    if done.returncode == 0 and out.is_file():
        return
    said = _said(done.stdout) if done.returncode == _REFUSED else {}
    if isinstance(said.get("errno"), int):
        with storage_errors(out):
            raise OSError(said["errno"], os.strerror(said["errno"]), str(out))
    why = said.get("refused") or f"reading it ended with exit code {done.returncode}"
    raise ModelFolderError(f"{pickled} is damaged or not to be trusted: {why}")


def main(arguments: Sequence[str]) -> int:
    """The process that reads: pickle, safetensors file to write, seconds of computing."""
    pickled, out, seconds = Path(arguments[0]), Path(arguments[1]), int(arguments[2])
    try:
        torch.set_num_threads(1)
        size = pickled.stat().st_size
        _confine(size, seconds)
        write_tensors(out, pickled_tensors(pickled))
    except LitebertError as error:
        print(json.dumps({"refused": str(error)}))
        return _REFUSED
    except OSError as error:
        print(json.dumps({"errno": error.errno}))
        return _REFUSED
    except MemoryError:
        print(json.dumps({"refused": "it needs far more memory than the file has bytes"}))
        return _REFUSED
    return 0


def pickled_tensors(pickled: Path) -> dict[str, Storable]:
    """The tensors of a pickle, read in this process: for the one that is confined.

    Raises ModelFolderError, whose message says only what is wrong.
    """
    size = pickled.stat().st_size
    try:
        held: Any = torch.load(
            pickled, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(pickled)
        )
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  (whatever damage makes of torch's readers)
        raise ModelFolderError(_reason(error)) from None
    if not isinstance(held, dict):
        raise ModelFolderError(f"it holds a {type(held).__name__}, not named tensors")
    others = [name for name, value in held.items() if not _is_plain(name, value)]
    if others:
        raise ModelFolderError(
            f"it holds {listed(map(str, others))} beside plain tensors: "
            "it is a training program's checkpoint, or of a kind that litebert does not read"
        )
    if sum(value.nbytes for value in held.values()) > 4 * size + _SLACK:
        raise ModelFolderError("its tensors are far larger than the file")
    return {name: _storable(value) for name, value in held.items()}


def _confine(size: int, seconds: int) -> None:
    """Limit the memory, time and output of this process, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    limits = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: 4 * size + _SLACK,
        resource.RLIMIT_CORE: 0,
    }
    status = Path("/proc/self/statm")
    if status.is_file():  # elsewhere nobody says how much torch itself takes
        pages = int(status.read_text().split()[0])
        limits[resource.RLIMIT_AS] = pages * resource.getpagesize() + 2 * size + _MEMORY
    for kind, wanted in limits.items():
        _, most = resource.getrlimit(kind)
        value = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(kind, (value, value))


def _is_plain(name: object, value: object) -> bool:
    """Whether it is a named tensor of numbers, whose bytes are all there."""
    return (
        isinstance(name, str)
        and isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and value.dtype in _DTYPES
        and value.nbytes <= value.untyped_storage().nbytes()
    )


def _storable(tensor: Tensor) -> Storable:
    get: Callable[[], Tensor] = lambda: tensor  # noqa: E731
    return Storable(tuple(tensor.shape), get, tensor.dtype)


def _reason(error: Exception) -> str:
    """What is wrong with a pickle, without torch's advice to load it nevertheless."""
    text = str(error)
    if (found := re.search(r"(?:GLOBAL|global) ([\w.]+)", text)) is not None:
        return f"it asks for {found[1]}, which no tensor needs"
    if "alloc" in text or "memory" in text:
        return "it needs far more memory than the file has bytes"
    text = text.rpartition("WeightsUnpickler error:")[2]
    first = next((line.strip() for line in text.splitlines() if line.strip()), "it ends too early")
    return f"{first:.200} ({type(error).__name__})"


def _said(output: bytes) -> dict[str, Any]:
    try:
        said = json.loads(output)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
