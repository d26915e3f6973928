"""Where a step's time goes, measured without making a GPU wait."""

import time

import torch

PARTS = ("data", "forward", "backward", "communication", "optimizer")


class Stopwatch:
    """Seconds of each part of the steps since it was last read.

    On a GPU, work is only queued: its own clock is read, at marks queued between the parts, and
    the time in which it had nothing to do counts to the part it waited for.
    """

    def __init__(self, device: torch.device) -> None:
        self._seconds = dict.fromkeys(PARTS, 0.0)
        self._steps = 0
        self._on_gpu = device.type == "cuda"
        self._began = 0.0
        self._marks: list[tuple[str, torch.cuda.Event]] = []

    def start(self) -> None:
        """A step begins."""
        self._steps += 1
        if self._on_gpu:
            self._marks.append(("", self._mark()))
        else:
            self._began = time.perf_counter()

    def lap(self, part: str) -> None:
        """A part of the step ends, and the next one begins."""
        if self._on_gpu:
            self._marks.append((part, self._mark()))
        else:
            now = time.perf_counter()
            self._seconds[part] += now - self._began
            self._began = now

    def read(self) -> dict[str, float]:
        """Mean seconds a step, as `seconds_data` …, and start anew."""
        if self._marks:
            torch.cuda.synchronize()
            for (_, before), (part, after) in zip(self._marks, self._marks[1:], strict=False):
                if part:
                    self._seconds[part] += before.elapsed_time(after) / 1000
            self._marks.clear()
        steps = max(1, self._steps)
        means = {f"seconds_{part}": round(s / steps, 6) for part, s in self._seconds.items()}
        self._seconds, self._steps = dict.fromkeys(PARTS, 0.0), 0
        return means

    @staticmethod
    def _mark() -> torch.cuda.Event:
        mark = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        mark.record()
        return mark
