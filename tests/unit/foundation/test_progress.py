"""Plain lines every ten seconds, with the time that is left."""

import io

from rich.console import Console

from litebert.foundation.progress import Progress, duration


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_without_a_terminal_a_plain_line_comes_every_ten_seconds() -> None:
    out, clock = io.StringIO(), Clock()
    with Progress("work", 100, "steps", target=Console(file=out, width=200), clock=clock) as bar:
        for _ in range(100):
            clock.now += 0.5
            bar.advance(1, "loss 1.5")
    lines = out.getvalue().splitlines()
    assert len(lines) == 6
    assert lines[0] == "work: 20/100 steps · 40 s left · loss 1.5"
    assert lines[-1] == "work: 100 steps · loss 1.5 in 50 s"


def test_a_resumed_job_counts_its_rate_from_where_it_began() -> None:
    clock = Clock()
    bar = Progress("work", 100, start=90, target=Console(file=io.StringIO()), clock=clock)
    clock.now = 10.0
    bar.update(95)
    assert bar.seconds_left() == 10.0


def test_a_failed_job_does_not_claim_to_be_done() -> None:
    out = io.StringIO()
    try:
        with Progress("work", 10, target=Console(file=out, width=100)):
            raise RuntimeError
    except RuntimeError:
        pass
    assert out.getvalue() == ""


def test_durations_read_naturally() -> None:
    said = [duration(s) for s in (0.4, 59.4, 61, 3599, 7500)]
    assert said == ["0 s", "59 s", "1 min 01 s", "59 min 59 s", "2 h 05 min"]
    assert [duration(h * 3600) for h in (47.5, 76, 21_915)] == [
        "47 h 30 min",
        "3 days 4 h",
        "2.5 years",
    ]
