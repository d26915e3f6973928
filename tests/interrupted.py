"""Pretraining runs that are killed, stopped and moved, and must end as if nothing had happened."""

import json
import os
import random
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from faultpoints import Place, fill_disk_at, writers
from litebert.cli.main import main
from litebert.training.checkpoint import newest_checkpoint, step_of
from litebert.training.journal import read_metrics
from processes import ended, group, start
from small_runs import DROPOUT, FORTY, final_bytes, ledger, pretraining_command, run_pretraining

SAVED_WITHIN = 30.0  # seconds after a SIGTERM


@dataclass(frozen=True)
class Whole:
    """A run that was left alone: what it came to, and how long it took."""

    corpus: Path
    folder: Path
    options: tuple[str, ...]
    processes: int
    seconds: float

    @property
    def sha256(self) -> list[str]:
        return final_bytes(self.folder)

    @property
    def ledger(self) -> list[tuple[int, int]]:
        return ledger(self.folder, self.corpus)


def left_alone(corpus: Path, folder: Path, processes: int = 1, dropout: bool = True) -> Whole:
    """Make forty steps without any interruption."""
    options = (*FORTY, *(DROPOUT if dropout else ()))
    began = time.monotonic()
    with _Run(corpus, folder, options, processes) as run:
        assert run.codes() == [0] * processes, run.said()
    return Whole(corpus, folder, options, processes, time.monotonic() - began)


def kill_and_resume(whole: Whole, folder: Path, seed: int) -> None:
    """R1: kill the run at a random moment, perhaps its resumption too, and let it end."""
    draws = random.Random(seed)
    again = True
    while again:
        with _Run(whole.corpus, folder, whole.options) as run:
            run.wait(draws.uniform(0, 1.2 * whole.seconds))
            run.signal(signal.SIGKILL)
            assert run.codes()[0] in (-signal.SIGKILL, 0), run.said()
        again = draws.random() < 0.3
    _must_end_as(whole, folder)


def terminate_and_resume(whole: Whole, folder: Path, seed: int) -> None:
    """R3: SIGTERM after a random number of steps; the checkpoint of that step is there in time."""
    steps = random.Random(seed).randrange(1, 36)
    with _Run(whole.corpus, folder, whole.options) as run:
        run.reach(steps)
        began = time.monotonic()
        run.signal(signal.SIGTERM)
        assert run.codes() == [128 + signal.SIGTERM], run.said()
        assert time.monotonic() - began < SAVED_WITHIN
        assert "--resume goes on" in run.said()
    newest = newest_checkpoint(folder / "checkpoints")
    assert newest is not None
    assert step_of(newest) >= steps
    assert step_of(newest) == read_metrics(folder / "metrics.jsonl", "train")[-1]["step"]
    _must_end_as(whole, folder)


def move_between_numbers(whole: Whole, folder: Path, seed: int) -> None:
    """R4: one process, then two, then one, changing at random steps."""
    draws = random.Random(seed)
    for processes, until in ((1, draws.randrange(1, 15)), (2, draws.randrange(16, 36))):
        with _Run(whole.corpus, folder, whole.options, processes) as run:
            run.reach(until)
            run.signal(signal.SIGTERM)
            assert run.codes() == [128 + signal.SIGTERM] * processes, run.said()
    with _Run(whole.corpus, folder, whole.options) as run:
        assert run.codes() == [0], run.said()
    assert ledger(folder, whole.corpus) == whole.ledger
    for kind in ("train", "evaluation"):
        moved, stayed = (
            read_metrics(place / "metrics.jsonl", kind) for place in (folder, whole.folder)
        )
        for a, b in zip(moved, stayed, strict=True):
            assert a["masked_lm_loss"] == pytest.approx(b["masked_lm_loss"], abs=1e-5)
            assert a["sentence_order_loss"] == pytest.approx(b["sentence_order_loss"], abs=1e-5)


def lose_a_rank(whole: Whole, folder: Path, seed: int, how: int = signal.SIGKILL) -> None:
    """R5: one of two ranks is killed (or hangs); the other ends by itself, and both resume."""
    draws = random.Random(seed)
    victim = draws.randrange(2)
    hangs = how == signal.SIGSTOP
    with _Run(whole.corpus, folder, (*whole.options, *("--timeout", "5") * hangs), 2) as run:
        run.reach(draws.randrange(1, 36))
        run.signal(how, victim)
        other = ended(run.processes[1 - victim])
        assert other == 3, run.said()
        assert "another process of this run has ended, or did not answer in time" in run.said()
        run.signal(signal.SIGKILL)
    _must_end_as(whole, folder)


