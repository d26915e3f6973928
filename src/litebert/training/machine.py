"""What a run computes on: device, precision and threads, chosen once and stored with the run.

These settings change the bits of a result, so a resumed run takes the stored ones.
"""

import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

import torch
import torch.nn.functional as F
from pydantic import Field

from litebert.foundation.errors import ConfigError
from litebert.foundation.processors import processor_name, usable_cpus
from litebert.foundation.settings import Settings

PACKAGES = ("litebert", "torch", "numpy", "safetensors", "sentencepiece", "pyarrow")
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class MachineSettings(Settings):
    """Where and how precisely to compute; "auto" and None are resolved when the run starts."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Compute on this device; auto takes a GPU where there is one."""
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    """Precision of the layers; auto takes bf16 where the processor has it and a probe finds it
    faster. Weights stay fp32."""
    threads: int | None = Field(None, ge=1)
    """CPU threads of a process; by default what a short probe finds fastest."""


def resolve_machine(settings: MachineSettings, processes: int = 1) -> MachineSettings:
    """Replace every "auto" by what this machine offers each of so many processes.

    Raises ConfigError when a GPU is asked for and is not there.
    """
    device = settings.device
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device: cuda is asked for, but torch sees no GPU here: use cpu or auto")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    share = max(1, usable_cpus() // processes)
    threads = settings.threads or (1 if share == 1 else _fastest_threads(share))
    precision = settings.precision
    if precision == "auto":
        precision = "bf16" if _has_bf16(device) and _gains_by_bf16(device, threads) else "fp32"
    return MachineSettings(device=device, precision=precision, threads=threads)


def apply_machine(
    settings: MachineSettings, local_rank: int = 0
) -> tuple[torch.device, torch.dtype]:
    """Set the process's threads; return the device and the layers' dtype of resolved settings.

    Of several processes on this machine, each takes the GPU of its number. Raises ConfigError when
    there are fewer GPUs.
    """
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    device = torch.device(settings.device)
    if device.type == "cuda":
        if local_rank >= torch.cuda.device_count():
            raise ConfigError(
                f"processes: one for each GPU, and there are {torch.cuda.device_count()} here: "
                "start fewer"
            )
        device = torch.device("cuda", local_rank)
        torch.cuda.set_device(device)
    return device, _DTYPES[settings.precision]


def describe_environment() -> dict[str, Any]:
    """Versions, source revision and hardware, for a run's environment.json."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor_name(),
        "cpus": usable_cpus(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "packages": {name: _version(name) for name in PACKAGES},
        "revision": _revision(),
        "command": sys.argv,
    }


def _has_bf16(device: str) -> bool:
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def _fastest_threads(most: int) -> int:
    """One thread or `most`: on a busy machine many threads can be far slower than one."""
    seconds = {threads: _product_seconds(torch.float32, threads) for threads in (1, most)}
    return min(seconds, key=lambda threads: seconds[threads])


def _gains_by_bf16(device: str, threads: int) -> bool:
    """Whether products in bf16 are faster: some processors have the instructions, yet halve the
    speed, where the kernels that make good use of them need more than these."""
    if device != "cpu":
        return True
    return _product_seconds(torch.bfloat16, threads) < _product_seconds(torch.float32, threads)


def _product_seconds(dtype: torch.dtype, threads: int) -> float:
    """Seconds for a few products of a small layer's size: the median of several laps."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    x, weight = torch.randn(1024, 512).to(dtype), torch.randn(512, 512).to(dtype)
    laps = []
    for _ in range(6):
        began = time.perf_counter()
        for _ in range(4):
            F.linear(x, weight)
        laps.append(time.perf_counter() - began)
    torch.set_num_threads(before)
    return sorted(laps[1:])[2]  # the first lap wakes the threads and compiles the kernel


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _revision() -> str | None:
    """The git revision that litebert's source stands at, where it runs from a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD", "--show-prefix"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    revision, _, place = done.stdout.strip().partition("\n")
    # An installation may lie inside somebody else's repository.
    return revision if place == "src/litebert/training/" else None
