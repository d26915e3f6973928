"""Where a step's time goes, per step, since it was last read."""

import time

import torch

from litebert.training.stopwatch import PARTS, Stopwatch


def spend(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def test_parts_are_means_over_the_steps_and_begin_anew() -> None:
    stopwatch = Stopwatch(torch.device("cpu"))
    for _ in range(2):
        spend(0.01)  # between steps: nobody's
        stopwatch.start()
        spend(0.01)
        stopwatch.lap("data")
        for _ in range(2):  # two micro-batches
            spend(0.005)
            stopwatch.lap("forward")
    means = stopwatch.read()
    assert list(means) == [f"seconds_{part}" for part in PARTS]
    assert means["seconds_data"] >= 0.01
    assert means["seconds_forward"] >= 0.01
    assert means["seconds_backward"] == 0
    assert set(stopwatch.read().values()) == {0.0}
