"""Run folders of any kind, finished or going on, as they can be shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litebert.foundation.errors import DataError
from litebert.foundation.files import read_json
from litebert.foundation.paths import short_names
from litebert.report.history import History
from litebert.training.journal import METRICS, read_metrics
from litebert.training.run_folder import ENVIRONMENT, RUN, RunRecord, look_up_run


@dataclass(frozen=True)
class Run:
    """A run as its folder stands now: what was asked for, where it ran, what it recorded."""

    folder: Path
    record: RunRecord
    environment: dict[str, Any]
    history: History

    @property
    def name(self) -> str:
        """What it is called beside the others."""
        return self.history.name

    @property
    def step(self) -> int:
        """The last step it recorded."""
        return max((line["step"] for line in self.history.train), default=0)

    @property
    def total_steps(self) -> int | None:
        """How many steps it is to make."""
        total = self.record.resolved.get("total_steps")
        return None if total is None else int(total)


def find_runs(given: Sequence[str | Path]) -> list[Path]:
    """The run folders that are given, or that lie anywhere below what is given; each once.

    Raises DataError where there is none.
    """
    if not given:
        raise DataError("nothing to show: name at least one run folder")
    found: dict[Path, None] = {}
    for place in map(Path, given):
        if not place.is_dir():
            raise DataError(f"{place} is no folder: name run folders, or folders that hold them")
        below = sorted(path.parent for path in place.rglob(RUN))
        here = [place] if (place / RUN).is_file() else below
        if not here:
            raise DataError(
                f"{place} holds no run ({RUN}): name a folder that litebert pretrain or finetune "
                "has written"
            )
        found.update(dict.fromkeys(here))
    return list(found)


def open_runs(folders: Sequence[Path]) -> list[Run]:
    """Read run folders as they stand, under the shortest names that tell them apart.

    Raises DataError where one cannot be read.
    """
    return [_open(folder, name) for folder, name in zip(folders, short_names(folders), strict=True)]


def _open(folder: Path, name: str) -> Run:
    record = look_up_run(folder)
    environment = read_json(folder / ENVIRONMENT, DataError)
    if not isinstance(environment, dict):
        raise DataError(f"{folder / ENVIRONMENT} does not describe a machine")
    history = History.of(name, read_metrics(folder / METRICS))
    return Run(folder, record, environment, history)
