"""The original's checkpoints, imported by the command and run, give the original's numbers."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from litebert.cli.main import main
from litebert.encoder.models import AnswerableSpanModel
from litebert.objectives import span_sum, unanswerable_sum
from litebert.weights.bundle_writer import Variable, write_bundle
from litebert.weights.folder import load_model, load_pretraining_model
from litebert.weights.google_export import export_google

Numbers = dict[str, Tensor]


def close(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def imported(checkpoint: Path, folder: Path) -> Path:
    assert main(["import", "google", str(checkpoint), str(folder)]) == 0
    return folder


def golden_numbers(folder: Path) -> Numbers:
    stored = np.load(folder / "golden.npz")
    return {name: torch.from_numpy(np.asarray(array)) for name, array in stored.items()}


def written(folder: Path, place: Path) -> Path:
    """A checkpoint made of a folder's weights.npz, with its configuration beside it."""
    arrays = np.load(folder / "weights.npz").items()
    tensors = {name.replace(".", "/"): torch.from_numpy(array) for name, array in arrays}
    write_bundle(
        place / "model.ckpt-7",
        [
            Variable(name, tuple(tensor.shape), lambda tensor=tensor: tensor)  # type: ignore[misc]
            for name, tensor in tensors.items()
        ],
    )
    shutil.copyfile(folder / "albert_config.json", place / "albert_config.json")
    return place


def check_pretraining(folder: Path, golden: Numbers) -> None:
    model = load_pretraining_model(folder)
    with torch.no_grad():
        out = model.encoder(golden["input_ids"], golden["input_mask"], golden["segment_ids"])
        log_probs = model.masked_lm_log_probs(out.sequence, golden["masked_lm_positions"].long())
        order = model.sentence_order_log_probs(out.pooled)
    real = golden["input_mask"].bool()
    close(out.sequence[real], golden["sequence"][real])
    close(out.pooled, golden["pooled"])
    close(log_probs, golden["mlm_log_probs"])
    close(order, golden["sop_log_probs"])


def check_answerable_span(folder: Path, golden: Numbers) -> None:
    model = load_model(folder)
    assert isinstance(model, AnswerableSpanModel)
    head, outside = model.answerable_span, golden["p_mask"]
    with torch.no_grad():
        encoded = model.encoder(golden["input_ids"], golden["input_mask"], golden["segment_ids"])
        sequence = encoded.sequence
        starts = head.start_log_probs(sequence, outside)
        begun = golden["infer_start_top_index"].long()
        ends = head.end_log_probs(sequence, outside, begun)  # (B, K, T)
        given = head.end_log_probs(sequence, outside, golden["start_positions"].long()[:, None])
        unanswerable = head.unanswerable(sequence, starts)
    places = golden["infer_end_top_index"].view(3, 3, 4).long()
    close(starts.topk(3).values, golden["infer_start_top_log_probs"])
    close(starts.gather(1, begun), golden["infer_start_top_log_probs"])
    close(ends.topk(4).values.flatten(1), golden["infer_end_top_log_probs"])
    close(ends.gather(2, places).flatten(1), golden["infer_end_top_log_probs"])
    close(unanswerable, golden["infer_cls_logits"])
    close(starts, golden["train_start_log_probs"])
    close(given[:, 0], golden["train_end_log_probs"])
    close(unanswerable, golden["train_cls_logits"])
    begins, finishes = golden["start_positions"].long(), golden["end_positions"].long()
    spans, _ = span_sum(starts, given[:, 0], begins, finishes)
    answerless, _ = unanswerable_sum(unanswerable, golden["is_impossible"])
    close((spans + answerless) / len(begins), golden["train_total_loss"].float())


def test_the_checkpoint_of_one_group(golden: Path, tmp_path: Path) -> None:
    folder = golden / "model_shared"
    check_pretraining(imported(folder, tmp_path / "model"), golden_numbers(folder))


def test_the_checkpoint_of_three_groups(golden: Path, tmp_path: Path) -> None:
    folder = golden / "model_groups"
    checkpoint = written(folder, tmp_path / "checkpoint")
    check_pretraining(imported(checkpoint, tmp_path / "model"), golden_numbers(folder))


def test_the_checkpoint_with_the_head_of_squad_2(golden: Path, tmp_path: Path) -> None:
    folder = golden / "model_shared_squad_v2"
    check_answerable_span(imported(folder, tmp_path / "model"), golden_numbers(folder))


@pytest.mark.parametrize(
    "name", ["model_shared", "model_groups", "model_shared_with_slots", "model_shared_squad_v2"]
)
def test_every_checkpoint_of_the_original_comes_back_as_it_was(
    name: str, shared: Path, tmp_path: Path
) -> None:
    folder = shared / "oracle" / name
    prefix = next(folder.glob("*.index")).stem
    model = imported(folder / prefix, tmp_path / "model")
    check = check_answerable_span if name.endswith("squad_v2") else check_pretraining
    check(model, golden_numbers(folder))
    export_google(model, tmp_path / "again", prefix)
    for path in folder.glob(f"{prefix}.*"):
        same = (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()
        assert same or name == "model_shared_with_slots"  # the optimiser's variables stay behind
    reimported = imported(tmp_path / "again", tmp_path / "reimported")
    for file in ("model.safetensors", "litebert.safetensors", "config.json"):
        if (model / file).exists():
            assert (reimported / file).read_bytes() == (model / file).read_bytes()
