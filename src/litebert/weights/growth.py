"""Larger models from smaller ones, by copying: deeper, of more groups, with less sharing.

`litebert.weights.stacking` says which layer becomes which. A model that grows in sharing alone
computes exactly what it did.

Sources: paper Tables 11 and 13 (each depth starts from the one before); the original's
run_pretraining.py, `init_from_group0` (less sharing starts from the shared layer).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import torch
from torch import Tensor, nn

from litebert.encoder.config import EncoderConfig
from litebert.encoder.counts import part_of
from litebert.encoder.encoder import Encoder
from litebert.encoder.models import Model, encoder_of
from litebert.foundation.errors import ConfigError
from litebert.weights.assembly import rebuilt
from litebert.weights.stacking import HALVES, Block, Half, Sources, is_shared, set_count, stacked

WORDS, BIASES = "word embeddings", "masked-LM biases"
Outcome = Literal["kept", "copied", "averaged", "new", "dropped"]

_WIDTHS = (
    *("embedding_size", "hidden_size", "num_attention_heads"),
    *("intermediate_size", "type_vocab_size"),
)
_MATHEMATICS = ("hidden_act", "layer_norm_eps")
_FINER = {  # parts of parts that may become something else than their neighbours
    "encoder.embeddings.word.": WORDS,
    "encoder.embeddings.position.": "position embeddings",
    "encoder.embeddings.token_type.": "segment embeddings",
    "encoder.embeddings.norm.": "embeddings' norm",
    "masked_lm.bias": BIASES,
}


@dataclass(frozen=True)
class Part:
    """What became of one part of a model."""

    name: str
    outcome: Outcome
    parameters: int
    note: str = ""
    """Copied from what, or how it was made."""


def grown_config(old: EncoderConfig, **changes: Any) -> EncoderConfig:
    """The configuration of a model with some fields changed, and those that must follow.

    What shares or repeats layers otherwise than BERT takes ALBERT's names. Where nothing is shared,
    groups mean nothing: there is one unless asked for. Raises ConfigError for a contradiction.
    """
    values = {**old.model_dump(), **changes}
    if values["sharing"] == "none" and "num_hidden_groups" not in changes:
        values["num_hidden_groups"] = 1
    if values["sharing"] != "none" or values["inner_group_num"] != 1:
        values["family"] = "albert"
    return EncoderConfig.parse(values, where="the grown model")


def grow(model: Model, config: EncoderConfig) -> Model:
    """A model of `config` with the weights of `model`, whatever its head; `model` stays as it is.

    Depth, groups, sharing and layers within a depth may grow as `stacked` says. Positions beyond
    the trained ones repeat the table from position 0 on, as Longformer's conversion does; fewer
    positions cut it. The vocabulary is a matter of `litebert.weights.surgery`. Raises ConfigError,
    naming what and why, where the weights cannot make such a model.
    """
    sources = _sources(model, config)
    encoder = encoder_of(model)
    prefix = "" if isinstance(model, Encoder) else "encoder."
    layers = tuple(f"{prefix}{half}." for half in HALVES)
    state = {n: tensor for n, tensor in model.state_dict().items() if not n.startswith(layers)}
    positions = f"{prefix}embeddings.position.weight"
    state[positions] = _repeated(state[positions], config.max_position_embeddings)
    for half, blocks in sources.items():
        for (number, inner), used in blocks.items():
            for name, tensor in _block(encoder, half, used[0]).state_dict().items():
                state[f"{prefix}{half}.{number}.{inner}.{name}"] = tensor
    return rebuilt(model, config, state)  # what was one layer trains apart from now on


def growth_of(model: Model, config: EncoderConfig) -> list[Part]:
    """What `grow` makes of each part of a model. Raises ConfigError as `grow` does."""
    sources = _sources(model, config)
    encoder = encoder_of(model)
    numbers: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        part = _part_of(name if model is not encoder else f"encoder.{name}")
        numbers[part] = numbers.get(part, 0) + parameter.numel()
    changed = {"position embeddings": _position_parts(encoder.config, config)}
    for half, name in HALVES.items():
        changed[name] = [_half_part(encoder, config, half, sources[half])]
    kept = {name: [Part(name, "kept", number)] for name, number in numbers.items()}
    return [part for parts in {**kept, **changed}.values() for part in parts]


def _sources(model: Model, config: EncoderConfig) -> Sources:
    """Where each block comes from. Raises ConfigError where the model cannot be made."""
    encoder = encoder_of(model)
    _check_sizes(encoder.config, config)
    sources = stacked(encoder.config, config)
    for half, blocks in sources.items():
        for used in blocks.values():
            _check_equal(encoder, config, half, used)
    return sources


def _check_sizes(old: EncoderConfig, new: EncoderConfig) -> None:
    for key in (*_WIDTHS, *_MATHEMATICS, "vocab_size"):
        before, after = getattr(old, key), getattr(new, key)
        if before == after:
            continue
        why = "only depth, sharing, positions and vocabulary can grow"
        if key in _MATHEMATICS:
            why = "its weights were trained with that: leave it out"
        if key == "vocab_size":
            why = "a vocabulary is changed with litebert grow --vocabulary or --vocab-size"
        raise ConfigError(f"{key}: {after} is asked for, the model has {before}: {why}")


def _check_equal(
    encoder: Encoder, config: EncoderConfig, half: Half, used: Sequence[Block]
) -> None:
    """Raise ConfigError where blocks that are to become one differ."""
    first = _block(encoder, half, used[0]).state_dict()
    for block in used[1:]:
        other = _block(encoder, half, block).state_dict()
        if all(torch.equal(first[name], other[name]) for name in first):
            continue
        kind = "group" if is_shared(encoder.config, half) else "depth"
        asked = f'sharing "{config.sharing}"'
        if is_shared(config, half):
            asked += f" in {counted(config.num_hidden_groups, 'group')}"
        labels = [_label(b, encoder.config.inner_group_num) for b in (used[0], block)]
        raise ConfigError(
            f"{asked}: the {HALVES[half]} of {kind} {labels[0]} and of {kind} {labels[1]} would "
            "become one, but they differ: ask for less sharing, or for groups that keep them apart"
        )


def _repeated(table: Tensor, rows: int) -> Tensor:
    """A table (P, E) with as many rows as asked for, beginning anew where it ends."""
    return table[torch.arange(rows, device=table.device) % len(table)]


def _block(encoder: Encoder, half: Half, block: Block) -> nn.Module:
    sets: nn.ModuleList = getattr(encoder, half)
    return sets.get_submodule(f"{block.number}.{block.inner}")


def _part_of(parameter: str) -> str:
    return next(
        (name for prefix, name in _FINER.items() if parameter.startswith(prefix)),
        part_of(parameter),
    )


def _position_parts(old: EncoderConfig, new: EncoderConfig) -> list[Part]:
    name, E = "position embeddings", new.embedding_size
    before, after = old.max_position_embeddings, new.max_position_embeddings
    parts = [Part(name, "kept", min(before, after) * E)]
    if after < before:
        note = f"positions {after} to {before - 1}: the model takes {after} tokens now"
        parts.append(Part(name, "dropped", (before - after) * E, note))
    if after > before:
        note = f"positions {before} to {after - 1} repeat the table from position 0 on"
        parts.append(Part(name, "copied", (after - before) * E, note))
    return parts


def _half_part(
    encoder: Encoder, config: EncoderConfig, half: Half, blocks: dict[Block, list[Block]]
) -> Part:
    old = encoder.config
    size = len(blocks) * sum(p.numel() for p in _block(encoder, half, Block(0, 0)).parameters())
    kinds = ["group" if is_shared(c, half) else "depth" for c in (config, old)]
    before = set_count(old, half)
    if (
        kinds[0] == kinds[1]
        and len(blocks) == before * old.inner_group_num
        and all(new == used[0] for new, used in blocks.items())
    ):
        deeper = config.num_hidden_layers > old.num_hidden_layers
        times = f"applied at {config.num_hidden_layers} depths, not {old.num_hidden_layers}"
        return Part(HALVES[half], "kept", size, times if deeper else "")
    runs = []
    for used, group in groupby(blocks.items(), key=lambda item: item[1][0]):
        news = [_label(new, config.inner_group_num) for new, _ in group]
        span = news[0] if len(news) == 1 else f"{news[0]} to {news[-1]}"
        runs.append(f"{span} from {kinds[1]} {_label(used, old.inner_group_num)}")
    several = "s" if len(blocks) > 1 else ""
    return Part(HALVES[half], "copied", size, f"{kinds[0]}{several} {', '.join(runs)}")


def _label(block: Block, inner_layers: int) -> str:
    return f"{block.number}.{block.inner}" if inner_layers > 1 else str(block.number)


def counted(count: int, noun: str) -> str:
    """A number with its noun."""
    return f"{count:,} {noun}" + ("s" if count != 1 else "")
