"""The same fine-tuning from several seeds: mean and deviation of its scores, and the best model."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from litebert.foundation.errors import ConfigError, ResumeError, StorageError
from litebert.foundation.files import atomic_folder, read_json, write_json
from litebert.foundation.progress import console
from litebert.foundation.settings import merge
from litebert.report.history import History, compared_curves
from litebert.report.page import Cell, Figures, Paragraph, Section, Table, write_report
from litebert.tasks.finetuning.run import MODEL, FinetuneOutcome, finetune
from litebert.tasks.kind import Evaluation
from litebert.tasks.prediction.pages import METRICS_JSON, REPORT
from litebert.tasks.settings import FinetuneSettings
from litebert.tasks.source import Source
from litebert.tasks.words import mean_and_deviation
from litebert.training.journal import METRICS, read_metrics
from litebert.training.lock import lock_folder
from litebert.training.run_folder import RUN, require_new

SEEDS_JSON = "seeds.json"


@dataclass(frozen=True)
class SeedsOutcome:
    """The runs by their seeds, in order; fewer than asked for where a signal ended one."""

    folder: Path
    runs: Mapping[int, FinetuneOutcome]
    signal: int | None

    @property
    def best(self) -> int:
        """The seed whose checkpoint scored best on the validation examples."""
        return max(self.runs, key=lambda seed: self.runs[seed].result.state.best or -float("inf"))

    def table(self) -> Table:
        """The scores of every run, and below them mean ± standard deviation."""
        found = {seed: _metrics(run.evaluation) for seed, run in self.runs.items()}
        names = list(next(iter(found.values())))
        rows: list[list[Cell]] = [
            [str(seed), *(f"{values[name]:.4f}" for name in names)]
            for seed, values in found.items()
        ]
        spread = [mean_and_deviation([v[name] for v in found.values()]) for name in names]
        rows.append(["mean ± sd", *spread])
        best = list(self.runs).index(self.best)
        return Table(["seed", *names], rows, strong=[best, len(rows) - 1])


def finetune_seeds(
    model_folder: Path,
    source: Source,
    folder: Path,
    settings: FinetuneSettings,
    seeds: int,
    resume: bool = False,
) -> SeedsOutcome:
    """Fine-tune from `seeds` seeds, the settings' own first, each in a folder `seed-N` of its own.

    All are validated on the same examples. In `folder`, `model/` is a copy of the best one's, and
    there are a page and `seeds.json`. Raises ConfigError for less than one, and as `finetune` does.
    """
    if seeds < 1:
        raise ConfigError("seeds: one or more are needed")
    first = settings.training.seed
    asked = settings.model_dump(exclude_unset=True)
    if settings.table.split_seed is None:
        asked = merge(asked, {"table": {"split_seed": first}})
    with lock_folder(folder):
        _check_folder(folder, first, resume)
        runs: dict[int, FinetuneOutcome] = {}
        signal = None
        for seed in range(first, first + seeds):
            place = folder / f"seed-{seed}"
            console().print(f"seed {seed} ({len(runs) + 1} of {seeds})", markup=False)
            begun = resume and (place / RUN).is_file()
            own = FinetuneSettings.parse(merge(asked, {"training": {"seed": seed}}))
            outcome = finetune(model_folder, source, place, own, begun)
            signal = outcome.result.signal
            if signal is not None:
                break
            runs[seed] = outcome
        result = SeedsOutcome(folder, runs, signal)
        if runs and signal is None:
            _write(result)
        return result


def seed_runs(folder: Path) -> list[Path]:
    """The run folders of the seeds that were begun, in their order."""
    return [path for path in _seed_folders(folder) if (path / RUN).is_file()]


def first_run(folder: Path) -> Path | None:
    """The run folder of the first seed that was begun, where runs of several seeds are."""
    return next(iter(seed_runs(folder)), None)


def _check_folder(folder: Path, first: int, resume: bool) -> None:
    """Raise ResumeError or StorageError where runs from the seed `first` on have no place there."""
    begun = seed_runs(folder)
    if (folder / RUN).is_file():
        raise StorageError(f"{folder} holds a run without --seeds: name another folder")
    if not resume:
        # What was killed before its first seed began has left that one's folder.
        require_new(folder, () if begun else [path.name for path in _seed_folders(folder)])
    elif not begun:
        raise ResumeError(f"{folder} holds no runs to resume: leave --resume out to start some")
    elif begun[0].name != f"seed-{first}":
        raise ResumeError(
            f"the runs in {folder} begin with {begun[0].name}, not with seed {first}: leave --seed "
            "out, or start new runs in another folder"
        )


def _seed_folders(folder: Path) -> list[Path]:
    numbered = [p for p in folder.glob("seed-*") if p.name.removeprefix("seed-").isdigit()]
    return sorted(numbered, key=lambda path: int(path.name.removeprefix("seed-")))


def _write(outcome: SeedsOutcome) -> None:
    """The best model, its metrics, and what the runs have to say together."""
    folder, best = outcome.folder, outcome.folder / f"seed-{outcome.best}"
    with atomic_folder(folder / MODEL, replace=True) as place:
        shutil.copytree(best / MODEL, place, dirs_exist_ok=True)
    write_json(folder / METRICS_JSON, read_json(best / METRICS_JSON))
    metrics = {seed: _metrics(run.evaluation) for seed, run in outcome.runs.items()}
    write_json(folder / SEEDS_JSON, {"best": outcome.best, "metrics": metrics})
    histories = [
        History.of(f"seed {seed}", read_metrics(folder / f"seed-{seed}" / METRICS))
        for seed in outcome.runs
    ]
    words = (
        f"The same fine-tuning from {len(outcome.runs)} seeds, validated on the same examples. The "
        f"best one's model, of seed {outcome.best}, is in {MODEL}/; chosen as the best of several, "
        "it looks better here than it is: the mean is what to expect."
    )
    write_report(
        folder / REPORT,
        "Fine-tuning from several seeds",
        folder.name,
        [
            Section("Scores", [Paragraph(words, lead=True), outcome.table()]),
            Section("Curves", [Figures(compared_curves(histories))]),
        ],
    )


def _metrics(evaluation: Evaluation | None) -> dict[str, float]:
    return {} if evaluation is None else dict(evaluation.metrics)
