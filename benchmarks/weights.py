"""Speed and memory of importing a TensorFlow checkpoint, and of exporting it. Prints JSON.

    python benchmarks/weights.py [--preset albert-xxlarge-v2] [--folder FOLDER] [--repeats N]

Random weights of a preset are written as a checkpoint by our own writer; each import and export
then runs as a command in a process of its own, whose peak memory is measured. The bound is the size
of the checkpoint and 400 MB. Medians of the repeats, starting Python and torch included; processor
seconds hold on a busy machine too. MB are 1,000,000 bytes.
"""

import argparse
import filecmp
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from litebert.encoder.config import PRESETS, EncoderConfig
from litebert.encoder.models import encoder_of
from litebert.foundation.files import write_json
from litebert.foundation.randomness import generator
from litebert.weights.assembly import Blueprint, empty_model
from litebert.weights.bundle_writer import Variable, write_bundle
from litebert.weights.google_checkpoint import google_form
from litebert.weights.google_config import CONFIG_FILES, google_configuration, stored_groups

ALLOWED_MEGABYTES = 400  # beyond the size of the checkpoint
# The command in a process of its own, which says on its last line what it took.
MEASURED = """
import resource, sys
from litebert.cli.main import main
code = main(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_maxrss * 1024, used.ru_utime + used.ru_stime)
sys.exit(code)
"""


def write_checkpoint(folder: Path, preset: str) -> int:
    """A pretraining checkpoint of random weights, with its configuration; its size in bytes."""
    config = EncoderConfig.preset(preset)
    model = empty_model(Blueprint(config, "pretraining"))
    form = google_form(stored_groups(config), preset)(model, encoder_of(model))

    def variable(name: str) -> Variable:
        shape = form.shapes[name]

        def draw() -> torch.Tensor:
            numbers = generator(0, name).standard_normal(shape, "float32")
            return torch.from_numpy(numbers) * config.initializer_range

        return Variable(name, shape, draw)

    write_bundle(folder / "model.ckpt-best", [variable(name) for name in form.parameters])
    values = google_configuration(config, "pretraining", True)
    write_json(folder / CONFIG_FILES[config.family], values)
    return sum(path.stat().st_size for path in folder.glob("model.ckpt-best.*"))


def measure(arguments: list[str]) -> tuple[float, float, float]:
    """Seconds, seconds of the processor, and peak bytes of a command."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *arguments], check=True, capture_output=True, text=True
    )
    peak, processor = map(float, done.stdout.splitlines()[-1].split())
    return time.perf_counter() - began, processor, peak


def repeated(arguments: list[str], output: Path, repeats: int, size: int) -> dict[str, float]:
    runs = []
    for _ in range(repeats):
        shutil.rmtree(output, ignore_errors=True)
        runs.append(measure([*arguments, str(output)]))
    seconds, processor = (statistics.median(run[place] for run in runs) for place in (0, 1))
    peak = max(peak for _, _, peak in runs)
    return {
        "seconds": round(seconds, 2),
        "processor_seconds": round(processor, 2),
        "megabytes_per_second": round(size / seconds / 1e6, 1),
        "peak_megabytes": round(peak / 1e6, 1),
        "peak_beyond_the_checkpoint": round((peak - size) / 1e6, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=PRESETS, default="albert-xxlarge-v2")
    parser.add_argument("--folder", type=Path, help="where to write; by default a temporary one")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as place:
        source, model, out = (Path(place) / name for name in ("checkpoint", "model", "again"))
        began = time.perf_counter()
        size = write_checkpoint(source, given.preset)
        wrote = time.perf_counter() - began
        imported = repeated(["import", "google", str(source)], model, given.repeats, size)
        exported = repeated(["export", "google", str(model)], out, given.repeats, size)
        data = next(source.glob("*.data-*"))
        same = filecmp.cmp(data, out / data.name, shallow=False)
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", MEASURED, "--version"], check=True, capture_output=True)
    result = {
        "preset": given.preset,
        "checkpoint_megabytes": round(size / 1e6, 1),
        "seconds_to_draw_and_write_it": round(wrote, 2),
        "seconds_to_start": round(time.perf_counter() - began, 2),
        "import": imported,
        "export": exported,
        "exported_as_it_was": same,
        "within_bounds": imported["peak_beyond_the_checkpoint"] < ALLOWED_MEGABYTES,
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
