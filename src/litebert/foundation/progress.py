"""One way to show work going on: a live bar on a terminal, plain lines every ten seconds elsewhere.

Progress goes to standard error; what a command was asked for goes to standard output.
"""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress

PLAIN_INTERVAL = 10.0  # seconds between lines when there is no terminal


_silent = False


def silence() -> None:
    """Show no progress and no remarks from now on: of several processes one speaks for all."""
    global _silent
    _silent = True


def console(error: bool = False) -> Console:
    """The console for progress and remarks (standard error); an `error` is shown in any case."""
    return Console(stderr=True, highlight=False, soft_wrap=True, quiet=_silent and not error)


class Progress:
    """Shows how far a job of `total` units is, with its rate and the time that is left.

    Use it as a context manager; `total=None` where the end is not known. `clock` gives seconds and
    is replaced in tests.
    """

    def __init__(
        self,
        title: str,
        total: int | None = None,
        unit: str = "",
        start: int = 0,
        target: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.title = title
        self.total = total
        self.unit = unit
        self.done = start
        self.detail = ""
        self._start = start
        self._console = target or console()
        self._now = clock
        self._bar: RichProgress | None = None
        self._task = TaskID(0)
        self._began = self._printed = self._now()

    def __enter__(self) -> Self:
        self._began = self._printed = self._now()
        if self._console.is_terminal:
            self._bar = RichProgress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[status]}"),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
                refresh_per_second=4,
            )
            self._task = self._bar.add_task(
                self.title, total=self.total, completed=self.done, status=self.status()
            )
            self._bar.start()
        return self

    def advance(self, units: int = 1, detail: str | None = None) -> None:
        """Count `units` as done; `detail` replaces what is shown at the end of the line."""
        self.update(self.done + units, detail)

    def update(self, done: int, detail: str | None = None) -> None:
        """Say how much is done in all."""
        self.done = done
        if detail is not None:
            self.detail = detail
        if self._bar is not None:
            self._bar.update(self._task, completed=done, status=self.status())
        elif self._now() - self._printed >= PLAIN_INTERVAL:
            self._printed = self._now()
            self._console.print(f"{self.title}: {self.status()}", markup=False)

    def say(self, text: str) -> None:
        """Print one line above the bar, or as a line of its own."""
        (self._bar.console if self._bar is not None else self._console).print(text, markup=False)

    def status(self) -> str:
        """The words after the title: done, total, time left, detail."""
        amount = f"{self.done:,}" + (f"/{self.total:,}" if self.total is not None else "")
        parts = [f"{amount} {self.unit}".strip()]
        left = self.seconds_left()
        if left is not None:
            parts.append(f"{duration(left)} left")
        if self.detail:
            parts.append(self.detail)
        return " · ".join(parts)

    def seconds_left(self) -> float | None:
        """The time that is left at the mean rate so far, or None where that cannot be said."""
        made = self.done - self._start
        if self.total is None or made <= 0 or self.done >= self.total:
            return None
        return (self._now() - self._began) / made * (self.total - self.done)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
        if kind is None:
            took = duration(self._now() - self._began)
            parts = [f"{self.done:,} {self.unit}".strip(), *([self.detail] if self.detail else [])]
            self._console.print(f"{self.title}: {' · '.join(parts)} in {took}", markup=False)


def duration(seconds: float) -> str:
    """Seconds as people say them: '8 s', '3 min 20 s', '2 h 05 min', '3 days 4 h', '2.5 years'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    hours, days = whole // 3600, whole / 86_400
    if hours < 48:
        return f"{hours} h {whole % 3600 // 60:02d} min"
    return f"{int(days)} days {hours % 24} h" if days < 730 else f"{days / 365.25:.1f} years"
