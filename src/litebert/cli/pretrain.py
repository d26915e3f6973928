"""litebert pretrain: from a corpus folder to a pretrained model."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from litebert.cli.facts import print_facts
from litebert.foundation.progress import duration
from litebert.foundation.settings import given, layered, optional
from litebert.pretraining.run import COMMAND, PretrainingOutcome
from litebert.pretraining.run import pretrain as run_pretraining
from litebert.pretraining.settings import (
    HeldOutSettings,
    ModelSettings,
    PretrainingDataSettings,
    PretrainingLoopSettings,
    PretrainingMachineSettings,
    PretrainingOptimizerSettings,
    PretrainingScheduleSettings,
    PretrainingSettings,
)
from litebert.runs.live import HOST, shown
from litebert.training.budget import BudgetSettings
from litebert.training.distributed import speaks
from litebert.training.run_folder import read_run
from litebert.training.watch import WatchSettings

if TYPE_CHECKING:
    from litebert.foundation.settings import Settings

    Budget = Settings
    Model = Settings
    Data = Settings
    Optimizer = Settings
    Schedule = Settings
    Loop = Settings
    HeldOut = Settings
    Machine = Settings
    Watch = Settings
else:
    Model, Data = optional(ModelSettings), optional(PretrainingDataSettings)
    Optimizer, Schedule = (
        optional(PretrainingOptimizerSettings),
        optional(PretrainingScheduleSettings),
    )
    Budget, Loop = optional(BudgetSettings), optional(PretrainingLoopSettings)
    HeldOut, Machine = optional(HeldOutSettings), optional(PretrainingMachineSettings)
    Watch = optional(WatchSettings)


def pretrain(
    corpus: Path,
    /,
    *,
    output: Path,
    settings: Path | None = None,
    resume: bool = False,
    live: bool = False,
    port: int | None = None,
    host: str = HOST,
    budget: Annotated[Budget | None, Parameter(name="*", group="Budget")] = None,
    model: Annotated[Model | None, Parameter(name="*", group="Model")] = None,
    data: Annotated[Data | None, Parameter(name="*", group="Data")] = None,
    optimizer: Annotated[Optimizer | None, Parameter(name="*", group="Optimiser")] = None,
    schedule: Annotated[Schedule | None, Parameter(name="*", group="Schedule")] = None,
    training: Annotated[Loop | None, Parameter(name="*", group="Training")] = None,
    evaluation: Annotated[HeldOut | None, Parameter(name="*", group="Evaluation")] = None,
    machine: Annotated[Machine | None, Parameter(name="*", group="Machine")] = None,
    watch: Annotated[Watch | None, Parameter(name="*", group="Watch")] = None,
) -> int:
    """Pretrain a model on a corpus folder: masked LM and sentence order.

    Args:
        corpus: Corpus folder, made by litebert corpus build.
        output: Run folder to write: checkpoints, metrics.jsonl, report.html and model/.
        settings: Recipe: a TOML file with sections budget, model, data, optimizer, schedule,
            training, evaluation, machine and watch, or the name of one that comes with litebert,
            such as cpu-hour; options given here replace what it says.
        resume: Go on with the run in the run folder, from its newest checkpoint.
        live: Serve the page of the run while it trains.
        port: Port of the live page; by default 8765, or another where that is not free.
        host: Address to serve the live page at; by default this machine alone can see it.
    """
    sections = {
        "budget": budget,
        "model": model,
        "data": data,
        "optimizer": optimizer,
        "schedule": schedule,
        "training": training,
        "evaluation": evaluation,
        "machine": machine,
        "watch": watch,
    }
    asked: dict[str, Any] = {name: given(values) for name, values in sections.items()}
    base = read_run(output, COMMAND).settings if resume else {}
    chosen = layered(PretrainingSettings, settings, asked, base)
    with shown([output], live and speaks(), port, host):
        outcome = run_pretraining(corpus, output, chosen, resume)
    if speaks():
        _print_summary(outcome)
    return 0 if outcome.result.signal is None else 128 + outcome.result.signal


def _print_summary(outcome: PretrainingOutcome) -> None:
    state, metrics = outcome.result.state, outcome.result.metrics
    resolved = outcome.record.resolved
    scores = {f"held-out {name.replace('_', ' ')}": f"{v:.4f}" for name, v in metrics.items()}
    print_facts(
        {
            "steps": f"{state.step:,} of {resolved['total_steps']:,}",
            "tokens": f"{state.tokens:,} in {duration(state.seconds)} of training",
            **scores,
            "loss from frequencies alone": f"{resolved['unigram_loss']:.4f}",
            "model": str(outcome.folder / "model"),
            "report": str(outcome.folder / "report.html"),
        }
    )
