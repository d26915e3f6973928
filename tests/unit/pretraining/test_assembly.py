"""How a batch is cut into what goes through the model at once."""

import pytest

from litebert.pretraining.assembly import CPU_TOKENS, micro_batch_size
from litebert.pretraining.settings import PretrainingSettings


def settings_of(batch_size: int, asked: int | None = None, length: int = 128):
    training = {"batch_size": batch_size, "micro_batch_size": asked}
    return PretrainingSettings.parse({"training": training, "data": {"max_length": length}})


def test_what_is_asked_for_is_taken_but_never_more_than_a_process_has() -> None:
    assert micro_batch_size(settings_of(256, 200), "cpu", 1) == 200
    assert micro_batch_size(settings_of(256, 200), "cuda", 2) == 128


def test_a_gpu_takes_its_share_whole() -> None:
    assert micro_batch_size(settings_of(4096), "cuda", 1) == 4096
    assert micro_batch_size(settings_of(4097), "cuda", 2) == 2049


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("length", [16, 64, 128, 512])
@pytest.mark.parametrize("batch_size", [16, 64, 65, 129, 256, 1000, 4096])
def test_a_cpu_takes_equal_parts_that_fit(batch_size: int, length: int, processes: int) -> None:
    size = micro_batch_size(settings_of(batch_size, length=length), "cpu", processes)
    share = -(-batch_size // processes)
    parts = -(-share // size)
    assert size * length <= CPU_TOKENS
    assert (parts - 1) * CPU_TOKENS < share * length  # no more parts than it takes
    assert parts * size - share < parts  # of one size, but for one instance


def test_a_small_batch_stays_whole() -> None:
    assert micro_batch_size(settings_of(16, length=512), "cpu", 1) == 16
