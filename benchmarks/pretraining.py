"""Pretraining speed beside transformers' AlbertForPreTraining, as ratios within one run.

Both sides make whole updates (forward, backward, clipping, AdamW) on the same kind of batch: base
shape, full sequences, 15 % masked, dropout 0. The sides take turns; medians are compared.

    python benchmarks/pretraining.py [--repeats 5] [--batch 32] [--length 128] [--threads 2]
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from litebert.encoder.config import EncoderConfig
from litebert.encoder.layout import Packed
from litebert.encoder.models import PretrainingModel
from litebert.foundation.processors import processor_name
from litebert.objectives import masked_lm_sum, sentence_sum

VOCABULARY = 30000
Step = Callable[[], None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    B, T = arguments.batch, arguments.length
    draws = torch.Generator().manual_seed(0)
    ids = torch.randint(5, VOCABULARY, (B, T), generator=draws)
    chosen = torch.stack([torch.randperm(T, generator=draws)[: T * 15 // 100] for _ in range(B)])
    order = torch.randint(0, 2, (B,), generator=draws)
    sides = {
        "litebert bf16": ours(ids, chosen, order, torch.bfloat16),
        "litebert fp32": ours(ids, chosen, order, torch.float32),
        "transformers fp32": theirs(ids, chosen, order, autocast=False),
        "transformers bf16 autocast": theirs(ids, chosen, order, autocast=True),
    }
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for lap in range(arguments.repeats + 1):
        for name, step in sides.items():
            began = time.perf_counter()
            step()
            if lap > 0:  # the first warms up
                seconds[name].append(time.perf_counter() - began)
    rates = {name: B * T / statistics.median(laps) for name, laps in seconds.items()}
    base = rates["litebert bf16"]
    print(
        json.dumps(
            {
                "processor": processor_name(),
                "threads": arguments.threads,
                "batch": [B, T],
                "repeats": arguments.repeats,
                "tokens_per_second": {name: round(rate) for name, rate in rates.items()},
                "litebert_bf16_over": {
                    name: round(base / rate, 2) for name, rate in rates.items() if rate != base
                },
            },
            indent=2,
        )
    )


def ours(ids: torch.Tensor, chosen: torch.Tensor, order: torch.Tensor, dtype: torch.dtype) -> Step:
    """A whole update of litebert's model."""
    B, T = ids.shape
    model = PretrainingModel(EncoderConfig.preset("albert-base-v2"))
    model.encoder.compute_dtype = dtype
    flat = (chosen + torch.arange(B)[:, None] * T).flatten()
    labels = ids.flatten()[flat]

    def loss() -> torch.Tensor:
        masked, pairs = model(ids.flatten(), torch.zeros(B * T).long(), Packed([T] * B), flat)
        nll, _ = masked_lm_sum(masked, labels)
        pair_nll, _ = sentence_sum(pairs, order, torch.ones(B))
        return nll / len(labels) + pair_nll / B

    return update(model, loss)


def theirs(ids: torch.Tensor, chosen: torch.Tensor, order: torch.Tensor, autocast: bool) -> Step:
    """A whole update of transformers' model, eager."""
    from transformers import AlbertConfig, AlbertForPreTraining

    config = AlbertConfig(
        vocab_size=VOCABULARY,
        hidden_size=768,
        num_attention_heads=12,
        intermediate_size=3072,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        classifier_dropout_prob=0.0,
    )
    model = AlbertForPreTraining(config)
    labels = torch.full_like(ids, -100).scatter(1, chosen, ids.gather(1, chosen))
    mask = torch.ones_like(ids)

    def loss() -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            out = model(
                input_ids=ids, attention_mask=mask, labels=labels, sentence_order_label=order
            )
        return out.loss

    return update(model, loss)


def update(model: nn.Module, loss: Callable[[], torch.Tensor]) -> Step:
    """Backward, clipping to norm 1 and torch's AdamW: the same work on both sides."""
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        loss().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


if __name__ == "__main__":
    main()
