"""A time limit for a run whose steps were counted once, at its start, when the machine was faster.

The run ends as by Ctrl-C, which finishes the step and saves; nothing in it has to know of the time.
"""

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

_LAP = 0.2  # seconds between two looks at whether the run may end


class Deadline:
    """While active, sends one SIGINT to this process after `seconds`, once `ready` says True.

    `passed` says whether it did. A SIGINT from elsewhere acts as usual. Python lets only the main
    thread catch signals: in another thread there is no limit.
    """

    def __init__(self, seconds: float, ready: Callable[[], bool]) -> None:
        self.passed = False
        self._seconds = seconds
        self._ready = ready
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._wait, daemon=True)
        self._active = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Self:
        if self._active:
            self._previous = signal.signal(signal.SIGINT, self._receive)
            self._watch.start()
        return self

    def _wait(self) -> None:
        waiting = not self._over.wait(max(0.0, self._seconds))
        while waiting and not self._ready():
            waiting = not self._over.wait(_LAP)
        if waiting:
            self.passed = True
            signal.raise_signal(signal.SIGINT)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        # Ours comes here where the run ended by itself in the same moment.
        if not self.passed:
            signal.signal(signal.SIGINT, self._previous)
            signal.raise_signal(number)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._active:
            self._over.set()
            self._watch.join()
            signal.signal(signal.SIGINT, self._previous)
