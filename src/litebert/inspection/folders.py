"""Whatever lies in a folder or a file, told apart by what is in it."""

from collections.abc import Callable
from math import prod
from pathlib import Path

from litebert.corpus.shards import CORPUS_FILE, Corpus
from litebert.foundation.errors import CheckpointError, DataError, LitebertError
from litebert.foundation.files import MANIFEST, verify_manifest
from litebert.foundation.progress import duration
from litebert.inspection.found import Found, size_words
from litebert.inspection.models import holds_vocabulary, inspect_model, inspect_vocabulary
from litebert.training.checkpoint import CHECKPOINTS, list_checkpoints, read_state, step_of
from litebert.training.journal import METRICS, read_metrics
from litebert.training.run_folder import RUN, look_up_run
from litebert.weights.archive import is_archive
from litebert.weights.bundle import Bundle
from litebert.weights.folder import CONFIG_FILE
from litebert.weights.google_source import find_checkpoint
from litebert.weights.tensors import TensorFile

_STATE = "state.json"
_SHOWN = 6  # folders named where the one asked for holds nothing itself
_NO_SCORES = {"kind", "step", "tokens", "seconds"}  # of the keys of an evaluation


def inspect_folder(path: str | Path) -> Found:
    """What a folder holds, whichever of ours it is, or what can be made of it.

    Run, corpus, model, vocabulary folder, checkpoint; Hugging Face's and Google's models; a file of
    one of them. Raises DataError where it is nothing we know, and what each kind raises where it is
    damaged.
    """
    path = Path(path)
    for recognises, inspect in _KINDS:
        if recognises(path):
            return inspect(path)
    if not path.exists():
        raise DataError(f"{path} does not exist: check the path")
    if path.is_file():
        raise DataError(f"{path} is no file that litebert knows: name the folder that holds it")
    inside = sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))
    known = [str(p) for p in inside if any(recognises(p) for recognises, _ in _KINDS)]
    raise DataError(
        f"{path} holds nothing that litebert knows: no {CONFIG_FILE}, {RUN}, {CORPUS_FILE} nor "
        "vocabulary" + (f"; but these do: {', '.join(known[:_SHOWN])}" if known else "")
    )


def _is_run(path: Path) -> bool:
    return (path / RUN).is_file()


def _inspect_run(folder: Path) -> Found:
    """How far a run is, what it scored, and what lies in it."""
    record = look_up_run(folder)
    lines = read_metrics(folder / METRICS)
    training = [line for line in lines if line["kind"] == "train"]
    scored = [line for line in lines if line["kind"] == "evaluation"]
    last = training[-1] if training else {}
    step = max((line["step"] for line in training), default=0)
    total = record.resolved.get("total_steps")
    facts = {
        "command": f"litebert {record.command}",
        "steps": f"{step:,}" + (f" of {total:,}" if isinstance(total, int) else ""),
    }
    if isinstance(tokens := last.get("tokens"), int):
        facts["tokens"] = f"{tokens:,}"
    if isinstance(seconds := last.get("seconds"), int | float):
        facts["time"] = duration(seconds)
    if scored:
        facts["scores at step"] = f"{scored[-1]['step']:,}"
        for name, value in scored[-1].items():
            if name not in _NO_SCORES and isinstance(value, int | float):
                facts[f"  {name.replace('_', ' ')}"] = f"{value:.4f}"
    start = record.resolved.get("start")
    if isinstance(start, dict):
        facts["started from"] = str(start.get("folder", "word vectors of the corpus"))
    checkpoints = list_checkpoints(folder / CHECKPOINTS)
    names = ", ".join(f"{step_of(checkpoint):,}" for checkpoint in checkpoints)
    facts["checkpoints"] = f"at steps {names}" if names else "none"
    hints = [f"litebert runs {folder} shows its curves"]
    if (folder / "model" / CONFIG_FILE).is_file():
        facts["model folder"] = str(folder / "model")
        facts |= inspect_model(folder / "model").facts
    return Found("run folder", facts, hints)


def _is_corpus(path: Path) -> bool:
    return (path / CORPUS_FILE).is_file()


