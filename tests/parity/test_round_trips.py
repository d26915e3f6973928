"""Google → ours → Hugging Face → ours → Google, through transformers' own hands: the same bytes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from fakes import tiny_config
from in_transformers import assert_equal_bits, load_in_transformers, random_model
from litebert.encoder.config import PRESETS, EncoderConfig
from litebert.encoder.models import Head
from litebert.weights.bundle import Bundle
from litebert.weights.folder import load_model, save_model
from litebert.weights.google import import_google
from litebert.weights.google_export import PREFIX, export_google
from litebert.weights.huggingface import import_huggingface

pytest.importorskip("transformers")

TINY = ("vocab_size", "embedding_size", "hidden_size", "num_attention_heads", "intermediate_size")


def tiny_preset(name: str) -> EncoderConfig:
    """A preset with its groups, dropout and names, a quarter of its depth and small widths."""
    small = tiny_config().model_dump(include=set(TINY))
    small["num_hidden_layers"] = PRESETS[name]["num_hidden_layers"] // 4
    if PRESETS[name]["family"] == "bert":
        small["embedding_size"] = small["hidden_size"]
    return EncoderConfig.preset(name, **small, max_position_embeddings=32)


CONFIGS: dict[str, EncoderConfig] = {name: tiny_preset(name) for name in PRESETS}
CONFIGS |= {
    f"{sharing}, {groups} of 4, {inner} inner": tiny_config(
        sharing=sharing, num_hidden_groups=groups, inner_group_num=inner
    )
    for sharing in ("all", "attention", "ffn", "none")
    for groups, inner in ((1, 1), (2, 2))
}
CONFIGS |= {
    "no factorisation": tiny_config(embedding_size=16),
    "14 of 18": tiny_config(num_hidden_layers=18, num_hidden_groups=14, intermediate_size=8),
    "Chinese": tiny_config(hidden_act="relu"),
}
HEADS: tuple[Head, ...] = ("classification", "span", "choice", "none", "masked_lm", "tagging")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """Tiny tensors are slower, much slower on a busy machine, with more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", CONFIGS)
def test_every_model_comes_back_as_it_went(name: str, tmp_path: Path) -> None:
    check_journey(random_model("pretraining", CONFIGS[name]), tmp_path)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", ["ffn, 2 of 4, 2 inner", "bert-base"])
def test_so_does_every_head(head: Head, name: str, tmp_path: Path) -> None:
    check_journey(random_model(head, CONFIGS[name]), tmp_path)


def check_journey(model: Any, place: Path) -> None:
    save_model(place / "origin", model)
    export_google(place / "origin", place / "google")
    import_google(place / "google", place / "ours", allow_missing_heads=True)
    theirs = load_in_transformers(place / "ours")
    theirs.save_pretrained(place / "theirs")
    import_huggingface(place / "theirs", place / "again")
    export_google(place / "again", place / "back")
    for folder in ("ours", "again"):
        assert_equal_bits(model, load_model(place / folder))
    for name in (f"{PREFIX}.index", f"{PREFIX}.data-00000-of-00001"):
        assert (place / "back" / name).read_bytes() == (place / "google" / name).read_bytes()
    with Bundle(place / "google" / PREFIX) as before, Bundle(place / "back" / PREFIX) as after:
        assert before.shapes == after.shapes
        assert all(torch.equal(before.tensor(name), after.tensor(name)) for name in before.shapes)
    for config in (place / "google").glob("*.json"):
        assert (place / "back" / config.name).read_text() == config.read_text()
