"""Pretraining beside transformers' AlbertForPreTraining: speed, memory, data, processes.

Both sides make whole updates (forward, backward, clipping, fused AdamW) on the same batch: full
sequences, 15 % masked, dropout 0. The sides take turns in one process; medians are compared. Peak
memory is that of a process of its own for each side. Everything is printed as JSON.

    python benchmarks/pretraining.py speed [--device cuda] [--batch 32] [--length 128] …
    python benchmarks/pretraining.py memory
    python benchmarks/pretraining.py depths
    python benchmarks/pretraining.py data CORPUS
    python benchmarks/pretraining.py processes CORPUS
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from litebert.corpus.shards import Corpus
from litebert.encoder.config import EncoderConfig
from litebert.encoder.layout import Packed
from litebert.encoder.models import PretrainingModel
from litebert.foundation.memory import peak_memory
from litebert.foundation.processors import processor_name
from litebert.foundation.randomness import Position
from litebert.objectives import masked_lm_sum, sentence_sum
from litebert.pretraining.assembly import open_data
from litebert.pretraining.settings import PretrainingSettings
from litebert.pretraining.trainable import Pretraining

OURS = "litebert bf16"
SIDES = (
    OURS,
    "litebert fp32",
    "transformers fp32",
    "transformers bf16",
    "transformers bf16 compiled",
)
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
Step = Callable[[], None]


@dataclass(frozen=True)
class Batch:
    """Full sequences (B, T), the masked positions of each (B, M / B), and the order labels (B,)."""

    ids: Tensor
    chosen: Tensor
    order: Tensor

    @classmethod
    def drawn(cls, count: int, length: int, vocabulary: int, device: str = "cpu") -> "Batch":
        """The same for the same numbers, on any device."""
        draws = torch.Generator().manual_seed(0)
        ids = torch.randint(5, vocabulary, (count, length), generator=draws)
        # [CLS] comes first and is never masked.
        shuffled = [torch.randperm(length - 1, generator=draws) + 1 for _ in range(count)]
        chosen = torch.stack(shuffled)[:, : length * 15 // 100]
        order = torch.randint(0, 2, (count,), generator=draws)
        return cls(ids.to(device), chosen.to(device), order.to(device))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["speed", "memory", "depths", "data", "processes"])
    parser.add_argument("corpus", type=Path, nargs="?")
    for name, value in {"batch": 32, "length": 128, "hidden-size": 768, "depth": 12}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    for name, value in {"vocabulary": 30000, "threads": 2, "repeats": 5, "steps": 60}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: for a busy machine")
    parser.add_argument("--sides", nargs="*", default=SIDES, choices=SIDES)
    parser.add_argument("--recompute", action="store_true", help="of litebert: keep less")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    found = {
        "speed": speed,
        "memory": memory,
        "depths": depths,
        "data": data,
        "processes": processes,
    }[arguments.what](arguments)
    asked = {key: getattr(arguments, key) for key in ("threads", "batch", "length", "hidden_size")}
    asked |= {"depth": arguments.depth, "vocabulary": arguments.vocabulary}
    about = {"processor": processor_name(), "torch": torch.__version__, **asked}
    print(json.dumps({**about, **found}, indent=2))


def speed(arguments: argparse.Namespace) -> dict[str, Any]:
    """Tokens a second of all sides in turns, and how near ours comes to the processor's limit."""
    steps = {side: side_step(side, arguments) for side in arguments.sides}
    products = _Ceiling(arguments)
    clock = _clock(arguments)
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for lap in range(arguments.repeats + 1):
        for name, step in steps.items():
            began = clock()
            step()
            if lap > 0:  # the first warms up
                seconds[name].append(clock() - began)
        products.measure(clock)
    tokens = arguments.batch * arguments.length
    medians = {name: statistics.median(laps) for name, laps in seconds.items()}
    ours = medians[OURS]
    reached = work(configuration(arguments), arguments.batch, arguments.length) / ours
    return {
        "clock": arguments.clock,
        "tokens_per_second": {name: round(tokens / median) for name, median in medians.items()},
        "litebert_bf16_over": {
            name: round(median / ours, 2) for name, median in medians.items() if name != OURS
        },
        "gflops": round(reached / 1e9),
        "gflops_of_products_alone": round(products.rate / 1e9),
        "share_of_ceiling": round(reached / products.rate, 3),
    }


def _clock(arguments: argparse.Namespace) -> Callable[[], float]:
    """The clock that is asked for; on a GPU it waits for what is queued."""
    clock = CLOCKS[arguments.clock]
    if arguments.device == "cpu":
        return clock

    def after_the_queue() -> float:
        torch.cuda.synchronize()
        return clock()

    return after_the_queue


