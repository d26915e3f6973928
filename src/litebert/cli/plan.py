"""litebert plan: what a pretraining run takes, before it is paid for."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from litebert.cli.facts import print_facts
from litebert.cli.pretrain import (
    Budget,
    Data,
    HeldOut,
    Loop,
    Machine,
    Model,
    Optimizer,
    Schedule,
    Watch,
)
from litebert.foundation.progress import duration
from litebert.foundation.settings import given, layered
from litebert.pretraining.footprint import Footprint
from litebert.pretraining.plan import PUBLISHED_BATCH, PUBLISHED_RATE, Plan, published_rate
from litebert.pretraining.plan import plan as make_plan
from litebert.pretraining.probe import PROBE_SECONDS
from litebert.pretraining.settings import PretrainingSettings

PARTS = {
    "process": "Python, torch, other libraries, where the sentences of the corpus are",
    "weights": "",
    "gradients": "",
    "moments": "the optimiser's running means",
    "activations": "kept from the forward pass for the backward pass",
    "logits": "scores over the vocabulary at the masked positions, and their gradient",
    "working": "what the busiest moment needs beside the rest",
    "evaluation": "",
    "allocator": "what is taken beyond what is asked for; a measured share",
    "kernels": "compiled kernels and threads, as measured",
    "checkpoint": "the copy that is written while training goes on",
    "exchange": "the message in which processes add up their gradients",
}


def plan(
    corpus: Path,
    /,
    *,
    output: Path = Path(),
    settings: Path | None = None,
    seconds: float = PROBE_SECONDS,
    budget: Annotated[Budget | None, Parameter(name="*", group="Budget")] = None,
    model: Annotated[Model | None, Parameter(name="*", group="Model")] = None,
    data: Annotated[Data | None, Parameter(name="*", group="Data")] = None,
    optimizer: Annotated[Optimizer | None, Parameter(name="*", group="Optimiser")] = None,
    schedule: Annotated[Schedule | None, Parameter(name="*", group="Schedule")] = None,
    training: Annotated[Loop | None, Parameter(name="*", group="Training")] = None,
    evaluation: Annotated[HeldOut | None, Parameter(name="*", group="Evaluation")] = None,
    machine: Annotated[Machine | None, Parameter(name="*", group="Machine")] = None,
    watch: Annotated[Watch | None, Parameter(name="*", group="Watch")] = None,
) -> None:
    """Say what litebert pretrain with the same options would take: memory, disk, time.

    Trains for some seconds to measure this machine, and writes nothing.

    Args:
        corpus: Corpus folder, made by litebert corpus build.
        output: Where the run would be written, to see whether its disk has room.
        settings: Recipe, as for litebert pretrain; options given here replace what it says.
        seconds: For how long to measure.
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
    asked = {name: given(values) for name, values in sections.items()}
    chosen = layered(PretrainingSettings, settings, asked)
    made = make_plan(corpus, chosen, output, seconds)
    print_facts({"model": _model(made), **_memory(made), **_disk(made)})
    print()
    print_facts({**_time(made), **_rate(chosen)})


def _model(made: Plan) -> str:
    config, counts = made.config, made.parameters
    return (
        f"{counts.pretraining:,} parameters with heads, {counts.encoder:,} in the encoder "
        f"(E {config.embedding_size}, H {config.hidden_size}, {config.num_hidden_layers} depths)"
    )


def _memory(made: Plan) -> dict[str, str]:
    memory = made.memory
    footprint: Footprint = memory.footprint
    lines = {}
    for name, words in PARTS.items():
        size = getattr(footprint, name)
        if size:
            lines[f"  {name}"] = f"{_bytes(size):>9}" + (f"   {words}" if words else "")
    lines["  activations"] += f"; instances at once: {made.micro_batch_size:,}"
    where = "the GPU" if made.machine.device == "cuda" else "this machine"
    each = f" for each of {memory.processes} processes" if memory.processes > 1 else ""
    if memory.available is None:
        verdict = "how much there is, the system does not say"
    elif memory.fits:
        verdict = f"fits: {_bytes(memory.available)} are to be had on {where}"
    else:
        verdict = f"DOES NOT FIT: {_bytes(memory.available)} are to be had on {where}"
    shown = {"memory": f"{_bytes(footprint.total)}{each}; {verdict}", **lines}
    if not memory.fits:
        shown["what fits"] = _what_fits(made)
    return shown


