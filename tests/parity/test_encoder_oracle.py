"""The encoder and its pretraining heads against numbers from the original code."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from litebert.encoder.config import EncoderConfig
from litebert.encoder.layout import Packed, Padded
from litebert.encoder.models import PretrainingModel

BLOCK_NAMES = {
    "attention.{g}.{i}.query": "attention_1.self.query",
    "attention.{g}.{i}.key": "attention_1.self.key",
    "attention.{g}.{i}.value": "attention_1.self.value",
    "attention.{g}.{i}.output": "attention_1.output.dense",
    "ffn.{g}.{i}.intermediate": "ffn_1.intermediate.dense",
    "ffn.{g}.{i}.output": "ffn_1.intermediate.output.dense",
}


def load_original(folder: Path) -> PretrainingModel:
    """The original's variables by name, kernels transposed, in our model."""
    published = json.loads((folder / "albert_config.json").read_text())
    published.pop("down_scale_factor")
    config = EncoderConfig.parse(published)
    weights = {k: torch.from_numpy(v) for k, v in np.load(folder / "weights.npz").items()}
    state = {
        "encoder.embeddings.word.weight": weights["bert.embeddings.word_embeddings"],
        "encoder.embeddings.token_type.weight": weights["bert.embeddings.token_type_embeddings"],
        "encoder.embeddings.position.weight": weights["bert.embeddings.position_embeddings"],
        "masked_lm.bias": weights["cls.predictions.output_bias"],
        "sentence_order.weight": weights["cls.seq_relationship.output_weights"],
        "sentence_order.bias": weights["cls.seq_relationship.output_bias"],
    }

    def dense(ours: str, theirs: str) -> None:
        state[f"{ours}.weight"] = weights[f"{theirs}.kernel"].T
        state[f"{ours}.bias"] = weights[f"{theirs}.bias"]

    def norm(ours: str, theirs: str) -> None:
        state[f"{ours}.weight"] = weights[f"{theirs}.gamma"]
        state[f"{ours}.bias"] = weights[f"{theirs}.beta"]

    dense("encoder.projection", "bert.encoder.embedding_hidden_mapping_in")
    dense("encoder.pooler", "bert.pooler.dense")
    dense("masked_lm.dense", "cls.predictions.transform.dense")
    norm("encoder.embeddings.norm", "bert.embeddings.LayerNorm")
    norm("masked_lm.norm", "cls.predictions.transform.LayerNorm")
    for g in range(config.num_hidden_groups):
        prefix = f"bert.encoder.transformer.group_{g}.inner_group_0"
        for ours, theirs in BLOCK_NAMES.items():
            dense("encoder." + ours.format(g=g, i=0), f"{prefix}.{theirs}")
        norm(f"encoder.attention.{g}.0.norm", f"{prefix}.LayerNorm")
        norm(f"encoder.ffn.{g}.0.norm", f"{prefix}.LayerNorm_1")
    model = PretrainingModel(config)
    model.load_state_dict(state)
    return model.eval()


@pytest.fixture(params=["model_shared", "model_groups"])
def oracle(request: pytest.FixtureRequest, golden: Path) -> tuple[PretrainingModel, dict]:
    folder = golden / request.param
    numbers = {name: torch.from_numpy(v) for name, v in np.load(folder / "golden.npz").items()}
    return load_original(folder), numbers


def close(ours: torch.Tensor, golden: torch.Tensor, tolerance: float = 1e-5) -> None:
    torch.testing.assert_close(ours, golden, rtol=0, atol=tolerance)


@pytest.mark.parametrize("backend", ["auto", "sdpa", "products", "reference"])
def test_the_padded_forward_is_the_originals(oracle: tuple, backend: str) -> None:
    model, golden = oracle
    model.encoder.attention_backend = backend
    ids, mask, segments = (golden[k] for k in ("input_ids", "input_mask", "segment_ids"))
    with torch.no_grad():
        embedded = model.encoder.embeddings(ids, segments, Padded(mask))
        out = model.encoder(ids, mask, segments, all_layers=True)
        log_probs = model.masked_lm_log_probs(out.sequence, golden["masked_lm_positions"].long())
        order = model.sentence_order_log_probs(out.pooled)
    real = mask.bool()
    close(embedded, golden["embedding"])
    close(out.layers[0][real], golden["layer0"][real])
    close(out.sequence[real], golden["sequence"][real])
    close(out.pooled, golden["pooled"])
    close(log_probs, golden["mlm_log_probs"])
    close(order, golden["sop_log_probs"])
    close(losses(log_probs, order, golden), torch.stack([golden["mlm_loss"], golden["sop_loss"]]))


def test_the_packed_forward_is_the_originals(oracle: tuple) -> None:
    model, golden = oracle
    real = golden["input_mask"].bool()
    lengths = real.sum(1).tolist()
    with torch.no_grad():
        out = model.encoder.encode(
            golden["input_ids"][real], golden["segment_ids"][real], Packed(lengths)
        )
    close(out.sequence, golden["sequence"][real])
    close(out.pooled, golden["pooled"])


def losses(log_probs: torch.Tensor, order: torch.Tensor, golden: dict) -> torch.Tensor:
    ids, weights = golden["masked_lm_ids"].flatten().long(), golden["masked_lm_weights"].flatten()
    nll = -log_probs[torch.arange(len(ids)), ids]
    close(nll, golden["mlm_example_loss"])
    masked = (nll * weights).sum() / (weights.sum() + 1e-5)
    sentence = -order[torch.arange(len(order)), golden["sentence_order_labels"].long()].mean()
    return torch.stack([masked, sentence])
