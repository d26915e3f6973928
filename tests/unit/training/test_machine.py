"""What is open is resolved once; what is asked for is kept; the environment is described."""

import os

import pytest
import torch

from litebert.foundation.errors import ConfigError
from litebert.foundation.processors import usable_cpus
from litebert.training.machine import (
    MachineSettings,
    apply_machine,
    describe_environment,
    resolve_machine,
)


def test_every_open_choice_is_made() -> None:
    threads = torch.get_num_threads()
    machine = resolve_machine(MachineSettings())
    assert machine.device in ("cpu", "cuda")
    assert machine.precision in ("fp32", "bf16")
    assert 1 <= machine.threads <= usable_cpus()
    assert resolve_machine(machine) == machine
    assert torch.get_num_threads() == threads  # the probe put them back


def test_what_is_asked_for_is_kept() -> None:
    asked = MachineSettings(device="cpu", precision="bf16", threads=3)
    assert resolve_machine(asked) == asked


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="device: cuda is asked for"):
        resolve_machine(MachineSettings(device="cuda"))


def test_threads_are_set_and_the_names_become_torchs() -> None:
    before = torch.get_num_threads()
    try:
        settings = MachineSettings(device="cpu", precision="bf16", threads=2)
        assert apply_machine(settings) == (torch.device("cpu"), torch.bfloat16)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_environment_names_versions_and_hardware() -> None:
    environment = describe_environment()
    assert environment["packages"]["torch"] == torch.__version__
    assert environment["cpus"] <= (os.cpu_count() or 1)
    assert environment["revision"] is None or len(environment["revision"]) == 40