def _what_fits(made: Plan) -> str:
    if made.smaller is None:
        return (
            "not even one instance at once: a shorter --max-length, a smaller model, or a larger "
            "machine"
        )
    return (
        f"--micro-batch-size {made.smaller} instead of {made.micro_batch_size}: the same batches "
        "and results, more rounds a step"
    )


def _disk(made: Plan) -> dict[str, str]:
    disk = made.disk
    room = "fits" if disk.needed <= disk.free else "DOES NOT FIT"
    return {
        "disk": (
            f"{_bytes(disk.needed)} for the run, {room}: {_bytes(disk.free)} are free; "
            f"the corpus has {_bytes(disk.corpus)}"
        ),
        "  checkpoints": f"{disk.checkpoints} of {_bytes(disk.checkpoint)} at most",
        "  model": _bytes(disk.model),
    }


def _time(made: Plan) -> dict[str, str]:
    speed, pace, machine = made.speed, made.pace, made.machine
    if speed is None or pace is None:
        return {"speed": "not measured, as nothing fits"}
    threads = f", {machine.threads} thread{'s' * (machine.threads != 1)}"
    how = f"{machine.precision}{threads if machine.device == 'cpu' else ''}"
    how += f", micro-batches of {speed.instances}"
    together = f"; {made.processes} processes at best" if made.processes > 1 else ""
    rate = made.step_tokens / pace.step_seconds
    shown = {
        "speed": f"{rate:,.0f} tokens/s, {_short(pace.step_seconds)} a step of "
        f"{made.step_tokens:,.0f} tokens ({how}{together})",
        "evaluation": _short(pace.evaluation_seconds),
        "epoch": f"{made.epoch_tokens:,.0f} tokens in {duration(made.epoch_tokens / rate)}",
    }
    if speed.peak is not None and speed.instances == made.micro_batch_size:
        shown["memory measured"] = f"{_bytes(speed.peak)} at most, without a checkpoint's copy"
    if made.course is None:
        shown["time"] = "say how long to train with --steps, --tokens or --minutes"
    else:
        course = made.course
        shown["time"] = (
            f"{duration(course.seconds)} for {course.steps:,} steps: {course.tokens:,.0f} tokens, "
            f"{course.epochs:.3g} passes over the corpus"
        )
    return shown


def _rate(settings: PretrainingSettings) -> dict[str, str]:
    """What is known of the learning rate for this batch."""
    batch, asked = settings.training.batch_size, settings.schedule.learning_rate
    root = (
        f"{published_rate(batch):.2g}: the published {PUBLISHED_RATE:g} at a batch of "
        f"{PUBLISHED_BATCH:,}, by the root of the batch"
    )
    adamw = (
        "none is published; customary are 1e-4 for base size at a batch of 256 (BERT), about "
        "1e-3 for small models and batches"
    )
    return {"learning rate": f"{asked:g} as asked", "  for LAMB": root, "  for AdamW": adamw}


def _short(seconds: float) -> str:
    """Seconds with what matters of short ones."""
    return f"{seconds:.3g} s" if seconds < 60 else duration(seconds)


def _bytes(size: float) -> str:
    """Bytes in the unit that suits them, as disks count: 1 GB is 1,000 MB."""
    for unit, limit in (("kB", 1e6), ("MB", 1e9), ("GB", 1e12)):
        if size < 0.9995 * limit:  # three figures of it, rounded
            return f"{size / limit * 1000:.3g} {unit}"
    return f"{size / 1e12:,.3g} TB"