def _inspect_corpus(folder: Path) -> Found:
    corpus = Corpus.open(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    facts = {
        "documents": f"{corpus.documents:,}",
        "sentences": f"{corpus.sentences:,}",
        "tokens": f"{corpus.tokens:,}",
        "vocabulary": f"{corpus.tokenizer().kind}, {corpus.vocab_size:,} pieces",
        "shards": f"{len(corpus.shards):,} ({size_words(size)} on disk)",
    }
    hints = [
        f"litebert corpus inspect {folder} shows more, and an instance",
        f"litebert pretrain {folder} --output RUN pretrains on it",
    ]
    return Found("corpus folder", facts, hints)


def _is_checkpoint(path: Path) -> bool:
    return (path / MANIFEST).is_file() and (path / _STATE).is_file()


def _inspect_checkpoint(folder: Path) -> Found:
    """The state of a training run at a step, its bytes checked against the manifest."""
    verify_manifest(folder, CheckpointError)
    state = read_state(folder)
    with TensorFile(folder / "model.safetensors") as file:
        numbers = sum(prod(shape) for shape in file.shapes.values())
    facts = {
        "step": f"{state.step:,}",
        "tokens": f"{state.tokens:,}",
        "time": duration(state.seconds),
        "parameters": f"{numbers:,}, with the optimiser's moments",
        "state": "whole: every file is as its manifest says",
    }
    if state.best is not None and state.best_step is not None:
        facts["best so far"] = f"{state.best:.4f} at step {state.best_step:,}"
    run = folder.absolute().parent.parent
    hint = "the run's command with --resume goes on from the newest checkpoint"
    return Found("checkpoint", facts, [hint, *([f"its run: {run}"] if _is_run(run) else [])])


def _is_archive(path: Path) -> bool:
    return path.is_file() and is_archive(path)


def _inspect_archive(path: Path) -> Found:
    facts = {"size": size_words(path.stat().st_size)}
    hint = f"litebert import google {path} OUT imports it, where it is a published ALBERT or BERT"
    return Found("archive", facts, [hint])


def _is_google(path: Path) -> bool:
    try:
        find_checkpoint(path)
    except (LitebertError, OSError):
        return False
    return True


def _inspect_google(path: Path) -> Found:
    """A TensorFlow checkpoint: what its index says."""
    files = find_checkpoint(path)
    with Bundle(files.prefix) as bundle:
        numbers = sum(prod(shape) for shape in bundle.shapes.values())
        facts = {"checkpoint": str(files.prefix), "variables": f"{len(bundle.shapes):,}"}
    facts["numbers"] = f"{numbers:,}, optimiser's included"
    for name, look in (
        ("configuration", files.configuration),
        ("vocabulary", files.vocabulary),
    ):
        try:
            found = look()
            facts[name] = found.name if found else "not beside it"
        except LitebertError as error:
            facts[name] = str(error)
    return Found("TensorFlow checkpoint", facts, [f"litebert import google {path} OUT imports it"])


def _is_model(path: Path) -> bool:
    return (path / CONFIG_FILE).is_file()


def _is_vocabulary(path: Path) -> bool:
    return holds_vocabulary(path) or (
        path.is_file() and (path.suffix == ".model" or path.name in ("vocab.txt", "tokenizer.json"))
    )


def _is_tensor_file(path: Path) -> bool:
    return path.is_file() and path.suffix == ".safetensors"


def _inspect_tensors(path: Path) -> Found:
    with TensorFile(path) as file:
        numbers = sum(prod(shape) for shape in file.shapes.values())
        facts = {"tensors": f"{len(file.shapes):,}", "numbers": f"{numbers:,}"}
    return Found("safetensors file", facts, [f"litebert inspect {path.parent} says more"])


# In this order: a run holds a model, a Hugging Face folder may hold a TensorFlow checkpoint too.
_KINDS: list[tuple[Callable[[Path], bool], Callable[[Path], Found]]] = [
    (_is_run, _inspect_run),
    (_is_corpus, _inspect_corpus),
    (_is_checkpoint, _inspect_checkpoint),
    (_is_model, inspect_model),
    (_is_archive, _inspect_archive),
    (_is_google, _inspect_google),
    (_is_vocabulary, inspect_vocabulary),
    (_is_tensor_file, _inspect_tensors),
]