def memory(arguments: argparse.Namespace) -> dict[str, Any]:
    """Peak memory of each side, three updates in a process of its own."""
    if arguments.alone:
        step = side_step(arguments.sides[0], arguments)
        for _ in range(3):
            step()
        return {"peak": peak_memory()}
    peaks = {side: _peak(arguments, side) for side in arguments.sides}
    shares = {side: round(peaks[OURS] / peak, 3) for side, peak in peaks.items()}
    return {"peak_mb": {s: round(p / 1e6) for s, p in peaks.items()}, "litebert_bf16_of": shares}


def depths(arguments: argparse.Namespace) -> dict[str, Any]:
    """Peak memory of 12, 24 and 48 depths, with what layers need kept, and made again."""
    found: dict[str, dict[int, int]] = {"kept": {}, "recomputed": {}}
    for depth in (12, 24, 48):
        arguments.depth = depth
        for name in found:
            arguments.recompute = name == "recomputed"
            found[name][depth] = round(_peak(arguments, OURS) / 1e6)
    return {"peak_mb": found}


def _peak(arguments: argparse.Namespace, side: str) -> int:
    names = ("batch", "length", "hidden_size", "depth", "vocabulary", "threads")
    options = [f"--{name.replace('_', '-')}={getattr(arguments, name)}" for name in names]
    options += ["--recompute"] if arguments.recompute else []
    command = [sys.executable, __file__, "memory", "--alone", *options, "--sides", side]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(json.loads(done.stdout)["peak"])


def data(arguments: argparse.Namespace) -> dict[str, Any]:
    """Tokens a second of pairs, masks and collation from a corpus, without any training."""
    settings = PretrainingSettings.parse({"data": {"max_length": arguments.length}})
    corpus = Corpus.open(arguments.corpus)
    parts = open_data(corpus, settings)
    model = PretrainingModel(EncoderConfig.parse({"vocab_size": corpus.vocab_size}))
    batch, cpu = arguments.batch, torch.device("cpu")
    trainable = Pretraining(model, parts.stream, parts.heldout, batch, batch, cpu)
    clock, position, rates = CLOCKS[arguments.clock], Position(), []
    for lap in range(arguments.repeats + 1):
        began, tokens = clock(), 0
        while clock() - began < 2:
            batches, position = trainable.batch(position)
            tokens += sum(batch.tokens for batch in batches)
        if lap > 0:
            rates.append(tokens / (clock() - began))
    return {"clock": arguments.clock, "data_tokens_per_second": round(statistics.median(rates))}