def fill_the_disk(whole: Whole, folder: Path, place: Place) -> None:
    """R6: the disk is full at one writer of the run; afterwards it can go on and ends the same."""
    arguments = pretraining_command(whole.corpus, folder, *whole.options)
    log = folder.with_suffix(".log")
    code = ended(start(on_full_disk, place, *arguments, log=log))
    said = log.read_text().splitlines()
    errors = [line for line in said if line.startswith("litebert: ")]
    assert (code, len(errors)) == (2, 1), log.read_text()
    assert errors[0].startswith(f"litebert: no space left on the disk while writing {folder}")
    assert "bytes free" in errors[0]
    _must_end_as(whole, folder)


def writers_of_a_run(whole: Whole, folder: Path) -> list[Place]:
    """The places in the code that such a run writes from."""
    arguments = pretraining_command(whole.corpus, folder, *whole.options)
    found = folder.with_suffix(".json")
    log = folder.with_suffix(".log")
    assert ended(start(find_writers, str(found), *arguments, log=log)) == 0, log.read_text()
    return [(name, file, line) for name, file, line in json.loads(found.read_text())]


def on_full_disk(place: Place, *arguments: str) -> int:
    """Run a command that finds the disk full at one writer; in a child."""
    codes: list[int] = []
    fill_disk_at(place, lambda: codes.append(main(list(arguments))))
    return codes[0]


def find_writers(found: str, *arguments: str) -> int:
    """Run a command and write down where it writes; in a child."""
    codes: list[int] = []
    places = writers(lambda: codes.append(main(list(arguments))))
    Path(found).write_text(json.dumps(places))
    return codes[0]


class _Run:
    """A run that goes on where its folder stands, in one process or several."""

    def __init__(
        self, corpus: Path, folder: Path, options: tuple[str, ...], processes: int = 1
    ) -> None:
        resume = ["--resume"] if (folder / "run.json").exists() else []
        self._arguments = pretraining_command(corpus, folder, *options, *resume)
        self._folder, self._size = folder, processes
        self._log = folder.with_suffix(".log")
        self._open = ExitStack()

    def __enter__(self) -> "_Run":
        for log in self._log.parent.glob(f"{self._log.name}*"):
            log.unlink()
        if self._size == 1:
            self.processes = [start(run_pretraining, *self._arguments, log=self._log)]
            self._open.callback(self.processes[0].kill)
        else:
            ranks = group(run_pretraining, self._arguments, self._log, self._size)
            self.processes = self._open.enter_context(ranks)
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def wait(self, seconds: float) -> None:
        """Let it run for a while, or to its end."""
        self.processes[0].join(seconds)

    def reach(self, steps: int) -> None:
        """Wait until it has made so many steps in all."""
        metrics = self._folder / "metrics.jsonl"
        while not metrics.exists() or metrics.read_bytes().count(b'"train"') < steps:
            self.processes[0].join(0.005)
            assert self.processes[0].exitcode is None, self.said()

    def signal(self, number: int, rank: int | None = None) -> None:
        """Send a signal to all its processes, or to one."""
        for index, process in enumerate(self.processes):
            if rank in (None, index) and process.is_alive():
                os.kill(process.pid or 0, number)

    def codes(self) -> list[int]:
        """The exit codes, once all have ended."""
        return [ended(process) for process in self.processes]

    def said(self) -> str:
        """What its processes have printed."""
        logs = sorted(self._log.parent.glob(f"{self._log.name}*"))
        return "\n".join(log.read_text() for log in logs)


def _must_end_as(whole: Whole, folder: Path) -> None:
    """Resume, and find the same bytes, the same data in the same order, and no leftovers."""
    with _Run(whole.corpus, folder, whole.options, whole.processes) as run:
        assert run.codes() == [0] * whole.processes, run.said()
    assert final_bytes(folder) == whole.sha256
    seen = ledger(folder, whole.corpus)
    assert seen == whole.ledger
    assert len(seen) == 40 * 8
    assert len(set(seen)) == len(seen)  # none twice
    strange = [path for path in folder.rglob("*") if path.suffix in (".tmp", ".old", ".lock")]
    assert strange == []
