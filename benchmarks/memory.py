"""Memory that pretraining takes beside what `litebert plan` foretells: peaks of whole runs.

Each run is a process of its own on one thread, with evaluations and checkpoints. What is measured
is the memory that the system cannot take back: the corpus' pages, which it can, are left out.

    python benchmarks/memory.py CORPUS [--steps 40] [--only H256]
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from litebert.corpus.shards import Corpus
from litebert.pretraining.assembly import open_data, resolve_config
from litebert.pretraining.footprint import MB
from litebert.pretraining.plan import MemoryEstimate
from litebert.pretraining.run import pretrain
from litebert.pretraining.settings import PretrainingSettings

BASE = {"preset": "albert-base-v2"}
# Name: the model, padded length, batch, micro-batch, precision.
RUNS: dict[str, tuple[dict[str, Any], int, int, int, str]] = {
    "H256 x 3, 16 of 64": ({"hidden_size": 256, "num_hidden_layers": 3}, 64, 16, 16, "bf16"),
    "H256 x 3, 64 of 128": ({"hidden_size": 256, "num_hidden_layers": 3}, 128, 64, 64, "bf16"),
    "H256 x 3, 16 of 512": ({"hidden_size": 256, "num_hidden_layers": 3}, 512, 16, 16, "fp32"),
    "H512 x 6, 32 of 128": ({"hidden_size": 512, "num_hidden_layers": 6}, 128, 32, 32, "fp32"),
    "base, 16 of 128": (BASE, 128, 16, 16, "bf16"),
    "base, 8 of 64": (BASE, 64, 8, 8, "bf16"),
    "base, 32 of 128 by 8": (BASE, 128, 32, 8, "bf16"),
    "base, 4 of 512": (BASE, 512, 4, 4, "fp32"),
    "base, 16 of 512 by 4": (BASE, 512, 16, 4, "bf16"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--only", default="", help="runs whose names begin so")
    parser.add_argument("--part", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    corpus, steps = arguments.corpus, arguments.steps
    if arguments.part is not None:
        part, name = arguments.part
        print(json.dumps(PARTS[part](corpus, settings_of(name, steps))))
        return
    for name in RUNS:
        if name.startswith(arguments.only):
            parts, measured = (in_a_process(corpus, steps, part, name) for part in PARTS)
            found = {"run": name, "steps": steps, "foretold": sum(parts.values())}
            ratio = round(found["foretold"] / measured, 2)
            print(json.dumps({**found, "measured": measured, "ratio": ratio, **parts}), flush=True)


def in_a_process(corpus: Path, steps: int, part: str, name: str) -> Any:
    """What a part of the work says that is done in a process of its own."""
    command = [sys.executable, __file__, str(corpus), "--steps", str(steps), "--part", part, name]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def settings_of(name: str, steps: int) -> PretrainingSettings:
    """The settings of one of the runs."""
    model, length, batch, micro, precision = RUNS[name]
    return PretrainingSettings.parse(
        {
            "model": model,
            "data": {"max_length": length},
            "budget": {"steps": steps},
            "training": {
                "batch_size": batch,
                "micro_batch_size": micro,
                "evaluate_every": max(1, steps // 3),
            },
            "evaluation": {"evaluation_instances": 64},
            "machine": {"device": "cpu", "precision": precision, "threads": 1},
        }
    )


def foretell(corpus: Path, settings: PretrainingSettings) -> dict[str, int]:
    """The parts that a plan reckons with, in MB."""
    opened = Corpus.open(corpus)
    config, data = resolve_config(opened, settings), open_data(opened, settings)
    micro = settings.training.micro_batch_size or settings.training.batch_size
    footprint = MemoryEstimate(config, data, settings, settings.machine).memory(micro).footprint
    return {part: round(size / MB) for part, size in vars(footprint).items()}


def measure(corpus: Path, settings: PretrainingSettings) -> int:
    """The highest that a run comes to, in MB."""
    libraries, highest, done = resident("RssFile"), 0, threading.Event()

    def watch() -> None:
        nonlocal highest
        while not done.is_set():
            highest = max(highest, resident("RssAnon"))
            time.sleep(0.01)

    watching = threading.Thread(target=watch)
    watching.start()
    with tempfile.TemporaryDirectory() as place:
        pretrain(corpus, Path(place) / "run", settings)
    done.set()
    watching.join()
    return round((libraries + highest) / MB)


def resident(kind: str) -> int:
    """Bytes that this process occupies: RssAnon its own, RssFile those of files."""
    found = re.search(rf"{kind}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found.group(1)) * 1024 if found else 0


PARTS = {"foretell": foretell, "measure": measure}


if __name__ == "__main__":
    main()