def processes(arguments: argparse.Namespace) -> dict[str, Any]:
    """Tokens a second of whole runs of one process and of two, one thread each, in turns."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(arguments.repeats):
        for count, laps in rates.items():
            with tempfile.TemporaryDirectory() as folder:
                laps.append(_run_rate(arguments, count, Path(folder) / "run"))
    medians = {count: round(statistics.median(laps)) for count, laps in rates.items()}
    return {"tokens_per_second": medians, "two_over_one": round(medians[2] / medians[1], 2)}


def _run_rate(arguments: argparse.Namespace, count: int, run: Path) -> float:
    options = {
        "steps": arguments.steps,
        "log-every": max(1, arguments.steps // 6),
        "max-length": arguments.length,
        "batch-size": arguments.batch,
        "hidden-size": arguments.hidden_size,
        "num-hidden-layers": arguments.depth,
        "evaluation-instances": 1,
        "threads": 1,
        "processes": count,
        "precision": "bf16",
    }
    command = [sys.executable, "-m", "litebert", "pretrain", str(arguments.corpus)]
    given = [f"--{name}={value}" for name, value in options.items()]
    done = subprocess.run(
        [*command, "--output", str(run), *given], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        sys.exit(f"a run of {count} processes ended with {done.returncode}:\n{done.stderr}")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return statistics.median(line["tokens_per_second"] for line in lines if line["kind"] == "train")


def configuration(arguments: argparse.Namespace) -> EncoderConfig:
    """ALBERT's proportions: heads of 64, F = 4 H, E 128."""
    H = arguments.hidden_size
    sizes = {"hidden_size": H, "intermediate_size": 4 * H, "num_attention_heads": H // 64}
    depth = {"num_hidden_layers": arguments.depth, "vocab_size": arguments.vocabulary}
    return EncoderConfig.parse({**sizes, **depth, "embedding_size": 128})


def side_step(side: str, arguments: argparse.Namespace) -> Step:
    """A whole update of one side."""
    config = configuration(arguments)
    vocabulary, device = config.vocab_size, arguments.device
    batch = Batch.drawn(arguments.batch, arguments.length, vocabulary, device)
    if side.startswith("litebert"):
        dtype = torch.bfloat16 if "bf16" in side else torch.float32
        return ours(config, batch, dtype, arguments.recompute)
    return theirs(config, batch, autocast="bf16" in side, compiled="compiled" in side)


def ours(config: EncoderConfig, batch: Batch, dtype: torch.dtype, recompute: bool) -> Step:
    """A whole update of litebert's model."""
    B, T = batch.ids.shape
    device = batch.ids.device
    model = PretrainingModel(config).to(device)
    model.encoder.compute_dtype, model.encoder.recompute = dtype, recompute
    flat = (batch.chosen + torch.arange(B, device=device)[:, None] * T).flatten()
    labels, segments = batch.ids.flatten()[flat], torch.zeros_like(batch.ids).flatten()
    weights = torch.ones(B, device=device)

    def loss() -> Tensor:
        masked, pairs = model(batch.ids.flatten(), segments, Packed([T] * B), flat)
        nll, _ = masked_lm_sum(masked, labels)
        pair_nll, _ = sentence_sum(pairs, batch.order, weights)
        return nll / len(labels) + pair_nll / B

    return update(model, loss)


def theirs(config: EncoderConfig, batch: Batch, autocast: bool, compiled: bool) -> Step:
    """A whole update of transformers' model."""
    from transformers import AlbertConfig, AlbertForPreTraining

    dropouts = ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout_prob")
    names = ("vocab_size", "embedding_size", "hidden_size", "num_hidden_layers")
    names += ("num_attention_heads", "intermediate_size")
    values = {**{name: getattr(config, name) for name in names}, **dict.fromkeys(dropouts, 0.0)}
    device = batch.ids.device
    model = AlbertForPreTraining(AlbertConfig(**values)).to(device)
    called = torch.compile(model) if compiled else model
    ids, chosen = batch.ids, batch.chosen
    labels = torch.full_like(ids, -100).scatter(1, chosen, ids.gather(1, chosen))
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": labels}

    def loss() -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
            out = called(**inputs, sentence_order_label=batch.order)
        return out.loss

    return update(model, loss)


def update(model: nn.Module, loss: Callable[[], Tensor]) -> Step:
    """Backward, clipping to norm 1 and torch's AdamW: the same work on both sides."""
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        loss().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def work(config: EncoderConfig, B: int, T: int) -> float:
    """Floating-point operations of litebert's matrix products in an update."""
    H, F_, E, V = (config.hidden_size, config.intermediate_size, config.embedding_size, 0)
    V, depth, tokens = config.vocab_size, config.num_hidden_layers, B * T
    masked = B * (T * 15 // 100)
    after = H * H + 2 * H * F_  # what the last layer does for some tokens alone
    some = masked + B
    layers = tokens * depth * (3 * H * H + 2 * T * H) + (tokens * (depth - 1) + some) * after
    ends = tokens * E * H + masked * (H * E + E * V) + B * H * H
    return 3 * 2 * float(layers + ends)  # forward, and twice as much backward


class _Ceiling:
    """The rate of bf16 products of the layer's shapes, weights prepacked, nothing beside them."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        H, rows = arguments.hidden_size, arguments.batch * arguments.length
        self._pairs = []
        for K, N in ((H, 4 * H), (4 * H, H), (H, 3 * H)):
            weight = torch.randn(N, K, device=arguments.device).bfloat16()
            packed = None
            if arguments.device == "cpu":
                packed = torch.ops.mkldnn._reorder_linear_weight(weight, rows)
            x = torch.randn(rows, K, device=arguments.device).bfloat16()
            self._pairs.append((x, weight, packed))
        self._work = sum(2 * x.numel() * len(weight) for x, weight, _ in self._pairs)
        self._laps: list[float] = []

    def measure(self, clock: Callable[[], float]) -> None:
        for product in (_plain, _prepacked):
            began = clock()
            for pair in self._pairs:
                product(*pair)
            self._laps.append(clock() - began)

    @property
    def rate(self) -> float:
        """The best of what was measured."""
        return self._work / min(self._laps)


def _plain(x: Tensor, weight: Tensor, packed: Tensor | None) -> Tensor:
    return F.linear(x, weight)


def _prepacked(x: Tensor, weight: Tensor, packed: Tensor | None) -> Tensor:
    if packed is None:  # only the CPU's library lays weights out
        return F.linear(x, weight)
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, packed, None, "none", [], "")
    return product


if __name__ == "__main__":
    main()
