"""Speed and memory of the corpus: building it, and making instances of it. Prints JSON.

    python benchmarks/corpus.py INPUT VOCABULARY [--workers N] [--repeats N]

Tokens/s a core is tokens by CPU seconds of all processes together, so that it holds on a busy
machine too; the peak is that of the largest process. Instances are made and collated on one core;
medians of the repeats, the lengths interleaved.
"""

import argparse
import json
import resource
import statistics
import tempfile
import time
from pathlib import Path

from litebert.corpus.batches import collate
from litebert.corpus.build import build_corpus
from litebert.corpus.instances import InstanceSettings
from litebert.corpus.shards import Corpus
from litebert.corpus.spans import whole_documents
from litebert.corpus.stream import InstanceStream
from litebert.foundation.randomness import Position
from litebert.text.tokenizer import Tokenizer

LENGTHS = (64, 128, 512)
BATCH, BATCHES = 64, 40


def cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def peak_megabytes() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return max(usage.ru_maxrss for usage in used) / 1024


def measure_build(source: Path, vocabulary: Path, folder: Path, workers: int) -> dict[str, float]:
    tokenizer = Tokenizer.load(vocabulary)
    began, used = time.perf_counter(), cpu_seconds()
    counts = build_corpus([source], tokenizer, folder, workers=workers).counts
    wall, cpu = time.perf_counter() - began, cpu_seconds() - used
    return {
        "workers": workers,
        "documents": counts.documents,
        "tokens": counts.tokens,
        "seconds": round(wall, 2),
        "tokens_per_second": round(counts.tokens / wall),
        "tokens_per_second_a_core": round(counts.tokens / cpu),
        "peak_megabytes": round(peak_megabytes(), 1),
    }


def measure_instances(corpus: Corpus, repeats: int) -> dict[str, dict[str, float]]:
    spans = whole_documents(corpus)
    streams = {n: InstanceStream(corpus, spans, InstanceSettings(max_length=n), 1) for n in LENGTHS}
    planning, speeds = {}, {length: [] for length in LENGTHS}
    for length, stream in streams.items():
        began = time.process_time()
        stream.epoch_size(0)
        planning[length] = time.process_time() - began
    for repeat in range(repeats):
        for length, stream in streams.items():
            position = Position(0, repeat * BATCH * BATCHES % stream.epoch_size(0))
            began, tokens = time.process_time(), 0
            for _ in range(BATCHES):
                instances, position = stream.take(position, BATCH)
                tokens += len(collate(instances).input_ids)
            speeds[length].append(tokens / (time.process_time() - began))
    return {
        str(length): {
            "tokens_per_second_a_core": round(statistics.median(speeds[length])),
            "instances_an_epoch": stream.epoch_size(0),
            "seconds_to_plan_an_epoch": round(planning[length], 3),
        }
        for length, stream in streams.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "corpus"
        built = measure_build(given.source, given.vocabulary, folder, given.workers)
        corpus = Corpus.open(folder)
        began = time.perf_counter()
        corpus.verify()
        verified = time.perf_counter() - began
        made = measure_instances(corpus, given.repeats)
    print(
        json.dumps(
            {"build": built, "verify_seconds": round(verified, 3), "instances": made}, indent=2
        )
    )


if __name__ == "__main__":
    main()
