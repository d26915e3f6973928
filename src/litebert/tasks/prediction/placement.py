"""Where and how precisely a task's model computes on new rows."""

from typing import Literal

import torch
from torch import nn

from litebert.encoder.encoder import Encoder
from litebert.inference.engine import EngineSettings
from litebert.training.machine import MachineSettings, resolve_machine


class InferenceSettings(EngineSettings):
    """Batching, device and precision of a model on new rows."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Compute on this device; auto takes a GPU where there is one."""
    precision: Literal["fp32", "bf16", "auto"] = "fp32"
    """Precision of the layers: fp32 is exact, bf16 faster where the processor has it (auto)."""


def place(
    model: nn.Module, encoder: Encoder, settings: InferenceSettings
) -> tuple[InferenceSettings, torch.device]:
    """Move a model to its device, in evaluation mode, its encoder in the precision asked for.

    Returns the settings with every "auto" and the number of threads resolved, and the device.
    Raises ConfigError when a GPU is asked for and is not there.
    """
    machine = resolve_machine(
        MachineSettings(
            device=settings.device, precision=settings.precision, threads=settings.threads
        )
    )
    encoder.compute_dtype = torch.bfloat16 if machine.precision == "bf16" else torch.float32
    device = torch.device(machine.device)
    model.to(device).eval()
    return settings.changed(**machine.model_dump()), device
