"""A corpus of small stories and tiny pretraining runs on it, for tests."""

from pathlib import Path

import torch

from litebert.cli.main import main
from litebert.corpus.shards import Corpus
from litebert.foundation.files import sha256_file
from litebert.foundation.randomness import Position, generator
from litebert.pretraining.assembly import open_data, training_stream
from litebert.pretraining.settings import PretrainingSettings
from litebert.training.checkpoint import list_checkpoints
from litebert.training.journal import read_metrics
from litebert.training.run_folder import read_run, stored_settings

NAMES = ["Anna", "Bruno", "Clara", "David", "Emma", "Felix"]
THINGS = ["the apple", "the river", "the window", "the garden", "the letter", "the candle"]
DEEDS = ["saw", "painted", "forgot", "remembered", "carried", "wanted"]
TINY = [
    *("--hidden-size", "32", "--num-hidden-layers", "2", "--num-attention-heads", "2"),
    *("--max-length", "32", "--batch-size", "8", "--learning-rate", "3e-3", "--threads", "1"),
]
# Forty steps, every one of them recorded, and many checkpoints.
FORTY = [
    *TINY,
    *("--steps", "40", "--save-every", "4", "--evaluate-every", "20", "--log-every", "1"),
    *("--precision", "fp32"),
]
DROPOUT = ["--hidden-dropout-prob", "0.1", "--attention-probs-dropout-prob", "0.1"]


def stories_corpus(folder: Path) -> Path:
    """Build a corpus folder of 60 small stories."""
    stories = []
    for number in range(60):
        draws = generator(0, "story", number)
        name = str(draws.choice(NAMES))
        lines = [
            f"{name} {draws.choice(DEEDS)} {draws.choice(THINGS)}. "
            f"Then {name} {draws.choice(DEEDS)} {draws.choice(THINGS)} again."
            for _ in range(draws.integers(3, 9))
        ]
        stories.append("\n".join(lines))
    (folder / "stories.txt").write_text("\n\n".join(stories))
    text = str(folder / "stories.txt")
    vocabulary, built = str(folder / "vocabulary"), str(folder / "corpus")
    assert (
        main(["vocab", "train", text, "--output", vocabulary, "--vocab-size", "90", "--fit"]) == 0
    )
    built_well = main(["corpus", "build", text, "--vocabulary", vocabulary, "--output", built])
    assert built_well == 0
    return folder / "corpus"


def pretraining_command(corpus: Path, folder: Path, *options: str) -> list[str]:
    """The arguments of `litebert` that pretrain into a run folder."""
    return ["pretrain", str(corpus), "--output", str(folder), *options]


def run_pretraining(*arguments: str) -> int:
    """Run `litebert` in this process, as a child that a test has started; its exit code."""
    torch.set_num_threads(1)
    return main(list(arguments))


def final_bytes(folder: Path) -> list[str]:
    """SHA-256 of a finished run's weights and optimiser, and of its model."""
    newest = list_checkpoints(folder / "checkpoints")[-1]
    files = [newest / "model.safetensors", newest / "optimizer.safetensors"]
    return [sha256_file(file) for file in [*files, folder / "model" / "model.safetensors"]]


def ledger(folder: Path, corpus_folder: Path) -> list[tuple[int, int]]:
    """The ids (epoch, index) of the instances that a run says it has trained on, in their order.

    Its lines say where it stood in the data after each step.
    """
    record = read_run(folder, "pretrain")
    settings = stored_settings(record, PretrainingSettings)
    data = open_data(Corpus.open(corpus_folder), settings)
    stream = training_stream(data, settings, record.resolved["total_steps"])
    ids: list[tuple[int, int]] = []
    position = Position()
    for line in read_metrics(folder / "metrics.jsonl", "train"):
        taken, after = stream.take_indices(position, settings.training.batch_size)
        assert after == Position(line["epoch"], line["offset"]), line
        ids, position = ids + taken, after
    return ids
